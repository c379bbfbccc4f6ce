//! Behind an experiment's curves: the attempts that its stages are made of, and how finely each
//! stage is read.

use super::Along;
use super::bucket::{Bucket, Raw, extend, width};
use super::read::cut;
use super::rows::{Columns, ROW_BUCKETS, Range, list_raw};
use crate::Result;
use crate::ledger::not_charged;
use crate::warm::{Warm, Weighs};
use assay_core::ids::{AttemptRef, ExperimentId, StageId};
use assay_core::spec::Charge;
use assay_core::stats::Interval;
use sqlx::PgConnection;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};
use uuid::Uuid;

/// Buckets that are read of one series, about: one of up to 20,480 steps is read in tens.
const MOST: i64 = 32 * ROW_BUCKETS;

/// A stage of so many steps at most is read point by point: its steps may be big ones.
const SHORT: i64 = 200;

/// So is a part of so many: measured points take twice the columns of buckets.
const SHORT_PART: i64 = MOST / 2;

/// What one attempt contributes to a stage of a run, with its place in the experiment.
#[derive(Debug)]
pub(super) struct Piece {
    pub run_id: Uuid,
    pub arm_key: String,
    pub seed: i64,
    pub position: i32,
    pub stage_id: Uuid,
    pub along: Along,
    pub charged_before: f64,
    /// The run is left out of the comparison.
    pub excluded: bool,
    number: i32,
    /// Points after it are another attempt's.
    last_step: i64,
    /// First and last step that it has points for, seen or not.
    reached: (i64, i64),
    /// Its coarsest rollup.
    levels: u32,
    /// It reports nothing more.
    ended: bool,
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

    /// The last step of a span that is not another attempt's.
    fn last(&self, span: &Span) -> i64 {
        self.last_step.min(span.to)
    }

    fn has_any(&self, span: &Span) -> bool {
        let (first, last) = self.steps();
        first <= last && first <= span.to && last >= span.from
    }

    /// Where a stage is read at a level, the coarsest rollup that serves for it; 0 where none
    /// does.
    fn own(&self, level: u32) -> u32 {
        level.min(self.levels)
    }

    /// Its rollup at its own level.
    fn wanted(&self, span: &Span, ends: bool) -> Option<Wanted> {
        let own = self.own(span.level);
        let row = |step: i64| i32::try_from(step / width(own) / ROW_BUCKETS).unwrap_or(i32::MAX);
        (own > 0).then(|| Wanted {
            attempt: self.attempt(),
            level: own,
            rows: (row(span.from), row(self.last(span))),
            ends,
        })
    }

    /// Where its measured points are read: everywhere where no rollup is, else in the bucket in
    /// which it was left behind, which is summed again.
    fn range(&self, span: &Span) -> Option<Range> {
        let (first, reached) = self.steps();
        let (from, to) = match self.own(span.level) {
            0 => (first.max(span.from), reached.min(span.to)),
            own => (cut(self.last(span), own), self.last(span)),
        };
        (from <= to && to < i64::MAX).then(|| Range {
            attempt: self.attempt(),
            from,
            to,
        })
    }
}

/// Steps of a stage, both ends included, and the level at which they are read. The ends lie
/// between buckets of that level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Span {
    pub from: i64,
    pub to: i64,
    level: u32,
}

impl Span {
    /// The buckets that these steps lie in, as finely as a part is read; nothing where that is
    /// no finer.
    pub fn finer(&self, steps: (i64, i64)) -> Option<Self> {
        let width = width(self.level);
        let (from, to) = (steps.0 / width * width, (steps.1 / width + 1) * width - 1);
        let level = level((from, to), SHORT_PART);
        (level < self.level).then_some(Self { from, to, level })
    }
}

/// The finest level at which such steps have no more buckets than are read; 0 where they are
/// few.
fn level((first, last): (i64, i64), few: i64) -> u32 {
    let fits = |level: &u32| last / width(*level) - first / width(*level) < MOST;
    match last - first < few {
        true => 0,
        false => (1..18).find(fits).unwrap_or(18),
    }
}

