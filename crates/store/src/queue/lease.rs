//! Leases: renewed by heartbeats, taken away when they run out.

use crate::Result;
use assay_core::ids::{AttemptRef, WorkerId};
use assay_core::wire::HeartbeatAnswer;
use sqlx::PgConnection;

/// Renews the lease.
///
/// # Errors
/// `LeaseLost` unless this is the current attempt, running, by this worker; `Database`.
pub async fn heartbeat(
    conn: &mut PgConnection,
    worker: WorkerId,
    attempt: AttemptRef,
    step: Option<u64>,
) -> Result<HeartbeatAnswer> {
    let _ = (conn, worker, attempt, step);
    todo!()
}

/// Takes back what is leased past the database's clock: the attempts are lost, their
/// jobs queued again. That is no failure of theirs, up to 50 attempts a job.
/// Needs the caller's transaction.
///
/// # Errors
/// `Database`.
pub async fn reap_expired(conn: &mut PgConnection) -> Result<Vec<AttemptRef>> {
    let _ = conn;
    todo!()
}
