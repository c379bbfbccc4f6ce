//! Cancelling what nobody needs any more.

use crate::Result;
use assay_core::ids::{ExperimentId, RunId};
use sqlx::PgConnection;

/// Cancels a run: those of its stages that no other live run needs. Running ones
/// are told at their next heartbeat. Returns how many stages that concerns.
/// Needs the caller's transaction.
///
/// # Errors
/// `NotFound`, `Database`.
pub async fn cancel_run(conn: &mut PgConnection, run: RunId) -> Result<u64> {
    let _ = (conn, run);
    todo!()
}

/// As [`cancel_run`], for all runs of an experiment.
///
/// # Errors
/// `NotFound`, `Database`.
pub async fn cancel_experiment(conn: &mut PgConnection, id: ExperimentId) -> Result<u64> {
    let _ = (conn, id);
    todo!()
}
