//! Leases: renewed by heartbeats, taken away when they run out.

use super::graph::{self, cancel_dependants, retire};
use crate::events::{Note, insert_events, notify_jobs, notify_stages};
use crate::numbers::bigint;
use crate::{JobState, Result, StoreError};
use assay_core::ids::{AttemptRef, StageId, WorkerId};
use assay_core::wire::{HeartbeatAnswer, LEASE_SECONDS, Level};
use sqlx::PgConnection;
use uuid::Uuid;

/// A job that loses its workers this often has something wrong with it.
pub const MAX_ATTEMPTS: i32 = 50;

/// Renews the lease.
///
/// # Errors
/// `LeaseLost` unless this is the current attempt, running, by this worker; `Database`.
pub async fn heartbeat(
    conn: &mut PgConnection,
    worker: WorkerId,
    attempt: AttemptRef,
    step: Option<u64>,
) -> Result<HeartbeatAnswer> {
    // At most one attempt of a stage is running, so `running` is the whole fence.
    let cancel = sqlx::query_scalar!(
        "with seen as (
             update worker set seen_at = clock_timestamp() where id = $3
         )
         update attempt a set
             lease_expires_at = clock_timestamp() + make_interval(secs => $5),
             step = greatest(a.step, $4)
         from job j
         where a.stage_id = $1 and a.number = $2 and a.worker_id = $3 and a.state = 'running'
             and j.stage_id = a.stage_id
         returning j.cancel",
        attempt.stage.0,
        attempt.number,
        worker.0,
        step.map(bigint).transpose()?,
        LEASE_SECONDS as f64
    )
    .fetch_optional(conn)
    .await?
    .ok_or(StoreError::LeaseLost)?;
    Ok(HeartbeatAnswer { cancel })
}

/// Takes back what is leased past the database's clock: the attempts are lost, their
/// jobs queued again. That is no failure of theirs, up to [`MAX_ATTEMPTS`].
/// Needs the caller's transaction.
///
/// # Errors
/// `Database`.
pub async fn reap_expired(conn: &mut PgConnection) -> Result<Vec<AttemptRef>> {
    let lost = lose_expired(&mut *conn).await?;
    if lost.is_empty() {
        return Ok(lost);
    }
    graph::lock_shared(&mut *conn).await?;
    let stages: Vec<Uuid> = lost.iter().map(|a| a.stage.0).collect();
    let now = requeue(&mut *conn, &stages, MAX_ATTEMPTS).await?;
    let notes: Vec<Note> = lost
        .iter()
        .map(|attempt| {
            let state = now.iter().find(|(id, _)| *id == attempt.stage.0);
            let text = match state.map(|(_, state)| *state) {
                Some(JobState::Failed) => "the worker was lost; too many attempts, given up",
                Some(JobState::Cancelled) => "the worker was lost; cancelled",
                _ => "the worker was lost; the job is queued again",
            };
            Note::new(*attempt, Level::Alarm, text)
        })
        .collect();
    insert_events(conn, &notes).await?;
    Ok(lost)
}

async fn lose_expired(conn: &mut PgConnection) -> Result<Vec<AttemptRef>> {
    let rows = sqlx::query!(
        "with expired as (
             select stage_id, number from attempt
             where state = 'running' and lease_expires_at < clock_timestamp()
             order by stage_id for update skip locked
         )
         update attempt a set state = 'lost', finished_at = clock_timestamp()
         from expired e where a.stage_id = e.stage_id and a.number = e.number
         returning a.stage_id, a.number"
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| AttemptRef {
            stage: StageId(row.stage_id),
            number: row.number,
        })
        .collect())
}

/// Running jobs whose attempt has ended without an end of the job: queued again,
/// or failed past `max_attempts`, or cancelled. An imported stage can have inputs that have not
/// succeeded; it waits for them now.
pub(super) async fn requeue(
    conn: &mut PgConnection,
    stages: &[Uuid],
    max_attempts: i32,
) -> Result<Vec<(Uuid, JobState)>> {
    let rows = sqlx::query!(
        "with locked as (
             select stage_id from job where stage_id = any($1) and state = 'running'
             order by stage_id for update
         ), fate as (
             select l.stage_id,
                 count(distinct i.from_stage) filter (where p.state <> 'succeeded')::int as unfinished,
                 coalesce(bool_or(p.state in ('failed', 'cancelled')), false) as is_doomed
             from locked l
             left join stage_input i on i.stage_id = l.stage_id
             left join job p on p.stage_id = i.from_stage
             group by l.stage_id
         )
         update job j set
             state = case when j.cancel or f.is_doomed then 'cancelled'
                 when j.attempts >= $2 then 'failed'
                 when f.unfinished > 0 then 'blocked' else 'queued' end,
             waiting_on = f.unfinished,
             finished_at = case when j.cancel or f.is_doomed or j.attempts >= $2
                 then clock_timestamp() end,
             changed_at = clock_timestamp()
         from fate f where j.stage_id = f.stage_id
         returning j.stage_id, j.state",
        stages,
        max_attempts
    )
    .fetch_all(&mut *conn)
    .await?;
    let now = rows
        .into_iter()
        .map(|row| Ok((row.stage_id, JobState::from_word(&row.state)?)))
        .collect::<Result<Vec<_>>>()?;
    let dead: Vec<Uuid> = now
        .iter()
        .filter(|(_, state)| matches!(state, JobState::Failed | JobState::Cancelled))
        .map(|(id, _)| *id)
        .collect();
    if !dead.is_empty() {
        retire(&mut *conn, &dead).await?;
        let cancelled = cancel_dependants(&mut *conn, &dead).await?;
        notify_stages(&mut *conn, &cancelled).await?;
    }
    notify_stages(&mut *conn, stages).await?;
    notify_jobs(conn).await?;
    Ok(now)
}
