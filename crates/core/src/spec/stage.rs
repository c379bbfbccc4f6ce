//! A stage: one unit of work with a complete spec and a hash.

use super::job::JobSpec;
use super::model::ModelSpec;
use super::reader::choice;
use crate::canonical;
use crate::task::TaskSpec;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bumped whenever the engine would give other results for the same spec.
pub const SEMANTICS_VERSION: u32 = 2;

choice! {
    /// What an input is used as.
    pub enum Role {
        /// The weights a stage starts from, or evaluates.
        Init = "init",
        /// The frozen policy that a KL term is taken to.
        Reference = "reference",
        /// Completions to learn from.
        Data = "data",
        /// The policy that a student learns from.
        Teacher = "teacher",
        /// The judge of steps.
        Prm = "prm",
        /// The judge of outcomes.
        Orm = "orm",
        /// The network whose scalar head values the nodes of a tree.
        Value = "value",
    }
}

choice! {
    /// Who pays for a shared stage.
    pub enum Charge {
        /// Every arm that builds on it, in full, as if alone.
        Arm = "arm",
        /// Listed once, apart from every arm's budget: the base's pretraining.
        Apart = "apart",
        /// Recorded, never charged: evaluation.
        Never = "never",
    }
}

/// The part of its arm's budget that a stage may use, and where it is measured.
/// Amounts count from the stage's own start, in the unit of the experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageBudget {
    pub unit: super::experiment::BudgetUnit,
    pub amount: f64,
    /// What the arm had used before this stage, and its whole budget.
    pub before: f64,
    pub whole: f64,
    /// (percentage of the whole arm's budget, amount since this stage's start), ascending.
    pub milestones: Vec<(u32, f64)>,
}

impl StageBudget {
    /// Percentage of the arm's whole budget at `used` since the stage's start, rounded down.
    pub fn percent(&self, used: f64) -> u32 {
        ((self.before + used) / self.whole * 100.0 + 1e-6) as u32
    }
}

/// How a training stage looks at itself on the validation split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validation {
    pub problems: u32,
    pub samples: u32,
    pub max_completion_length: u32,
    pub temperature: f64,
    pub top_p: f64,
}

/// Everything that decides a stage's result, with every default resolved.
/// Device, libtorch and CPU model belong to the attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageSpec {
    pub job: JobSpec,
    pub task: TaskSpec,
    pub model: ModelSpec,
    pub seed: u64,
    /// Worker threads, each with one OpenMP thread.
    pub threads: u32,
    /// Sequences per forward and backward pass; gradients are summed in fixed order.
    pub micro_batch: u32,
    pub budget: Option<StageBudget>,
    pub validation: Option<Validation>,
    /// Hashes of the stages this one starts from.
    pub inputs: BTreeMap<Role, String>,
    pub generator_version: u32,
    pub semantics_version: u32,
    /// Set by `fresh: true`, so that nothing older is reused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
}

impl StageSpec {
    /// Rows of the model's embedding.
    pub fn vocab(&self) -> u32 {
        self.model.vocab(&self.task)
    }

    /// sha256 of the canonical JSON of the whole spec.
    pub fn hash(&self) -> String {
        canonical::sha256(&serde_json::to_value(self).expect("a spec has only string keys"))
    }
}
