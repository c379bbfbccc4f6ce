//! Experiments with plausible numbers and no training: a worker that goes
//! through the store's own functions, so that what the pages read is what a
//! real one would have left.

use crate::numbers::{Policy, decoding_of, evaluation, policy, training};
use assay::state::AppState;
use assay_core::ids::{AttemptRef, ExperimentId, WorkerId};
use assay_core::metric;
use assay_core::spec::{Experiment, JobSpec, Role};
use assay_core::task::Split;
use assay_core::wire::{
    Claim, Cumulative, FailureClass, Host, HostFacts, Outcome, PROTOCOL, Record, Register, role,
};
use assay_store as store;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::Arc;

/// How far a stage is taken.
#[derive(Clone, Copy, PartialEq)]
pub enum Until {
    End,
    /// Left running at this share of its steps.
    Share(f64),
    /// A loss that is not a number, at this share.
    Nan(f64),
}

pub struct Seeder {
    state: Arc<AppState>,
    pub worker: WorkerId,
    pub steps: u64,
    /// What a worker would have sent instead.
    pub rewrite: fn(&mut Record),
    /// What an evaluation finds in weights: the arm's level and the seed's luck.
    policies: HashMap<String, Policy>,
    /// Records that GRPO stages send besides their own.
    pub extra: Vec<Record>,
}

