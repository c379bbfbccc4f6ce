//! The experiment file: read from YAML or JSON, checked as a whole, every
//! violation reported at once.

use super::alarms::Alarms;
use super::job::JobSpec;
use super::model::ModelSpec;
use super::reader::{Sink, choice, params};
use super::registered::{Contrast, RequiredAttempt};
use super::stage::{Charge, Role};
use crate::task::TaskSpec;
use crate::violation::{Violation, Violations};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

choice! {
    /// What a training budget is counted in. Both are deterministic.
    pub enum BudgetUnit {
        /// Algorithmic floating-point operations (the ledger's reference formula).
        Flops = "flops",
        /// Tokens processed: generated, scored and trained on, prompts included.
        Tokens = "tokens",
    }
}

choice! {
    /// Whether shared stages are computed once a seed or once for all seeds.
    pub enum BaseSeeds {
        PerSeed = "per_seed",
        Shared = "shared",
    }
}

/// What every arm may spend on training after the base, per seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    pub unit: BudgetUnit,
    pub amount: f64,
}

params! {
    /// Where and how often the policy is measured.
    pub struct EvaluationPlan {
        /// Percentages of an arm's budget at which the validation split is measured.
        pub milestones: Vec<u32> = vec![10, 20, 30, 40, 50, 60, 70, 80, 90, 100];
        pub validation_problems: u32 = 128, in 1.0..=1e6;
        pub validation_samples: u32 = 2, in 1.0..=4096.0;
        /// Problems of the test and of the out-of-distribution split in the final evaluation.
        pub problems: u32 = 512, in 1.0..=1e6;
        pub samples: u32 = 8, in 1.0..=4096.0;
        pub max_completion_length: u32 = 48, in 1.0..=131072.0;
        pub temperature: f64 = 1.0, in 0.01..=10.0;
        pub top_p: f64 = 1.0, in 0.01..=1.0;
    }
}

/// One stage as written in the file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageEntry {
    pub id: String,
    #[serde(flatten)]
    pub job: JobSpec,
    pub model: Option<ModelSpec>,
    /// `stage` (of the same arm, else shared) or `arm/stage`.
    pub inputs: BTreeMap<Role, String>,
    pub charge: Charge,
    /// Part of the arm's budget; the arm's stages share equally by default.
    pub share: Option<f64>,
    pub threads: u32,
    pub micro_batch: u32,
    /// Recompute even where an equal stage has succeeded before.
    pub fresh: bool,
}

/// One recipe under comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ArmSpec {
    pub id: String,
    pub label: String,
    /// An arm without training of its own evaluates this shared stage.
    pub policy: Option<String>,
    /// Settings tried on development seeds before this one was frozen: how hard it was
    /// tried stands beside what came out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings_tried: Option<u32>,
    pub stages: Vec<StageEntry>,
}

/// A whole experiment, complete and consistent. Written as it is read: the
/// serialised form is an experiment file with every default resolved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Experiment {
    pub name: String,
    pub question: String,
    pub hypothesis: Option<String>,
    pub task: TaskSpec,
    pub base_seeds: BaseSeeds,
    pub seeds: Vec<u64>,
    pub root_seed: u64,
    pub budget: Budget,
    /// The primary metric, of the final test evaluation.
    pub metric: String,
    /// Id of the arm that the others are compared with.
    pub baseline: String,
    /// Differences smaller than this do not matter; set before the first job.
    pub margin: f64,
    /// What an arm must gain over its comparator, in the primary metric. One whose whole
    /// adjusted interval lies below it is unsuccessful.
    pub min_gain: f64,
    /// The differences that are tested, all of them in one family.
    pub contrasts: Vec<Contrast>,
    /// What the comparison must not leave out, by the word of the attempt.
    pub required_attempts: BTreeMap<String, RequiredAttempt>,
    pub evaluation: EvaluationPlan,
    /// When a run's page calls a curve alarming.
    #[serde(skip_serializing_if = "Alarms::is_default")]
    pub alarms: Alarms,
    pub stages: Vec<StageEntry>,
    pub arms: Vec<ArmSpec>,
}

/// As it was kept; what is handed in goes through [`Experiment::from_value`].
impl<'de> Deserialize<'de> for Experiment {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::read(&value, Sink::of_kept()).map_err(serde::de::Error::custom)
    }
}

/// Largest experiment file in bytes.
pub const MAX_FILE_BYTES: usize = 1 << 20;
pub(super) const MAX_RUNS: usize = 10_000;

impl Experiment {
    /// Reads YAML (of which JSON is a part).
    pub fn from_text(text: &str) -> Result<Self, Violations> {
        if text.len() > MAX_FILE_BYTES {
            return Err(Violations(vec![Violation::new(
                "",
                format!("larger than {MAX_FILE_BYTES} bytes"),
            )]));
        }
        let value: Value = serde_saphyr::from_str(text).map_err(|e| {
            Violations(vec![Violation::new(
                "",
                format!("not valid YAML or JSON: {e}"),
            )])
        })?;
        Self::from_value(&value)
    }

    pub fn from_value(value: &Value) -> Result<Self, Violations> {
        Self::read(value, Sink::default())
    }

    fn read(value: &Value, sink: Sink) -> Result<Self, Violations> {
        let experiment = super::parse::read(value, &sink);
        let mut violations = sink.into_inner();
        if violations.is_empty() {
            if let Some(experiment) = experiment {
                return Ok(experiment);
            }
            violations.push(Violation::new("", "not an experiment"));
        }
        Err(Violations(violations))
    }

    pub fn arm(&self, id: &str) -> Option<&ArmSpec> {
        self.arms.iter().find(|arm| arm.id == id)
    }
}
