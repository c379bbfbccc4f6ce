//! `train`: every stage that one arm needs at one seed, or a whole experiment, into a
//! folder, without server or database. `assay import` replays the folder later.

use crate::child::{Job, exit_code, run_stage};
use crate::recorder::{STOP, stop_on_signals};
use anyhow::{Context, bail};
use assay_core::recipe;
use assay_core::spec::Experiment;
use assay_core::spec::references;
use assay_core::spec::stage::{Role, StageSpec};
use assay_core::wire::{Outcome, Record, role};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

#[derive(Debug, clap::Args)]
pub struct TrainArgs {
    /// An experiment file (YAML or JSON), or one resolved stage (JSON)
    spec: PathBuf,
    /// Arm of the experiment; needed unless --all is given or SPEC is a single stage
    #[arg(long, conflicts_with = "all")]
    arm: Option<String>,
    /// Seed of the experiment [default: its first]
    #[arg(long, conflicts_with = "all")]
    seed: Option<u64>,
    /// Every arm at every seed
    #[arg(long)]
    all: bool,
    /// Stages computed at a time, each in a process of its own
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    jobs: u32,
    /// Folder for records and files
    #[arg(long)]
    out: PathBuf,
    /// cpu, cuda, cuda:N or auto; of several, with commas, each stage takes the least busy,
    /// where --jobs is above 1 (else the first is used)
    #[arg(long, default_value = "auto", value_delimiter = ',')]
    device: Vec<String>,
    /// Folder of checkpoints and files of questions; without it, stages that name some fail
    #[arg(long, env = "ASSAY_WORKER_DATA")]
    data: Option<PathBuf>,
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
        let task = Task {
            name: "stage".into(),
            spec,
            folder: args.out.clone(),
            device: args.device[0].clone(),
            data: args.data.clone(),
            inputs: BTreeMap::new(),
        };
        return run(&task, BTreeMap::new());
    }
    let experiment = Experiment::from_text(&text)
        .map_err(|v| anyhow::anyhow!("{}:\n{v}", args.spec.display()))?;
    let experiment = if args.all {
        experiment
    } else {
        one_run(experiment, args)?
    };
    std::fs::create_dir_all(args.out.join("stages"))?;
    std::fs::write(
        args.out.join("experiment.json"),
        serde_json::to_vec_pretty(&experiment)?,
    )?;
    let tasks = tasks(&recipe::plan(&experiment, ""), args);
    if args.jobs == 1 {
        one_by_one(&tasks)
    } else {
        side_by_side(tasks, args.jobs as usize, &args.device)
    }
}

/// The folder's experiment is what it holds: the arm, those whose stages it builds on,
/// and the baseline where it needs no training.
fn one_run(mut experiment: Experiment, args: &TrainArgs) -> anyhow::Result<Experiment> {
    let arms: Vec<_> = experiment.arms.iter().map(|a| a.id.clone()).collect();
    let arm = args
        .arm
        .clone()
        .with_context(|| format!("--arm is needed (or --all): one of {}", arms.join(", ")))?;
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
    let keep = experiment.baseline.clone();
    let needed = references::arms_needed(&experiment, &arm);
    experiment.retain_arms(|a| needed.contains(&a.id) || (a.id == keep && a.policy.is_some()));
    experiment.seeds = vec![seed];
    if experiment.arm(&keep).is_none() {
        // A decoder is no baseline for arms that train.
        let trained = experiment.arms.iter().find(|a| a.trains());
        let decodes = experiment.arm(&arm).is_some_and(|a| !a.trains());
        experiment.baseline = match trained {
            Some(trained) if decodes => trained.id.clone(),
            Some(_) | None => arm,
        };
    }
    Ok(experiment)
}

/// One stage of the plan with its place on disk.
#[derive(Debug, Serialize, Deserialize)]
pub struct Task {
    name: String,
    spec: StageSpec,
    folder: PathBuf,
    device: String,
    data: Option<PathBuf>,
    /// Folders of the stages that it builds on.
    inputs: BTreeMap<Role, PathBuf>,
}

fn tasks(plan: &recipe::Plan, args: &TrainArgs) -> Vec<Task> {
    let mut names: BTreeMap<usize, String> = BTreeMap::new();
    for part in plan.runs.iter().flat_map(|r| &r.stages) {
        names.entry(part.stage).or_insert_with(|| part.name.clone());
    }
    let folder = |stage: usize| {
        let name = names.get(&stage).map_or("stage", String::as_str);
        args.out
            .join("stages")
            .join(format!("{stage:02}-{}", name.replace('/', "-")))
    };
    names
        .iter()
        .map(|(&stage, name)| {
            let planned = &plan.stages[stage];
            let inputs = planned.inputs.iter();
            Task {
                name: name.clone(),
                spec: planned.spec.clone(),
                folder: folder(stage),
                device: args.device[0].clone(),
                data: args.data.clone(),
                inputs: inputs.map(|(role, &from)| (*role, folder(from))).collect(),
            }
        })
        .collect()
}

/// Inputs stand before what needs them.
fn one_by_one(tasks: &[Task]) -> anyhow::Result<i32> {
    for task in tasks {
        eprintln!("{}: {} on {}", task.name, task.spec.job.kind(), task.device);
        let code = compute(task)?;
        if code != 0 {
            return Ok(code);
        }
    }
    Ok(0)
}

