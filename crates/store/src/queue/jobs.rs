//! The queue as the pages show it.

use crate::numbers::{int, unsigned};
use crate::{JobState, Result};
use assay_core::ids::{ExperimentId, RunId, StageId};
use assay_core::wire::{LEASE_SECONDS, PROTOCOL};
use serde::Serialize;
use sqlx::PgConnection;
use std::collections::HashMap;
use time::OffsetDateTime;
use uuid::Uuid;

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
    /// Higher ones are taken first: 0 unless somebody has changed the order.
    pub priority: i32,
    /// Of the latest attempt.
    pub step: i64,
    #[serde(with = "time::serde::rfc3339::option")]
    pub started_at: Option<OffsetDateTime>,
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
    let rows = sqlx::query!(
        r#"with open as (
             select j.*, row_number() over (
                 partition by j.state order by j.priority desc, j.queued_at, j.stage_id) as place
             from job j where j.state in ('blocked', 'queued', 'running')
         ), closed as (
             select j.*, 0::bigint as place from job j where j.finished_at is not null
             order by j.finished_at desc limit $1
         ), chosen as (
             select * from open union all select * from closed
         )
         select c.stage_id as "stage_id!", s.kind as "kind!", c.state as "state!",
             c.waiting_on as "waiting_on!", c.threads as "threads!",
             c.attempts as "attempts!", c.failures as "failures!", c.priority as "priority!",
             c.queued_at as "queued_at!", c.not_before as "not_before!", c.finished_at,
             c.place as "place!",
             c.not_before > clock_timestamp() as "is_paused!",
             exists (
                 select from worker
                 where seen_at > clock_timestamp() - make_interval(secs => $2)
                     and threads >= c.threads and protocol = $3) as "has_worker!",
             a.step as "step?", a.started_at as "started_at?", w.name as "worker_name?"
         from chosen c
         join stage s on s.id = c.stage_id
         left join attempt a on a.stage_id = c.stage_id and a.number = c.attempts
         left join worker w on w.id = a.worker_id
         order by array_position(array['running', 'queued', 'blocked'], c.state),
             c.place, c.finished_at desc
         limit $1"#,
        limit,
        LEASE_SECONDS as f64,
        int(PROTOCOL)?
    )
    .fetch_all(&mut *conn)
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.stage_id).collect();
    let mut needed_by = list_needs(conn, &ids).await?;
    rows.into_iter()
        .map(|row| {
            let state = JobState::from_word(&row.state)?;
            let waiting = match state {
                JobState::Blocked => Some(Waiting::Inputs {
                    unfinished: row.waiting_on,
                }),
                JobState::Queued if row.is_paused => Some(Waiting::Retry {
                    not_before: row.not_before,
                }),
                JobState::Queued if !row.has_worker => Some(Waiting::Worker {
                    threads: row.threads,
                }),
                JobState::Queued => Some(Waiting::Turn {
                    ahead: row.place - 1,
                }),
                JobState::Running
                | JobState::Succeeded
                | JobState::Failed
                | JobState::Cancelled => None,
            };
            Ok(JobView {
                stage: StageId(row.stage_id),
                kind: row.kind,
                state,
                waiting,
                threads: row.threads,
                attempts: row.attempts,
                failures: row.failures,
                priority: row.priority,
                step: row.step.unwrap_or(0),
                started_at: row.started_at,
                worker_name: row.worker_name,
                queued_at: row.queued_at,
                finished_at: row.finished_at,
                needed_by: needed_by.remove(&row.stage_id).unwrap_or_default(),
            })
        })
        .collect()
}

/// Why a job that is queued does not run yet; `None` of any other.
///
/// # Errors
/// `Database`.
pub async fn find_waiting(conn: &mut PgConnection, stage: StageId) -> Result<Option<Waiting>> {
    let row = sqlx::query!(
        r#"select j.threads, j.not_before, j.not_before > clock_timestamp() as "is_paused!",
             exists (
                 select from worker
                 where seen_at > clock_timestamp() - make_interval(secs => $2)
                     and threads >= j.threads and protocol = $3) as "has_worker!",
             (select count(*) from job o
              where o.state = 'queued' and (o.priority > j.priority or o.priority = j.priority
                  and (o.queued_at, o.stage_id) < (j.queued_at, j.stage_id))) as "ahead!"
         from job j where j.stage_id = $1 and j.state = 'queued'"#,
        stage.0,
        LEASE_SECONDS as f64,
        int(PROTOCOL)?
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        if row.is_paused {
            Waiting::Retry {
                not_before: row.not_before,
            }
        } else if !row.has_worker {
            Waiting::Worker {
                threads: row.threads,
            }
        } else {
            Waiting::Turn { ahead: row.ahead }
        }
    }))
}

async fn list_needs(
    conn: &mut PgConnection,
    stages: &[Uuid],
) -> Result<HashMap<Uuid, Vec<NeededBy>>> {
    let rows = sqlx::query!(
        "select rs.stage_id, rs.name, r.id as run_id, r.seed, a.key,
             e.id as experiment_id, e.name as experiment_name
         from run_stage rs
         join run r on r.id = rs.run_id
         join arm a on a.id = r.arm_id
         join experiment e on e.id = r.experiment_id
         where rs.stage_id = any($1)
         order by e.created_at, a.position, r.seed, rs.position",
        stages
    )
    .fetch_all(conn)
    .await?;
    let mut needs: HashMap<Uuid, Vec<NeededBy>> = HashMap::new();
    for row in rows {
        needs.entry(row.stage_id).or_default().push(NeededBy {
            experiment: ExperimentId(row.experiment_id),
            experiment_name: row.experiment_name,
            run: RunId(row.run_id),
            arm_key: row.key,
            seed: unsigned(row.seed),
            name: row.name,
        });
    }
    Ok(needs)
}
