//! What attempts print while they run: their last lines, replaced by newer ones.

use crate::events::notify_stages;
use crate::{Result, StoreError};
use assay_core::ids::{AttemptRef, WorkerId};
use assay_core::tail::Tail;
use sqlx::PgConnection;

/// Keeps the last lines of a running attempt; the worker has bounded them, and so does this.
///
/// # Errors
/// `LeaseLost` unless this is the current attempt, running, by this worker; `Database`.
pub async fn keep_log(
    conn: &mut PgConnection,
    worker: WorkerId,
    attempt: AttemptRef,
    lines: &[String],
) -> Result<()> {
    let kept = Tail::of(lines).lines();
    let done = sqlx::query!(
        "update attempt set log = $4, log_at = clock_timestamp()
         where stage_id = $1 and number = $2 and worker_id = $3 and state = 'running'",
        attempt.stage.0,
        attempt.number,
        worker.0,
        &kept
    )
    .execute(&mut *conn)
    .await?;
    match done.rows_affected() {
        0 => Err(StoreError::LeaseLost),
        _ => notify_stages(conn, &[attempt.stage.0]).await,
    }
}
