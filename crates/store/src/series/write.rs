//! Measured steps into blocks, costs and rollups.

use super::bucket::Raw;
use super::rollup::insert_rollups;
use crate::{Result, StoreError};
use assay_core::ids::AttemptRef;
use assay_core::wire::Cumulative;
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// Points a row of `series_block`, and steps a row of `step_cost`.
pub(super) const BLOCK_POINTS: usize = 256;

/// What one step measured.
#[derive(Debug)]
pub(crate) struct Measured<'a> {
    pub step: i64,
    pub cum: Cumulative,
    pub metrics: &'a BTreeMap<String, f64>,
}

/// The new points of one metric, and how many the attempt had before.
#[derive(Debug)]
pub(super) struct Growth {
    pub metric: String,
    pub count: usize,
    pub points: Vec<Raw>,
}

/// Steps must not go back within an attempt.
///
/// # Errors
/// `Conflict`, `Database`.
pub(crate) async fn insert_measured(
    conn: &mut PgConnection,
    attempt: AttemptRef,
    measured: &[Measured<'_>],
) -> Result<()> {
    if measured.is_empty() {
        return Ok(());
    }
    insert_costs(&mut *conn, attempt, measured).await?;
    let mut points: BTreeMap<String, Vec<Raw>> = BTreeMap::new();
    for at in measured {
        for (metric, &value) in at.metrics {
            points
                .entry(metric.replace('\0', ""))
                .or_default()
                .push(Raw {
                    step: at.step,
                    value,
                    cum: at.cum,
                });
        }
    }
    let metrics: Vec<String> = points.keys().cloned().collect();
    let counts = count_points(&mut *conn, attempt, &metrics).await?;
    let growth: Vec<Growth> = points
        .into_iter()
        .map(|(metric, points)| Growth {
            count: counts.get(&metric).copied().unwrap_or(0),
            metric,
            points,
        })
        .collect();
    append_points(&mut *conn, attempt, &growth).await?;
    insert_rollups(conn, attempt, &growth).await
}

/// Where appended elements go: (number of the block, first and last element from 1).
fn blocks(before: usize, new: usize) -> impl Iterator<Item = (i32, i32, i32)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        if done == new {
            return None;
        }
        let at = before + done;
        let part = (BLOCK_POINTS - at % BLOCK_POINTS).min(new - done);
        let low = done + 1;
        done += part;
        Some([at / BLOCK_POINTS, low, done].map(|n| i32::try_from(n).unwrap_or(i32::MAX)))
            .map(|[block, low, high]| (block, low, high))
    })
}

