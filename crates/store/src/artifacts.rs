//! Rows about files; the bytes are the server's.

use crate::Result;
use assay_core::ids::StageId;
use serde::Serialize;
use sqlx::PgConnection;
use std::time::Duration;
use time::OffsetDateTime;

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

/// A file has been stored; storing it again renews its age.
///
/// # Errors
/// `Conflict` for a name that is no sha256 or a known one of another size, `Database`.
pub async fn insert_artifact(conn: &mut PgConnection, sha256: &str, bytes: u64) -> Result<()> {
    let _ = (conn, sha256, bytes);
    todo!()
}

/// Size in bytes of a stored file.
///
/// # Errors
/// `Database`.
pub async fn find_artifact(conn: &mut PgConnection, sha256: &str) -> Result<Option<u64>> {
    let _ = (conn, sha256);
    todo!()
}

/// What a stage refers to, along its steps.
///
/// # Errors
/// `Database`.
pub async fn list_artifacts(conn: &mut PgConnection, stage: StageId) -> Result<Vec<ArtifactView>> {
    let _ = (conn, stage);
    todo!()
}

/// Files that nothing has referenced for this long.
///
/// # Errors
/// `Database`.
pub async fn unreferenced(conn: &mut PgConnection, older_than: Duration) -> Result<Vec<String>> {
    let _ = (conn, older_than);
    todo!()
}

/// Forgets files; those that something references again are left. Returns the forgotten.
///
/// # Errors
/// `Database`.
pub async fn delete_artifact_rows(
    conn: &mut PgConnection,
    sha256: &[String],
) -> Result<Vec<String>> {
    let _ = (conn, sha256);
    todo!()
}

/// Publishing a file and the row that names it, against [`lock_sweeping`]; held to
/// the end of the caller's transaction.
///
/// # Errors
/// `Database`.
pub async fn lock_publishing(conn: &mut PgConnection) -> Result<()> {
    let _ = conn;
    todo!()
}

/// Deleting files, alone; held to the end of the caller's transaction.
///
/// # Errors
/// `Database`.
pub async fn lock_sweeping(conn: &mut PgConnection) -> Result<()> {
    let _ = conn;
    todo!()
}
