//! The story of a stage, and the notifications that it has changed.

use crate::numbers::text;
use crate::{Result, StoreError};
use assay_core::ids::{AttemptRef, StageId};
use assay_core::wire::Level;
use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

#[derive(Debug, Clone, Serialize)]
pub struct EventView {
    pub id: i64,
    pub attempt: Option<i32>,
    pub step: Option<i64>,
    pub level: Level,
    pub text: String,
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// The latest events of a stage, newest first.
///
/// # Errors
/// `Database`.
pub async fn events(conn: &mut PgConnection, stage: StageId, limit: i64) -> Result<Vec<EventView>> {
    let rows = sqlx::query!(
        "select id, attempt, step, level, text, at from event
         where stage_id = $1 order by id desc limit $2",
        stage.0,
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(EventView {
                id: row.id,
                attempt: row.attempt,
                step: row.step,
                level: level(&row.level)?,
                text: row.text,
                at: row.at,
            })
        })
        .collect()
}

/// Events of a stage that are older than those that were read.
#[derive(Debug, Clone, Default)]
pub struct OlderEvents {
    /// All of them.
    pub count: i64,
    /// The alarms among them, newest first.
    pub alarms: Vec<EventView>,
}

/// What is older than the event of this id, with no more alarms than `limit`.
///
/// # Errors
/// `Database`.
pub async fn older_events(
    conn: &mut PgConnection,
    stage: StageId,
    than: i64,
    limit: i64,
) -> Result<OlderEvents> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "n!" from event where stage_id = $1 and id < $2"#,
        stage.0,
        than
    )
    .fetch_one(&mut *conn)
    .await?;
    let rows = sqlx::query!(
        "select id, attempt, step, text, at from event
         where stage_id = $1 and id < $2 and level = 'alarm' order by id desc limit $3",
        stage.0,
        than,
        limit
    )
    .fetch_all(conn)
    .await?;
    let alarm = rows.into_iter().map(|row| EventView {
        id: row.id,
        attempt: row.attempt,
        step: row.step,
        level: Level::Alarm,
        text: row.text,
        at: row.at,
    });
    Ok(OlderEvents {
        count,
        alarms: alarm.collect(),
    })
}

fn level(word: &str) -> Result<Level> {
    match word {
        "info" => Ok(Level::Info),
        "alarm" => Ok(Level::Alarm),
        _ => Err(StoreError::unreadable(std::io::Error::other(format!(
            "not a level: {word:?}"
        )))),
    }
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Info => "info",
        Level::Alarm => "alarm",
    }
}

/// One line of an attempt's story.
#[derive(Debug)]
pub(crate) struct Note {
    pub attempt: AttemptRef,
    pub step: Option<i64>,
    pub level: Level,
    pub text: String,
}

impl Note {
    pub(crate) fn new(attempt: AttemptRef, level: Level, text: impl Into<String>) -> Self {
        Self {
            attempt,
            step: None,
            level,
            text: text.into(),
        }
    }
}

pub(crate) async fn insert_events(conn: &mut PgConnection, notes: &[Note]) -> Result<()> {
    if notes.is_empty() {
        return Ok(());
    }
    let stages: Vec<Uuid> = notes.iter().map(|n| n.attempt.stage.0).collect();
    let attempts: Vec<i32> = notes.iter().map(|n| n.attempt.number).collect();
    let steps: Vec<Option<i64>> = notes.iter().map(|n| n.step).collect();
    let levels: Vec<String> = notes.iter().map(|n| word(n.level).into()).collect();
    let texts: Vec<String> = notes.iter().map(|n| text(&n.text)).collect();
    sqlx::query!(
        "insert into event (stage_id, attempt, step, level, text)
         select * from unnest($1::uuid[], $2::int[], $3::bigint[], $4::text[], $5::text[])",
        &stages,
        &attempts,
        &steps as &[Option<i64>],
        &levels,
        &texts
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Tells listeners, at commit, that these stages have changed.
pub(crate) async fn notify_stages(conn: &mut PgConnection, stages: &[Uuid]) -> Result<()> {
    sqlx::query!(
        "select pg_notify('assay_stage', id::text) from unnest($1::uuid[]) as id",
        stages
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Tells listeners, at commit, that there is work to claim.
pub(crate) async fn notify_jobs(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!("select pg_notify('assay_job', '')")
        .execute(conn)
        .await?;
    Ok(())
}
