//! Rows about files; the bytes are the server's.

use crate::numbers::{bigint, text, unsigned};
use crate::records::Reference;
use crate::{Result, StoreError};
use assay_core::ids::{AttemptRef, StageId};
use assay_core::wire::role;
use serde::Serialize;
use sqlx::PgConnection;
use std::time::Duration;
use time::OffsetDateTime;

/// Checkpoints that a stage can resume from; the one before the last is there in case
/// the last cannot be read.
const RESUMES_KEPT: i64 = 2;

const FILES_LOCK: i64 = 0x6173_7361_7903;

/// One reference of a stage to a file.
#[derive(Debug, Clone, Serialize)]
pub struct ArtifactView {
    pub attempt: i32,
    /// A word of `wire::role`.
    pub role: String,
    pub step: i64,
    pub sha256: String,
    pub bytes: u64,
    /// The reference no longer keeps the file.
    pub released: bool,
    #[serde(with = "time::serde::rfc3339")]
    pub stored_at: OffsetDateTime,
}

/// One file of a stage's current view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageFile {
    pub step: i64,
    pub sha256: String,
    pub bytes: u64,
}

/// A file has been stored; storing it again renews its age.
///
/// # Errors
/// `Conflict` for a name that is no sha256 or a known one of another size, `Database`.
pub async fn insert_artifact(conn: &mut PgConnection, sha256: &str, bytes: u64) -> Result<()> {
    let done = sqlx::query!(
        "insert into artifact (sha256, bytes) values ($1, $2)
         on conflict (sha256) do update set stored_at = clock_timestamp()
             where artifact.bytes = excluded.bytes",
        sha256,
        bigint(bytes)?
    )
    .execute(conn)
    .await
    .map_err(|error| match &error {
        sqlx::Error::Database(e) if e.is_check_violation() => {
            StoreError::Conflict(format!("{sha256:?} is not a sha256"))
        }
        _ => error.into(),
    })?;
    match done.rows_affected() {
        0 => Err(StoreError::Conflict(format!(
            "artifact {sha256} is stored with another size"
        ))),
        _ => Ok(()),
    }
}

/// Size in bytes of a stored file.
///
/// # Errors
/// `Database`.
pub async fn find_artifact(conn: &mut PgConnection, sha256: &str) -> Result<Option<u64>> {
    let bytes = sqlx::query_scalar!("select bytes from artifact where sha256 = $1", sha256)
        .fetch_optional(conn)
        .await?;
    Ok(bytes.map(unsigned))
}

/// What a stage refers to, along its steps.
///
/// # Errors
/// `Database`.
pub async fn list_artifacts(conn: &mut PgConnection, stage: StageId) -> Result<Vec<ArtifactView>> {
    let rows = sqlx::query!(
        "select r.attempt, r.role, r.step, r.sha256, r.released_at, a.bytes, a.stored_at
         from artifact_ref r join artifact a on a.sha256 = r.sha256
         where r.stage_id = $1 order by r.step, r.attempt, r.role",
        stage.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ArtifactView {
            attempt: row.attempt,
            role: row.role,
            step: row.step,
            sha256: row.sha256,
            bytes: unsigned(row.bytes),
            released: row.released_at.is_some(),
            stored_at: row.stored_at,
        })
        .collect())
}

/// Files of one role in a stage's current view, along its steps; where an attempt
/// repeated a step, the newer counts.
///
/// # Errors
/// `Database`.
pub async fn list_stage_files(
    conn: &mut PgConnection,
    stage: StageId,
    role: &str,
) -> Result<Vec<StageFile>> {
    let rows = sqlx::query!(
        "select distinct on (r.step) r.step, r.sha256, a.bytes
         from artifact_ref r
         join artifact a on a.sha256 = r.sha256
         join kept k on k.stage_id = r.stage_id and k.attempt = r.attempt
         where r.stage_id = $1 and r.role = $2 and r.released_at is null
             and r.step <= k.last_step
         order by r.step, r.attempt desc",
        stage.0,
        role
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| StageFile {
            step: row.step,
            sha256: row.sha256,
            bytes: unsigned(row.bytes),
        })
        .collect())
}

