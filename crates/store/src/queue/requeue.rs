//! A run queued again by hand: what a silent worker holds of it is taken away, what has failed
//! gets another attempt. Both go on from the last checkpoint. Nothing that was recorded is
//! deleted, and the reason is one more event of the stage.

use super::{graph, lease};
use crate::events::{Note, insert_events, notify_jobs, notify_stages};
use crate::numbers::unsigned;
use crate::{JobState, Result, StoreError};
use assay_core::ids::{AttemptRef, RunId, StageId};
use assay_core::wire::{LEASE_SECONDS, Level, role};
use serde::Serialize;
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A stage of a run, as somebody who would requeue it finds it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RequeueView {
    pub run: RunId,
    pub arm_key: String,
    pub seed: u64,
    pub stage: StageId,
    /// What the run calls it.
    pub name: String,
    pub state: JobState,
    /// The latest; 0 before the first.
    pub attempt: i32,
    pub failures: i32,
    pub worker_name: Option<String>,
    /// Since the last heartbeat of an attempt that runs; by the database's clock.
    pub silent_seconds: Option<f64>,
    /// It runs, and its lease has not run out.
    pub is_held: bool,
    /// Step of the last checkpoint, from which the next attempt goes on; 0: from the start.
    pub from_step: i64,
    /// The last step that counts now.
    pub reached: i64,
    /// Somebody has cancelled it, which ends its work.
    #[serde(skip)]
    pub is_cancelled: bool,
}

impl RequeueView {
    /// Takes no force.
    pub fn is_due(&self) -> bool {
        match self.state {
            JobState::Failed => true,
            JobState::Running => !self.is_held,
            JobState::Blocked | JobState::Queued | JobState::Succeeded | JobState::Cancelled => {
                false
            }
        }
    }

    /// Silence explains itself; anything else wants a reason.
    pub fn needs_reason(&self) -> bool {
        self.is_held || self.state != JobState::Running
    }

    /// What is lost by it, in words.
    pub fn discards(&self) -> String {
        let (first, last) = (self.from_step + 1, self.reached);
        if last < first {
            "nothing is discarded".into()
        } else if last == first {
            format!("step {first} is discarded and computed again")
        } else {
            format!("steps {first} to {last} are discarded and computed again")
        }
    }

    /// One line of the stage's story.
    fn told(&self, reason: &str) -> String {
        let who = self.worker_name.as_deref().unwrap_or("a worker");
        let why = match self.silent_seconds {
            Some(_) if self.is_held => format!("taken from {who} although its lease held"),
            Some(seconds) => format!("taken from {who}, silent for {} s", seconds.round()),
            None => format!("one more attempt granted, {} failed before", self.failures),
        };
        let from = match self.from_step {
            0 => "from its start".into(),
            step => format!("from step {step}"),
        };
        let because = match reason {
            "" => String::new(),
            reason => format!(". Reason: {reason}"),
        };
        format!(
            "requeued by hand {from}: {why}; {}{because}",
            self.discards()
        )
    }
}

/// Of these stages, what can be requeued without force; each once a run that was not cancelled.
///
/// # Errors
/// `Database`.
pub async fn list_requeuable(
    conn: &mut PgConnection,
    stages: &[StageId],
) -> Result<Vec<RequeueView>> {
    if stages.is_empty() {
        return Ok(vec![]);
    }
    let ids: Vec<Uuid> = stages.iter().map(|stage| stage.0).collect();
    let mut all = select_stages(conn, None, &ids).await?;
    all.retain(RequeueView::is_due);
    Ok(all)
}

/// What a requeue of this run would concern, by force if need be; nothing where it is refused.
///
/// # Errors
/// `NotFound`, `Database`.
pub async fn find_requeuable(conn: &mut PgConnection, run: RunId) -> Result<Vec<RequeueView>> {
    match plan_requeue(conn, run, true).await {
        Err(StoreError::Conflict(_)) => Ok(vec![]),
        planned => planned,
    }
}