/// `arms` beside the base, each told apart by its learning rate.
/// Another `root` shares no stage with it.
pub fn spec(arms: &[(&str, &str)], seeds: u64, root: u64) -> Experiment {
    let arms: String = arms
        .iter()
        .enumerate()
        .map(|(i, (kind, label))| {
            format!(
                "
  - id: arm-{i}
    label: {label:?}
    stages: [{{ id: {kind}, kind: {kind}, learning_rate: {}, inputs: {{ init: base }} }}]",
                f64::from(i as u32 + 1) * 1e-4
            )
        })
        .collect();
    Experiment::from_text(&format!(
        "
name: Reinforcement learning from the base, or supervised fine-tuning
question: At equal training compute, does GRPO from the base beat supervised fine-tuning on clean chains?
hypothesis: GRPO finds and keeps the long form, so pass@1 and completion length rise together.
task: {{ name: modchain }}
base_seeds: shared
seeds: {seeds}
root_seed: {root}
budget: {{ unit: flops, amount: 4.0e+11 }}
baseline: base
required_attempts: {{ prm: {{ not_run: Not asked here. }}, mcts: {{ not_run: Not asked here. }} }}
evaluation: {{ problems: 16, samples: 8, validation_problems: 16 }}
stages:
  - {{ id: base, kind: pretrain, model: {{}} }}
arms:
  - {{ id: base, label: \"Base, untrained\", policy: base }}{arms}"
    ))
    .unwrap_or_else(|v| panic!("{v}"))
}

/// A policy that is trained and decoded in three ways, or, where `alone`, a base that is decoded
/// while nothing trains.
pub fn decoding(seeds: u64, root: u64, alone: bool) -> Experiment {
    let (policy, baseline, trained) = if alone {
        ("base", "majority", "")
    } else {
        let trained = "
  - { id: base, label: Base model, policy: base }
  - { id: sft, label: SFT alone, stages: [{ id: sft, kind: sft, inputs: { init: base } }] }
  - { id: zero, label: R1-Zero, stages: [{ id: grpo, kind: grpo, inputs: { init: base } }] }
  - { id: judged, label: RL on a step judge, stages: [{ id: grpo, kind: grpo, rewards: [{ component: prm, credit: min }], learning_rate: 1.0e-5, inputs: { init: base, prm: prm } }] }
  - { id: student, label: Distilled, stages: [{ id: distill, kind: distill, inputs: { init: base, teacher: zero/grpo } }] }";
        ("zero/grpo", "zero", trained)
    };
    let contrasts = if alone {
        "
required_attempts: { prm: { not_run: Not asked here. } }"
    } else {
        "
contrasts: [{ arm: sft, against: zero }, { arm: judged, against: zero }, { arm: student, against: zero }, { arm: rerank, against: majority }]
required_attempts: { prm: rerank, mcts: { not_run: Too dear for two cores. } }"
    };
    Experiment::from_text(&format!(
        "
name: Decoders
question: At equal cost of inference, does a step judge choose more right answers than a vote?
task: {{ name: modchain }}
base_seeds: per_seed
seeds: {seeds}
root_seed: {root}
budget: {{ unit: flops, amount: 4.0e+11 }}
baseline: {baseline}{contrasts}
evaluation: {{ problems: 16, samples: 8, validation_problems: 16 }}
stages:
  - {{ id: base, kind: pretrain, model: {{}} }}
  - {{ id: labels, kind: prm_label, labels: oracle, charge: arm, share: 0.05, inputs: {{ init: base }} }}
  - {{ id: prm, kind: prm_train, charge: arm, share: 0.05, inputs: {{ init: base, data: labels }} }}
arms:{trained}
  - {{ id: majority, label: Majority of samples, stages: [{{ id: vote, kind: search, levels: [1, 4, 16], problems: 64, inputs: {{ init: {policy} }} }}] }}
  - {{ id: rerank, label: Best by the step judge, stages: [{{ id: rerank, kind: search, method: best_of_n, levels: [4, 16], problems: 64, inputs: {{ init: {policy}, prm: prm }} }}] }}
  - {{ id: tree, label: Tree search, stages: [{{ id: tree, kind: mcts, levels: [4, 16], problems: 64, inputs: {{ init: {policy} }} }}] }}"
    ))
    .unwrap_or_else(|v| panic!("{v}"))
}

impl Seeder {
    pub async fn new(state: Arc<AppState>, name: &str, steps: u64) -> Self {
        let register = Register {
            protocol: PROTOCOL,
            name: name.into(),
            threads: 1_000,
            host: Host {
                device: "cpu".into(),
                device_name: "CPU, 2 cores".into(),
                ..Host::default()
            },
        };
        let worker = store::register_worker(&mut state.conn().await.unwrap(), &register)
            .await
            .unwrap();
        Self {
            state,
            worker,
            steps,
            rewrite: |_| {},
            policies: HashMap::new(),
            extra: vec![],
        }
    }

    /// A reference to a stored file, for a stage that has ended.
    pub async fn refer(&self, at: AttemptRef, role: &str, step: i64, sha256: &str) {
        let mut conn = self.state.conn().await.unwrap();
        sqlx::query(
            "insert into artifact_ref (stage_id, attempt, role, step, sha256)
             values ($1, $2, $3, $4, $5)",
        )
        .bind(at.stage.0)
        .bind(at.number)
        .bind(role)
        .bind(step)
        .bind(sha256)
        .execute(&mut *conn)
        .await
        .unwrap();
    }

    pub async fn submit(&self, experiment: &Experiment) -> ExperimentId {
        let mut tx = self.state.begin().await.unwrap();
        let id = store::insert_experiment(&mut tx, experiment, None)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        id
    }

    pub async fn claim(&self) -> Option<Claim> {
        store::claim(&mut self.state.conn().await.unwrap(), self.worker, 1_000)
            .await
            .unwrap()
    }

    /// Works until the queue is empty; `until` may leave or break a stage.
    pub async fn work_off(&mut self, mut until: impl FnMut(&Claim) -> Until) {
        while let Some(claim) = self.claim().await {
            let until = until(&claim);
            self.work(&claim, until).await;
        }
    }

    pub async fn work(&mut self, claim: &Claim, until: Until) {
        let mut records = vec![Record::Started {
            from_step: 0,
            host: HostFacts::default(),
        }];
        let mut outcome = Outcome::Succeeded;
        match &claim.spec.job {
            JobSpec::Eval { .. } => {
                let policy = self.policies[&claim.inputs[&Role::Init].sha256];
                for (split, loss) in [(Split::Test, 0.0), (Split::Ood, 0.15)] {
                    let at = Policy {
                        pass: (policy.pass - loss).max(0.02),
                        length: policy.length * 1.3,
                    };
                    records.push(evaluation(claim, 0, None, Cumulative::default(), split, at));
                }
            }
            JobSpec::Search { .. } | JobSpec::Mcts { .. } => {
                let policy = self.policies[&claim.inputs[&Role::Init].sha256];
                records.extend(decoding_of(claim, policy));
            }
            _ => records.extend(training(claim, self.steps, until)),
        }
        if claim.spec.job.kind() == "grpo" {
            records.extend(self.extra.iter().cloned());
        }
        if let Until::Nan(share) = until {
            let step = (self.steps as f64 * share) as u64;
            outcome = Outcome::Failed {
                class: FailureClass::Nan,
                message: "train/loss is not a finite number".into(),
                step: Some(step),
                metric: Some(metric::LOSS.into()),
                log: vec![
                    format!("step {step}: loss NaN, gradient norm inf"),
                    "giving up <here> & now".into(),
                ],
            };
        } else if until == Until::End
            && !claim.spec.job.is_decoder()
            && claim.spec.job.kind() != "eval"
        {
            let weights = format!("weights of {}", claim.stage);
            let sha256 = hex::encode(Sha256::digest(&weights));
            let mut conn = self.state.conn().await.unwrap();
            store::insert_artifact(&mut conn, &sha256, weights.len() as u64)
                .await
                .unwrap();
            self.policies.insert(sha256.clone(), policy(claim, 1.0));
            let bytes = weights.len() as u64;
            records.push(Record::Artifact {
                role: role::OUTPUT.into(),
                step: self.steps,
                sha256,
                bytes,
            });
        }
        records.iter_mut().for_each(self.rewrite);
        let attempt = AttemptRef {
            stage: claim.stage,
            number: claim.attempt,
        };
        let mut last = 0;
        for batch in records.chunks(500) {
            let mut tx = self.state.begin().await.unwrap();
            last = store::append_records(&mut tx, self.worker, attempt, last + 1, batch)
                .await
                .unwrap();
            tx.commit().await.unwrap();
        }
        if !matches!(until, Until::Share(_)) {
            let mut tx = self.state.begin().await.unwrap();
            store::finish(&mut tx, self.worker, attempt, last, &outcome)
                .await
                .unwrap();
            tx.commit().await.unwrap();
        }
    }
}