/// `jobs` processes at a time, each stage as soon as its inputs are there. A failed
/// stage ends only what needs it. A signal is passed on, and what was saved is kept.
fn side_by_side(mut tasks: Vec<Task>, jobs: usize, devices: &[String]) -> anyhow::Result<i32> {
    let mut waiting: Vec<usize> = (0..tasks.len()).collect();
    let mut running: Vec<(usize, std::process::Child)> = vec![];
    let mut done: BTreeMap<PathBuf, bool> = BTreeMap::new();
    let (mut worst, mut stopping) = (0, false);
    while !waiting.is_empty() || !running.is_empty() {
        if STOP.load(Ordering::Relaxed) && !stopping {
            stopping = true;
            waiting.clear();
            for (_, child) in &running {
                let pid = nix::unistd::Pid::from_raw(child.id() as i32);
                let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
            }
        }
        let mut index = 0;
        while index < waiting.len() && running.len() < jobs {
            let task = &tasks[waiting[index]];
            let inputs: Vec<Option<bool>> = task
                .inputs
                .values()
                .map(|folder| done.get(folder.as_path()).copied())
                .collect();
            if inputs.contains(&Some(false)) {
                eprintln!(
                    "{}: not computed, what it builds on has failed",
                    task.folder.display()
                );
                done.insert(task.folder.clone(), false);
                waiting.remove(index);
            } else if inputs.iter().all(|i| *i == Some(true)) {
                let at = waiting.remove(index);
                let busy: Vec<&str> = running.iter().map(|(i, _)| &*tasks[*i].device).collect();
                tasks[at].device = least_busy(devices, &busy);
                running.push((at, start(&tasks[at])?));
            } else {
                index += 1;
            }
        }
        let mut ended = None;
        for (at, (_, child)) in running.iter_mut().enumerate() {
            if let Some(status) = child.try_wait()? {
                ended = Some((at, status.code().unwrap_or(1)));
                break;
            }
        }
        let Some((at, code)) = ended else {
            std::thread::sleep(std::time::Duration::from_millis(50));
            continue;
        };
        let (index, _) = running.remove(at);
        done.insert(tasks[index].folder.clone(), code == 0);
        if code != 0 {
            worst = code;
        }
        eprintln!(
            "{} of {}: {} {}",
            done.len(),
            tasks.len(),
            tasks[index].folder.display(),
            if code == 0 { "done" } else { "did not succeed" }
        );
    }
    Ok(worst)
}

/// The device with the fewest stages on it, the first of equals.
fn least_busy(devices: &[String], busy: &[&str]) -> String {
    let load = |device: &&String| busy.iter().filter(|b| *b == *device).count();
    devices.iter().min_by_key(load).cloned().unwrap_or_default()
}

/// A process for one stage.
fn start(task: &Task) -> anyhow::Result<std::process::Child> {
    std::fs::create_dir_all(&task.folder)?;
    let file = task.folder.join("task.json");
    std::fs::write(&file, serde_json::to_vec_pretty(task)?)?;
    std::process::Command::new(std::env::current_exe()?)
        .arg("stage")
        .arg(&file)
        .envs(crate::child::ENVIRONMENT)
        .stdin(std::process::Stdio::null())
        .spawn()
        .context("cannot start a process for a stage")
}

/// The `stage` command: one task of a `train` that runs several side by side.
pub fn stage(file: &Path) -> anyhow::Result<i32> {
    stop_on_signals();
    compute(&serde_json::from_slice(&std::fs::read(file)?)?)
}

fn compute(task: &Task) -> anyhow::Result<i32> {
    let mut inputs = BTreeMap::new();
    for (role, folder) in &task.inputs {
        let output =
            output_of(folder)?.with_context(|| format!("{} has no output", folder.display()))?;
        inputs.insert(*role, output);
    }
    run(task, inputs)
}

/// Runs one stage into its folder, or takes it as done where it has succeeded before.
/// Returns the exit status.
fn run(task: &Task, inputs: BTreeMap<Role, PathBuf>) -> anyhow::Result<i32> {
    let (spec, folder, name) = (&task.spec, task.folder.as_path(), &task.name);
    std::fs::create_dir_all(folder)?;
    let spec_json = serde_json::to_vec_pretty(spec)?;
    let done = std::fs::read(folder.join("outcome.json"))
        .ok()
        .and_then(|b| serde_json::from_slice::<Outcome>(&b).ok());
    let same = std::fs::read(folder.join("spec.json")).is_ok_and(|old| old == spec_json);
    if same && done == Some(Outcome::Succeeded) {
        eprintln!("{name}: done before");
        return Ok(0);
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
        device: task.device.clone(),
        inputs,
        resume,
        data: task.data.clone(),
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
    Ok(exit_code(&outcome))
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

#[cfg(test)]
mod tests {
    use super::least_busy;

    #[test]
    fn stages_are_spread_over_the_devices() {
        let two = ["cuda:0".to_string(), "cuda:1".to_string()];
        assert_eq!(least_busy(&two, &[]), "cuda:0");
        assert_eq!(least_busy(&two, &["cuda:0"]), "cuda:1");
        assert_eq!(least_busy(&two, &["cuda:0", "cuda:1"]), "cuda:0");
        assert_eq!(least_busy(&two, &["cuda:1", "cuda:0", "cuda:0"]), "cuda:1");
    }
}