/// The stages that a requeue would concern: those that have failed and those whose lease has
/// run out; with `force`, and where there is none, those that a healthy worker holds.
///
/// # Errors
/// `NotFound`; `Conflict` with the reason where there is nothing to requeue; `Database`.
pub async fn plan_requeue(
    conn: &mut PgConnection,
    run: RunId,
    force: bool,
) -> Result<Vec<RequeueView>> {
    let is_cancelled = sqlx::query_scalar!(
        r#"select cancelled_at is not null as "is_cancelled!" from run where id = $1"#,
        run.0
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(StoreError::NotFound("run"))?;
    if is_cancelled {
        return Err(StoreError::Conflict(
            "the run was cancelled: try it again instead, which begins its cancelled stages anew"
                .into(),
        ));
    }
    let mut all = select_stages(conn, Some(run), &[]).await?;
    let is_due = all.iter().any(RequeueView::is_due);
    let by_force = !is_due && force && all.iter().any(|s| s.is_held);
    if !is_due && !by_force {
        return Err(StoreError::Conflict(refusal(&all)));
    }
    if let Some(s) = all.iter().find(|s| s.is_cancelled) {
        return Err(StoreError::Conflict(format!(
            "{} was cancelled: try the run again instead, which begins its cancelled stages anew",
            s.name
        )));
    }
    all.retain(|s| s.is_due() || (by_force && s.is_held));
    Ok(all)
}

fn refusal(all: &[RequeueView]) -> String {
    let find = |state| all.iter().find(|s| s.state == state);
    if let Some(s) = find(JobState::Running) {
        return format!(
            "{} is at work on {}, which was heard of {} s ago: its lease holds, and only with force is it taken away",
            s.name,
            s.worker_name.as_deref().unwrap_or("a worker"),
            s.silent_seconds.unwrap_or(0.0).max(0.0).round()
        );
    }
    if let Some(s) = find(JobState::Queued) {
        return format!(
            "{} is queued already and begins as soon as a worker takes it",
            s.name
        );
    }
    if let Some(s) = find(JobState::Cancelled) {
        return format!(
            "{} was cancelled: try the run again instead, which begins its cancelled stages anew",
            s.name
        );
    }
    match find(JobState::Blocked) {
        Some(s) => format!("{} waits for its inputs", s.name),
        None => "the run has finished: there is nothing left to queue".into(),
    }
}

/// Requeues a run; returns the stages that this concerned, as they were before. Whoever held
/// one is fenced off: what it still sends is refused as after a lease that ran out. Of a stage
/// that has failed, all that was cancelled with it waits again, other runs' too. Needs the
/// caller's transaction.
/// `seen` is the latest attempt that whoever uses force has seen: a later one is not taken away.
///
/// # Errors
/// As [`plan_requeue`]; `Conflict` where a reason is needed and there is none, and where another
/// attempt has begun.
pub async fn requeue_run(
    conn: &mut PgConnection,
    run: RunId,
    force: bool,
    reason: &str,
    seen: Option<i32>,
) -> Result<Vec<RequeueView>> {
    // Attempts before the graph, as whoever ends one locks them.
    let locked = lock_running(&mut *conn, run).await?;
    graph::lock_alone(&mut *conn).await?;
    let mut aims = plan_requeue(&mut *conn, run, force).await?;
    if reason.trim().is_empty() && aims.iter().any(RequeueView::needs_reason) {
        return Err(StoreError::Conflict(
            "this is requeued only with a reason".into(),
        ));
    }
    let is_later = |s: &RequeueView| s.is_held && seen.is_some_and(|seen| s.attempt > seen);
    if let Some(s) = aims.iter().find(|s| is_later(s)) {
        return Err(StoreError::Conflict(format!(
            "attempt {} at {} has begun since: look again",
            s.attempt, s.name
        )));
    }
    let of = |aims: &[RequeueView], state: JobState| -> Vec<Uuid> {
        let ids = aims.iter().filter(|s| s.state == state);
        ids.map(|s| s.stage.0).collect()
    };
    let mut held = of(&aims, JobState::Running);
    held.retain(|id| locked.contains(id));
    fence(&mut *conn, &held).await?;
    let revived = revive(&mut *conn, &of(&aims, JobState::Failed)).await?;
    aims.retain(|s| held.contains(&s.stage.0) || revived.contains(&s.stage.0));
    if aims.is_empty() {
        return Err(StoreError::Conflict(
            "its stages have just changed, or what they build on has failed or was cancelled: look again"
                .into(),
        ));
    }
    let notes: Vec<Note> = aims
        .iter()
        .map(|s| {
            let attempt = AttemptRef {
                stage: s.stage,
                number: s.attempt,
            };
            Note::new(attempt, Level::Info, s.told(reason.trim()))
        })
        .collect();
    insert_events(&mut *conn, &notes).await?;
    notify_stages(&mut *conn, &revived).await?;
    notify_jobs(conn).await?;
    Ok(aims)
}

async fn lock_running(conn: &mut PgConnection, run: RunId) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        "select stage_id from attempt
         where state = 'running'
             and stage_id in (select stage_id from run_stage where run_id = $1)
         order by stage_id for update",
        run.0
    )
    .fetch_all(conn)
    .await?)
}

/// Ends the running attempts of these stages and queues their jobs.
async fn fence(conn: &mut PgConnection, stages: &[Uuid]) -> Result<()> {
    if stages.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update attempt set state = 'fenced', finished_at = clock_timestamp()
         where stage_id = any($1) and state = 'running'",
        stages
    )
    .execute(&mut *conn)
    .await?;
    lease::requeue(conn, stages, i32::MAX).await?;
    Ok(())
}