/// Files that nothing has referenced for this long.
///
/// # Errors
/// `Database`.
pub async fn unreferenced(conn: &mut PgConnection, older_than: Duration) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        "select a.sha256 from artifact a
         where a.stored_at < clock_timestamp() - make_interval(secs => $1)
             and not exists (
                 select from artifact_ref r where r.sha256 = a.sha256
                     and (r.released_at is null
                         or r.released_at >= clock_timestamp() - make_interval(secs => $1)))
         order by a.stored_at",
        older_than.as_secs_f64()
    )
    .fetch_all(conn)
    .await?)
}

/// Forgets files; those that something references again are left. Returns the
/// forgotten. Needs the caller's transaction, with [`lock_sweeping`].
///
/// # Errors
/// `Database`.
pub async fn delete_artifact_rows(
    conn: &mut PgConnection,
    sha256: &[String],
) -> Result<Vec<String>> {
    let mut free = sqlx::query_scalar!(
        "select sha256 from artifact a
         where sha256 = any($1) and not exists (
             select from artifact_ref r where r.sha256 = a.sha256 and r.released_at is null)
         for update",
        sha256
    )
    .fetch_all(&mut *conn)
    .await?;
    free.sort();
    // Released references go with the file: there is nothing left to refer to.
    sqlx::query!("delete from artifact_ref where sha256 = any($1)", &free)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("delete from artifact where sha256 = any($1)", &free)
        .execute(conn)
        .await?;
    Ok(free)
}

/// Publishing a file and the row that names it, against [`lock_sweeping`]; held to
/// the end of the caller's transaction.
///
/// # Errors
/// `Database`.
pub async fn lock_publishing(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!("select pg_advisory_xact_lock_shared($1)", FILES_LOCK)
        .execute(conn)
        .await?;
    Ok(())
}

/// Deleting files, alone; held to the end of the caller's transaction.
///
/// # Errors
/// `Database`.
pub async fn lock_sweeping(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!("select pg_advisory_xact_lock($1)", FILES_LOCK)
        .execute(conn)
        .await?;
    Ok(())
}

/// References of an attempt; of what it could resume from, the last two are kept.
pub(crate) async fn insert_refs(
    conn: &mut PgConnection,
    attempt: AttemptRef,
    refs: &[Reference],
) -> Result<()> {
    if refs.is_empty() {
        return Ok(());
    }
    let roles: Vec<String> = refs.iter().map(|r| text(&r.role)).collect();
    let steps: Vec<i64> = refs.iter().map(|r| r.step).collect();
    let names: Vec<String> = refs.iter().map(|r| text(&r.sha256)).collect();
    sqlx::query!(
        "insert into artifact_ref (stage_id, attempt, role, step, sha256)
         select $1, $2, * from unnest($3::text[], $4::bigint[], $5::text[])
         on conflict do nothing",
        attempt.stage.0,
        attempt.number,
        &roles,
        &steps,
        &names
    )
    .execute(&mut *conn)
    .await
    .map_err(|error| match &error {
        sqlx::Error::Database(e) if e.constraint() == Some("artifact_ref_stored") => {
            StoreError::Conflict("an artifact is named before its bytes have been stored".into())
        }
        _ => error.into(),
    })?;
    if roles.iter().any(|word| word == role::RESUME) {
        release_old_resumes(conn, attempt.stage).await?;
    }
    Ok(())
}

/// Older checkpoints, and those that a later attempt has left behind.
async fn release_old_resumes(conn: &mut PgConnection, stage: StageId) -> Result<()> {
    sqlx::query!(
        "with last as (
             select r.attempt, r.step, r.sha256 from artifact_ref r
             join kept k on k.stage_id = r.stage_id and k.attempt = r.attempt
             where r.stage_id = $1 and r.role = $2 and r.released_at is null
                 and r.step <= k.last_step
             order by r.step desc, r.attempt desc limit $3
         )
         update artifact_ref r set released_at = clock_timestamp()
         where r.stage_id = $1 and r.role = $2 and r.released_at is null
             and not exists (
                 select from last where last.attempt = r.attempt and last.step = r.step
                     and last.sha256 = r.sha256)",
        stage.0,
        role::RESUME,
        RESUMES_KEPT
    )
    .execute(conn)
    .await?;
    Ok(())
}
