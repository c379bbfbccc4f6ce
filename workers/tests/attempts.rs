//! The worker's program as a black box: folders in, records out.

use assay_core::recipe;
use assay_core::spec::stage::{Role, StageSpec};
use assay_core::spec::{Experiment, JobSpec};
use assay_core::wire::{FailureClass, Outcome, Record, role};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const EXPERIMENT: &str = "
name: tiny
question: Does it run?
task: { name: modchain }
seeds: 1
budget: { unit: tokens, amount: 12000 }
baseline: base
evaluation: { milestones: [30, 60, 100], validation_problems: 4, problems: 6, samples: 2, max_completion_length: 24 }
stages:
  - id: base
    kind: pretrain
    model: { layers: 1, d_model: 16, heads: 2, kv_heads: 1, d_ff: 24, context: 64 }
    batch_size: 16
    micro_batch: 4
    threads: 2
    phases: [{ steps: 40, p_cot: 0.5 }]
    checkpoint_steps: 7
arms:
  - { id: base, policy: base }
  - id: sft
    stages:
      - { id: sft, kind: sft, inputs: { init: base }, batch_size: 8, demonstrations: 20, micro_batch: 4, checkpoint_steps: 3 }
  - id: grpo
    stages:
      - id: grpo
        kind: grpo
        inputs: { init: base }
        threads: 2
        prompts_per_step: 4
        num_generations: 4
        max_completion_length: 16
        minibatches: 2
        num_iterations: 2
        beta: 0.01
        ref_refresh_steps: 3
        micro_batch: 3
        checkpoint_steps: 2
        sample_steps: 2
";