/// All of each stage.
pub(super) fn whole(pieces: &[Piece]) -> HashMap<Uuid, Span> {
    let mut steps: HashMap<Uuid, (i64, i64)> = HashMap::new();
    for piece in pieces {
        let (first, last) = piece.steps();
        let own = steps.entry(piece.stage_id).or_insert((first, last));
        *own = (own.0.min(first), own.1.max(last));
    }
    let span = |own: (i64, i64)| Span {
        from: 0,
        to: i64::MAX,
        level: level(own, SHORT),
    };
    let steps = steps.into_iter();
    steps.map(|(stage, own)| (stage, span(own))).collect()
}

/// A measured point of a stage, or a bucket of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct StagePoint {
    /// Along what was asked for, since the stage's start.
    pub cost: f64,
    /// The last step in it.
    pub step: i64,
    pub mean: f64,
    /// Smallest and largest value; of no meaning where that was not asked for.
    pub range: Interval,
}

impl StagePoint {
    fn of(bucket: &Bucket, along: Along) -> Self {
        let point = bucket.point();
        Self {
            cost: along.of(point.step, &point.cum),
            step: point.step,
            mean: point.mean,
            range: Interval {
                low: point.min,
                high: point.max,
            },
        }
    }
}

/// What a stage's points depend on, once all its attempts have ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    stage: Uuid,
    metric: String,
    along: Along,
    span: Span,
    /// Their smallest and largest values are right.
    ends: bool,
    /// Number, and the last step that is its own.
    attempts: Vec<(i32, i64)>,
}

impl Key {
    fn of(stage: &[(&Piece, &Span)], metric: &str, along: Along, ends: bool) -> Option<Self> {
        let (first, span) = stage.first()?;
        let ended = stage.iter().all(|(piece, _)| piece.ended);
        let attempts = stage.iter().map(|(p, _)| (p.number, p.last_step));
        ended.then(|| Self {
            stage: first.stage_id,
            metric: metric.into(),
            along,
            span: **span,
            ends,
            attempts: attempts.collect(),
        })
    }
}

impl Weighs for Vec<StagePoint> {
    fn bytes(&self) -> usize {
        size_of_val(self.as_slice())
    }
}

/// A thousand points take 40 kB: the curves of some twenty experiments of sixty runs.
static WARM: LazyLock<Warm<Key, Vec<StagePoint>>> = LazyLock::new(|| Warm::new(48 << 20));

