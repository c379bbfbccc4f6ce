//! What compute was used, and who pays for it.

use crate::Result;
use assay_core::ids::{ExperimentId, RunId, StageId};
use assay_core::ledger::Cost;
use serde::Serialize;
use sqlx::PgConnection;

/// What one stage of a run used for one purpose.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LedgerRow {
    pub position: i32,
    /// The stage's name in the run.
    pub name: String,
    pub stage: StageId,
    pub purpose: String,
    /// Counts against the arm's budget.
    pub charged: bool,
    pub cost: Cost,
}

/// An experiment's two sums. They answer different questions and are never added.
#[derive(Debug, Clone, Serialize)]
pub struct ExperimentLedger {
    /// Per arm, as if alone: shared stages count in every arm that builds on them.
    pub arms: Vec<ArmCharge>,
    /// Everything, lost attempts included, each stage once, by purpose.
    pub spent: Vec<SpentRow>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ArmCharge {
    pub arm_key: String,
    pub label: String,
    pub runs: i64,
    /// Sum over the arm's runs.
    pub charged: Cost,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SpentRow {
    pub purpose: String,
    /// Spent by an earlier experiment, whose stages this one reuses.
    pub reused: bool,
    pub cost: Cost,
}

/// What a run's stages used, in order.
///
/// # Errors
/// `Database`.
pub async fn run_ledger(conn: &mut PgConnection, run: RunId) -> Result<Vec<LedgerRow>> {
    let _ = (conn, run);
    todo!()
}

/// # Errors
/// `Database`.
pub async fn experiment_ledger(
    conn: &mut PgConnection,
    id: ExperimentId,
) -> Result<ExperimentLedger> {
    let _ = (conn, id);
    todo!()
}
