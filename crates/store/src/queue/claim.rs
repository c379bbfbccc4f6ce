//! Who works on what next.

use crate::Result;
use assay_core::ids::WorkerId;
use assay_core::wire::Claim;
use sqlx::PgConnection;

/// The next job for a worker, with a lease of `LEASE_SECONDS`. Only ever the head
/// of the queue as far as the worker could run it at all: where the head needs more
/// than `free_threads`, the answer is `None`, so that the worker drains and a stage
/// of two threads does not starve. A worker of another protocol gets nothing.
///
/// # Errors
/// `NotFound` for an unknown worker, `Database`.
pub async fn claim(
    conn: &mut PgConnection,
    worker: WorkerId,
    free_threads: u32,
) -> Result<Option<Claim>> {
    let _ = (conn, worker, free_threads);
    todo!()
}