fn worker() -> Command {
    Command::new(env!("CARGO_BIN_EXE_assay-worker"))
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("assay-test-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The planned stage of a kind.
fn stage(kind: &str) -> StageSpec {
    let experiment = Experiment::from_text(EXPERIMENT).unwrap();
    let plan = recipe::plan(&experiment, "");
    plan.stages
        .into_iter()
        .find(|s| s.spec.job.kind() == kind)
        .unwrap()
        .spec
}

fn write_job(folder: &Path, spec: &StageSpec, init: Option<&Path>, resume: Option<&Path>) {
    std::fs::create_dir_all(folder).unwrap();
    let inputs: BTreeMap<Role, &Path> = init.map(|path| (Role::Init, path)).into_iter().collect();
    let job =
        serde_json::json!({ "spec": spec, "device": "cpu", "inputs": inputs, "resume": resume });
    std::fs::write(folder.join("job.json"), job.to_string()).unwrap();
}

fn parse(lines: &str) -> Vec<Record> {
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn attempt(folder: &Path) -> (Vec<Record>, Outcome, i32) {
    let output = worker()
        .arg("attempt")
        .arg(folder)
        .envs(one_thread())
        .output()
        .unwrap();
    let records = parse(&String::from_utf8(output.stdout).unwrap());
    let outcome =
        serde_json::from_slice(&std::fs::read(folder.join("outcome.json")).unwrap()).unwrap();
    (records, outcome, output.status.code().unwrap())
}

fn one_thread() -> [(&'static str, &'static str); 2] {
    [("OMP_NUM_THREADS", "1"), ("MKL_NUM_THREADS", "1")]
}

fn artifact(records: &[Record], of: &str) -> Option<String> {
    records.iter().rev().find_map(|record| match record {
        Record::Artifact { role, sha256, .. } if role == of => Some(sha256.clone()),
        _ => None,
    })
}

/// Everything that must be equal to the bit: metrics but times, evaluations, texts.
fn substance(records: &[Record]) -> Vec<String> {
    let mut out: Vec<String> = records
        .iter()
        .filter_map(|record| match record {
            Record::Step { step, metrics, cum } => {
                let kept: BTreeMap<_, _> = metrics
                    .iter()
                    .filter(|(name, _)| !name.starts_with("perf/"))
                    .collect();
                Some(format!("{step} {} {kept:?}", cum.charged.flops))
            }
            Record::Evaluation(e) => Some(format!("{} {:?} {:?}", e.step, e.milestone, e.items)),
            Record::Completions { .. } => Some(serde_json::to_string(record).unwrap()),
            Record::Artifact {
                role, step, sha256, ..
            } if role != role::RESUME && role != role::SAMPLES => {
                Some(format!("{role} {step} {sha256}"))
            }
            _ => None,
        })
        .collect();
    // A resumed attempt repeats the steps after its checkpoint.
    out.sort();
    out.dedup();
    out
}

/// A base that GRPO and SFT can start from.
fn base(folder: &Path) -> PathBuf {
    let spec = stage("pretrain");
    write_job(folder, &spec, None, None);
    let (records, outcome, code) = attempt(folder);
    assert_eq!((outcome, code), (Outcome::Succeeded, 0));
    folder
        .join("artifacts")
        .join(artifact(&records, role::OUTPUT).unwrap())
}

/// Runs a stage whole, and again with a SIGTERM after `stop_after` of its steps and a
/// resume from what it saved then; both must agree to the bit.
fn interrupted_equals_whole(name: &str, kind: &str, stop_after: u64) {
    let folder = Folder::new(name);
    let init = (kind != "pretrain").then(|| base(&folder.0.join("base")));
    let spec = stage(kind);
    let whole = folder.0.join("whole");
    write_job(&whole, &spec, init.as_deref(), None);
    let (expected, outcome, _) = attempt(&whole);
    assert_eq!(outcome, Outcome::Succeeded);

    let first = folder.0.join("first");
    write_job(&first, &spec, init.as_deref(), None);
    let mut child = worker()
        .arg("attempt")
        .arg(&first)
        .envs(one_thread())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = String::new();
    let mut reader = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut signalled = false;
    loop {
        let mut line = String::new();
        if std::io::BufRead::read_line(&mut reader, &mut line).unwrap() == 0 {
            break;
        }
        if let Ok(Record::Step { step, .. }) = serde_json::from_str(&line)
            && step >= stop_after
            && !signalled
        {
            signalled = true;
            kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM).unwrap();
        }
        lines.push_str(&line);
    }
    assert_eq!(
        child.wait().unwrap().code(),
        Some(75),
        "stopped on request, to be tried again"
    );
    let mut records = parse(&lines);
    let resume = first
        .join("artifacts")
        .join(artifact(&records, role::RESUME).unwrap());

    let second = folder.0.join("second");
    write_job(&second, &spec, init.as_deref(), Some(&resume));
    let (rest, outcome, _) = attempt(&second);
    assert_eq!(outcome, Outcome::Succeeded);
    match &rest[0] {
        Record::Started { from_step, .. } => assert!(*from_step >= stop_after, "went on, not over"),
        other => panic!("{other:?}"),
    }
    records.extend(rest);
    assert_eq!(substance(&records), substance(&expected));
}

#[test]
fn a_stopped_pretraining_resumes_to_the_same_bits() {
    interrupted_equals_whole("pretrain", "pretrain", 11);
}

#[test]
fn a_stopped_sft_resumes_to_the_same_bits() {
    interrupted_equals_whole("sft", "sft", 4);
}

#[test]
fn a_stopped_grpo_resumes_to_the_same_bits() {
    interrupted_equals_whole("grpo", "grpo", 3);
}

#[test]
fn a_stage_gives_the_same_bits_beside_other_workers() {
    let folder = Folder::new("beside");
    let init = base(&folder.0.join("base"));
    let spec = stage("grpo");
    let folders: Vec<_> = (0..3).map(|i| folder.0.join(format!("{i}"))).collect();
    for folder in &folders {
        write_job(folder, &spec, Some(&init), None);
    }
    let alone = substance(&attempt(&folders[0]).0);
    let children: Vec<_> = folders[1..]
        .iter()
        .map(|f| {
            worker()
                .arg("attempt")
                .arg(f)
                .envs(one_thread())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            substance(&parse(&String::from_utf8(output.stdout).unwrap())),
            alone
        );
    }
}

#[test]
fn weights_that_are_not_numbers_fail_the_run_with_step_and_metric_and_keep_its_data() {
    let folder = Folder::new("nan");
    let init = base(&folder.0.join("base"));
    let mut bytes = std::fs::read(&init).unwrap();
    // The last weight of the file becomes NaN.
    let at = bytes.len() - 4;
    bytes[at..].copy_from_slice(&f32::NAN.to_le_bytes());
    let broken = folder.0.join("broken");
    std::fs::write(&broken, bytes).unwrap();
    for kind in ["sft", "grpo"] {
        let attempt_folder = folder.0.join(kind);
        write_job(&attempt_folder, &stage(kind), Some(&broken), None);
        let (records, outcome, code) = attempt(&attempt_folder);
        match outcome {
            Outcome::Failed {
                class: FailureClass::Nan,
                step: Some(1),
                metric: Some(metric),
                message,
                ..
            } => {
                assert!(
                    metric == "train/loss" || metric == "train/grad_norm",
                    "{metric}"
                );
                assert!(
                    message.contains(&metric) && message.contains("step 1"),
                    "{message}"
                );
            }
            other => panic!("{kind}: {other:?}"),
        }
        assert_eq!(code, 80);
        assert!(matches!(records[0], Record::Started { .. }));
    }
}

#[test]
fn a_budget_smaller_than_one_step_is_refused() {
    let folder = Folder::new("small");
    let init = base(&folder.0.join("base"));
    for kind in ["sft", "grpo"] {
        let mut spec = stage(kind);
        spec.budget.as_mut().unwrap().amount = 10.0;
        let attempt_folder = folder.0.join(kind);
        write_job(&attempt_folder, &spec, Some(&init), None);
        let (_, outcome, code) = attempt(&attempt_folder);
        assert!(
            matches!(
                outcome,
                Outcome::Failed {
                    class: FailureClass::BadConfig,
                    ..
                }
            ),
            "{outcome:?}"
        );
        assert_eq!(code, 78);
    }
}

#[test]
fn milestones_lie_within_the_budget_and_the_ledger_adds_up() {
    let folder = Folder::new("ledger");
    let init = base(&folder.0.join("base"));
    let spec = stage("grpo");
    let budget = spec.budget.clone().unwrap();
    write_job(&folder.0.join("grpo"), &spec, Some(&init), None);
    let (records, _, _) = attempt(&folder.0.join("grpo"));
    let mut by_purpose: BTreeMap<String, f64> = BTreeMap::new();
    let mut milestones = vec![];
    let mut verified = 0;
    let mut last_charged = 0.0;
    for record in &records {
        match record {
            Record::Ledger {
                costs, supervision, ..
            } => {
                for (purpose, cost) in costs {
                    *by_purpose.entry(purpose.clone()).or_default() += cost.tokens;
                }
                verified += supervision.get("verifier_calls").copied().unwrap_or(0);
            }
            Record::Evaluation(e) => milestones.push((e.milestone.unwrap(), e.cum.charged.tokens)),
            Record::Step { cum, .. } => last_charged = cum.charged.tokens,
            _ => {}
        }
    }
    assert_eq!(
        milestones.iter().map(|m| m.0).collect::<Vec<_>>(),
        [30, 60, 100]
    );
    for ((percent, reached), (_, amount)) in milestones.iter().zip(&budget.milestones) {
        assert!(reached <= amount, "{percent} %: {reached} of {amount}");
    }
    // 2 iterations: each rollout token is trained on twice, scored for old and reference once each.
    let rollout = by_purpose["rollout"];
    assert_eq!(by_purpose["update"], 3.0 * rollout);
    assert_eq!(by_purpose["reference"], rollout);
    // The rollout that found the budget used up was not trained on.
    assert!(by_purpose["discarded"] > 0.0 && by_purpose["evaluation"] > 0.0);
    assert_eq!(last_charged, rollout * 5.0);
    assert!(last_charged <= budget.amount && last_charged > 0.8 * budget.amount);
    let JobSpec::Grpo { params, .. } = &spec.job else {
        panic!()
    };
    let steps = records
        .iter()
        .filter(|r| matches!(r, Record::Step { metrics, .. } if metrics.contains_key("train/loss")))
        .count();
    assert_eq!(verified, steps as u64 * u64::from(params.completions()));
}

#[test]
fn train_fills_a_folder_and_takes_up_finished_stages() {
    let folder = Folder::new("train");
    let file = folder.0.join("experiment.yaml");
    std::fs::write(&file, EXPERIMENT).unwrap();
    let out = folder.0.join("out");
    let run = |arm: &str| {
        worker()
            .args([
                "train",
                file.to_str().unwrap(),
                "--arm",
                arm,
                "--seed",
                "0",
                "--device",
                "cpu",
                "--out",
            ])
            .arg(&out)
            .output()
            .unwrap()
    };
    let output = run("sft");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let experiment = Experiment::from_value(
        &serde_json::from_slice(&std::fs::read(out.join("experiment.json")).unwrap()).unwrap(),
    );
    assert!(
        experiment.is_ok(),
        "the folder's experiment reads back: {experiment:?}"
    );
    let plan = recipe::plan(&experiment.unwrap(), "");
    let hashes: Vec<_> = plan.stages.iter().map(|s| s.hash.clone()).collect();
    let mut folders: Vec<_> = std::fs::read_dir(out.join("stages"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    folders.sort();
    assert_eq!(folders.len(), 4, "{folders:?}");
    for stage in &folders {
        let spec: StageSpec =
            serde_json::from_slice(&std::fs::read(stage.join("spec.json")).unwrap()).unwrap();
        assert!(hashes.contains(&spec.hash()));
        for record in parse(&std::fs::read_to_string(stage.join("records.jsonl")).unwrap()) {
            if let Record::Artifact { sha256, bytes, .. } = record {
                assert_eq!(
                    std::fs::metadata(stage.join("artifacts").join(sha256))
                        .unwrap()
                        .len(),
                    bytes
                );
            }
        }
    }
    let again = run("sft");
    assert_eq!(
        String::from_utf8_lossy(&again.stderr)
            .matches("done before")
            .count(),
        4
    );
    let unknown = run("nothing");
    assert!(
        !unknown.status.success()
            && String::from_utf8_lossy(&unknown.stderr).contains("the arms are base, sft, grpo")
    );
}

#[test]
fn an_interrupted_train_goes_on_and_leaves_one_clean_stream() {
    let folder = Folder::new("continued");
    let file = folder.0.join("experiment.yaml");
    std::fs::write(&file, EXPERIMENT).unwrap();
    let train = |out: &Path| {
        let mut command = worker();
        command
            .args([
                "train",
                file.to_str().unwrap(),
                "--arm",
                "grpo",
                "--device",
                "cpu",
                "--out",
            ])
            .arg(out);
        command.stderr(Stdio::null());
        command
    };
    let stream = |out: &Path| {
        std::fs::read_to_string(out.join("stages/02-grpo/records.jsonl")).unwrap_or_default()
    };
    let (whole, cut) = (folder.0.join("whole"), folder.0.join("cut"));
    assert!(train(&whole).status().unwrap().success());
    // Killed outright some steps after a checkpoint.
    let mut child = train(&cut).spawn().unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let mut killed_after = 0;
    while child.try_wait().unwrap().is_none() {
        assert!(std::time::Instant::now() < deadline);
        killed_after = stream(&cut).matches("train/loss").count();
        if killed_after >= 3 {
            child.kill().unwrap();
            child.wait().unwrap();
            break;
        }
        std::thread::yield_now();
    }
    assert!(killed_after >= 3);
    assert!(train(&cut).status().unwrap().success());
    let (expected, found) = (parse(&stream(&whole)), parse(&stream(&cut)));
    assert_eq!(substance(&found), substance(&expected));
    assert_eq!(
        found
            .iter()
            .filter(|r| matches!(r, Record::Started { .. }))
            .count(),
        1
    );
    assert!(
        artifact(&found, role::RESUME).is_none(),
        "checkpoints are released"
    );
    let steps = |records: &[Record]| {
        records
            .iter()
            .filter(|r| matches!(r, Record::Step { .. }))
            .count()
    };
    assert_eq!(steps(&found), steps(&expected), "no step twice");
}
