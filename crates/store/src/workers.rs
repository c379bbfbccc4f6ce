//! Worker processes that have registered.

use crate::Result;
use assay_core::ids::{StageId, WorkerId};
use assay_core::wire::{Host, Register};
use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;

#[derive(Debug, Clone, Serialize)]
pub struct WorkerView {
    pub id: WorkerId,
    pub name: String,
    pub protocol: i32,
    pub threads: i32,
    pub host: Host,
    #[serde(with = "time::serde::rfc3339")]
    pub registered_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub seen_at: OffsetDateTime,
    /// By the database's clock.
    pub seconds_since_seen: f64,
    pub running: Vec<RunningAttempt>,
}

/// What a worker is working on.
#[derive(Debug, Clone, Serialize)]
pub struct RunningAttempt {
    pub stage: StageId,
    pub number: i32,
    pub kind: String,
    pub step: i64,
}

/// A worker is a process: one that starts again registers again, under a new id.
///
/// # Errors
/// `Database`.
pub async fn register_worker(conn: &mut PgConnection, register: &Register) -> Result<WorkerId> {
    let _ = (conn, register);
    todo!()
}

/// Most recently seen first, at most 200.
///
/// # Errors
/// `Database`.
pub async fn list_workers(conn: &mut PgConnection) -> Result<Vec<WorkerView>> {
    let _ = conn;
    todo!()
}
