//! What the server does without being asked. Two servers on one database share
//! the work: each piece runs under a lock that ends with its transaction.

use crate::artifacts;
use crate::problem::Problem;
use crate::state::AppState;
use assay_core::wire::LEASE_SECONDS;
use assay_store as store;
use std::sync::Arc;
use std::time::Duration;

const REAP_EVERY: Duration = Duration::from_secs(5);
const SWEEP_EVERY: Duration = Duration::from_secs(3600);

/// Puts jobs back whose worker has gone silent. Waits one full lease first, so
/// that workers that were cut off by our own absence can report again.
pub async fn reap(state: Arc<AppState>) {
    tokio::time::sleep(Duration::from_secs(LEASE_SECONDS)).await;
    let mut every = tokio::time::interval(REAP_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        if let Err(problem) = reap_once(&state).await {
            report("cannot look for lost workers", &problem);
        }
    }
}

/// One round; true if this server held the lock.
pub async fn reap_once(state: &AppState) -> Result<bool, Problem> {
    let mut tx = state.begin().await?;
    if !store::try_lock_reaping(&mut tx).await? {
        return Ok(false);
    }
    let lost = store::reap_expired(&mut tx).await?;
    tx.commit().await?;
    for attempt in lost {
        tracing::warn!(%attempt, "its worker has gone silent; the job is queued again");
    }
    Ok(true)
}

/// Deletes unreferenced files and old idempotency keys, hourly.
pub async fn sweep(state: Arc<AppState>) {
    let mut every = tokio::time::interval(SWEEP_EVERY);
    // The first tick is immediate.
    every.tick().await;
    loop {
        every.tick().await;
        match artifacts::sweep(&state).await {
            Ok(0) => {}
            Ok(n) => tracing::info!(n, "deleted artifacts that nothing references"),
            Err(problem) => report("cannot sweep artifacts", &problem),
        }
        if let Err(problem) = forget_keys(&state).await {
            report("cannot delete old idempotency keys", &problem);
        }
    }
}

async fn forget_keys(state: &AppState) -> Result<(), Problem> {
    let mut tx = state.begin().await?;
    store::delete_old_keys(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

fn report(what: &str, problem: &Problem) {
    let source = problem.source.as_deref().unwrap_or(&problem.detail);
    tracing::warn!(source, "{what}; trying again later");
}
