//! Worker processes that have registered.

use crate::numbers::{int, text};
use crate::{Result, StoreError};
use assay_core::ids::{StageId, WorkerId};
use assay_core::load::Load;
use assay_core::wire::{Host, Register};
use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

#[derive(Debug, Clone, Serialize)]
pub struct WorkerView {
    pub id: WorkerId,
    pub name: String,
    pub protocol: i32,
    pub threads: i32,
    pub host: Host,
    #[serde(with = "time::serde::rfc3339")]
    pub registered_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub seen_at: OffsetDateTime,
    /// By the database's clock.
    pub seconds_since_seen: f64,
    /// How busy its machine is, as it last told; `None` where it has told nothing.
    pub load: Option<Load>,
    pub seconds_since_load: Option<f64>,
    pub running: Vec<RunningAttempt>,
}

/// What a worker is working on.
#[derive(Debug, Clone, Serialize)]
pub struct RunningAttempt {
    pub stage: StageId,
    pub number: i32,
    pub kind: String,
    pub threads: i32,
    pub step: i64,
}

/// A worker is a process: one that starts again registers again, under a new id.
///
/// # Errors
/// `Database`.
pub async fn register_worker(conn: &mut PgConnection, register: &Register) -> Result<WorkerId> {
    let id = WorkerId::new();
    let host = serde_json::to_value(&register.host).map_err(StoreError::unreadable)?;
    sqlx::query!(
        "insert into worker (id, name, protocol, threads, host) values ($1, $2, $3, $4, $5)",
        id.0,
        text(&register.name),
        int(register.protocol)?,
        int(register.threads)?,
        host
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// How busy the worker's machine is now. Of a worker that nobody knows, nothing is kept.
///
/// # Errors
/// `Database`.
pub async fn keep_load(conn: &mut PgConnection, worker: WorkerId, load: &Load) -> Result<()> {
    let load = serde_json::to_value(load).map_err(StoreError::unreadable)?;
    sqlx::query!(
        "update worker set load = $2, load_at = clock_timestamp() where id = $1",
        worker.0,
        load
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Most recently seen first, at most 200.
///
/// # Errors
/// `Database`.
pub async fn list_workers(conn: &mut PgConnection) -> Result<Vec<WorkerView>> {
    let rows = sqlx::query!(
        r#"select id, name, protocol, threads, host, registered_at, seen_at,
             extract(epoch from clock_timestamp() - seen_at)::float8 as "seconds_since_seen!",
             load, extract(epoch from clock_timestamp() - load_at)::float8 as "seconds_since_load?"
         from worker order by seen_at desc limit 200"#
    )
    .fetch_all(&mut *conn)
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let running = list_running(conn, &ids).await?;
    rows.into_iter()
        .map(|row| {
            Ok(WorkerView {
                id: WorkerId(row.id),
                name: row.name,
                protocol: row.protocol,
                threads: row.threads,
                host: serde_json::from_value(row.host).map_err(StoreError::unreadable)?,
                registered_at: row.registered_at,
                seen_at: row.seen_at,
                seconds_since_seen: row.seconds_since_seen,
                load: row
                    .load
                    .map(serde_json::from_value)
                    .transpose()
                    .map_err(StoreError::unreadable)?,
                seconds_since_load: row.seconds_since_load,
                running: running
                    .iter()
                    .filter(|(worker, _)| *worker == row.id)
                    .map(|(_, attempt)| attempt.clone())
                    .collect(),
            })
        })
        .collect()
}

async fn list_running(
    conn: &mut PgConnection,
    workers: &[Uuid],
) -> Result<Vec<(Uuid, RunningAttempt)>> {
    let rows = sqlx::query!(
        r#"select a.worker_id as "worker_id!", a.stage_id, a.number, a.step, s.threads, s.kind as "kind!"
         from attempt a join stage s on s.id = a.stage_id
         where a.worker_id = any($1) and a.state = 'running'
         order by a.started_at"#,
        workers
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let attempt = RunningAttempt {
                stage: StageId(row.stage_id),
                number: row.number,
                kind: row.kind,
                threads: row.threads,
                step: row.step,
            };
            (row.worker_id, attempt)
        })
        .collect())
}
