//! Signs of life of an experiment's runs, and how many alarms workers and rules have raised.

use crate::Result;
use assay_core::ids::{ExperimentId, RunId};
use assay_core::wire::LEASE_SECONDS;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RunSign {
    pub run: RunId,
    /// Since the last heartbeat of an attempt that works, or was lost and nobody has followed;
    /// by the database's clock. `None` without such an attempt.
    pub silent_seconds: Option<f64>,
    /// Of the run's stages, shared ones included, and by the rules over its curves.
    pub alarms: i64,
}

/// Of every run, in no order.
///
/// # Errors
/// `Database`; an unknown experiment has no runs.
pub async fn list_signs(conn: &mut PgConnection, experiment: ExperimentId) -> Result<Vec<RunSign>> {
    let rows = sqlx::query!(
        r#"select r.id as run_id,
             (select extract(epoch from clock_timestamp() - max(least(
                     a.lease_expires_at - make_interval(secs => $2), clock_timestamp())))::float8
              from run_stage rs
              join job j on j.stage_id = rs.stage_id and j.state in ('queued', 'running')
              join attempt a on a.stage_id = j.stage_id and a.number = j.attempts
                  and a.state in ('running', 'lost')
              where rs.run_id = r.id) as silent_seconds,
             (select count(*) from run_stage rs
              join event e on e.stage_id = rs.stage_id and e.level = 'alarm'
              where rs.run_id = r.id)
             + (select count(*) from rule_alarm a
                join run_stage rs on rs.run_id = a.run_id and rs.stage_id = a.stage_id
                where a.run_id = r.id) as "alarms!"
         from run r where r.experiment_id = $1"#,
        experiment.0,
        LEASE_SECONDS as f64
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| RunSign {
            run: RunId(row.run_id),
            silent_seconds: row.silent_seconds,
            alarms: row.alarms,
        })
        .collect())
}
