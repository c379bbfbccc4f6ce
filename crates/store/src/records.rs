//! What workers report: one sequence an attempt, taken in order and once.

use crate::Result;
use assay_core::ids::{AttemptRef, StageId, WorkerId};
use assay_core::wire::{Level, Record};
use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// Takes the records that are not here yet (`first_seq` numbers the first, from 1)
/// and returns the last number that is here. Needs the caller's transaction.
///
/// # Errors
/// `LeaseLost` for a stale attempt, `Gap` where records before these are missing,
/// `Conflict` for records that contradict what is stored, `Database`.
pub async fn append_records(
    conn: &mut PgConnection,
    worker: WorkerId,
    attempt: AttemptRef,
    first_seq: u64,
    records: &[Record],
) -> Result<u64> {
    let _ = (conn, worker, attempt, first_seq, records);
    todo!()
}

#[derive(Debug, Clone, Serialize)]
pub struct EventView {
    pub id: i64,
    pub attempt: Option<i32>,
    pub step: Option<i64>,
    pub level: Level,
    pub text: String,
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// The latest events of a stage, newest first.
///
/// # Errors
/// `Database`.
pub async fn events(conn: &mut PgConnection, stage: StageId, limit: i64) -> Result<Vec<EventView>> {
    let _ = (conn, stage, limit);
    todo!()
}
