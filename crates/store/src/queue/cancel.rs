//! Cancelling what nobody needs any more.

use super::graph::{self, cancel_dependants, retire};
use crate::events::notify_stages;
use crate::{Result, StoreError};
use assay_core::ids::{ExperimentId, RunId};
use sqlx::PgConnection;
use uuid::Uuid;

/// Cancels a run: those of its stages that no other live run needs. Running ones
/// are told at their next heartbeat. Returns how many stages that concerns.
/// Needs the caller's transaction.
///
/// # Errors
/// `NotFound`, `Database`.
pub async fn cancel_run(conn: &mut PgConnection, run: RunId) -> Result<u64> {
    cancel(conn, &[run.0], "run").await
}

/// As [`cancel_run`], for all runs of an experiment.
///
/// # Errors
/// `NotFound`, `Database`.
pub async fn cancel_experiment(conn: &mut PgConnection, id: ExperimentId) -> Result<u64> {
    let runs = sqlx::query_scalar!("select id from run where experiment_id = $1", id.0)
        .fetch_all(&mut *conn)
        .await?;
    cancel(conn, &runs, "experiment").await
}

async fn cancel(conn: &mut PgConnection, runs: &[Uuid], what: &'static str) -> Result<u64> {
    graph::lock_alone(&mut *conn).await?;
    if mark_runs(&mut *conn, runs).await? == 0 {
        return Err(StoreError::NotFound(what));
    }
    let stages = cancel_unneeded(&mut *conn, runs).await?;
    retire(&mut *conn, &stages).await?;
    let dependants = cancel_dependants(&mut *conn, &stages).await?;
    let all: Vec<Uuid> = stages.into_iter().chain(dependants).collect();
    notify_stages(conn, &all).await?;
    Ok(all.len() as u64)
}

async fn mark_runs(conn: &mut PgConnection, runs: &[Uuid]) -> Result<u64> {
    let done = sqlx::query!(
        "update run set cancelled_at = coalesce(cancelled_at, clock_timestamp()) where id = any($1)",
        runs
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// A run is live unless it was cancelled or one of its stages was, or failed. What a
/// worker holds stays running until it has been told.
async fn cancel_unneeded(conn: &mut PgConnection, runs: &[Uuid]) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        "update job set cancel = true,
             state = case when state = 'running' then state else 'cancelled' end,
             finished_at = case when state <> 'running' then clock_timestamp() end,
             changed_at = clock_timestamp()
         where state in ('blocked', 'queued', 'running') and not cancel
             and stage_id in (select stage_id from run_stage where run_id = any($1))
             and not exists (
                 select from run_stage other join run r on r.id = other.run_id
                 where other.stage_id = job.stage_id and other.run_id <> all($1)
                     and r.cancelled_at is null
                     and not exists (
                         select from run_stage x join job dead on dead.stage_id = x.stage_id
                         where x.run_id = other.run_id
                             and dead.state in ('failed', 'cancelled')))
         returning stage_id",
        runs
    )
    .fetch_all(conn)
    .await?)
}
