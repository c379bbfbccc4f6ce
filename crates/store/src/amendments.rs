//! Versions of a registered experiment. The first is frozen; an amendment is one more, with a
//! reason, and says words anew. The rule is the same in all of them.

use crate::{Result, StoreError};
use assay_core::amendment::Amendment;
use assay_core::canonical;
use assay_core::ids::ExperimentId;
use assay_core::spec::Experiment;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionView {
    pub version: i32,
    /// Of the canonical JSON of the whole specification.
    pub sha256: String,
    #[serde(with = "time::serde::rfc3339")]
    pub frozen_at: OffsetDateTime,
    pub question: String,
    pub hypothesis: Option<String>,
    pub note: String,
    /// Version 1 has none.
    pub reason: Option<String>,
    /// With which token; `None` where none was asked for.
    pub author: Option<String>,
    /// Runs of the experiment whose final evaluation had finished by then.
    pub results_before: i64,
}

/// Enters a checked amendment; returns its version. Needs the caller's transaction.
///
/// # Errors
/// `NotFound`; `Conflict` where it says what the current version says; `Database`.
pub async fn insert_amendment(
    conn: &mut PgConnection,
    id: ExperimentId,
    amendment: &Amendment,
    author: Option<&str>,
) -> Result<i32> {
    // Two at a time would both be the same version. Locked before the version is read: a
    // statement that waits in a join would find the row that it joined gone.
    sqlx::query_scalar!(
        "select version from experiment where id = $1 for update",
        id.0
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(StoreError::NotFound("experiment"))?;
    let current = sqlx::query!(
        "select version, spec from experiment_version
         where experiment_id = $1 order by version desc limit 1",
        id.0
    )
    .fetch_one(&mut *conn)
    .await?;
    let spec = amendment.applied(&current.spec);
    if spec == current.spec && amendment.note.is_empty() {
        return Err(StoreError::Conflict(
            "the current version says so already".into(),
        ));
    }
    // What could not be read again would take the experiment with it.
    let read: Experiment = serde_json::from_value(spec.clone())
        .map_err(|e| StoreError::Conflict(format!("the amended text cannot be read: {e}")))?;
    let version = current.version + 1;
    let sha256 = canonical::sha256(&spec);
    sqlx::query!(
        "insert into experiment_version
             (experiment_id, version, spec, sha256, reason, note, author)
         values ($1, $2, $3, $4, $5, $6, $7)",
        id.0,
        version,
        &spec,
        sha256,
        amendment.reason,
        amendment.note,
        author
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update experiment set version = $2, question = $3 where id = $1",
        id.0,
        version,
        read.question
    )
    .execute(conn)
    .await?;
    Ok(version)
}

/// In their order; the last is the current one.
///
/// # Errors
/// `Database`; an unknown experiment has none.
pub async fn list_versions(conn: &mut PgConnection, id: ExperimentId) -> Result<Vec<VersionView>> {
    Ok(sqlx::query_as!(
        VersionView,
        r#"select v.version, v.sha256, v.frozen_at, v.spec ->> 'question' as "question!",
             v.spec ->> 'hypothesis' as hypothesis, v.note, v.reason, v.author,
             (select count(*) from run r
              where r.experiment_id = v.experiment_id and exists (
                  select from run_stage rs join job j on j.stage_id = rs.stage_id
                  where rs.run_id = r.id and j.state = 'succeeded'
                      and j.finished_at <= v.frozen_at
                      and rs.position = (select max(position) from run_stage
                                         where run_id = r.id))) as "results_before!"
         from experiment_version v where v.experiment_id = $1 order by v.version"#,
        id.0
    )
    .fetch_all(conn)
    .await?)
}
