//! Measurements of a policy.

use crate::Result;
use assay_core::ids::StageId;
use assay_core::task::Split;
use assay_core::wire::{Cumulative, EvaluationItem};
use serde::Serialize;
use sqlx::PgConnection;

/// One measurement, summarised.
#[derive(Debug, Clone, Serialize)]
pub struct EvaluationView {
    pub id: i64,
    pub stage: StageId,
    pub attempt: i32,
    pub step: i64,
    pub split: Split,
    /// Percentage of the arm's budget.
    pub milestone: Option<i32>,
    pub cum: Cumulative,
    pub temperature: f64,
    pub top_p: f64,
    /// Tokens.
    pub max_completion_length: i32,
    pub problems: i32,
    /// Of the problem with the fewest.
    pub samples: i32,
    pub pass_at_1: f64,
    pub maj_at_k: f64,
    /// Tokens.
    pub mean_length: f64,
    pub truncated_share: f64,
}

/// The measurements of a stage's current view, along its steps.
///
/// # Errors
/// `Database`.
pub async fn list_evaluations(
    conn: &mut PgConnection,
    stage: StageId,
) -> Result<Vec<EvaluationView>> {
    let _ = (conn, stage);
    todo!()
}

/// Every problem of one measurement.
///
/// # Errors
/// `Database`; an unknown measurement has no items.
pub async fn evaluation_items(
    conn: &mut PgConnection,
    evaluation_id: i64,
) -> Result<Vec<EvaluationItem>> {
    let _ = (conn, evaluation_id);
    todo!()
}
