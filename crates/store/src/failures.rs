//! What the failures of attempts are read from: series of judges, labels, values and
//! searches, and the accuracy along each run.

use crate::numbers::unsigned;
use crate::{MilestonePoint, Result, list_exclusions, milestones};
use assay_core::failure::{FailureTable, Measured, StageSeries, failures};
use assay_core::ids::ExperimentId;
use assay_core::spec::Experiment;
use sqlx::PgConnection;

/// Series whose names begin so are signs of failure or of its absence.
const PREFIXES: [&str; 4] = ["labels/", "judge/", "search/", "value/"];

/// Signs of failure of every stage that an arm owns or shares, in the current view:
/// arms in their order, seeds ascending; a shared stage once a seed.
///
/// # Errors
/// `Database`; an unknown experiment has none.
async fn failure_series(
    conn: &mut PgConnection,
    experiment: ExperimentId,
    spec: &Experiment,
) -> Result<Vec<StageSeries>> {
    let rows = sqlx::query!(
        r#"select a.key, r.seed, rs.name, s.kind as "kind!", b.metric, b.steps, b.vals,
             k.last_step as "last_step!"
         from run r
         join arm a on a.id = r.arm_id
         join run_stage rs on rs.run_id = r.id and strpos(rs.name, '/') = 0
         join stage s on s.id = rs.stage_id
         join kept k on k.stage_id = rs.stage_id
         join series_block b on b.stage_id = k.stage_id and b.attempt = k.attempt
             and b.first_step <= k.last_step and b.metric ^@ any($2)
         where r.experiment_id = $1 and not exists (select from excluded_run where run_id = r.id)
         order by a.position, r.seed, rs.position, b.metric, k.attempt, b.block"#,
        experiment.0,
        &PREFIXES.map(String::from)
    )
    .fetch_all(conn)
    .await?;
    let mut all: Vec<StageSeries> = vec![];
    for row in rows {
        let own = spec
            .arm(&row.key)
            .is_some_and(|arm| arm.stages.iter().any(|stage| stage.id == row.name));
        let points = row.steps.iter().zip(&row.vals);
        let points = points.filter(|(step, _)| **step <= row.last_step);
        let points: Vec<(u64, f64)> = points.map(|(s, v)| (s.unsigned_abs(), *v)).collect();
        let series = StageSeries {
            arm: own.then_some(row.key),
            stage: row.name,
            kind: row.kind,
            seed: unsigned(row.seed),
            metric: row.metric,
            points,
        };
        let same = |s: &&mut StageSeries| {
            s.arm == series.arm
                && s.stage == series.stage
                && s.seed == series.seed
                && s.metric == series.metric
        };
        match all.iter_mut().rev().find(same) {
            // A shared stage comes again with the next arm.
            Some(known) => {
                let last = known.points.last().map_or(0, |p| p.0);
                known
                    .points
                    .extend(series.points.into_iter().filter(|p| p.0 > last));
            }
            None => all.push(series),
        }
    }
    Ok(all)
}

/// How the attempts of an experiment fail; runs that were left out have no part in it.
///
/// # Errors
/// `Database`; an unknown experiment has none.
pub async fn failure_tables(
    conn: &mut PgConnection,
    experiment: ExperimentId,
    spec: &Experiment,
    milestones: &[MilestonePoint],
) -> Result<Vec<FailureTable>> {
    let series = failure_series(conn, experiment, spec).await?;
    let measured: Vec<Measured> = milestones
        .iter()
        .map(|p| Measured {
            arm: p.arm_key.clone(),
            seed: p.seed,
            at: p.at.clone(),
            milestone: p.milestone,
            pass_at_1: p.pass_at_1,
        })
        .collect();
    Ok(failures(&series, &measured))
}

/// Milestones of the runs that were not left out.
///
/// # Errors
/// `Database`; an unknown experiment has none.
pub async fn counted_milestones(
    conn: &mut PgConnection,
    experiment: ExperimentId,
) -> Result<Vec<MilestonePoint>> {
    let exclusions = list_exclusions(&mut *conn, experiment).await?;
    let mut points = milestones(conn, experiment).await?;
    points.retain(|p| !exclusions.iter().any(|e| e.run == p.run && e.is_in_force()));
    Ok(points)
}
