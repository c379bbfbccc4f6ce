//! The figures of an experiment's runs, as the comparison takes them.

use crate::Result;
use assay_core::compare::ArmFigures;
use assay_core::ids::{ExperimentId, RunId};
use assay_core::task::Split;
use serde::Serialize;
use sqlx::PgConnection;

/// pass@k of one run's final evaluation.
#[derive(Debug, Clone, Serialize)]
pub struct PassAtK {
    pub arm_key: String,
    pub seed: u64,
    /// Samples a problem; the part with k > samples / 2 is drawn thin.
    pub samples: u32,
    /// k = 1, 2, 4, ... up to `samples`, and the unbiased estimate.
    pub values: Vec<(u32, f64)>,
}

/// One measurement on the validation split along a run's training.
#[derive(Debug, Clone, Serialize)]
pub struct MilestonePoint {
    pub arm_key: String,
    pub seed: u64,
    pub run: RunId,
    /// Percentage of the arm's budget; 0 is the policy that the arm starts from.
    pub milestone: u32,
    /// Charged to the arm up to here, in the budget's unit: earlier stages included.
    pub x: f64,
    pub device_ms: f64,
    pub active_ms: f64,
    pub pass_at_1: f64,
    pub mean_length: f64,
    pub truncated_share: f64,
}

/// Figures of the final evaluation on the test split, every metric of `metric::FINAL`.
/// A run appears once its `eval` stage has succeeded.
///
/// # Errors
/// `NotFound`, `Database`.
pub async fn run_figures(
    conn: &mut PgConnection,
    experiment: ExperimentId,
) -> Result<Vec<ArmFigures>> {
    figures_for_split(conn, experiment, Split::Test).await
}

/// As [`run_figures`], of another split of the final evaluation.
///
/// # Errors
/// `NotFound`, `Database`.
pub async fn figures_for_split(
    conn: &mut PgConnection,
    experiment: ExperimentId,
    split: Split,
) -> Result<Vec<ArmFigures>> {
    let _ = (conn, experiment, split);
    todo!()
}

/// pass@k of the final evaluations, arm by arm, seed by seed.
///
/// # Errors
/// `Database`.
pub async fn pass_at_k(
    conn: &mut PgConnection,
    experiment: ExperimentId,
    split: Split,
) -> Result<Vec<PassAtK>> {
    let _ = (conn, experiment, split);
    todo!()
}

/// Every milestone of every run, arm by arm, seed by seed, along `x`.
///
/// # Errors
/// `NotFound`, `Database`.
pub async fn milestones(
    conn: &mut PgConnection,
    experiment: ExperimentId,
) -> Result<Vec<MilestonePoint>> {
    let _ = (conn, experiment);
    todo!()
}
