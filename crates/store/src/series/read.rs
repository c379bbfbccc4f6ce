//! One stage's curves.

use super::Series;
use super::bucket::{Bucket, extend, width};
use super::rows::{ROW_BUCKETS, Range, WantedRows, list_raw, list_rollups};
use super::write::BLOCK_POINTS;
use crate::Result;
use assay_core::ids::{AttemptRef, ExperimentId, StageId};
use assay_core::spec::Charge;
use sqlx::PgConnection;

/// At most about `max_points` points of one metric.
///
/// # Errors
/// `Database`; an unknown metric has no points.
pub async fn series(
    conn: &mut PgConnection,
    stage: StageId,
    metric: &str,
    max_points: usize,
) -> Result<Series> {
    series_between(conn, stage, metric, (0, i64::MAX), max_points).await
}

/// The same of the steps from one to another, both included: as fine as so few steps allow.
///
/// # Errors
/// `Database`; an unknown metric has no points.
pub async fn series_between(
    conn: &mut PgConnection,
    stage: StageId,
    metric: &str,
    (from, to): (i64, i64),
    max_points: usize,
) -> Result<Series> {
    let pieces = list_pieces(&mut *conn, stage, metric, (from, to)).await?;
    let level = level(&pieces, max_points);
    // Each piece: the buckets that lie wholly in the current view and between the ends, from
    // the coarsest rollup that serves; then the measured points of the buckets that are cut.
    let parts: Vec<Part> = pieces.iter().map(|piece| piece.part(level)).collect();
    let wanted = parts.iter().filter_map(|part| part.whole);
    let wanted: Vec<WantedRows> = wanted.collect();
    let ranges = parts.iter().flat_map(|part| [part.before, part.after]);
    let ranges: Vec<Range> = ranges.flatten().collect();
    let rollups = list_rollups(&mut *conn, stage, metric, &wanted).await?;
    let mut raw = list_raw(conn, metric, &ranges).await?.into_iter();
    let mut buckets = vec![];
    for (piece, part) in pieces.iter().zip(&parts) {
        let mut measured =
            |range: Option<Range>| range.and_then(|_| raw.next()).unwrap_or_default();
        let before = measured(part.before);
        gather(&mut buckets, level, before.iter().map(Bucket::of));
        let number = piece.attempt.number;
        for (_, columns) in rollups.iter().filter(|(attempt, _)| *attempt == number) {
            let (low, high) = part.between;
            let whole = columns
                .buckets()
                .filter(|b| b.last_step >= low && b.last_step < high);
            gather(&mut buckets, level, whole);
        }
        let after = measured(part.after);
        gather(&mut buckets, level, after.iter().map(Bucket::of));
    }
    Ok(Series {
        points: buckets.iter().map(Bucket::point).collect(),
        level,
    })
}

/// Names of the metrics that a stage has reported, sorted.
///
/// # Errors
/// `Database`.
pub async fn list_metrics(conn: &mut PgConnection, stage: StageId) -> Result<Vec<String>> {
    // From one name to the next, so that the blocks of a long series are not looked at.
    Ok(sqlx::query_scalar!(
        r#"with recursive named as (
             (select attempt, metric from series_block where stage_id = $1
              order by attempt, metric limit 1)
             union all
             select n.attempt, n.metric from named p
             cross join lateral (
                 select attempt, metric from series_block
                 where stage_id = $1 and (attempt, metric) > (p.attempt, p.metric)
                 order by attempt, metric limit 1) n
         )
         select distinct metric as "metric!" from named order by 1"#,
        stage.0
    )
    .fetch_all(conn)
    .await?)
}

/// Names of the metrics that the arms' own stages have reported, sorted.
///
/// # Errors
/// `Database`; an unknown experiment has none.
pub async fn list_experiment_metrics(
    conn: &mut PgConnection,
    experiment: ExperimentId,
) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        r#"with recursive own as materialized (
             select distinct rs.stage_id from run r
             join run_stage rs on rs.run_id = r.id
             where r.experiment_id = $1 and rs.charge = $2 and strpos(rs.name, '/') = 0
         ), named as (
             select o.stage_id, n.attempt, n.metric from own o
             cross join lateral (
                 select attempt, metric from series_block
                 where stage_id = o.stage_id
                 order by attempt, metric limit 1) n
             union all
             select p.stage_id, n.attempt, n.metric from named p
             cross join lateral (
                 select attempt, metric from series_block
                 where stage_id = p.stage_id and (attempt, metric) > (p.attempt, p.metric)
                 order by attempt, metric limit 1) n
         )
         select distinct metric as "metric!" from named order by 1"#,
        experiment.0,
        Charge::Arm.word()
    )
    .fetch_all(conn)
    .await?)
}

