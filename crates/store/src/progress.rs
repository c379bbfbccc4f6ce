//! What live pages ask every second: which stages belong here, how far they are;
//! when something was last heard of them; and the lock under which one server looks for
//! lost workers.

use crate::Result;
use assay_core::ids::{ExperimentId, RunId, StageId};
use assay_core::wire::LEASE_SECONDS;
use sqlx::PgConnection;
use time::OffsetDateTime;

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

/// When something was last heard.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sign {
    /// The last record, event, heartbeat or change of state.
    pub at: Option<OffsetDateTime>,
    /// Since the last heartbeat of attempts that work, or were lost and nobody has followed:
    /// of the one that was heard last, by the database's clock. `None` without such attempts.
    pub silent_seconds: Option<f64>,
}

/// Of these stages. Records renew no lease, heartbeats do, and there is one every ten seconds.
///
/// # Errors
/// `Database`.
pub async fn last_sign(conn: &mut PgConnection, stages: &[StageId]) -> Result<Sign> {
    let ids: Vec<_> = stages.iter().map(|stage| stage.0).collect();
    let row = sqlx::query!(
        r#"with s as materialized (
             select unnest($1::uuid[]) as id
         ), beat as materialized (
             select least(a.lease_expires_at - make_interval(secs => $2), clock_timestamp())
                     as beat_at
             from s join job j on j.stage_id = s.id
             join attempt a on a.stage_id = j.stage_id and a.number = j.attempts
             where j.state in ('queued', 'running') and a.state in ('running', 'lost')
         )
         select greatest(
                 (select max(j.changed_at) from s join job j on j.stage_id = s.id),
                 (select max(l.at) from s cross join lateral (
                     select e.at from event e where e.stage_id = s.id
                     order by e.id desc limit 1) l),
                 (select max(beat_at) from beat)) as last_at,
             (select extract(epoch from clock_timestamp() - max(beat_at))::float8 from beat)
                 as silent_seconds"#,
        &ids,
        LEASE_SECONDS as f64
    )
    .fetch_one(conn)
    .await?;
    Ok(Sign {
        at: row.last_at,
        silent_seconds: row.silent_seconds,
    })
}

/// Of the whole house: jobs, events, and workers that have been seen. Who is silent is said
/// of each worker.
///
/// # Errors
/// `Database`.
pub async fn last_change(conn: &mut PgConnection) -> Result<Sign> {
    let at = sqlx::query_scalar!(
        r#"select greatest((select max(changed_at) from job), (select max(seen_at) from worker),
             (select at from event order by id desc limit 1),
             (select max(created_at) from experiment)) as last_at"#
    )
    .fetch_one(conn)
    .await?;
    Ok(Sign {
        at,
        silent_seconds: None,
    })
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
