//! The end of an attempt, and what follows from it.

use super::claim::lock_attempt;
use super::graph::{self, cancel_dependants, retire};
use super::lease::requeue;
use crate::events::{Note, insert_events, notify_jobs, notify_stages};
use crate::numbers::{bigint, text};
use crate::{AttemptState, Result, StoreError};
use assay_core::ids::{AttemptRef, StageId, WorkerId};
use assay_core::tail::Tail;
use assay_core::wire::{FailureClass, Level, Outcome, role};
use sqlx::PgConnection;
use uuid::Uuid;

/// Failed attempts after which a job has failed.
pub const MAX_FAILURES: i32 = 3;

/// Ends an attempt. Success releases what waits for the stage, once; a failure is
/// tried again where its class allows, else what builds on the stage is cancelled.
/// The same outcome may be sent again. Needs the caller's transaction.
///
/// # Errors
/// `LeaseLost` where the attempt is not this worker's or no longer current, `Gap`
/// where records up to `last_seq` are missing, `Database`.
pub async fn finish(
    conn: &mut PgConnection,
    worker: WorkerId,
    attempt: AttemptRef,
    last_seq: u64,
    outcome: &Outcome,
) -> Result<()> {
    let held = lock_attempt(&mut *conn, worker, attempt).await?;
    let end = match outcome {
        Outcome::Succeeded => AttemptState::Succeeded,
        Outcome::Failed { .. } => AttemptState::Failed,
        Outcome::Preempted => AttemptState::Preempted,
        Outcome::Cancelled => AttemptState::Cancelled,
    };
    match AttemptState::from_word(&held.state)? {
        AttemptState::Running => {}
        before if before == end => return Ok(()),
        AttemptState::Succeeded
        | AttemptState::Failed
        | AttemptState::Preempted
        | AttemptState::Lost
        | AttemptState::Fenced
        | AttemptState::Cancelled => return Err(StoreError::LeaseLost),
    }
    if held.last_seq < last_seq {
        return Err(StoreError::Gap {
            last: held.last_seq,
        });
    }
    graph::lock_shared(&mut *conn).await?;
    match outcome {
        Outcome::Succeeded => {
            end_attempt(&mut *conn, attempt, end).await?;
            succeed(&mut *conn, attempt).await?;
        }
        Outcome::Failed {
            class,
            message,
            step,
            metric,
            log,
        } => {
            let failure = Failure {
                class: *class,
                message: text(message),
                step: step.map(bigint).transpose()?,
                metric: metric.as_deref().map(text),
                log: Tail::of(log).lines(),
            };
            fail_attempt(&mut *conn, attempt, &failure).await?;
            fail(&mut *conn, attempt, &failure).await?;
        }
        Outcome::Preempted | Outcome::Cancelled => {
            end_attempt(&mut *conn, attempt, end).await?;
            requeue(&mut *conn, &[attempt.stage.0], i32::MAX).await?;
            let note = Note::new(attempt, Level::Info, format!("attempt {end}"));
            insert_events(&mut *conn, &[note]).await?;
        }
    }
    notify_stages(conn, &[attempt.stage.0]).await
}

struct Failure {
    class: FailureClass,
    message: String,
    step: Option<i64>,
    metric: Option<String>,
    log: Vec<String>,
}

async fn end_attempt(
    conn: &mut PgConnection,
    attempt: AttemptRef,
    end: AttemptState,
) -> Result<()> {
    sqlx::query!(
        "update attempt set state = $3, finished_at = clock_timestamp()
         where stage_id = $1 and number = $2",
        attempt.stage.0,
        attempt.number,
        end.word()
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn fail_attempt(
    conn: &mut PgConnection,
    attempt: AttemptRef,
    failure: &Failure,
) -> Result<()> {
    sqlx::query!(
        "update attempt set state = 'failed', finished_at = clock_timestamp(),
             failure_class = $3, failure_message = $4, failure_step = $5,
             failure_metric = $6, log = $7
         where stage_id = $1 and number = $2",
        attempt.stage.0,
        attempt.number,
        failure.class.word(),
        failure.message,
        failure.step,
        failure.metric,
        &failure.log
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn succeed(conn: &mut PgConnection, attempt: AttemptRef) -> Result<()> {
    sqlx::query!(
        "update job set state = 'succeeded', finished_at = clock_timestamp(),
             changed_at = clock_timestamp()
         where stage_id = $1",
        attempt.stage.0
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update artifact_ref set released_at = clock_timestamp()
         where stage_id = $1 and role = $2 and released_at is null",
        attempt.stage.0,
        role::RESUME
    )
    .execute(&mut *conn)
    .await?;
    let children = release_children(&mut *conn, attempt.stage).await?;
    notify_stages(&mut *conn, &children).await?;
    notify_jobs(&mut *conn).await?;
    let note = Note::new(
        attempt,
        Level::Info,
        format!("attempt {} succeeded", attempt.number),
    );
    insert_events(conn, &[note]).await
}

/// One input fewer for each blocked child.
async fn release_children(conn: &mut PgConnection, stage: StageId) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        "with child as (
             select stage_id from job
             where state = 'blocked'
                 and stage_id in (select stage_id from stage_input where from_stage = $1)
             order by stage_id for update
         )
         update job j set waiting_on = j.waiting_on - 1,
             state = case when j.waiting_on = 1 then 'queued' else 'blocked' end,
             queued_at = case when j.waiting_on = 1 then statement_timestamp() else j.queued_at end,
             changed_at = clock_timestamp()
         from child where j.stage_id = child.stage_id
         returning j.stage_id",
        stage.0
    )
    .fetch_all(conn)
    .await?)
}

/// Another try after 30 s, 60 s, ...; or the end of the job.
async fn fail(conn: &mut PgConnection, attempt: AttemptRef, failure: &Failure) -> Result<()> {
    let row = sqlx::query!(
        "update job set failures = failures + 1,
             not_before = clock_timestamp() + interval '30 s' * power(2, failures)
         where stage_id = $1 returning failures, cancel",
        attempt.stage.0
    )
    .fetch_one(&mut *conn)
    .await?;
    if row.cancel || (failure.class.is_retried() && row.failures < MAX_FAILURES) {
        requeue(&mut *conn, &[attempt.stage.0], i32::MAX).await?;
    } else {
        sqlx::query!(
            "update job set state = 'failed', finished_at = clock_timestamp(),
                 changed_at = clock_timestamp()
             where stage_id = $1",
            attempt.stage.0
        )
        .execute(&mut *conn)
        .await?;
        retire(&mut *conn, &[attempt.stage.0]).await?;
        let cancelled = cancel_dependants(&mut *conn, &[attempt.stage.0]).await?;
        notify_stages(&mut *conn, &cancelled).await?;
    }
    let mut note = Note::new(
        attempt,
        Level::Alarm,
        format!(
            "attempt {} failed ({}): {}",
            attempt.number,
            failure.class.word(),
            failure.message
        ),
    );
    note.step = failure.step;
    insert_events(conn, &[note]).await
}
