//! Another try at a run that failed or was cancelled.

use super::graph;
use super::place::{Wanted, place};
use crate::{JobState, Result, StoreError};
use assay_core::ids::{RunId, StageId};
use serde_json::Value;
use sqlx::PgConnection;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Gives a run new stages for its failed and cancelled ones and for what builds
/// on them: a failed stage is never reused. One that another retry has replaced
/// already is shared. Returns how many stages were replaced. Needs the caller's
/// transaction.
///
/// # Errors
/// `NotFound`, `Database`.
pub async fn retry_failed(conn: &mut PgConnection, run: RunId) -> Result<u64> {
    graph::lock_alone(&mut *conn).await?;
    unmark(&mut *conn, run).await?;
    let stages = list_stages(&mut *conn, run).await?;
    let ids: Vec<Uuid> = stages.iter().map(|s| s.id).collect();
    let inputs = list_inputs(&mut *conn, &ids).await?;
    let position: HashMap<Uuid, usize> = ids.iter().enumerate().map(|(i, id)| (*id, i)).collect();
    let mut dead: HashSet<Uuid> = HashSet::new();
    let mut wanted = vec![];
    for stage in &stages {
        let own: Vec<&Input> = inputs.iter().filter(|i| i.stage_id == stage.id).collect();
        let is_over = match JobState::from_word(&stage.state)? {
            JobState::Failed | JobState::Cancelled => true,
            JobState::Running => stage.cancel,
            JobState::Blocked | JobState::Queued | JobState::Succeeded => false,
        };
        if is_over || own.iter().any(|i| dead.contains(&i.from_stage)) {
            dead.insert(stage.id);
        }
        wanted.push(Wanted {
            hash: stage.hash.clone(),
            spec: stage.spec.clone(),
            threads: stage.threads,
            // A run has every stage that its stages build on.
            inputs: own
                .iter()
                .filter_map(|i| Some((i.role.clone(), *position.get(&i.from_stage)?)))
                .collect(),
            known: (!dead.contains(&stage.id)).then_some(StageId(stage.id)),
        });
    }
    if dead.is_empty() {
        return Ok(0);
    }
    let placed = place(&mut *conn, &wanted, None).await?;
    let new: Vec<Uuid> = placed.iter().map(|p| p.stage.0).collect();
    relink(conn, run, &ids, &new).await?;
    Ok(dead.len() as u64)
}

async fn unmark(conn: &mut PgConnection, run: RunId) -> Result<()> {
    let done = sqlx::query!("update run set cancelled_at = null where id = $1", run.0)
        .execute(conn)
        .await?;
    match done.rows_affected() {
        0 => Err(StoreError::NotFound("run")),
        _ => Ok(()),
    }
}

struct Stage {
    id: Uuid,
    hash: String,
    spec: Value,
    threads: i32,
    state: String,
    cancel: bool,
}

async fn list_stages(conn: &mut PgConnection, run: RunId) -> Result<Vec<Stage>> {
    Ok(sqlx::query_as!(
        Stage,
        "select s.id, s.hash, s.spec, s.threads, j.state, j.cancel
         from run_stage rs join stage s on s.id = rs.stage_id join job j on j.stage_id = s.id
         where rs.run_id = $1 order by rs.position",
        run.0
    )
    .fetch_all(conn)
    .await?)
}

struct Input {
    stage_id: Uuid,
    role: String,
    from_stage: Uuid,
}

async fn list_inputs(conn: &mut PgConnection, stages: &[Uuid]) -> Result<Vec<Input>> {
    Ok(sqlx::query_as!(
        Input,
        "select stage_id, role, from_stage from stage_input where stage_id = any($1)",
        stages
    )
    .fetch_all(conn)
    .await?)
}

/// `reused` where an earlier experiment has planned the new stage.
async fn relink(conn: &mut PgConnection, run: RunId, old: &[Uuid], new: &[Uuid]) -> Result<()> {
    sqlx::query!(
        "update run_stage rs set stage_id = n.new, reused = exists (
             select from run_stage o join run other on other.id = o.run_id
             join run own on own.id = $1
             where o.stage_id = n.new and other.experiment_id <> own.experiment_id)
         from unnest($2::uuid[], $3::uuid[]) as n (old, new)
         where rs.run_id = $1 and rs.stage_id = n.old and n.old <> n.new",
        run.0,
        old,
        new
    )
    .execute(conn)
    .await?;
    Ok(())
}
