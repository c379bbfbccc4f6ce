//! One metric over all the runs of an experiment.

use super::bucket::{Bucket, extend};
use super::read::cut;
use super::rows::{Columns, Range, list_raw};
use super::{RunPoint, RunSeries};
use crate::Result;
use crate::ledger::not_charged;
use crate::numbers::unsigned;
use assay_core::ids::{AttemptRef, ExperimentId, RunId, StageId};
use assay_core::spec::Charge;
use assay_core::wire::Cumulative;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

/// What a curve is drawn along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Along {
    Flops,
    Tokens,
    DeviceMs,
    ActiveMs,
    /// No cost: steps of the stages that are charged to the arm.
    Step,
}

impl Along {
    pub const ALL: [Self; 5] = [
        Self::Flops,
        Self::Tokens,
        Self::DeviceMs,
        Self::ActiveMs,
        Self::Step,
    ];

    /// The first two as a budget's unit is written.
    fn word(self) -> &'static str {
        match self {
            Self::Flops => "flops",
            Self::Tokens => "tokens",
            Self::DeviceMs => "device_ms",
            Self::ActiveMs => "active_ms",
            Self::Step => "step",
        }
    }

    fn of_word(word: &str) -> Self {
        let found = Self::ALL.into_iter().find(|along| along.word() == word);
        found.unwrap_or(Self::Tokens)
    }

    /// At a stage's step, since the stage's start.
    fn of(self, step: i64, cum: &Cumulative) -> f64 {
        match self {
            Self::Flops => cum.charged.flops,
            Self::Tokens => cum.charged.tokens,
            Self::DeviceMs => cum.charged.device_ms,
            Self::ActiveMs => cum.active_ms,
            Self::Step => step as f64,
        }
    }
}

/// One metric of all runs of an experiment, of the arms' own training stages, along the
/// budget's unit.
///
/// # Errors
/// `Database`; an unknown experiment or metric has no points.
pub async fn experiment_series(
    conn: &mut PgConnection,
    experiment: ExperimentId,
    metric: &str,
) -> Result<Vec<RunSeries>> {
    read(conn, experiment, metric, None).await
}

/// The same along another cost, or step by step.
///
/// # Errors
/// `Database`; an unknown experiment or metric has no points.
pub async fn experiment_series_along(
    conn: &mut PgConnection,
    experiment: ExperimentId,
    metric: &str,
    along: Along,
) -> Result<Vec<RunSeries>> {
    read(conn, experiment, metric, Some(along)).await
}

async fn read(
    conn: &mut PgConnection,
    experiment: ExperimentId,
    metric: &str,
    along: Option<Along>,
) -> Result<Vec<RunSeries>> {
    let rows = list_rows(&mut *conn, experiment, metric, along).await?;
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
                RunPoint {
                    x: stage[0].charged_before + stage[0].along.of(point.step, &point.cum),
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
    along: Along,
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
    along: Option<Along>,
) -> Result<Vec<Row>> {
    let rows = sqlx::query!(
        r#"with staged as materialized (
             select r.id as run_id, a.position as arm_position, a.key, r.seed,
                 rs.position, rs.stage_id,
                 rs.charge = $3 and strpos(rs.name, '/') = 0 as own,
                 coalesce($5::text, v.spec -> 'budget' ->> 'unit') as along,
                 case when $5 = 'active_ms' then
                     (select w.active_ms[cardinality(w.active_ms)] from step_cost w
                      where w.stage_id = rs.stage_id and rs.charge = $3
                      order by w.attempt desc, w.block desc limit 1)
                 when $5 = 'step' then
                     (select l.step::float8 from job j
                      join attempt l on l.stage_id = j.stage_id and l.number = j.attempts
                      where j.stage_id = rs.stage_id and rs.charge = $3)
                 else
                     (select sum(case coalesce($5, v.spec -> 'budget' ->> 'unit')
                         when 'flops' then t.flops when 'device_ms' then t.device_ms
                         else t.tokens end)
                      from ledger_total t
                      where t.stage_id = rs.stage_id and rs.charge = $3
                          and t.purpose <> all($4)) end as charged
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
         select p.run_id, p.key, p.seed, p.position, p.stage_id, p.along as "along!",
             p.charged_before as "charged_before!", k.attempt as "attempt!",
             k.last_step as "last_step!",
             u.steps, u.counts, u.sums,
             case p.along when 'flops' then u.cum_flops when 'device_ms' then u.cum_device_ms
                 when 'active_ms' then u.cum_active_ms else u.cum_tokens end as "cum!"
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
        along.map(Along::word)
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            // What these curves do not show is not read: it is most of a page's bytes.
            let none = vec![0.0; row.steps.len()];
            let along = Along::of_word(&row.along);
            let own = |column: Along| match column == along {
                true => row.cum.clone(),
                false => none.clone(),
            };
            Row {
                run_id: row.run_id,
                arm_key: row.key,
                seed: row.seed,
                position: row.position,
                stage_id: row.stage_id,
                along,
                charged_before: row.charged_before,
                number: row.attempt,
                last_step: row.last_step,
                columns: Columns {
                    cum_tokens: own(Along::Tokens),
                    cum_flops: own(Along::Flops),
                    cum_device_ms: own(Along::DeviceMs),
                    cum_active_ms: own(Along::ActiveMs),
                    steps: row.steps,
                    counts: row.counts,
                    sums: row.sums,
                    squares: none.clone(),
                    mins: none.clone(),
                    maxs: none.clone(),
                    firsts: none.clone(),
                    lasts: none.clone(),
                },
            }
        })
        .collect())
}
