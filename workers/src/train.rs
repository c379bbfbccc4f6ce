//! `train`: every stage that one arm needs at one seed, into a folder, without
//! server or database. `assay import` replays the folder later.

use crate::child::{Job, exit_code, run_stage};
use crate::recorder::stop_on_signals;
use anyhow::{Context, bail};
use assay_core::recipe;
use assay_core::spec::Experiment;
use assay_core::spec::references;
use assay_core::spec::stage::{Role, StageSpec};
use assay_core::wire::{Outcome, Record, role};
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub struct TrainArgs {
    /// An experiment file (YAML or JSON), or one resolved stage (JSON)
    spec: PathBuf,
    /// Arm of the experiment
    #[arg(long)]
    arm: Option<String>,
    /// Seed of the experiment
    #[arg(long)]
    seed: Option<u64>,
    /// Folder for records and files
    #[arg(long)]
    out: PathBuf,
    /// cpu, cuda or auto
    #[arg(long, default_value = "auto")]
    device: String,
}

pub fn train(args: &TrainArgs) -> anyhow::Result<i32> {
    stop_on_signals();
    let text = std::fs::read_to_string(&args.spec)
        .with_context(|| format!("cannot read {}", args.spec.display()))?;
    if let Ok(spec) = serde_json::from_str::<StageSpec>(&text) {
        if !spec.inputs.is_empty() {
            bail!(
                "this stage builds on others; give the experiment file with --arm and --seed instead"
            );
        }
        return run(&spec, BTreeMap::new(), &args.out, &args.device, "stage").map(|(code, _)| code);
    }
    let mut experiment = Experiment::from_text(&text)
        .map_err(|v| anyhow::anyhow!("{}:\n{v}", args.spec.display()))?;
    let arms: Vec<_> = experiment.arms.iter().map(|a| a.id.clone()).collect();
    let arm = args
        .arm
        .clone()
        .with_context(|| format!("--arm is needed: one of {}", arms.join(", ")))?;
    let seed = args.seed.unwrap_or(experiment.seeds[0]);
    if experiment.arm(&arm).is_none() {
        bail!("no arm {arm:?}; the arms are {}", arms.join(", "));
    }
    if !experiment.seeds.contains(&seed) {
        bail!(
            "seed {seed} is not in the experiment; its seeds are {:?}",
            experiment.seeds
        );
    }
    // The folder's experiment is what it holds: this arm, those whose stages it builds on,
    // and the baseline where it needs no training.
    let keep = experiment.baseline.clone();
    let needed = references::arms_needed(&experiment, &arm);
    experiment
        .arms
        .retain(|a| needed.contains(&a.id) || (a.id == keep && a.policy.is_some()));
    experiment.seeds = vec![seed];
    if experiment.arm(&keep).is_none() {
        experiment.baseline = arm;
    }
    let plan = recipe::plan(&experiment, "");
    std::fs::create_dir_all(args.out.join("stages"))?;
    std::fs::write(
        args.out.join("experiment.json"),
        serde_json::to_vec_pretty(&experiment)?,
    )?;
    let mut outputs: Vec<Option<PathBuf>> = vec![None; plan.stages.len()];
    for run_stages in plan.runs.iter().map(|r| &r.stages) {
        for part in run_stages {
            if outputs[part.stage].is_some() {
                continue;
            }
            let stage = &plan.stages[part.stage];
            let inputs: BTreeMap<Role, PathBuf> = stage
                .inputs
                .iter()
                .filter_map(|(role, &from)| outputs[from].clone().map(|path| (*role, path)))
                .collect();
            let folder = args.out.join("stages").join(format!(
                "{:02}-{}",
                part.stage,
                part.name.replace('/', "-")
            ));
            eprintln!(
                "{}: {} on {}",
                part.name,
                stage.spec.job.kind(),
                args.device
            );
            let (code, output) = run(&stage.spec, inputs, &folder, &args.device, &part.name)?;
            if code != 0 {
                return Ok(code);
            }
            outputs[part.stage] = Some(output.unwrap_or(folder));
        }
    }
    Ok(0)
}

