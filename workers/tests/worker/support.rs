//! A tiny experiment, and attempts at its stages without a supervisor.

use assay_core::recipe;
use assay_core::spec::Experiment;
use assay_core::spec::stage::{Role, StageSpec};
use assay_core::wire::{Outcome, Record, role};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

pub const EXPERIMENT: &str = "
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

pub fn worker() -> Command {
    Command::new(env!("CARGO_BIN_EXE_assay-worker"))
}

pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
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
pub fn stage(kind: &str) -> StageSpec {
    let experiment = Experiment::from_text(EXPERIMENT).unwrap();
    let plan = recipe::plan(&experiment, "");
    plan.stages
        .into_iter()
        .find(|s| s.spec.job.kind() == kind)
        .unwrap()
        .spec
}

pub fn write_job(folder: &Path, spec: &StageSpec, init: Option<&Path>, resume: Option<&Path>) {
    std::fs::create_dir_all(folder).unwrap();
    let inputs: BTreeMap<Role, &Path> = init.map(|path| (Role::Init, path)).into_iter().collect();
    let job =
        serde_json::json!({ "spec": spec, "device": "cpu", "inputs": inputs, "resume": resume });
    std::fs::write(folder.join("job.json"), job.to_string()).unwrap();
}

pub fn parse(lines: &str) -> Vec<Record> {
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

pub fn attempt(folder: &Path) -> (Vec<Record>, Outcome, i32) {
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

pub fn one_thread() -> [(&'static str, &'static str); 2] {
    [("OMP_NUM_THREADS", "1"), ("MKL_NUM_THREADS", "1")]
}

pub fn artifact(records: &[Record], of: &str) -> Option<String> {
    records.iter().rev().find_map(|record| match record {
        Record::Artifact { role, sha256, .. } if role == of => Some(sha256.clone()),
        _ => None,
    })
}

/// Everything that must be equal to the bit: metrics but times, evaluations, texts.
pub fn substance(records: &[Record]) -> Vec<String> {
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
pub fn base(folder: &Path) -> PathBuf {
    let spec = stage("pretrain");
    write_job(folder, &spec, None, None);
    let (records, outcome, code) = attempt(folder);
    assert_eq!((outcome, code), (Outcome::Succeeded, 0));
    folder
        .join("artifacts")
        .join(artifact(&records, role::OUTPUT).unwrap())
}
