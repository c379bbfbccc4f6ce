//! States of experiments that were kept for a citation. What is in them is the caller's; here
//! they are named by their hash, stored once and never changed.

use crate::{Result, StoreError};
use assay_core::ids::ExperimentId;
use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// What is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSnapshot {
    /// sha256 of `state` unpacked, in lower-case hex.
    pub id: String,
    /// gzip.
    pub state: Vec<u8>,
    /// gzip.
    pub inputs: Vec<u8>,
    /// Of `inputs` as they are stored.
    pub inputs_sha256: String,
    /// The view in which it was kept, without its question mark.
    pub query: String,
}

/// The same as it was stored; whether it still is what it was is for the reader to check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub experiment: ExperimentId,
    pub id: String,
    pub taken_at: OffsetDateTime,
    pub state: Vec<u8>,
    pub inputs: Vec<u8>,
    pub inputs_sha256: String,
    pub query: String,
}

/// One of a list, without what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SnapshotView {
    pub id: String,
    #[serde(with = "time::serde::rfc3339")]
    pub taken_at: OffsetDateTime,
    pub query: String,
    /// As they are stored.
    pub bytes: i64,
}

/// Makes the transaction that has just begun see one state, whatever others write meanwhile;
/// it can write nothing itself.
///
/// # Errors
/// `Database`, also where something was read before.
pub async fn see_one_state(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!("set transaction isolation level repeatable read, read only")
        .execute(conn)
        .await?;
    Ok(())
}

/// False where the experiment's state was kept before: it stays as it was.
///
/// # Errors
/// `Database`, of an unknown experiment too.
pub async fn insert_snapshot(
    conn: &mut PgConnection,
    experiment: ExperimentId,
    new: &NewSnapshot,
) -> Result<bool> {
    let done = sqlx::query!(
        "insert into snapshot (experiment_id, id, state, inputs, inputs_sha256, query)
         values ($1, $2, $3, $4, $5, $6)
         on conflict on constraint snapshot_pkey do nothing",
        experiment.0,
        new.id,
        new.state,
        new.inputs,
        new.inputs_sha256,
        new.query
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// By the start of its hash, in lower-case hex.
///
/// # Errors
/// `Conflict` where several begin so; `Database`.
pub async fn find_snapshot(
    conn: &mut PgConnection,
    experiment: ExperimentId,
    start: &str,
) -> Result<Option<Snapshot>> {
    let mut rows = sqlx::query!(
        "select id, taken_at, state, inputs, inputs_sha256, query from snapshot
         where experiment_id = $1 and starts_with(id, $2) limit 2",
        experiment.0,
        start
    )
    .fetch_all(conn)
    .await?;
    if rows.len() > 1 {
        return Err(StoreError::Conflict(format!(
            "several kept states have hashes that begin with {start}: give more of it"
        )));
    }
    Ok(rows.pop().map(|row| Snapshot {
        experiment,
        id: row.id,
        taken_at: row.taken_at,
        state: row.state,
        inputs: row.inputs,
        inputs_sha256: row.inputs_sha256,
        query: row.query,
    }))
}

/// Newest first.
///
/// # Errors
/// `Database`; an unknown experiment has none.
pub async fn list_snapshots(
    conn: &mut PgConnection,
    experiment: ExperimentId,
) -> Result<Vec<SnapshotView>> {
    Ok(sqlx::query_as!(
        SnapshotView,
        r#"select id, taken_at, query,
             octet_length(state)::bigint + octet_length(inputs) as "bytes!"
         from snapshot where experiment_id = $1 order by taken_at desc, id"#,
        experiment.0
    )
    .fetch_all(conn)
    .await?)
}
