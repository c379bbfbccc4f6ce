//! The order of those that wait, changed by a person: one place at a time.

use super::graph;
use crate::events::notify_jobs;
use crate::{Result, StoreError};
use assay_core::ids::StageId;
use sqlx::PgConnection;

/// Which way a job is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Earlier,
    Later,
}

/// Lets a queued job change places with the one beside it; false where there is none. Who
/// goes first gets the priority above the other's, and all before both are raised with it, so
/// that nobody else's place changes. Needs the caller's transaction.
///
/// # Errors
/// `Conflict` unless it is queued, `Database`.
pub async fn move_job(conn: &mut PgConnection, stage: StageId, way: Way) -> Result<bool> {
    graph::lock_alone(&mut *conn).await?;
    let is_queued = sqlx::query_scalar!(
        r#"select exists (select from job where stage_id = $1 and state = 'queued') as "is!""#,
        stage.0
    )
    .fetch_one(&mut *conn)
    .await?;
    if !is_queued {
        return Err(StoreError::Conflict(
            "this job does not wait in the queue any more".into(),
        ));
    }
    // To go later is to let the next one go earlier.
    let behind: i64 = match way {
        Way::Earlier => 0,
        Way::Later => 1,
    };
    let raised = sqlx::query_scalar!(
        "with line as (
             select stage_id, priority,
                 row_number() over (order by priority desc, queued_at, stage_id) as place
             from job where state = 'queued'
         ), mover as (
             select m.* from line m join line asked on m.place = asked.place + $2::bigint
             where asked.stage_id = $1
         ), ahead as (
             select l.* from line l join mover m on l.place = m.place - 1
         )
         update job j set priority = case
                 when j.stage_id = m.stage_id then a.priority + 1
                 when m.priority = a.priority then j.priority + 1
                 else j.priority + 2 end
         from line l, mover m, ahead a
         where j.stage_id = l.stage_id and j.state = 'queued'
             and (l.place = m.place or l.place < a.place)
         returning j.stage_id",
        stage.0,
        behind
    )
    .fetch_all(&mut *conn)
    .await?;
    if !raised.is_empty() {
        notify_jobs(conn).await?;
    }
    Ok(!raised.is_empty())
}
