//! The queue as the pages show it.

use crate::{JobState, Result};
use assay_core::ids::{ExperimentId, RunId, StageId};
use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// One job.
#[derive(Debug, Clone, Serialize)]
pub struct JobView {
    pub stage: StageId,
    pub kind: String,
    pub state: JobState,
    /// Why it is not running, where it is blocked or queued.
    pub waiting: Option<Waiting>,
    pub threads: i32,
    pub attempts: i32,
    pub failures: i32,
    /// Of the latest attempt.
    pub step: i64,
    pub worker_name: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub queued_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    pub finished_at: Option<OffsetDateTime>,
    /// The runs that need it, oldest first.
    pub needed_by: Vec<NeededBy>,
}

/// Why a job does not run yet.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "waits_for", rename_all = "snake_case")]
pub enum Waiting {
    /// So many inputs have not succeeded yet.
    Inputs { unfinished: i32 },
    /// An attempt failed; the next one comes after a pause.
    Retry {
        #[serde(with = "time::serde::rfc3339")]
        not_before: OffsetDateTime,
    },
    /// No worker seen within the last lease has that many threads.
    Worker { threads: i32 },
    /// Others are before it.
    Turn { ahead: i64 },
}

/// A run that needs a job, and what it calls its stage.
#[derive(Debug, Clone, Serialize)]
pub struct NeededBy {
    pub experiment: ExperimentId,
    pub experiment_name: String,
    pub run: RunId,
    pub arm_key: String,
    pub seed: u64,
    pub name: String,
}

/// Running first, then queued in the order of claiming, blocked, and the latest finished.
///
/// # Errors
/// `Database`.
pub async fn list_jobs(conn: &mut PgConnection, limit: i64) -> Result<Vec<JobView>> {
    let _ = (conn, limit);
    todo!()
}
