//! What people make of an arm's outcome, after the fact, and what they say of a run.

use crate::{Result, StoreError};
use assay_core::ids::{ExperimentId, RunId};
use assay_core::note::{Evidence, Note, RunNote};
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

#[derive(Debug, Clone, Serialize)]
pub struct RunNoteView {
    pub id: i64,
    #[serde(with = "time::serde::rfc3339")]
    pub written_at: OffsetDateTime,
    /// With which token; `None` where none was asked for.
    pub author: Option<String>,
    #[serde(flatten)]
    pub note: RunNote,
}

/// # Errors
/// `NotFound` without such a run, `Database`.
pub async fn insert_run_note(
    conn: &mut PgConnection,
    run: RunId,
    note: &RunNote,
    author: Option<&str>,
) -> Result<i64> {
    sqlx::query_scalar!(
        "insert into run_note (run_id, author, text)
         select id, $2, $3 from run where id = $1
         returning id",
        run.0,
        author,
        note.text
    )
    .fetch_optional(conn)
    .await?
    .ok_or(StoreError::NotFound("run"))
}

/// Newest first.
///
/// # Errors
/// `Database`; an unknown run has none.
pub async fn list_run_notes(conn: &mut PgConnection, run: RunId) -> Result<Vec<RunNoteView>> {
    let rows = sqlx::query!(
        "select id, written_at, author, text from run_note where run_id = $1 order by id desc",
        run.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| RunNoteView {
            id: row.id,
            written_at: row.written_at,
            author: row.author,
            note: RunNote { text: row.text },
        })
        .collect())
}
