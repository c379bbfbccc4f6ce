//! One metric over all the runs of an experiment.

use super::bucket::{Bucket, extend, width};
use super::read::cut;
use super::rows::{Columns, ROW_BUCKETS, Range, list_raw};
use super::{RunPoint, RunSeries};
use crate::Result;
use crate::ledger::not_charged;
use crate::numbers::unsigned;
use assay_core::ids::{AttemptRef, ExperimentId, RunId, StageId};
use assay_core::spec::Charge;
use assay_core::wire::Cumulative;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use std::collections::{HashMap, HashSet};
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
    let pieces = list_pieces(&mut *conn, experiment, metric, along).await?;
    let Some(along) = pieces.first().map(|piece| piece.along) else {
        return Ok(vec![]);
    };
    let levels = levels(&pieces);
    let level = |stage: Uuid| levels.get(&stage).copied().unwrap_or(1);
    let (mut wanted, mut ranges): (Vec<Wanted>, Vec<Range>) = (vec![], vec![]);
    let mut seen = HashSet::new();
    for piece in &pieces {
        let attempt = piece.attempt();
        // Runs share stages.
        if !seen.insert(attempt) {
            continue;
        }
        let own = piece.own(level(piece.stage_id));
        wanted.extend(piece.wanted(own));
        ranges.extend(piece.range(own));
    }
    let rollups = list_rollups_along(&mut *conn, metric, along, &wanted).await?;
    let measured = list_raw(conn, metric, &ranges).await?;
    let mut all: Vec<RunSeries> = vec![];
    for run in pieces.chunk_by(|a, b| a.run_id == b.run_id) {
        let mut points = vec![];
        for stage in run.chunk_by(|a, b| a.position == b.position) {
            let level = level(stage[0].stage_id);
            let mut buckets = vec![];
            for piece in stage {
                let own = piece.attempt();
                let end = cut(piece.last_step, piece.own(level));
                for columns in rollups.get(&own).into_iter().flatten() {
                    let whole = columns.buckets().filter(|b| b.last_step < end);
                    extend(&mut buckets, level, whole);
                }
                let raw = ranges.iter().zip(&measured);
                for (_, raw) in raw.filter(|(range, _)| range.attempt == own) {
                    extend(&mut buckets, level, raw.iter().map(Bucket::of));
                }
            }
            points.extend(buckets.iter().map(|bucket| {
                let point = bucket.point();
                RunPoint {
                    x: stage[0].charged_before + along.of(point.step, &point.cum),
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

/// Buckets that are read of one series, about: one of up to 20,480 steps is read in tens.
const MOST: i64 = 32 * ROW_BUCKETS;

/// A stage of so many steps at most is read point by point: its steps may be big ones.
const SHORT: i64 = 200;

/// What one attempt contributes to a stage of a run, with its place in the experiment.
#[derive(Debug)]
struct Piece {
    run_id: Uuid,
    arm_key: String,
    seed: i64,
    position: i32,
    stage_id: Uuid,
    along: Along,
    charged_before: f64,
    number: i32,
    /// Points after it are another attempt's.
    last_step: i64,
    /// First and last step that it has points for, seen or not.
    reached: (i64, i64),
    /// Its coarsest rollup.
    levels: u32,
}

impl Piece {
    fn attempt(&self) -> AttemptRef {
        AttemptRef {
            stage: StageId(self.stage_id),
            number: self.number,
        }
    }

    /// First and last step that it has points for, within the view.
    fn steps(&self) -> (i64, i64) {
        (self.reached.0, self.reached.1.min(self.last_step))
    }

    /// Where a stage is read at a level, the coarsest rollup that serves for it; 0 where none
    /// does.
    fn own(&self, level: u32) -> u32 {
        level.min(self.levels)
    }

    /// Its rollup at its own level.
    fn wanted(&self, own: u32) -> Option<Wanted> {
        let row = self.last_step / width(own) / ROW_BUCKETS;
        (own > 0).then(|| Wanted {
            attempt: self.attempt(),
            level: own,
            last_row: i32::try_from(row).unwrap_or(i32::MAX),
        })
    }

    /// Where its measured points are read: everywhere where no rollup is, else in the bucket in
    /// which it was left behind, which is summed again.
    fn range(&self, own: u32) -> Option<Range> {
        let (from, to) = match own {
            0 => self.steps(),
            _ => (cut(self.last_step, own), self.last_step),
        };
        (from <= to && to < i64::MAX).then(|| Range {
            attempt: self.attempt(),
            from,
            to,
        })
    }
}

/// Of each stage, the finest level that has no more buckets than are read; 0 where it is short.
fn levels(pieces: &[Piece]) -> HashMap<Uuid, u32> {
    let mut steps: HashMap<Uuid, (i64, i64)> = HashMap::new();
    for piece in pieces {
        let (first, last) = piece.steps();
        let own = steps.entry(piece.stage_id).or_insert((first, last));
        *own = (own.0.min(first), own.1.max(last));
    }
    let fits =
        |level: u32, (first, last): (i64, i64)| last / width(level) - first / width(level) < MOST;
    let level = |own: (i64, i64)| match own.1 - own.0 < SHORT {
        true => 0,
        false => (1..18).find(|&level| fits(level, own)).unwrap_or(18),
    };
    let levels = steps.into_iter();
    levels.map(|(stage, own)| (stage, level(own))).collect()
}

async fn list_pieces(
    conn: &mut PgConnection,
    experiment: ExperimentId,
    metric: &str,
    along: Option<Along>,
) -> Result<Vec<Piece>> {
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
             b.first as "first!", b.last as "last!", b.levels as "levels!"
         from paid p
         join kept k on k.stage_id = p.stage_id
         cross join lateral (
             select
                 (select first_step from series_block u where u.stage_id = k.stage_id
                      and u.attempt = k.attempt and u.metric = $2
                      order by block limit 1) as first,
                 (select last_step from series_block u where u.stage_id = k.stage_id
                      and u.attempt = k.attempt and u.metric = $2
                      order by block desc limit 1) as last,
                 (select max(level) from series_rollup u where u.stage_id = k.stage_id
                      and u.attempt = k.attempt and u.metric = $2) as levels) b
         where p.own and b.first is not null
         order by p.arm_position, p.seed, p.position, k.attempt"#,
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
        .map(|row| Piece {
            run_id: row.run_id,
            arm_key: row.key,
            seed: row.seed,
            position: row.position,
            stage_id: row.stage_id,
            along: Along::of_word(&row.along),
            charged_before: row.charged_before,
            number: row.attempt,
            last_step: row.last_step,
            reached: (row.first, row.last),
            levels: u32::from(row.levels.unsigned_abs()),
        })
        .collect())
}

/// One attempt's rollup at a level, as far as the view goes.
#[derive(Debug)]
struct Wanted {
    attempt: AttemptRef,
    level: u32,
    last_row: i32,
}

/// Rows of the wanted rollups, along the steps. What these curves do not show is not read:
/// it is most of a page's bytes.
async fn list_rollups_along(
    conn: &mut PgConnection,
    metric: &str,
    along: Along,
    wanted: &[Wanted],
) -> Result<HashMap<AttemptRef, Vec<Columns>>> {
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let stages: Vec<Uuid> = wanted.iter().map(|own| own.attempt.stage.0).collect();
    let attempts: Vec<i32> = wanted.iter().map(|own| own.attempt.number).collect();
    let levels: Vec<i16> = wanted
        .iter()
        .map(|own| i16::try_from(own.level).unwrap_or(i16::MAX))
        .collect();
    let last_rows: Vec<i32> = wanted.iter().map(|own| own.last_row).collect();
    let rows = sqlx::query!(
        r#"select u.stage_id, u.attempt, u.steps, u.counts, u.sums,
             case $6::text when 'flops' then u.cum_flops when 'device_ms' then u.cum_device_ms
                 when 'active_ms' then u.cum_active_ms else u.cum_tokens end as "cum!"
         from unnest($1::uuid[], $2::int[], $3::smallint[], $4::int[])
             as w (stage_id, attempt, level, last_row)
         join series_rollup u on u.stage_id = w.stage_id and u.attempt = w.attempt
             and u.metric = $5 and u.level = w.level and u.block <= w.last_row
         order by u.stage_id, u.attempt, u.block"#,
        &stages,
        &attempts,
        &levels,
        &last_rows,
        metric,
        along.word()
    )
    .fetch_all(conn)
    .await?;
    let mut all: HashMap<AttemptRef, Vec<Columns>> = HashMap::new();
    for row in rows {
        let none = vec![0.0; row.steps.len()];
        let own = |column: Along| match column == along {
            true => row.cum.clone(),
            false => none.clone(),
        };
        let columns = Columns {
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
        };
        let attempt = AttemptRef {
            stage: StageId(row.stage_id),
            number: row.attempt,
        };
        all.entry(attempt).or_default().push(columns);
    }
    Ok(all)
}