/// Queues failed stages, and lets wait what was cancelled with them. What builds on something
/// else that is over stays as it is. Returns what has changed.
async fn revive(conn: &mut PgConnection, failed: &[Uuid]) -> Result<Vec<Uuid>> {
    if failed.is_empty() {
        return Ok(vec![]);
    }
    let inputs = list_below(&mut *conn, failed).await?;
    let mut alive: BTreeSet<Uuid> = inputs.keys().copied().collect();
    loop {
        let doomed = |id: &Uuid| {
            let mut of = inputs[id].iter();
            of.any(|(from, state)| is_over(*state) && !alive.contains(from))
        };
        let dead: Vec<Uuid> = alive.iter().copied().filter(doomed).collect();
        if dead.is_empty() {
            break;
        }
        alive.retain(|id| !dead.contains(id));
    }
    let ids: Vec<Uuid> = alive.into_iter().collect();
    let unfinished: Vec<i32> = ids
        .iter()
        .map(|id| {
            let open = inputs[id].values().filter(|s| **s != JobState::Succeeded);
            open.count() as i32
        })
        .collect();
    sqlx::query!(
        "update job j set
             state = case when n.unfinished > 0 then 'blocked' else 'queued' end,
             waiting_on = n.unfinished, finished_at = null,
             not_before = clock_timestamp(), changed_at = clock_timestamp()
         from unnest($1::uuid[], $2::int[]) as n (stage_id, unfinished)
         where j.stage_id = n.stage_id",
        &ids,
        &unfinished
    )
    .execute(conn)
    .await?;
    Ok(ids)
}

fn is_over(state: JobState) -> bool {
    match state {
        JobState::Failed | JobState::Cancelled => true,
        JobState::Blocked | JobState::Queued | JobState::Running | JobState::Succeeded => false,
    }
}

/// These stages and what was cancelled because of them and is still some run's that nobody
/// cancelled; each with its inputs.
async fn list_below(
    conn: &mut PgConnection,
    stages: &[Uuid],
) -> Result<BTreeMap<Uuid, BTreeMap<Uuid, JobState>>> {
    let rows = sqlx::query!(
        r#"with recursive below as (
             select unnest($1::uuid[]) as stage_id
             union
             select i.stage_id from below b join stage_input i on i.from_stage = b.stage_id
             join job j on j.stage_id = i.stage_id
             where j.state = 'cancelled' and not j.cancel
         )
         select b.stage_id as "stage_id!", i.from_stage as "from_stage?", p.state as "state?"
         from below b
         left join stage_input i on i.stage_id = b.stage_id
         left join job p on p.stage_id = i.from_stage
         where exists (
             select from run_stage rs join run r on r.id = rs.run_id
             where rs.stage_id = b.stage_id and r.cancelled_at is null)"#,
        stages
    )
    .fetch_all(conn)
    .await?;
    let mut inputs: BTreeMap<Uuid, BTreeMap<Uuid, JobState>> = BTreeMap::new();
    for row in rows {
        let own = inputs.entry(row.stage_id).or_default();
        if let (Some(from), Some(state)) = (row.from_stage, row.state) {
            own.insert(from, JobState::from_word(&state)?);
        }
    }
    Ok(inputs)
}

/// All stages of one run, or these stages once a run that was not cancelled.
async fn select_stages(
    conn: &mut PgConnection,
    run: Option<RunId>,
    stages: &[Uuid],
) -> Result<Vec<RequeueView>> {
    let rows = sqlx::query!(
        r#"select rs.run_id, rs.name, rs.stage_id, m.key, r.seed, j.state, j.attempts, j.failures,
             j.cancel,
             w.name as "worker_name?",
             coalesce(a.state = 'running' and a.lease_expires_at > clock_timestamp(), false)
                 as "is_held!",
             case when a.state = 'running' then extract(epoch from clock_timestamp()
                 - (a.lease_expires_at - make_interval(secs => $3)))::float8 end as silent_seconds,
             coalesce((
                 select max(c.step) from artifact_ref c
                 join kept k on k.stage_id = c.stage_id and k.attempt = c.attempt
                 where c.stage_id = j.stage_id and c.role = $4 and c.released_at is null
                     and c.step <= k.last_step), 0) as "from_step!",
             coalesce((
                 select max(least(t.step, k.last_step)) from attempt t
                 join kept k on k.stage_id = t.stage_id and k.attempt = t.number
                 where t.stage_id = j.stage_id), 0) as "reached!"
         from run_stage rs
         join run r on r.id = rs.run_id
         join arm m on m.id = r.arm_id
         join job j on j.stage_id = rs.stage_id
         left join attempt a on a.stage_id = j.stage_id and a.number = j.attempts
         left join worker w on w.id = a.worker_id
         where rs.run_id = $1 or (rs.stage_id = any($2) and r.cancelled_at is null)
         order by m.position, r.seed, r.id, rs.position"#,
        run.map(|id| id.0),
        stages,
        LEASE_SECONDS as f64,
        role::RESUME
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(RequeueView {
                run: RunId(row.run_id),
                arm_key: row.key,
                seed: unsigned(row.seed),
                stage: StageId(row.stage_id),
                name: row.name,
                state: JobState::from_word(&row.state)?,
                attempt: row.attempts,
                failures: row.failures,
                worker_name: row.worker_name,
                silent_seconds: row.silent_seconds,
                is_held: row.is_held,
                from_step: row.from_step,
                reached: row.reached,
                is_cancelled: row.cancel,
            })
        })
        .collect()
}
