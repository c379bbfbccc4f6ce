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
  - id: ppo
    stages:
      - { id: ppo, kind: ppo, inputs: { init: base }, prompts_per_step: 4, num_generations: 2, max_completion_length: 16, minibatches: 2, micro_batch: 3, checkpoint_steps: 2, rewards: [{ component: accuracy }, { component: format, weight: 0.5 }], max_num_gen_batches: 2 }
  - id: prm
    stages:
      - { id: labels, kind: prm_label, share: 0.6, inputs: { init: base }, prompts: 48, num_generations: 2, rollouts: 2, max_completion_length: 16, micro_batch: 4 }
      - { id: prm, kind: prm_train, share: 0.1, inputs: { init: base, data: labels }, batch_size: 4, epochs: 50, micro_batch: 4, checkpoint_steps: 2 }
      - { id: rl, kind: grpo, share: 0.3, inputs: { init: base, prm: prm }, rewards: [{ component: prm, credit: min }, { component: accuracy }], prompts_per_step: 2, num_generations: 4, max_completion_length: 16, micro_batch: 4, max_steps: 2 }
  - id: orm
    stages:
      - { id: sample, kind: rejection_sample, share: 0.5, inputs: { init: base }, prompts: 64, num_generations: 2, keep: all, keep_per_prompt: 2, max_completion_length: 16, micro_batch: 4 }
      - { id: orm, kind: orm_train, share: 0.2, inputs: { init: base, data: sample }, batch_size: 8, epochs: 2, micro_batch: 4 }
      - { id: rl, kind: grpo, share: 0.3, inputs: { init: base, orm: orm }, rewards: [{ component: orm }], prompts_per_step: 2, num_generations: 4, max_completion_length: 16, micro_batch: 4, max_steps: 2 }
  - id: distill
    stages:
      - { id: distill, kind: distill, inputs: { init: base, teacher: sft/sft }, mode: on_policy, prompts_per_step: 2, num_generations: 2, max_completion_length: 16, micro_batch: 4, checkpoint_steps: 2, max_steps: 8 }
  - id: copy
    stages:
      - { id: copy, kind: distill, inputs: { init: base, teacher: sft/sft }, prompts: 48, num_generations: 2, batch_size: 8, max_completion_length: 24, micro_batch: 4, checkpoint_steps: 2, max_steps: 3 }
  - id: mcts
    stages:
      - { id: selftrain, kind: mcts_selftrain, inputs: { init: base }, prompts: 6, simulations: 4, updates: 2, batch_size: 4, branching: 2, max_children: 4, max_completion_length: 16, micro_batch: 4, max_rounds: 5 }
  - { id: majority, stages: [{ id: decode, kind: search, inputs: { init: base }, method: majority, levels: [1, 3], problems: 6, max_completion_length: 16 }] }
  - { id: best, stages: [{ id: decode, kind: search, inputs: { init: base, prm: prm/prm }, method: best_of_n, levels: [1, 3], problems: 6, max_completion_length: 16 }] }
  - { id: weighted, stages: [{ id: decode, kind: search, inputs: { init: base, orm: orm/orm }, method: weighted_majority, judge: orm, levels: [1, 3], problems: 6, max_completion_length: 16 }] }
  - { id: beam, stages: [{ id: decode, kind: search, inputs: { init: base, prm: prm/prm }, method: beam, levels: [4], branching: 2, problems: 6, max_completion_length: 16 }] }
  - { id: dvts, stages: [{ id: decode, kind: search, inputs: { init: base, prm: prm/prm }, method: dvts, levels: [4], branching: 2, problems: 6, max_completion_length: 16 }] }
  - { id: tree, stages: [{ id: decode, kind: mcts, inputs: { init: base, value: prm/prm }, levels: [1, 4], problems: 6, branching: 2, max_children: 4, max_completion_length: 16 }] }
  # Two children at most: the tree has nothing left to sample long before this cost.
  - { id: narrow, stages: [{ id: decode, kind: mcts, inputs: { init: base }, value: oracle, levels: [64], problems: 6, branching: 2, max_children: 2, max_completion_length: 16 }] }
  - { id: tokens, stages: [{ id: decode, kind: mcts, inputs: { init: base }, value: oracle, granularity: token, levels: [2], problems: 6, branching: 2, max_children: 4, max_completion_length: 16 }] }
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
    let plan = plan();
    let found = plan.stages.into_iter().find(|s| s.spec.job.kind() == kind);
    found.unwrap().spec
}

pub fn plan() -> recipe::Plan {
    recipe::plan(
        &Experiment::from_text(EXPERIMENT).unwrap_or_else(|v| panic!("{v}")),
        "",
    )
}

/// The stage that a run calls so.
pub fn named(arm: &str, name: &str) -> usize {
    let experiment = Experiment::from_text(EXPERIMENT).unwrap();
    let index = experiment.arms.iter().position(|a| a.id == arm).unwrap();
    let run = plan().runs.into_iter().find(|r| r.arm == index).unwrap();
    run.stages.iter().find(|s| s.name == name).unwrap().stage
}

/// Runs everything that a stage builds on; returns its spec and its input files.
pub fn prepared(stage: usize, folder: &Path) -> (StageSpec, BTreeMap<Role, PathBuf>) {
    let planned = &plan().stages[stage];
    let inputs = planned.inputs.iter().map(|(role, &from)| {
        let own = folder.join(format!("stage-{from}"));
        let done = own.join("outcome.json").exists();
        let file = own.join("output");
        if !done {
            let (spec, inputs) = prepared(from, folder);
            write_job_with(&own, &spec, &inputs, None);
            let (records, outcome, _) = attempt(&own);
            assert_eq!(outcome, Outcome::Succeeded, "{}", spec.job.kind());
            let name = artifact(&records, role::OUTPUT).unwrap();
            std::fs::copy(own.join("artifacts").join(name), &file).unwrap();
        }
        (*role, file)
    });
    (planned.spec.clone(), inputs.collect())
}

pub fn write_job(folder: &Path, spec: &StageSpec, init: Option<&Path>, resume: Option<&Path>) {
    let inputs = init.map(|path| (Role::Init, path.to_path_buf()));
    write_job_with(folder, spec, &inputs.into_iter().collect(), resume);
}

pub fn write_job_with(
    folder: &Path,
    spec: &StageSpec,
    inputs: &BTreeMap<Role, PathBuf>,
    resume: Option<&Path>,
) {
    std::fs::create_dir_all(folder).unwrap();
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
