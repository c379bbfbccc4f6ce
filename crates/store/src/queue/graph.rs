//! Two locks on the graph of jobs, both held to the end of the transaction.
//! Endings of attempts go side by side; whoever plans, cancels or retries goes alone,
//! so that what it read of other jobs' states still holds when it writes.

use crate::Result;
use sqlx::PgConnection;
use uuid::Uuid;

const GRAPH_LOCK: i64 = 0x6173_7361_7902;

pub(crate) async fn lock_shared(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!("select pg_advisory_xact_lock_shared($1)", GRAPH_LOCK)
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn lock_alone(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!("select pg_advisory_xact_lock($1)", GRAPH_LOCK)
        .execute(conn)
        .await?;
    Ok(())
}

/// Cancels everything that is blocked, however indirectly, on one of these stages.
/// Returns what was cancelled.
pub(crate) async fn cancel_dependants(
    conn: &mut PgConnection,
    stages: &[Uuid],
) -> Result<Vec<Uuid>> {
    let cancelled = sqlx::query_scalar!(
        "with recursive doomed as (
             select i.stage_id from stage_input i join job j using (stage_id)
             where i.from_stage = any($1) and j.state = 'blocked'
             union
             select i.stage_id from doomed d join stage_input i on i.from_stage = d.stage_id
             join job j on j.stage_id = i.stage_id where j.state = 'blocked'
         ), locked as (
             select stage_id from job
             where stage_id in (select stage_id from doomed) and state = 'blocked'
             order by stage_id for update
         )
         update job set state = 'cancelled', finished_at = clock_timestamp(),
             changed_at = clock_timestamp()
         from locked where job.stage_id = locked.stage_id
         returning job.stage_id",
        stages
    )
    .fetch_all(&mut *conn)
    .await?;
    retire(conn, &cancelled).await?;
    Ok(cancelled)
}

/// These stages failed or were cancelled: nothing new may build on them.
pub(crate) async fn retire(conn: &mut PgConnection, stages: &[Uuid]) -> Result<()> {
    if stages.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update stage set reusable = false where id = any($1)",
        stages
    )
    .execute(conn)
    .await?;
    Ok(())
}
