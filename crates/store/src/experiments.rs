//! What was asked for: experiments, their versions and arms.

use crate::Result;
use assay_core::ids::{ArmId, ExperimentId, WorkerId};
use assay_core::spec::Experiment;
use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// One line of the list of experiments.
#[derive(Debug, Clone, Serialize)]
pub struct ExperimentSummary {
    pub id: ExperimentId,
    pub name: String,
    pub question: String,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    pub arms: i64,
    pub runs: i64,
    pub runs_done: i64,
    pub runs_failed: i64,
    pub runs_running: i64,
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_event_at: Option<OffsetDateTime>,
}

/// One experiment in its current version.
#[derive(Debug, Clone, Serialize)]
pub struct ExperimentView {
    pub id: ExperimentId,
    pub name: String,
    pub question: String,
    pub version: i32,
    /// Of the canonical JSON of `spec`.
    pub sha256: String,
    #[serde(with = "time::serde::rfc3339")]
    pub frozen_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    pub spec: Experiment,
    /// In the order of the file.
    pub arms: Vec<ArmView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ArmView {
    pub id: ArmId,
    pub position: i32,
    pub key: String,
    pub label: String,
    /// False for an arm that evaluates a shared stage as it is.
    pub trains: bool,
}

/// Stages computed elsewhere, whose records `worker` is about to replay: their
/// jobs are inserted as running, attempt 1 held by it with a lease of ten minutes.
/// Stages that are known already are left as they are.
#[derive(Debug, Clone)]
pub struct Import {
    pub worker: WorkerId,
    pub hashes: Vec<String>,
}

/// Plans an experiment and stores all of it: version, arms, runs, stages (those
/// already live or succeeded are found by their hash), inputs and jobs. Needs the
/// caller's transaction.
///
/// # Errors
/// `Database`; nothing is stored once the transaction is rolled back.
pub async fn insert_experiment(
    conn: &mut PgConnection,
    experiment: &Experiment,
    import: Option<&Import>,
) -> Result<ExperimentId> {
    let _ = (conn, experiment, import);
    todo!()
}

/// The newest experiment whose current or earlier version has this spec.
///
/// # Errors
/// `Database`.
pub async fn find_experiment_by_spec(
    conn: &mut PgConnection,
    sha256: &str,
) -> Result<Option<ExperimentId>> {
    let _ = (conn, sha256);
    todo!()
}

/// Newest first; `before` is the last one of the page before.
///
/// # Errors
/// `Database`.
pub async fn list_experiments(
    conn: &mut PgConnection,
    limit: i64,
    before: Option<ExperimentId>,
) -> Result<Vec<ExperimentSummary>> {
    let _ = (conn, limit, before);
    todo!()
}

/// # Errors
/// `NotFound`, `Database`.
pub async fn get_experiment(conn: &mut PgConnection, id: ExperimentId) -> Result<ExperimentView> {
    let _ = (conn, id);
    todo!()
}