/// One element a step; where a step is reported again, its first cost stays.
async fn insert_costs(
    conn: &mut PgConnection,
    attempt: AttemptRef,
    measured: &[Measured<'_>],
) -> Result<()> {
    let tail = sqlx::query!(
        r#"select block, cardinality(steps) as "length!", last_step from step_cost
         where stage_id = $1 and attempt = $2 order by block desc limit 1"#,
        attempt.stage.0,
        attempt.number
    )
    .fetch_optional(&mut *conn)
    .await?;
    let mut last = tail.as_ref().map(|row| row.last_step);
    let mut new: Vec<&Measured<'_>> = vec![];
    for at in measured {
        match last {
            Some(before) if before > at.step => {
                return Err(StoreError::Conflict(format!(
                    "step {} after step {before}",
                    at.step
                )));
            }
            Some(before) if before == at.step => {}
            Some(_) | None => new.push(at),
        }
        last = Some(at.step);
    }
    let before = tail.map_or(0, |row| length(row.block, row.length));
    let column = |f: fn(&Cumulative) -> f64| new.iter().map(|at| f(&at.cum)).collect::<Vec<_>>();
    let (mut numbers, mut lows, mut highs) = (vec![], vec![], vec![]);
    for (block, low, high) in blocks(before, new.len()) {
        numbers.push(block);
        lows.push(low);
        highs.push(high);
    }
    sqlx::query!(
        "insert into step_cost as c (stage_id, attempt, block, first_step, last_step,
             steps, tokens, flops, device_ms, active_ms)
         select $1, $2, n.block, ($6::bigint[])[n.low], ($6::bigint[])[n.high],
             ($6::bigint[])[n.low:n.high], ($7::float8[])[n.low:n.high],
             ($8::float8[])[n.low:n.high], ($9::float8[])[n.low:n.high],
             ($10::float8[])[n.low:n.high]
         from unnest($3::int[], $4::int[], $5::int[]) as n (block, low, high)
         on conflict (stage_id, attempt, block) do update set
             last_step = excluded.last_step, steps = c.steps || excluded.steps,
             tokens = c.tokens || excluded.tokens, flops = c.flops || excluded.flops,
             device_ms = c.device_ms || excluded.device_ms,
             active_ms = c.active_ms || excluded.active_ms",
        attempt.stage.0,
        attempt.number,
        &numbers,
        &lows,
        &highs,
        &new.iter().map(|at| at.step).collect::<Vec<_>>(),
        &column(|cum| cum.charged.tokens),
        &column(|cum| cum.charged.flops),
        &column(|cum| cum.charged.device_ms),
        &column(|cum| cum.active_ms)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Elements in all blocks, from the last one.
fn length(block: i32, in_block: i32) -> usize {
    block.unsigned_abs() as usize * BLOCK_POINTS + in_block.unsigned_abs() as usize
}

async fn count_points(
    conn: &mut PgConnection,
    attempt: AttemptRef,
    metrics: &[String],
) -> Result<BTreeMap<String, usize>> {
    let rows = sqlx::query!(
        r#"select m.metric as "metric!", b.block, b.length as "length!"
         from unnest($3::text[]) as m (metric)
         cross join lateral (
             select block, cardinality(steps) as length from series_block
             where stage_id = $1 and attempt = $2 and metric = m.metric
             order by block desc limit 1) b"#,
        attempt.stage.0,
        attempt.number,
        metrics
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.metric, length(row.block, row.length)))
        .collect())
}

async fn append_points(
    conn: &mut PgConnection,
    attempt: AttemptRef,
    growth: &[Growth],
) -> Result<()> {
    let (mut metrics, mut numbers, mut lows, mut highs) = (vec![], vec![], vec![], vec![]);
    let (mut steps, mut values) = (vec![], vec![]);
    for grown in growth {
        let start = i32::try_from(steps.len()).unwrap_or(i32::MAX);
        for (block, low, high) in blocks(grown.count, grown.points.len()) {
            metrics.push(grown.metric.clone());
            numbers.push(block);
            lows.push(start + low);
            highs.push(start + high);
        }
        steps.extend(grown.points.iter().map(|point| point.step));
        values.extend(grown.points.iter().map(|point| point.value));
    }
    sqlx::query!(
        "insert into series_block as b (stage_id, attempt, metric, block, first_step, last_step,
             steps, vals)
         select $1, $2, n.metric, n.block, ($7::bigint[])[n.low], ($7::bigint[])[n.high],
             ($7::bigint[])[n.low:n.high], ($8::float8[])[n.low:n.high]
         from unnest($3::text[], $4::int[], $5::int[], $6::int[]) as n (metric, block, low, high)
         on conflict (stage_id, attempt, metric, block) do update set
             last_step = excluded.last_step, steps = b.steps || excluded.steps,
             vals = b.vals || excluded.vals",
        attempt.stage.0,
        attempt.number,
        &metrics,
        &numbers,
        &lows,
        &highs,
        &steps,
        &values
    )
    .execute(conn)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appended_elements_fill_the_open_block_first() {
        let all = |before, new| blocks(before, new).collect::<Vec<_>>();
        assert_eq!(all(0, 3), [(0, 1, 3)]);
        assert_eq!(all(255, 2), [(0, 1, 1), (1, 2, 2)]);
        assert_eq!(all(256, 513), [(1, 1, 256), (2, 257, 512), (3, 513, 513)]);
        assert_eq!(all(9, 0), []);
    }
}
