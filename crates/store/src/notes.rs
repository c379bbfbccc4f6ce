//! What people make of an arm's outcome, after the fact.

use crate::{Result, StoreError};
use assay_core::ids::ExperimentId;
use assay_core::note::{Evidence, Note};
use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;

#[derive(Debug, Clone, Serialize)]
pub struct NoteView {
    pub id: i64,
    pub arm: String,
    #[serde(with = "time::serde::rfc3339")]
    pub written_at: OffsetDateTime,
    #[serde(flatten)]
    pub note: Note,
}

/// # Errors
/// `NotFound` without such an arm, `Database`.
pub async fn insert_note(
    conn: &mut PgConnection,
    experiment: ExperimentId,
    arm: &str,
    note: &Note,
) -> Result<i64> {
    sqlx::query_scalar!(
        "insert into arm_note (arm_id, why, evidence, tried, not_tried, would_change)
         select id, $3, $4, $5, $6, $7 from arm where experiment_id = $1 and key = $2
         returning id",
        experiment.0,
        arm,
        note.why,
        note.evidence.word(),
        note.tried,
        note.not_tried,
        note.would_change
    )
    .fetch_optional(conn)
    .await?
    .ok_or(StoreError::NotFound("arm"))
}

/// Of all arms, the newest first.
///
/// # Errors
/// `Database`; an unknown experiment has none.
pub async fn list_notes(
    conn: &mut PgConnection,
    experiment: ExperimentId,
) -> Result<Vec<NoteView>> {
    let rows = sqlx::query!(
        "select n.id, a.key, n.written_at, n.why, n.evidence, n.tried, n.not_tried, n.would_change
         from arm_note n join arm a on a.id = n.arm_id
         where a.experiment_id = $1 order by n.id desc",
        experiment.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let evidence: Evidence = row
                .evidence
                .parse()
                .map_err(|e: String| StoreError::unreadable(std::io::Error::other(e)))?;
            Ok(NoteView {
                id: row.id,
                arm: row.key,
                written_at: row.written_at,
                note: Note {
                    why: row.why,
                    evidence,
                    tried: row.tried,
                    not_tried: row.not_tried,
                    would_change: row.would_change,
                },
            })
        })
        .collect()
}
