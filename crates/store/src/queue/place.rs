//! Stages into the graph: those that exist are found by their hash, the rest is new.

use super::graph;
use crate::Result;
use crate::events::notify_jobs;
use crate::experiments::Import;
use assay_core::ids::StageId;
use serde_json::Value;
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// A stage that some run needs.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub hash: String,
    pub spec: Value,
    pub threads: i32,
    /// Role, and position among the wanted; inputs come first.
    pub inputs: Vec<(String, usize)>,
    /// To be used as it is.
    pub known: Option<StageId>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed {
    pub stage: StageId,
    pub is_new: bool,
}

/// Returns the stages in the order of `wanted`.
pub(crate) async fn place(
    conn: &mut PgConnection,
    wanted: &[Wanted],
    import: Option<&Import>,
) -> Result<Vec<Placed>> {
    graph::lock_alone(&mut *conn).await?;
    let hashes: Vec<String> = wanted.iter().map(|w| w.hash.clone()).collect();
    let mut reusable = find_reusable(&mut *conn, &hashes).await?;
    let placed: Vec<Placed> = wanted
        .iter()
        .map(|w| {
            let found = w.known.or_else(|| reusable.get(&w.hash).copied());
            let stage = found.unwrap_or_else(StageId::new);
            reusable.entry(w.hash.clone()).or_insert(stage);
            Placed {
                stage,
                is_new: found.is_none(),
            }
        })
        .collect();
    let new: Vec<(&Wanted, Uuid)> = wanted
        .iter()
        .zip(&placed)
        .filter(|(_, p)| p.is_new)
        .map(|(w, p)| (w, p.stage.0))
        .collect();
    if new.is_empty() {
        return Ok(placed);
    }
    let ids: Vec<Uuid> = new.iter().map(|(_, id)| *id).collect();
    insert_stages(&mut *conn, &new, &ids).await?;
    insert_inputs(&mut *conn, &new, &placed).await?;
    let held: Vec<Uuid> = match import {
        None => vec![],
        Some(import) => new
            .iter()
            .filter(|(w, _)| import.hashes.contains(&w.hash))
            .map(|(_, id)| *id)
            .collect(),
    };
    insert_jobs(&mut *conn, &ids, &held).await?;
    if let Some(import) = import {
        insert_held_attempts(&mut *conn, &held, import).await?;
    }
    notify_jobs(conn).await?;
    Ok(placed)
}

async fn find_reusable(
    conn: &mut PgConnection,
    hashes: &[String],
) -> Result<HashMap<String, StageId>> {
    let rows = sqlx::query!(
        "select hash, id from stage where reusable and hash = any($1)",
        hashes
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| (r.hash, StageId(r.id))).collect())
}

async fn insert_stages(
    conn: &mut PgConnection,
    new: &[(&Wanted, Uuid)],
    ids: &[Uuid],
) -> Result<()> {
    let hashes: Vec<String> = new.iter().map(|(w, _)| w.hash.clone()).collect();
    let specs: Vec<Value> = new.iter().map(|(w, _)| w.spec.clone()).collect();
    let threads: Vec<i32> = new.iter().map(|(w, _)| w.threads).collect();
    sqlx::query!(
        "insert into stage (id, hash, spec, threads)
         select * from unnest($1::uuid[], $2::text[], $3::jsonb[], $4::int[])",
        ids,
        &hashes,
        &specs,
        &threads
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn insert_inputs(
    conn: &mut PgConnection,
    new: &[(&Wanted, Uuid)],
    placed: &[Placed],
) -> Result<()> {
    let mut stages = vec![];
    let mut roles = vec![];
    let mut from = vec![];
    for (wanted, id) in new {
        for (role, position) in &wanted.inputs {
            stages.push(*id);
            roles.push(role.clone());
            from.push(placed[*position].stage.0);
        }
    }
    sqlx::query!(
        "insert into stage_input (stage_id, role, from_stage)
         select * from unnest($1::uuid[], $2::text[], $3::uuid[])",
        &stages,
        &roles,
        &from
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// One input used in two roles is waited for once.
async fn insert_jobs(conn: &mut PgConnection, ids: &[Uuid], held: &[Uuid]) -> Result<()> {
    sqlx::query!(
        "insert into job (stage_id, state, waiting_on, threads, attempts)
         select s.id,
             case when is_held then 'running' when unfinished > 0 then 'blocked' else 'queued' end,
             case when is_held then 0 else unfinished end,
             s.threads, is_held::int
         from unnest($1::uuid[]) with ordinality as new (id, place)
         join stage s on s.id = new.id
         cross join lateral (select s.id = any($2::uuid[]) as is_held) h
         cross join lateral (
             select count(distinct i.from_stage)::int as unfinished
             from stage_input i left join job j on j.stage_id = i.from_stage
             where i.stage_id = s.id and j.state is distinct from 'succeeded') w
         order by new.place",
        ids,
        held
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn insert_held_attempts(
    conn: &mut PgConnection,
    held: &[Uuid],
    import: &Import,
) -> Result<()> {
    sqlx::query!(
        "insert into attempt (stage_id, number, worker_id, state, lease_expires_at)
         select id, 1, $2, 'running', clock_timestamp() + interval '10 minutes'
         from unnest($1::uuid[]) as id",
        held,
        import.worker.0
    )
    .execute(conn)
    .await?;
    Ok(())
}