fn gather(buckets: &mut Vec<Bucket>, level: u32, later: impl Iterator<Item = Bucket>) {
    match level {
        0 => buckets.extend(later),
        _ => extend(buckets, level, later),
    }
}

/// The first step of the bucket that a view ending at `last_step` cuts.
pub(super) fn cut(last_step: i64, level: u32) -> i64 {
    let width = width(level);
    last_step.saturating_add(1) / width * width
}

/// What one attempt contributes to the current view, between the ends that were asked for.
#[derive(Debug)]
struct Piece {
    attempt: AttemptRef,
    /// The ends, as far as another attempt does not hide the later one.
    from: i64,
    last_step: i64,
    /// First and last step that it has points for, within them.
    first_step: i64,
    reached: i64,
    count: i64,
    /// Its coarsest rollup.
    levels: u32,
}

/// How a piece is read at a level.
#[derive(Debug)]
struct Part {
    /// Buckets that lie between these steps, the later one apart.
    between: (i64, i64),
    whole: Option<WantedRows>,
    /// Measured points of a bucket that the earlier end cuts, and of one that the later does.
    before: Option<Range>,
    after: Option<Range>,
}

impl Piece {
    fn part(&self, level: u32) -> Part {
        let own = level.min(self.levels);
        let range = |from: i64, to: i64| {
            let range = Range {
                attempt: self.attempt,
                from,
                to,
            };
            (from <= to.min(self.reached)).then_some(range)
        };
        let all = Part {
            between: (0, 0),
            whole: None,
            before: None,
            after: range(self.from, self.last_step),
        };
        if own == 0 {
            return all;
        }
        let width = width(own);
        let (low, high) = (
            self.from.saturating_add(width - 1) / width * width,
            cut(self.last_step, own),
        );
        if low >= high {
            return all;
        }
        let row = |step: i64| i32::try_from(step / width / ROW_BUCKETS).unwrap_or(i32::MAX);
        Part {
            between: (low, high),
            whole: Some(WantedRows {
                attempt: self.attempt.number,
                level: own,
                rows: (row(low), row(high - 1)),
            }),
            before: range(self.from, low - 1),
            after: range(high, self.last_step),
        }
    }
}

async fn list_pieces(
    conn: &mut PgConnection,
    stage: StageId,
    metric: &str,
    (from, to): (i64, i64),
) -> Result<Vec<Piece>> {
    // Every block but the last is full, so that no more than the last is counted.
    let rows = sqlx::query!(
        r#"select k.attempt as "attempt!", k.last_step as "last_step!",
             f.first_step as "first_step!", l.last_step as "reached!",
             (l.block - f.block)::bigint * $3 + cardinality(l.steps) as "count!",
             coalesce((select max(level) from series_rollup u
                 where u.stage_id = $1 and u.attempt = k.attempt and u.metric = $2), 0)
                 as "levels!"
         from kept k
         cross join lateral (
             select block, first_step from series_block b
             where b.stage_id = $1 and b.attempt = k.attempt and b.metric = $2
                 and b.last_step >= $4
             order by block limit 1) f
         cross join lateral (
             select block, last_step, steps from series_block b
             where b.stage_id = $1 and b.attempt = k.attempt and b.metric = $2
                 and b.first_step <= least(k.last_step, $5)
             order by block desc limit 1) l
         where k.stage_id = $1 and f.block <= l.block
         order by k.attempt"#,
        stage.0,
        metric,
        BLOCK_POINTS as i64,
        from,
        to
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Piece {
            attempt: AttemptRef {
                stage,
                number: row.attempt,
            },
            from,
            last_step: row.last_step.min(to),
            first_step: row.first_step.max(from),
            reached: row.reached.min(row.last_step).min(to),
            count: row.count,
            levels: row.levels.unsigned_abs(),
        })
        .collect())
}

/// The finest level with at most `max_points` points.
fn level(pieces: &[Piece], max_points: usize) -> u32 {
    let max = i64::try_from(max_points).unwrap_or(i64::MAX).max(1);
    let count: i64 = pieces.iter().map(|p| p.count).sum();
    let first = pieces.iter().map(|p| p.first_step).min().unwrap_or(0);
    let last = pieces.iter().map(|p| p.reached).max().unwrap_or(0);
    // Blocks at the ends may reach beyond them.
    let beyond = (2 * BLOCK_POINTS * pieces.len()) as i64;
    if count <= max || (count - beyond <= max && last - first < max) {
        return 0;
    }
    (1..18)
        .find(|&level| last / width(level) - first / width(level) < max)
        .unwrap_or(18)
}
