//! Who works on what next.

use crate::events::{Note, insert_events, notify_stages};
use crate::numbers::{int, unsigned};
use crate::{Result, StoreError};
use assay_core::ids::{AttemptRef, StageId, WorkerId};
use assay_core::spec::{Role, StageSpec};
use assay_core::wire::{ArtifactRef, Claim, LEASE_SECONDS, Level, PROTOCOL, role};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

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
    let seen = see_worker(&mut *conn, worker).await?;
    if seen.protocol != int(PROTOCOL)? {
        return Ok(None);
    }
    let free = i32::try_from(free_threads).unwrap_or(i32::MAX);
    let Some(taken) = take_head(&mut *conn, worker, seen.threads, free).await? else {
        return Ok(None);
    };
    let inputs = find_inputs(&mut *conn, taken.stage).await?;
    let resume = find_resume(&mut *conn, taken.stage).await?;
    let text = match &resume {
        None => format!("attempt {} on {}", taken.number, seen.name),
        Some(from) => format!(
            "attempt {} on {}, from step {}",
            taken.number, seen.name, from.step
        ),
    };
    let spec = find_spec(&mut *conn, taken.stage).await?;
    insert_events(&mut *conn, &[Note::new(taken, Level::Info, text)]).await?;
    notify_stages(conn, &[taken.stage.0]).await?;
    Ok(Some(Claim {
        stage: taken.stage,
        attempt: taken.number,
        spec,
        inputs,
        resume,
    }))
}

struct Seen {
    name: String,
    protocol: i32,
    threads: i32,
}

async fn see_worker(conn: &mut PgConnection, worker: WorkerId) -> Result<Seen> {
    sqlx::query_as!(
        Seen,
        "update worker set seen_at = clock_timestamp() where id = $1
         returning name, protocol, threads",
        worker.0
    )
    .fetch_optional(conn)
    .await?
    .ok_or(StoreError::NotFound("worker"))
}

async fn take_head(
    conn: &mut PgConnection,
    worker: WorkerId,
    threads: i32,
    free: i32,
) -> Result<Option<AttemptRef>> {
    let row = sqlx::query!(
        "with head as (
             select stage_id, threads from job
             where state = 'queued' and not_before <= clock_timestamp() and threads <= $2
             order by priority desc, queued_at, stage_id
             limit 1 for update skip locked
         ), taken as (
             update job set state = 'running', attempts = job.attempts + 1,
                 changed_at = clock_timestamp()
             from head where job.stage_id = head.stage_id and head.threads <= $3
             returning job.stage_id, job.attempts
         )
         insert into attempt (stage_id, number, worker_id, state, lease_expires_at)
         select stage_id, attempts, $1, 'running', clock_timestamp() + make_interval(secs => $4)
         from taken
         returning stage_id, number",
        worker.0,
        threads,
        free,
        LEASE_SECONDS as f64
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| AttemptRef {
        stage: StageId(row.stage_id),
        number: row.number,
    }))
}

async fn find_spec(conn: &mut PgConnection, stage: StageId) -> Result<StageSpec> {
    let spec = sqlx::query_scalar!("select spec from stage where id = $1", stage.0)
        .fetch_one(conn)
        .await?;
    serde_json::from_value(spec).map_err(StoreError::unreadable)
}

/// The results of a stage's inputs, by role.
async fn find_inputs(
    conn: &mut PgConnection,
    stage: StageId,
) -> Result<BTreeMap<Role, ArtifactRef>> {
    let rows = sqlx::query!(
        "select i.role, o.sha256, o.bytes, o.step
         from stage_input i
         cross join lateral (
             select r.sha256, r.step, a.bytes from artifact_ref r
             join kept k on k.stage_id = r.stage_id and k.attempt = r.attempt
             join artifact a on a.sha256 = r.sha256
             where r.stage_id = i.from_stage and r.role = $2 and r.step <= k.last_step
             order by r.attempt desc, r.step desc limit 1) o
         where i.stage_id = $1",
        stage.0,
        role::OUTPUT
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let role: Role = row
                .role
                .parse()
                .map_err(|e: String| StoreError::unreadable(std::io::Error::other(e)))?;
            Ok((role, artifact(row.sha256, row.bytes, row.step)))
        })
        .collect()
}

/// The last checkpoint of an earlier attempt that no later one has left behind.
async fn find_resume(conn: &mut PgConnection, stage: StageId) -> Result<Option<ArtifactRef>> {
    let row = sqlx::query!(
        "select r.sha256, r.step, a.bytes from artifact_ref r
         join kept k on k.stage_id = r.stage_id and k.attempt = r.attempt
         join artifact a on a.sha256 = r.sha256
         where r.stage_id = $1 and r.role = $2 and r.step <= k.last_step and r.released_at is null
         order by r.step desc, r.attempt desc limit 1",
        stage.0,
        role::RESUME
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| artifact(row.sha256, row.bytes, row.step)))
}

fn artifact(sha256: String, bytes: i64, step: i64) -> ArtifactRef {
    ArtifactRef {
        sha256,
        bytes: unsigned(bytes),
        step: unsigned(step),
    }
}

/// The states that an attempt of this worker is in, with its row locked.
pub(crate) struct Held {
    pub state: String,
    pub last_seq: u64,
    pub resumed_from_step: Option<i64>,
    pub step: i64,
}

/// Locks an attempt's row: from here to the end of the transaction nobody can take
/// it away.
///
/// # Errors
/// `LeaseLost` where there is none of this worker.
pub(crate) async fn lock_attempt(
    conn: &mut PgConnection,
    worker: WorkerId,
    attempt: AttemptRef,
) -> Result<Held> {
    let worker: Uuid = worker.0;
    let row = sqlx::query!(
        "select state, last_seq, resumed_from_step, step from attempt
         where stage_id = $1 and number = $2 and worker_id = $3 for update",
        attempt.stage.0,
        attempt.number,
        worker
    )
    .fetch_optional(conn)
    .await?
    .ok_or(StoreError::LeaseLost)?;
    Ok(Held {
        state: row.state,
        last_seq: unsigned(row.last_seq),
        resumed_from_step: row.resumed_from_step,
        step: row.step,
    })
}