/// The spans of those stages that have one, each stage once, though runs share it. `ends`: the
/// stages of which the smallest and largest values are read too.
pub(super) async fn read(
    conn: &mut PgConnection,
    metric: &str,
    along: Along,
    pieces: &[Piece],
    spans: &HashMap<Uuid, Span>,
    ends: &HashSet<Uuid>,
) -> Result<HashMap<Uuid, Vec<StagePoint>>> {
    let mut seen = HashSet::new();
    let mut own: Vec<(&Piece, &Span)> = vec![];
    for piece in pieces {
        let span = spans
            .get(&piece.stage_id)
            .filter(|span| piece.has_any(span));
        if let Some(span) = span.filter(|_| seen.insert(piece.attempt())) {
            own.push((piece, span));
        }
    }
    let mut all = HashMap::new();
    let mut keys: HashMap<Uuid, Key> = HashMap::new();
    for stage in own.chunk_by(|a, b| a.0.stage_id == b.0.stage_id) {
        let id = stage[0].0.stage_id;
        let Some(key) = Key::of(stage, metric, along, ends.contains(&id)) else {
            continue;
        };
        match WARM.get(&key) {
            Some(points) => drop(all.insert(id, points.as_ref().clone())),
            None => drop(keys.insert(id, key)),
        }
    }
    own.retain(|(piece, _)| !all.contains_key(&piece.stage_id));
    let wanted = own.iter().filter_map(|(piece, span)| {
        let ends = ends.contains(&piece.stage_id);
        piece.wanted(span, ends)
    });
    let wanted: Vec<Wanted> = wanted.collect();
    let ranges = own.iter().filter_map(|(piece, span)| piece.range(span));
    let ranges: Vec<Range> = ranges.collect();
    let rollups = list_rollups_along(&mut *conn, metric, along, &wanted).await?;
    let measured = list_raw(conn, metric, &ranges).await?;
    let attempts = ranges.iter().map(|range| range.attempt);
    let measured: HashMap<AttemptRef, Vec<Raw>> = attempts.zip(measured).collect();
    for stage in own.chunk_by(|a, b| a.0.stage_id == b.0.stage_id) {
        let mut buckets = vec![];
        for (piece, span) in stage {
            let attempt = piece.attempt();
            let end = cut(piece.last(span), piece.own(span.level));
            for columns in rollups.get(&attempt).into_iter().flatten() {
                let shown = columns.buckets();
                let shown = shown.filter(|b| b.last_step >= span.from && b.last_step < end);
                extend(&mut buckets, span.level, shown);
            }
            let raw = measured.get(&attempt).into_iter().flatten();
            extend(&mut buckets, span.level, raw.map(Bucket::of));
        }
        let points = buckets.iter().map(|bucket| StagePoint::of(bucket, along));
        let (id, points) = (stage[0].0.stage_id, points.collect::<Vec<StagePoint>>());
        if let Some(key) = keys.remove(&id) {
            WARM.insert(key, Arc::new(points.clone()));
        }
        all.insert(id, points);
    }
    Ok(all)
}

pub(super) async fn list_pieces(
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
             exists (select from excluded_run where run_id = p.run_id) as "excluded!",
             p.charged_before as "charged_before!", k.attempt as "attempt!",
             k.last_step as "last_step!",
             b.first as "first!", b.last as "last!", b.levels as "levels!",
             exists (select from attempt l where l.stage_id = k.stage_id and l.number = k.attempt
                 and l.finished_at is not null) as "ended!"
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
            excluded: row.excluded,
            number: row.attempt,
            last_step: row.last_step,
            reached: (row.first, row.last),
            levels: u32::from(row.levels.unsigned_abs()),
            ended: row.ended,
        })
        .collect())
}

/// One attempt's rollup at a level, as far as the view goes.
#[derive(Debug)]
struct Wanted {
    attempt: AttemptRef,
    level: u32,
    rows: (i32, i32),
    /// With the smallest and largest values.
    ends: bool,
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
    let lows: Vec<i32> = wanted.iter().map(|own| own.rows.0).collect();
    let highs: Vec<i32> = wanted.iter().map(|own| own.rows.1).collect();
    let ends: Vec<bool> = wanted.iter().map(|own| own.ends).collect();
    let rows = sqlx::query!(
        r#"select u.stage_id, u.attempt, u.steps, u.counts, u.sums,
             case when w.ends then u.mins else '{}'::float8[] end as "mins!",
             case when w.ends then u.maxs else '{}'::float8[] end as "maxs!",
             case $8::text when 'flops' then u.cum_flops when 'device_ms' then u.cum_device_ms
                 when 'active_ms' then u.cum_active_ms else u.cum_tokens end as "cum!"
         from unnest($1::uuid[], $2::int[], $3::smallint[], $4::int[], $5::int[], $6::bool[])
             as w (stage_id, attempt, level, low, high, ends)
         join series_rollup u on u.stage_id = w.stage_id and u.attempt = w.attempt
             and u.metric = $7 and u.level = w.level and u.block between w.low and w.high
         order by u.stage_id, u.attempt, u.block"#,
        &stages,
        &attempts,
        &levels,
        &lows,
        &highs,
        &ends,
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
            mins: if row.mins.is_empty() {
                none.clone()
            } else {
                row.mins
            },
            maxs: if row.maxs.is_empty() {
                none.clone()
            } else {
                row.maxs
            },
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
