//! Samples of what was generated in training.

use crate::Result;
use assay_core::ids::StageId;
use serde::Serialize;
use sqlx::PgConnection;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CompletionView {
    pub step: i64,
    pub group: i32,
    pub index: i32,
    pub prompt: String,
    pub gold: String,
    pub completion: String,
    pub reward: f64,
    pub advantage: f64,
    /// Tokens, end mark included.
    pub length: i32,
    pub truncated: bool,
    pub correct: bool,
}

/// Steps of the current view that have completions, ascending.
///
/// # Errors
/// `Database`.
pub async fn completion_steps(conn: &mut PgConnection, stage: StageId) -> Result<Vec<i64>> {
    let _ = (conn, stage);
    todo!()
}

/// Completions of one step, the latest by default, group by group.
///
/// # Errors
/// `Database`.
pub async fn completions(
    conn: &mut PgConnection,
    stage: StageId,
    step: Option<i64>,
    limit: i64,
) -> Result<Vec<CompletionView>> {
    let _ = (conn, stage, step, limit);
    todo!()
}
