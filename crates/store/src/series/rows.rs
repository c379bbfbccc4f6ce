//! Rows of the series' tables, read and written many at a time.

use super::bucket::{Bucket, Raw};
use crate::Result;
use crate::numbers::cumulative;
use assay_core::ids::{AttemptRef, StageId};
use sqlx::PgConnection;
use uuid::Uuid;

/// Buckets a row of `series_rollup`.
pub(super) const ROW_BUCKETS: i64 = 64;

/// The columns of a rollup's row, one element a bucket.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub steps: Vec<i64>,
    pub counts: Vec<i64>,
    pub sums: Vec<f64>,
    pub squares: Vec<f64>,
    pub mins: Vec<f64>,
    pub maxs: Vec<f64>,
    pub firsts: Vec<f64>,
    pub lasts: Vec<f64>,
    pub cum_tokens: Vec<f64>,
    pub cum_flops: Vec<f64>,
    pub cum_device_ms: Vec<f64>,
    pub cum_active_ms: Vec<f64>,
}

impl Columns {
    pub(super) fn push(&mut self, bucket: &Bucket) {
        self.steps.push(bucket.last_step);
        self.counts.push(bucket.count);
        self.sums.push(bucket.sum);
        self.squares.push(bucket.square);
        self.mins.push(bucket.min);
        self.maxs.push(bucket.max);
        self.firsts.push(bucket.first);
        self.lasts.push(bucket.last);
        self.cum_tokens.push(bucket.cum.charged.tokens);
        self.cum_flops.push(bucket.cum.charged.flops);
        self.cum_device_ms.push(bucket.cum.charged.device_ms);
        self.cum_active_ms.push(bucket.cum.active_ms);
    }

    pub(super) fn buckets(&self) -> impl Iterator<Item = Bucket> + '_ {
        (0..self.steps.len()).map(|i| Bucket {
            last_step: self.steps[i],
            count: self.counts[i],
            sum: self.sums[i],
            square: self.squares[i],
            min: self.mins[i],
            max: self.maxs[i],
            first: self.firsts[i],
            last: self.lasts[i],
            cum: cumulative(
                self.cum_tokens[i],
                self.cum_flops[i],
                self.cum_device_ms[i],
                self.cum_active_ms[i],
            ),
        })
    }
}

/// Rows of one attempt's rollup at a level, both ends included.
#[derive(Debug, Clone, Copy)]
pub(super) struct WantedRows {
    pub attempt: i32,
    pub level: u32,
    pub rows: (i32, i32),
}

/// The wanted rows of a metric's rollups, along the steps.
pub(super) async fn list_rollups(
    conn: &mut PgConnection,
    stage: StageId,
    metric: &str,
    wanted: &[WantedRows],
) -> Result<Vec<(i32, Columns)>> {
    if wanted.is_empty() {
        return Ok(vec![]);
    }
    let attempts: Vec<i32> = wanted.iter().map(|own| own.attempt).collect();
    let levels: Vec<i16> = wanted
        .iter()
        .map(|own| i16::try_from(own.level).unwrap_or(i16::MAX))
        .collect();
    let lows: Vec<i32> = wanted.iter().map(|own| own.rows.0).collect();
    let highs: Vec<i32> = wanted.iter().map(|own| own.rows.1).collect();
    let rows = sqlx::query!(
        "select u.attempt, u.steps, u.counts, u.sums, u.squares, u.mins, u.maxs, u.firsts, u.lasts,
             u.cum_tokens, u.cum_flops, u.cum_device_ms, u.cum_active_ms
         from unnest($3::int[], $4::smallint[], $5::int[], $6::int[])
             as w (attempt, level, low, high)
         join series_rollup u on u.stage_id = $1 and u.attempt = w.attempt and u.metric = $2
             and u.level = w.level and u.block between w.low and w.high
         order by u.attempt, u.block",
        stage.0,
        metric,
        &attempts,
        &levels,
        &lows,
        &highs
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
            (row.attempt, columns)
        })
        .collect())
}

/// A part of one attempt's points, both ends included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub attempt: AttemptRef,
    pub from: i64,
    pub to: i64,
}

/// The measured points of each range, with their costs.
pub(super) async fn list_raw(
    conn: &mut PgConnection,
    metric: &str,
    ranges: &[Range],
) -> Result<Vec<Vec<Raw>>> {
    if ranges.is_empty() {
        return Ok(vec![]);
    }
    let stages: Vec<Uuid> = ranges.iter().map(|r| r.attempt.stage.0).collect();
    let attempts: Vec<i32> = ranges.iter().map(|r| r.attempt.number).collect();
    let from: Vec<i64> = ranges.iter().map(|r| r.from).collect();
    let to: Vec<i64> = ranges.iter().map(|r| r.to).collect();
    // Of the blocks and of the costs in one: a row has either values or costs.
    let rows = sqlx::query!(
        r#"with wanted as (
             select * from unnest($1::uuid[], $2::int[], $3::bigint[], $4::bigint[])
                 with ordinality as w (stage_id, attempt, low, high, place)
         )
         select w.place as "place!", b.block as "block!", b.steps as "steps!",
             b.vals as "vals!", '{}'::float8[] as "tokens!", '{}'::float8[] as "flops!",
             '{}'::float8[] as "device_ms!", '{}'::float8[] as "active_ms!"
         from wanted w
         join series_block b on b.stage_id = w.stage_id and b.attempt = w.attempt
             and b.metric = $5 and b.last_step >= w.low and b.first_step <= w.high
         union all
         select w.place, c.block, c.steps, '{}'::float8[], c.tokens, c.flops, c.device_ms,
             c.active_ms
         from wanted w
         join step_cost c on c.stage_id = w.stage_id and c.attempt = w.attempt
             and c.last_step >= w.low and c.first_step <= w.high
         order by 1, 2"#,
        &stages,
        &attempts,
        &from,
        &to,
        metric
    )
    .fetch_all(conn)
    .await?;
    let mut all = vec![];
    for (place, range) in (1_i64..).zip(ranges) {
        let own = || rows.iter().filter(move |row| row.place == place);
        let mut costs = own()
            .flat_map(|row| {
                (0..row.tokens.len()).map(|i| {
                    let cum = cumulative(
                        row.tokens[i],
                        row.flops[i],
                        row.device_ms[i],
                        row.active_ms[i],
                    );
                    (row.steps[i], cum)
                })
            })
            .peekable();
        let mut cum = cumulative(0.0, 0.0, 0.0, 0.0);
        let mut raw = vec![];
        for row in own() {
            for (&step, &value) in row.steps.iter().zip(&row.vals) {
                while let Some((_, at)) = costs.next_if(|(at, _)| *at <= step) {
                    cum = at;
                }
                if (range.from..=range.to).contains(&step) {
                    raw.push(Raw { step, value, cum });
                }
            }
        }
        all.push(raw);
    }
    Ok(all)
}
