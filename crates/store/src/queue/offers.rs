//! Runs that the queue's forms offer: found apart from the list of jobs, so that none of them
//! is missing because the list is long.

use crate::numbers::unsigned;
use crate::{JobState, Result};
use assay_core::ids::{RunId, StageId};
use sqlx::PgConnection;

/// A run, by the first of its jobs that is in one of the states that were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunJob {
    pub run: RunId,
    pub experiment_name: String,
    pub arm_key: String,
    pub seed: u64,
    /// What the run calls its stage.
    pub name: String,
    pub state: JobState,
    /// Of the latest attempt.
    pub step: i64,
}

/// Some runs, and how many there are in all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunJobs {
    pub runs: Vec<RunJob>,
    pub all: i64,
}

/// Runs with a job in one of these states, each once: what is open in the order of the queue,
/// then what has ended, the latest first.
///
/// # Errors
/// `Database`.
pub async fn list_run_jobs(
    conn: &mut PgConnection,
    states: &[JobState],
    limit: i64,
) -> Result<RunJobs> {
    let words: Vec<String> = states.iter().map(|state| state.word().into()).collect();
    let rows = sqlx::query!(
        r#"with one as (
             select distinct on (rs.run_id) rs.run_id, rs.name, j.stage_id, j.state, j.attempts,
                 j.priority, j.queued_at, j.finished_at
             from job j
             join run_stage rs on rs.stage_id = j.stage_id
             where j.state = any($1)
             order by rs.run_id, array_position(
                     array['running', 'queued', 'blocked', 'failed', 'cancelled'], j.state),
                 j.priority desc, j.queued_at, j.stage_id
         )
         select o.run_id as "run_id!", o.name as "name!", o.state as "state!", r.seed as "seed!",
             a.key as "key!", e.name as "experiment_name!", t.step as "step?",
             count(*) over () as "all!"
         from one o
         join run r on r.id = o.run_id
         join arm a on a.id = r.arm_id
         join experiment e on e.id = r.experiment_id
         left join attempt t on t.stage_id = o.stage_id and t.number = o.attempts
         order by array_position(array['running', 'queued', 'blocked'], o.state),
             o.finished_at desc nulls last, o.priority desc, o.queued_at, o.stage_id,
             e.created_at, a.position, r.seed, r.id
         limit $2"#,
        &words,
        limit
    )
    .fetch_all(conn)
    .await?;
    let all = rows.first().map_or(0, |row| row.all);
    let runs: Result<Vec<RunJob>> = rows
        .into_iter()
        .map(|row| {
            Ok(RunJob {
                run: RunId(row.run_id),
                experiment_name: row.experiment_name,
                arm_key: row.key,
                seed: unsigned(row.seed),
                name: row.name,
                state: JobState::from_word(&row.state)?,
                step: row.step.unwrap_or(0),
            })
        })
        .collect();
    Ok(RunJobs { runs: runs?, all })
}

/// Stages that have failed, the latest first.
///
/// # Errors
/// `Database`.
pub async fn list_failed_stages(conn: &mut PgConnection, limit: i64) -> Result<Vec<StageId>> {
    let ids = sqlx::query_scalar!(
        "select stage_id from job where state = 'failed'
         order by finished_at desc nulls last, stage_id limit $1",
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(StageId).collect())
}
