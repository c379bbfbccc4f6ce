//! Runs with their stages, as the pages show them.

use crate::{ArmView, AttemptState, JobState, Result, RunState};
use assay_core::ids::{ExperimentId, RunId, StageId};
use assay_core::spec::{Charge, StageSpec};
use assay_core::wire::HostFacts;
use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// One arm at one seed.
#[derive(Debug, Clone, Serialize)]
pub struct RunView {
    pub id: RunId,
    pub experiment: ExperimentId,
    pub arm: ArmView,
    pub seed: u64,
    pub state: RunState,
    /// In order of computation; the last is the final evaluation.
    pub stages: Vec<RunStageView>,
}

/// A stage as one run sees it.
#[derive(Debug, Clone, Serialize)]
pub struct RunStageView {
    pub position: i32,
    /// `stage`, `arm/stage` or `eval`.
    pub name: String,
    pub stage: StageId,
    pub hash: String,
    pub kind: String,
    pub charge: Charge,
    /// An earlier experiment had planned it.
    pub reused: bool,
    pub state: JobState,
    pub attempts: i32,
    /// Attempts that count against the job.
    pub failures: i32,
    /// Of the latest attempt.
    pub step: i64,
    /// Of the first attempt.
    #[serde(with = "time::serde::rfc3339::option")]
    pub started_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub finished_at: Option<OffsetDateTime>,
    /// Of the latest attempt that failed, also where a later one went well.
    pub failure: Option<FailureView>,
    /// Who works, or worked last, on it.
    pub worker_name: Option<String>,
    /// Names of the inputs that have not succeeded yet.
    pub waits_for: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailureView {
    /// Word of a `FailureClass`.
    pub class: String,
    pub message: String,
    pub step: Option<i64>,
    pub metric: Option<String>,
    /// Last lines of what the attempt printed.
    pub log: Vec<String>,
}

/// One try at a stage.
#[derive(Debug, Clone, Serialize)]
pub struct AttemptView {
    pub number: i32,
    pub state: AttemptState,
    pub worker_name: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    pub finished_at: Option<OffsetDateTime>,
    /// `None` until it has reported anything.
    pub resumed_from_step: Option<i64>,
    pub step: i64,
    pub host: Option<HostFacts>,
    pub failure: Option<FailureView>,
}

/// In the order of the arms, then by seed.
///
/// # Errors
/// `Database`; an unknown experiment has no runs.
pub async fn list_runs(conn: &mut PgConnection, experiment: ExperimentId) -> Result<Vec<RunView>> {
    let _ = (conn, experiment);
    todo!()
}

/// # Errors
/// `NotFound`, `Database`.
pub async fn get_run(conn: &mut PgConnection, run: RunId) -> Result<RunView> {
    let _ = (conn, run);
    todo!()
}

/// The complete spec of one stage.
///
/// # Errors
/// `NotFound`, `Database`.
pub async fn get_stage_spec(conn: &mut PgConnection, stage: StageId) -> Result<StageSpec> {
    let _ = (conn, stage);
    todo!()
}

/// Every try at a stage, first to last.
///
/// # Errors
/// `Database`.
pub async fn list_attempts(conn: &mut PgConnection, stage: StageId) -> Result<Vec<AttemptView>> {
    let _ = (conn, stage);
    todo!()
}
