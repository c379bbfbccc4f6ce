//! Rollups grow with their series.

use super::bucket::{Bucket, extend, width};
use super::rows::{Columns, ROW_BUCKETS, WantedRows, list_rollups};
use super::write::Growth;
use crate::Result;
use assay_core::ids::AttemptRef;
use sqlx::PgConnection;
use std::collections::HashMap;

/// The coarsest level there is.
const LEVELS: u32 = 6;

/// Level 1 always; the next once the series is longer than 10,000 points, 100,000, ...
fn is_kept(level: u32, points: usize) -> bool {
    level == 1 || points as i64 > width(level + 2)
}

pub(super) async fn insert_rollups(
    conn: &mut PgConnection,
    attempt: AttemptRef,
    growth: &[Growth],
) -> Result<()> {
    let metrics: Vec<String> = growth.iter().map(|g| g.metric.clone()).collect();
    let mut tails = find_tails(&mut *conn, attempt, &metrics).await?;
    let mut changed = Changed::default();
    for grown in growth {
        let points = grown.count + grown.points.len();
        // All buckets of the level below, new points included, where that has just been made.
        let mut below: Option<Vec<Bucket>> = None;
        for level in (1..=LEVELS).take_while(|&level| is_kept(level, points)) {
            let tail = tails.remove(&(grown.metric.clone(), level));
            let is_made = tail.is_none() && level > 1;
            let mut buckets: Vec<Bucket> = tail.iter().flat_map(Columns::buckets).collect();
            match below.take() {
                Some(finer) => extend(&mut buckets, level, finer),
                None => {
                    if is_made {
                        // Once in the life of a series and level.
                        let stored = list_rollups(
                            &mut *conn,
                            attempt.stage,
                            &grown.metric,
                            &[WantedRows {
                                attempt: attempt.number,
                                level: level - 1,
                                rows: (0, i32::MAX),
                            }],
                        )
                        .await?;
                        let finer = stored.iter().flat_map(|(_, columns)| columns.buckets());
                        extend(&mut buckets, level, finer);
                    }
                    extend(&mut buckets, level, grown.points.iter().map(Bucket::of));
                }
            }
            changed.push(&grown.metric, level, &buckets);
            below = is_made.then_some(buckets);
        }
    }
    upsert(conn, attempt, &changed).await
}

/// Rows to write, their columns one after another.
#[derive(Debug, Default)]
struct Changed {
    metrics: Vec<String>,
    levels: Vec<i16>,
    blocks: Vec<i32>,
    /// First and last element of the row, from 1.
    lows: Vec<i32>,
    highs: Vec<i32>,
    columns: Columns,
}

impl Changed {
    fn push(&mut self, metric: &str, level: u32, buckets: &[Bucket]) {
        let block = |b: &Bucket| b.last_step / width(level) / ROW_BUCKETS;
        let place = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
        for row in buckets.chunk_by(|a, b| block(a) == block(b)) {
            self.metrics.push(metric.into());
            self.levels.push(i16::try_from(level).unwrap_or(i16::MAX));
            self.blocks
                .push(i32::try_from(block(&row[0])).unwrap_or(i32::MAX));
            self.lows.push(place(self.columns.steps.len() + 1));
            for bucket in row {
                self.columns.push(bucket);
            }
            self.highs.push(place(self.columns.steps.len()));
        }
    }
}

/// The last row of every level of these metrics.
async fn find_tails(
    conn: &mut PgConnection,
    attempt: AttemptRef,
    metrics: &[String],
) -> Result<HashMap<(String, u32), Columns>> {
    let rows = sqlx::query!(
        "select u.* from unnest($3::text[]) as m (metric)
         cross join generate_series(1, $4::int) as l (level)
         cross join lateral (
             select * from series_rollup
             where stage_id = $1 and attempt = $2 and metric = m.metric and level = l.level
             order by block desc limit 1) u",
        attempt.stage.0,
        attempt.number,
        metrics,
        LEVELS as i32
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let columns = Columns {
                steps: row.steps,
                counts: row.counts,
                sums: row.sums,
                squares: row.squares,
                mins: row.mins,
                maxs: row.maxs,
                firsts: row.firsts,
                lasts: row.lasts,
                cum_tokens: row.cum_tokens,
                cum_flops: row.cum_flops,
                cum_device_ms: row.cum_device_ms,
                cum_active_ms: row.cum_active_ms,
            };
            ((row.metric, u32::from(row.level.unsigned_abs())), columns)
        })
        .collect())
}

async fn upsert(conn: &mut PgConnection, attempt: AttemptRef, changed: &Changed) -> Result<()> {
    let c = &changed.columns;
    sqlx::query!(
        "insert into series_rollup (stage_id, attempt, metric, level, block, steps, counts,
             sums, squares, mins, maxs, firsts, lasts,
             cum_tokens, cum_flops, cum_device_ms, cum_active_ms)
         select $1, $2, n.metric, n.level, n.block,
             ($8::bigint[])[n.low:n.high], ($9::bigint[])[n.low:n.high],
             ($10::float8[])[n.low:n.high], ($11::float8[])[n.low:n.high],
             ($12::float8[])[n.low:n.high], ($13::float8[])[n.low:n.high],
             ($14::float8[])[n.low:n.high], ($15::float8[])[n.low:n.high],
             ($16::float8[])[n.low:n.high], ($17::float8[])[n.low:n.high],
             ($18::float8[])[n.low:n.high], ($19::float8[])[n.low:n.high]
         from unnest($3::text[], $4::smallint[], $5::int[], $6::int[], $7::int[])
             as n (metric, level, block, low, high)
         on conflict (stage_id, attempt, metric, level, block) do update set
             steps = excluded.steps, counts = excluded.counts, sums = excluded.sums,
             squares = excluded.squares, mins = excluded.mins, maxs = excluded.maxs,
             firsts = excluded.firsts, lasts = excluded.lasts,
             cum_tokens = excluded.cum_tokens, cum_flops = excluded.cum_flops,
             cum_device_ms = excluded.cum_device_ms, cum_active_ms = excluded.cum_active_ms",
        attempt.stage.0,
        attempt.number,
        &changed.metrics,
        &changed.levels,
        &changed.blocks,
        &changed.lows,
        &changed.highs,
        &c.steps,
        &c.counts,
        &c.sums,
        &c.squares,
        &c.mins,
        &c.maxs,
        &c.firsts,
        &c.lasts,
        &c.cum_tokens,
        &c.cum_flops,
        &c.cum_device_ms,
        &c.cum_active_ms
    )
    .execute(conn)
    .await?;
    Ok(())
}
