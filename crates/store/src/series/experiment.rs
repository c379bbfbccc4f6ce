//! One metric over all the runs of an experiment.

use super::bucket::{Bucket, extend};
use super::read::cut;
use super::rows::{Columns, Range, list_raw};
use super::{RunPoint, RunSeries};
use crate::Result;
use crate::ledger::not_charged;
use crate::numbers::unsigned;
use assay_core::ids::{AttemptRef, ExperimentId, RunId, StageId};
use assay_core::spec::{BudgetUnit, Charge};
use sqlx::PgConnection;
use uuid::Uuid;

/// One metric of all runs of an experiment, of the arms' own training stages.
///
/// # Errors
/// `Database`; an unknown experiment or metric has no points.
pub async fn experiment_series(
    conn: &mut PgConnection,
    experiment: ExperimentId,
    metric: &str,
) -> Result<Vec<RunSeries>> {
    let rows = list_rows(&mut *conn, experiment, metric).await?;
    // The bucket in which an attempt was left behind is summed again from its points.
    let mut ranges: Vec<Range> = vec![];
    for row in rows.iter().filter(|row| row.last_step < i64::MAX) {
        let attempt = row.attempt();
        if ranges.iter().all(|range| range.attempt != attempt) {
            ranges.push(Range {
                attempt,
                from: cut(row.last_step, 1),
                to: row.last_step,
            });
        }
    }
    let edges = list_raw(conn, metric, &ranges).await?;
    let mut all: Vec<RunSeries> = vec![];
    for run in rows.chunk_by(|a, b| a.run_id == b.run_id) {
        let mut points = vec![];
        for stage in run.chunk_by(|a, b| a.position == b.position) {
            let mut buckets = vec![];
            for attempt in stage.chunk_by(|a, b| a.number == b.number) {
                let own = attempt[0].attempt();
                let end = cut(attempt[0].last_step, 1);
                for row in attempt {
                    let whole = row.columns.buckets().filter(|b| b.last_step < end);
                    extend(&mut buckets, 1, whole);
                }
                for (_, raw) in ranges.iter().zip(&edges).filter(|(r, _)| r.attempt == own) {
                    extend(&mut buckets, 1, raw.iter().map(Bucket::of));
                }
            }
            points.extend(buckets.iter().map(|bucket| {
                let point = bucket.point();
                let own = match stage[0].in_flops {
                    true => point.cum.charged.flops,
                    false => point.cum.charged.tokens,
                };
                RunPoint {
                    x: stage[0].charged_before + own,
                    step: point.step,
                    mean: point.mean,
                }
            }));
        }
        all.push(RunSeries {
            arm_key: run[0].arm_key.clone(),
            seed: unsigned(run[0].seed),
            run: RunId(run[0].run_id),
            points,
        });
    }
    Ok(all)
}

/// One row of a rollup, with its place in the experiment.
struct Row {
    run_id: Uuid,
    arm_key: String,
    seed: i64,
    position: i32,
    stage_id: Uuid,
    in_flops: bool,
    charged_before: f64,
    number: i32,
    last_step: i64,
    columns: Columns,
}

impl Row {
    fn attempt(&self) -> AttemptRef {
        AttemptRef {
            stage: StageId(self.stage_id),
            number: self.number,
        }
    }
}

async fn list_rows(
    conn: &mut PgConnection,
    experiment: ExperimentId,
    metric: &str,
) -> Result<Vec<Row>> {
    let rows = sqlx::query!(
        r#"with staged as materialized (
             select r.id as run_id, a.position as arm_position, a.key, r.seed,
                 rs.position, rs.stage_id,
                 rs.charge = $3 and strpos(rs.name, '/') = 0 as own,
                 v.spec -> 'budget' ->> 'unit' = $5 as in_flops,
                 (select sum(case v.spec -> 'budget' ->> 'unit'
                     when $5 then t.flops else t.tokens end)
                  from ledger_total t
                  where t.stage_id = rs.stage_id and rs.charge = $3 and t.purpose <> all($4))
                     as charged
             from run r
             join arm a on a.id = r.arm_id
             join experiment x on x.id = r.experiment_id
             join experiment_version v on v.experiment_id = x.id and v.version = x.version
             join run_stage rs on rs.run_id = r.id
             where r.experiment_id = $1
         ), paid as (
             select s.*, coalesce(sum(charged) over (partition by run_id order by position
                 rows between unbounded preceding and 1 preceding), 0) as charged_before
             from staged s
         )
         select p.run_id, p.key, p.seed, p.position, p.stage_id, p.in_flops as "in_flops!",
             p.charged_before as "charged_before!", k.attempt as "attempt!",
             k.last_step as "last_step!",
             u.steps, u.counts, u.sums,
             case when p.in_flops then u.cum_flops else u.cum_tokens end as "cum!"
         from paid p
         join kept k on k.stage_id = p.stage_id
         join series_rollup u on u.stage_id = k.stage_id and u.attempt = k.attempt
             and u.metric = $2 and u.level = 1
         where p.own
         order by p.arm_position, p.seed, p.position, k.attempt, u.block"#,
        experiment.0,
        metric,
        Charge::Arm.word(),
        &not_charged(),
        BudgetUnit::Flops.word()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            // What these curves do not show is not read: it is most of a page's bytes.
            let none = vec![0.0; row.steps.len()];
            let (cum_tokens, cum_flops) = match row.in_flops {
                true => (none.clone(), row.cum),
                false => (row.cum, none.clone()),
            };
            Row {
                run_id: row.run_id,
                arm_key: row.key,
                seed: row.seed,
                position: row.position,
                stage_id: row.stage_id,
                in_flops: row.in_flops,
                charged_before: row.charged_before,
                number: row.attempt,
                last_step: row.last_step,
                columns: Columns {
                    steps: row.steps,
                    counts: row.counts,
                    sums: row.sums,
                    squares: none.clone(),
                    mins: none.clone(),
                    maxs: none.clone(),
                    firsts: none.clone(),
                    lasts: none.clone(),
                    cum_tokens,
                    cum_flops,
                    cum_device_ms: none.clone(),
                    cum_active_ms: none,
                },
            }
        })
        .collect())
}
