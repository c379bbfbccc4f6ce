//! The end of an attempt, and what follows from it.

use crate::Result;
use assay_core::ids::{AttemptRef, WorkerId};
use assay_core::wire::Outcome;
use sqlx::PgConnection;

/// Ends an attempt. Success releases what waits for the stage, once; a failure is
/// tried again where its class allows, else what builds on the stage is cancelled.
/// The same outcome may be sent again. Needs the caller's transaction.
///
/// # Errors
/// `LeaseLost` where the attempt is not this worker's or no longer current, `Gap`
/// where records up to `last_seq` are missing, `Database`.
pub async fn finish(
    conn: &mut PgConnection,
    worker: WorkerId,
    attempt: AttemptRef,
    last_seq: u64,
    outcome: &Outcome,
) -> Result<()> {
    let _ = (conn, worker, attempt, last_seq, outcome);
    todo!()
}
