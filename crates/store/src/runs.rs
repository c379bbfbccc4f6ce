//! Runs with their stages, as the pages show them.

use crate::numbers::unsigned;
use crate::{ArmView, AttemptState, JobState, Result, RunState, StoreError};
use assay_core::ids::{ArmId, ExperimentId, RunId, StageId};
use assay_core::spec::{Charge, StageSpec};
use assay_core::wire::HostFacts;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;

/// One arm at one seed.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Serialize, Deserialize)]
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

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Last lines of what it printed, as its last heartbeat that brought any left them.
    pub log: Vec<String>,
    /// When that came; `None` where none has brought any.
    #[serde(with = "time::serde::rfc3339::option")]
    pub log_at: Option<OffsetDateTime>,
}

/// In the order of the arms, then by seed.
///
/// # Errors
/// `Database`; an unknown experiment has no runs.
pub async fn list_runs(conn: &mut PgConnection, experiment: ExperimentId) -> Result<Vec<RunView>> {
    select_runs(conn, Some(experiment), None).await
}

/// # Errors
/// `NotFound`, `Database`.
pub async fn get_run(conn: &mut PgConnection, run: RunId) -> Result<RunView> {
    select_runs(conn, None, Some(run))
        .await?
        .pop()
        .ok_or(StoreError::NotFound("run"))
}

/// The complete spec of one stage.
///
/// # Errors
/// `NotFound`, `Database`.
pub async fn get_stage_spec(conn: &mut PgConnection, stage: StageId) -> Result<StageSpec> {
    let spec = sqlx::query_scalar!("select spec from stage where id = $1", stage.0)
        .fetch_optional(conn)
        .await?
        .ok_or(StoreError::NotFound("stage"))?;
    serde_json::from_value(spec).map_err(StoreError::unreadable)
}

/// One row a stage, in the order of the runs; one statement for one run or all of
/// an experiment's.
async fn select_runs(
    conn: &mut PgConnection,
    experiment: Option<ExperimentId>,
    run: Option<RunId>,
) -> Result<Vec<RunView>> {
    let rows = sqlx::query!(
        r#"with r as materialized (
             select id, experiment_id, arm_id, seed,
                 (select state from run_state where run_id = run.id) as state
             from run where experiment_id = $1 or id = $2
         )
         select r.id as run_id, r.experiment_id, r.seed, r.state as "run_state!",
             a.id as arm_id, a.position as arm_position, a.key, a.label, a.trains,
             rs.position, rs.name, rs.stage_id, s.hash, s.kind as "kind!", rs.charge, rs.reused,
             j.state, j.attempts, j.failures, j.finished_at,
             first.started_at as "started_at?", last.step as "step?", w.name as "worker_name?",
             f.failure_class as "failure_class?", f.failure_message as "failure_message?",
             f.failure_step as "failure_step?", f.failure_metric as "failure_metric?",
             f.log as "log?",
             case when j.state = 'blocked' then array(
                 select distinct i_rs.name from stage_input i
                 join job i_j on i_j.stage_id = i.from_stage and i_j.state <> 'succeeded'
                 join run_stage i_rs on i_rs.stage_id = i.from_stage and i_rs.run_id = r.id
                 where i.stage_id = rs.stage_id) end as waits_for
         from r
         join arm a on a.id = r.arm_id
         join run_stage rs on rs.run_id = r.id
         join stage s on s.id = rs.stage_id
         join job j on j.stage_id = rs.stage_id
         left join attempt first on first.stage_id = j.stage_id and first.number = 1
         left join attempt last on last.stage_id = j.stage_id and last.number = j.attempts
         left join worker w on w.id = last.worker_id
         left join lateral (
             select * from attempt where stage_id = j.stage_id and state = 'failed'
             order by number desc limit 1) f on j.failures > 0
         order by a.position, r.seed, r.id, rs.position"#,
        experiment.map(|id| id.0),
        run.map(|id| id.0)
    )
    .fetch_all(conn)
    .await?;
    let mut runs: Vec<RunView> = vec![];
    for row in rows {
        let stage = RunStageView {
            position: row.position,
            name: row.name,
            stage: StageId(row.stage_id),
            hash: row.hash,
            kind: row.kind,
            charge: charge(&row.charge)?,
            reused: row.reused,
            state: JobState::from_word(&row.state)?,
            attempts: row.attempts,
            failures: row.failures,
            step: row.step.unwrap_or(0),
            started_at: row.started_at,
            finished_at: row.finished_at,
            failure: failure(
                row.failure_class,
                row.failure_message,
                row.failure_step,
                row.failure_metric,
                row.log,
            ),
            worker_name: row.worker_name,
            waits_for: row.waits_for.unwrap_or_default(),
        };
        if let Some(run) = runs.last_mut().filter(|run| run.id.0 == row.run_id) {
            run.stages.push(stage);
            continue;
        }
        runs.push(RunView {
            id: RunId(row.run_id),
            experiment: ExperimentId(row.experiment_id),
            arm: ArmView {
                id: ArmId(row.arm_id),
                position: row.arm_position,
                key: row.key,
                label: row.label,
                trains: row.trains,
            },
            seed: unsigned(row.seed),
            state: RunState::from_word(&row.run_state)?,
            stages: vec![stage],
        });
    }
    Ok(runs)
}

pub(crate) fn charge(word: &str) -> Result<Charge> {
    word.parse()
        .map_err(|e: String| StoreError::unreadable(std::io::Error::other(e)))
}

fn failure(
    class: Option<String>,
    message: Option<String>,
    step: Option<i64>,
    metric: Option<String>,
    log: Option<Vec<String>>,
) -> Option<FailureView> {
    Some(FailureView {
        class: class?,
        message: message.unwrap_or_default(),
        step,
        metric,
        log: log.unwrap_or_default(),
    })
}

/// Every try at a stage, first to last.
///
/// # Errors
/// `Database`.
pub async fn list_attempts(conn: &mut PgConnection, stage: StageId) -> Result<Vec<AttemptView>> {
    let rows = sqlx::query!(
        r#"select a.number, a.state, w.name as "worker_name?", a.started_at, a.finished_at,
             a.resumed_from_step, a.step, a.host, a.failure_class, a.failure_message,
             a.failure_step, a.failure_metric, a.log, a.log_at
         from attempt a left join worker w on w.id = a.worker_id
         where a.stage_id = $1 order by a.number"#,
        stage.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(AttemptView {
                number: row.number,
                state: AttemptState::from_word(&row.state)?,
                worker_name: row.worker_name,
                started_at: row.started_at,
                finished_at: row.finished_at,
                resumed_from_step: row.resumed_from_step,
                step: row.step,
                host: row
                    .host
                    .map(serde_json::from_value)
                    .transpose()
                    .map_err(StoreError::unreadable)?,
                failure: failure(
                    row.failure_class,
                    row.failure_message,
                    row.failure_step,
                    row.failure_metric,
                    Some(row.log.clone()),
                ),
                log: row.log,
                log_at: row.log_at,
            })
        })
        .collect()
}