/// Runs one stage into its folder, or takes it as done where it has succeeded before.
/// Returns the exit status and the stage's output file.
fn run(
    spec: &StageSpec,
    inputs: BTreeMap<Role, PathBuf>,
    folder: &Path,
    device: &str,
    name: &str,
) -> anyhow::Result<(i32, Option<PathBuf>)> {
    std::fs::create_dir_all(folder)?;
    let spec_json = serde_json::to_vec_pretty(spec)?;
    let done = std::fs::read(folder.join("outcome.json"))
        .ok()
        .and_then(|b| serde_json::from_slice::<Outcome>(&b).ok());
    let same = std::fs::read(folder.join("spec.json")).is_ok_and(|old| old == spec_json);
    if same && done == Some(Outcome::Succeeded) {
        eprintln!("{name}: done before");
        return Ok((0, output_of(folder)?));
    }
    std::fs::write(folder.join("spec.json"), &spec_json)?;
    let _ = std::fs::remove_file(folder.join("outcome.json"));
    let path = folder.join("records.jsonl");
    // What an interrupted call left is taken up at its last checkpoint.
    let saved = if same { last_checkpoint(&path)? } else { None };
    let (resume, kept) = saved.map_or((None, vec![]), |(sha, kept)| {
        (Some(folder.join("artifacts").join(sha)), kept)
    });
    if resume.is_some() {
        eprintln!("{name}: going on from its last checkpoint");
    }
    let mut records = std::fs::File::create(&path)?;
    for line in &kept {
        writeln!(records, "{line}")?;
    }
    let job = Job {
        spec: spec.clone(),
        device: device.into(),
        inputs,
        resume,
    };
    let out = Continued {
        out: std::io::BufWriter::new(records),
        skip_first: !kept.is_empty(),
    };
    let outcome = run_stage(&job, folder, out);
    if outcome == Outcome::Succeeded {
        release_checkpoints(folder)?;
    }
    std::fs::write(folder.join("outcome.json"), serde_json::to_vec(&outcome)?)?;
    if let Outcome::Failed { message, .. } = &outcome {
        eprintln!("{name}: {message}");
    }
    Ok((exit_code(&outcome), output_of(folder)?))
}

/// One stream for a stage however often it was interrupted: the first record of a
/// continued attempt (that it started) is left out. One record is one write.
struct Continued<W: Write> {
    out: W,
    skip_first: bool,
}

impl<W: Write> Write for Continued<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if std::mem::take(&mut self.skip_first) {
            return Ok(bytes.len());
        }
        self.out.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// The last resumable checkpoint that a stream names, and the stream up to there.
fn last_checkpoint(records: &Path) -> anyhow::Result<Option<(String, Vec<String>)>> {
    let Ok(text) = std::fs::read_to_string(records) else {
        return Ok(None);
    };
    let lines: Vec<&str> = text.lines().collect();
    let found =
        lines
            .iter()
            .enumerate()
            .rev()
            .find_map(|(at, line)| match serde_json::from_str(line) {
                Ok(Record::Artifact { role, sha256, .. }) if role == role::RESUME => {
                    Some((at, sha256))
                }
                _ => None,
            });
    Ok(found.map(|(at, sha)| (sha, lines[..=at].iter().map(ToString::to_string).collect())))
}

/// Checkpoints for resuming are of no use once the stage has succeeded.
fn release_checkpoints(folder: &Path) -> anyhow::Result<()> {
    let path = folder.join("records.jsonl");
    let mut kept = String::new();
    for line in std::fs::read_to_string(&path)?.lines() {
        match serde_json::from_str(line) {
            Ok(Record::Artifact { role, sha256, .. }) if role == role::RESUME => {
                let _ = std::fs::remove_file(folder.join("artifacts").join(sha256));
            }
            _ => {
                kept.push_str(line);
                kept.push('\n');
            }
        }
    }
    let part = folder.join("records.jsonl.part");
    std::fs::write(&part, kept)?;
    Ok(std::fs::rename(part, path)?)
}

/// The file that the folder's records name as the output.
fn output_of(folder: &Path) -> anyhow::Result<Option<PathBuf>> {
    let file = std::fs::File::open(folder.join("records.jsonl"))?;
    let mut output = None;
    for line in std::io::BufReader::new(file).lines() {
        if let Ok(Record::Artifact { role, sha256, .. }) = serde_json::from_str(&line?)
            && role == role::OUTPUT
        {
            output = Some(folder.join("artifacts").join(sha256));
        }
    }
    Ok(output)
}
