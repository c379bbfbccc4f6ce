//! What the server does without being asked. Two servers on one database share
//! the work: lost jobs are looked for under a lock that ends with its transaction, and what a
//! look at curves finds is kept once, whoever found it.

use crate::artifacts;
use crate::problem::Problem;
use crate::rules;
use crate::state::AppState;
use assay_core::health::Curves;
use assay_core::ids::{ExperimentId, StageId};
use assay_core::spec::Alarms;
use assay_core::wire::LEASE_SECONDS;
use assay_store::{self as store, DueLook};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

const REAP_EVERY: Duration = Duration::from_secs(5);
const SWEEP_EVERY: Duration = Duration::from_secs(3600);
const LOOK_EVERY: Duration = Duration::from_secs(20);
/// Runs' stages at most in one look; what is left is due in the next.
const LOOKS: i64 = 64;

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

/// Applies the rules to the curves of runs that have new points.
pub async fn look(state: Arc<AppState>) {
    let mut every = tokio::time::interval(LOOK_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // The first tick is immediate.
    every.tick().await;
    loop {
        every.tick().await;
        if let Err(problem) = look_once(&state).await {
            report("cannot look for alarms", &problem);
        }
    }
}

/// What one look has read already: stages are shared by runs, thresholds by an experiment's.
#[derive(Default)]
struct Read {
    curves: HashMap<StageId, Curves>,
    limits: HashMap<ExperimentId, Alarms>,
}

/// One round; how many alarms are new. One that cannot be looked at is reported, put behind
/// the others, and stays due. No lock and no transaction is held while curves are read.
pub async fn look_once(state: &AppState) -> Result<u64, Problem> {
    let due = store::list_due_looks(&mut *state.conn().await?, LOOKS).await?;
    let mut read = Read::default();
    let mut new = 0;
    for look in &due {
        match look_at(state, look, &mut read).await {
            Ok(n) => new += n,
            Err(problem) => {
                report("cannot look at a run's curves", &problem);
                store::defer_look(&mut *state.conn().await?, look).await?;
            }
        }
    }
    Ok(new)
}

async fn look_at(state: &AppState, look: &DueLook, read: &mut Read) -> Result<u64, Problem> {
    let mut conn = state.conn().await?;
    if let Entry::Vacant(free) = read.curves.entry(look.stage) {
        free.insert(rules::read_curves(&mut conn, look.stage).await?);
    }
    if let Entry::Vacant(free) = read.limits.entry(look.experiment) {
        let view = store::get_experiment(&mut conn, look.experiment).await?;
        free.insert(view.spec.alarms);
    }
    drop(conn);
    let found = rules::broken(&read.curves[&look.stage], &read.limits[&look.experiment]);
    let mut tx = state.begin().await?;
    let new = store::insert_look(&mut tx, look, &found).await?;
    tx.commit().await?;
    if new > 0 {
        tracing::info!(run = %look.run, new, "rules over its curves raise alarms");
    }
    Ok(new)
}

fn report(what: &str, problem: &Problem) {
    let source = problem.source.as_deref().unwrap_or(&problem.detail);
    tracing::warn!(source, "{what}; trying again later");
}
