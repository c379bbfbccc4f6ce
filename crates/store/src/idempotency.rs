//! Submissions that may be sent again.

use crate::Result;
use assay_core::ids::ExperimentId;
use sqlx::PgConnection;

/// What a key was used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedKey {
    pub body_sha256: String,
    pub experiment: ExperimentId,
}

/// Takes the key for the caller's transaction, so that of several equal
/// submissions at once one goes first, and says what it was used for.
///
/// # Errors
/// `Database`.
pub async fn lock_key(conn: &mut PgConnection, key: &str) -> Result<Option<UsedKey>> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended($1, 4)) as locked",
        format!("assay-idempotency:{key}")
    )
    .fetch_one(&mut *conn)
    .await?;
    let row = sqlx::query!(
        "select body_sha256, experiment_id from idempotency_key where key = $1",
        key
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| UsedKey {
        body_sha256: row.body_sha256,
        experiment: ExperimentId(row.experiment_id),
    }))
}

/// Needs the transaction of [`lock_key`].
///
/// # Errors
/// `Database`.
pub async fn insert_key(conn: &mut PgConnection, key: &str, used: &UsedKey) -> Result<()> {
    sqlx::query!(
        "insert into idempotency_key (key, body_sha256, experiment_id) values ($1, $2, $3)",
        key,
        used.body_sha256,
        used.experiment.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets keys after seven days.
///
/// # Errors
/// `Database`.
pub async fn delete_old_keys(conn: &mut PgConnection) -> Result<u64> {
    let done = sqlx::query!(
        "delete from idempotency_key where used_at < clock_timestamp() - interval '7 days'"
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
