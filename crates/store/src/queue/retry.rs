//! Another try at a run that failed or was cancelled.

use crate::Result;
use assay_core::ids::RunId;
use sqlx::PgConnection;

/// Gives a run new stages for its failed and cancelled ones and for what builds
/// on them: a failed stage is never reused. Returns how many stages were replaced.
/// Needs the caller's transaction.
///
/// # Errors
/// `NotFound`, `Database`.
pub async fn retry_failed(conn: &mut PgConnection, run: RunId) -> Result<u64> {
    let _ = (conn, run);
    todo!()
}
