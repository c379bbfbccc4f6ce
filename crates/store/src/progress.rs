//! What live pages ask every second: which stages belong here, how far they are;
//! and the lock under which one server looks for lost workers.

use crate::Result;
use assay_core::ids::{ExperimentId, RunId, StageId};
use sqlx::PgConnection;

/// # Errors
/// `Database`.
pub async fn stages_of_experiment(
    conn: &mut PgConnection,
    experiment: ExperimentId,
) -> Result<Vec<StageId>> {
    let rows = sqlx::query_scalar!(
        "select distinct rs.stage_id from run_stage rs join run r on r.id = rs.run_id
         where r.experiment_id = $1",
        experiment.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(StageId).collect())
}

/// # Errors
/// `Database`.
pub async fn stages_of_run(conn: &mut PgConnection, run: RunId) -> Result<Vec<StageId>> {
    let rows = sqlx::query_scalar!("select stage_id from run_stage where run_id = $1", run.0)
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(StageId).collect())
}

/// The step of each stage's latest attempt; 0 before the first.
///
/// # Errors
/// `Database`.
pub async fn steps(conn: &mut PgConnection, stages: &[StageId]) -> Result<Vec<(StageId, i64)>> {
    let ids: Vec<_> = stages.iter().map(|stage| stage.0).collect();
    let rows = sqlx::query!(
        r#"select j.stage_id as "stage_id!", coalesce(a.step, 0) as "step!"
           from job j
           left join attempt a on a.stage_id = j.stage_id and a.number = j.attempts
           where j.stage_id = any($1)"#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (StageId(row.stage_id), row.step))
        .collect())
}

/// True for the one server that may reap until the caller's transaction ends.
///
/// # Errors
/// `Database`.
pub async fn try_lock_reaping(conn: &mut PgConnection) -> Result<bool> {
    let locked = sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock(hashtextextended('assay-reaper', 4)) as "locked!""#
    )
    .fetch_one(conn)
    .await?;
    Ok(locked)
}
