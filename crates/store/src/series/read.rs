//! One stage's curves.

use super::Series;
use super::bucket::{Bucket, extend, width};
use super::rows::{Range, list_raw, list_rollups};
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
    let pieces = list_pieces(&mut *conn, stage, metric).await?;
    let level = level(&pieces, max_points);
    // Each piece: the buckets that lie wholly in the current view, from the coarsest
    // rollup that serves; then the measured points of the bucket that is cut.
    let (mut wanted, mut ranges) = (vec![], vec![]);
    for piece in &pieces {
        let own = level.min(piece.levels);
        let mut from = 0;
        if own > 0 {
            wanted.push((piece.attempt.number, own));
            from = cut(piece.last_step, own);
        }
        if from <= piece.last_step.min(piece.reached) {
            ranges.push(Range {
                attempt: piece.attempt,
                from,
                to: piece.last_step,
            });
        }
    }
    let rollups = list_rollups(&mut *conn, stage, metric, &wanted).await?;
    let raw = list_raw(conn, metric, &ranges).await?;
    let mut buckets = vec![];
    for piece in &pieces {
        let own = level.min(piece.levels);
        let number = piece.attempt.number;
        for (_, columns) in rollups.iter().filter(|(attempt, _)| *attempt == number) {
            let whole = columns
                .buckets()
                .filter(|b| b.last_step < cut(piece.last_step, own));
            gather(&mut buckets, level, whole);
        }
        for (_, points) in ranges
            .iter()
            .zip(&raw)
            .filter(|(r, _)| r.attempt == piece.attempt)
        {
            gather(&mut buckets, level, points.iter().map(Bucket::of));
        }
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

/// What one attempt contributes to the current view.
#[derive(Debug)]
struct Piece {
    attempt: AttemptRef,
    /// Points after it are another attempt's.
    last_step: i64,
    first_step: i64,
    /// The last step it has points for.
    reached: i64,
    count: i64,
    /// Its coarsest rollup.
    levels: u32,
}

async fn list_pieces(conn: &mut PgConnection, stage: StageId, metric: &str) -> Result<Vec<Piece>> {
    // Every block but the last is full, so that no more than the last is counted.
    let rows = sqlx::query!(
        r#"select k.attempt as "attempt!", k.last_step as "last_step!",
             b.first_step as "first_step!", b.reached as "reached!", b.count as "count!",
             coalesce((select max(level) from series_rollup u
                 where u.stage_id = $1 and u.attempt = k.attempt and u.metric = $2), 0)
                 as "levels!"
         from kept k
         cross join lateral (
             select s.first_step, l.last_step as reached,
                 l.block::bigint * $3 + cardinality(l.steps) as count
             from series_block s
             cross join lateral (
                 select block, last_step, steps from series_block e
                 where e.stage_id = $1 and e.attempt = k.attempt and e.metric = $2
                     and e.first_step <= k.last_step
                 order by block desc limit 1) l
             where s.stage_id = $1 and s.attempt = k.attempt and s.metric = $2
                 and s.block = 0) b
         where k.stage_id = $1
         order by k.attempt"#,
        stage.0,
        metric,
        BLOCK_POINTS as i64
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
            last_step: row.last_step,
            first_step: row.first_step,
            reached: row.reached,
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
    if count <= max {
        return 0;
    }
    (1..18)
        .find(|&level| last / width(level) - first / width(level) < max)
        .unwrap_or(18)
}
