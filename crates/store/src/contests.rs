//! What people say of the grader's word on single completions.

use crate::numbers::text;
use crate::{GraderVerdict, Place, Result, StoreError};
use assay_core::ids::{RunId, StageId};
use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// Characters that a reason may have.
pub const MAX_REASON: usize = 1_000;

/// One word of a person on one completion.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contest {
    pub id: i64,
    pub stage: StageId,
    pub place: Place,
    pub verdict: GraderVerdict,
    /// What the grader had said.
    pub graded_correct: bool,
    pub reason: String,
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// No later one is about the same completion.
    pub counts: bool,
}

impl std::str::FromStr for GraderVerdict {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().copied().find(|v| v.word() == word);
        found.ok_or_else(|| format!("the grader is `right` or `wrong`, not {word:?}"))
    }
}

/// Keeps a person's word on a completion of the stage's current view.
///
/// # Errors
/// `NotFound` for a completion that is not stored, `Conflict` for a reason that is
/// missing or too long, `Database`.
pub async fn insert_contest(
    conn: &mut PgConnection,
    stage: StageId,
    place: Place,
    verdict: GraderVerdict,
    reason: &str,
) -> Result<i64> {
    let reason = text(reason.trim());
    if reason.is_empty() && verdict == GraderVerdict::Wrong {
        return Err(StoreError::Conflict(
            "say why the grader is wrong: the reason is kept".into(),
        ));
    }
    if reason.chars().count() > MAX_REASON {
        return Err(StoreError::Conflict(format!(
            "a reason has at most {MAX_REASON} characters"
        )));
    }
    sqlx::query_scalar!(
        "insert into grader_contest (stage_id, attempt, step, group_no, index_no, verdict, reason)
         select c.stage_id, c.attempt, c.step, c.group_no, c.index_no, $5, $6
         from completion c
         join kept k on k.stage_id = c.stage_id and k.attempt = c.attempt
         where c.stage_id = $1 and c.step <= k.last_step
             and c.step = $2 and c.group_no = $3 and c.index_no = $4
         order by c.attempt desc limit 1
         returning id",
        stage.0,
        place.step,
        place.group,
        place.index,
        verdict.word(),
        reason
    )
    .fetch_optional(conn)
    .await?
    .ok_or(StoreError::NotFound("stored completion"))
}

/// Everything that people have said of a run's completions, oldest first.
///
/// # Errors
/// `Database`.
pub async fn list_contests(conn: &mut PgConnection, run: RunId) -> Result<Vec<Contest>> {
    let rows = sqlx::query!(
        r#"select g.id, g.stage_id, g.step, g.group_no, g.index_no, g.verdict, g.reason, g.at,
             c.correct,
             g.id = max(g.id) over (
                 partition by g.stage_id, g.step, g.group_no, g.index_no) as "counts!"
         from grader_contest g
         join completion c on c.stage_id = g.stage_id and c.attempt = g.attempt
             and c.step = g.step and c.group_no = g.group_no and c.index_no = g.index_no
         join kept k on k.stage_id = g.stage_id and k.attempt = g.attempt
             and g.step <= k.last_step
         where g.stage_id in (select stage_id from run_stage where run_id = $1)
         order by g.id"#,
        run.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Contest {
                id: row.id,
                stage: StageId(row.stage_id),
                place: Place {
                    step: row.step,
                    group: row.group_no,
                    index: row.index_no,
                },
                verdict: GraderVerdict::from_word(&row.verdict)?,
                graded_correct: row.correct,
                reason: row.reason,
                at: row.at,
                counts: row.counts,
            })
        })
        .collect()
}
