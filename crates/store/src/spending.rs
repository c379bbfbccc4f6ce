//! What experiments have spent, stage by stage: each stage once, under the experiment that
//! planned it first, lost work included; and how fast past stages were.

use crate::{JobState, Result};
use assay_core::device::{self, Device};
use assay_core::ids::{ExperimentId, StageId};
use assay_core::ledger::{Cost, purpose};
use assay_core::spending::{KindSpeed, Spread, StageSpend};
use sqlx::PgConnection;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Every stage of these experiments on which something was spent. Stages that an earlier
/// experiment has planned are that one's, and not listed here.
///
/// # Errors
/// `Database`.
pub async fn list_spending(
    conn: &mut PgConnection,
    experiments: &[ExperimentId],
) -> Result<HashMap<ExperimentId, Vec<StageSpend>>> {
    let ids: Vec<Uuid> = experiments.iter().map(|id| id.0).collect();
    // The price in force is that of the attempt's device when the attempt began.
    let rows = sqlx::query!(
        r#"with own as materialized (
             select r.experiment_id, rs.stage_id, array_agg(distinct a.key) as arms
             from run r
             join arm a on a.id = r.arm_id
             join run_stage rs on rs.run_id = r.id
             where r.experiment_id = any($1)
             group by r.experiment_id, rs.stage_id
             having not bool_and(rs.reused)
         ), paid as (
             select l.stage_id,
                 sum(l.device_ms * p.dollars_per_hour) / 3.6e6 as dollars,
                 sum(l.device_ms) filter (where p.dollars_per_hour is null) as unpriced_ms
             from (
                 -- Of one attempt the sums are kept. Of several the ledger, a row a step, knows
                 -- which had what; without a price there is nothing to multiply it with.
                 select s.stage_id, 1 as attempt, sum(s.device_ms) as device_ms
                 from ledger_total s join job j on j.stage_id = s.stage_id and j.attempts = 1
                 where s.stage_id in (select stage_id from own) and exists (select from price)
                 group by s.stage_id
                 union all
                 select d.stage_id, d.attempt, sum(d.device_ms)
                 from ledger d join job j on j.stage_id = d.stage_id and j.attempts > 1
                 where d.stage_id in (select stage_id from own) and exists (select from price)
                 group by d.stage_id, d.attempt) l
             join attempt t on t.stage_id = l.stage_id and t.number = l.attempt
             left join worker w on w.id = t.worker_id
             left join lateral (
                 -- Its own name's goes before its class's, however old.
                 select dollars_per_hour from price
                 where lower(device) in (lower(t.host ->> 'device'), lower(w.host ->> 'device'),
                         lower(w.host ->> 'device_name'))
                     and valid_from <= t.started_at
                 order by lower(device) is distinct from lower(w.host ->> 'device_name'),
                     valid_from desc, id desc limit 1) p on true
             group by l.stage_id
         ), used as (
             select t.stage_id,
                 sum(tokens) as tokens, sum(flops) as flops, sum(device_ms) as device_ms,
                 sum(device_ms) filter (where purpose = $2) as evaluation_ms,
                 sum(device_ms) filter (where purpose = $3) as lost_ms,
                 sum(flops) filter (where purpose = $2) as evaluation_flops,
                 sum(flops) filter (where purpose = $3) as lost_flops,
                 sum(tokens) filter (where purpose = $2) as evaluation_tokens,
                 sum(tokens) filter (where purpose = $3) as lost_tokens
             from ledger_total t where t.stage_id in (select stage_id from own)
             group by t.stage_id
         )
         select o.experiment_id as "experiment_id!", o.stage_id as "stage_id!",
             o.arms as "arms!", u.tokens as "tokens!", u.flops as "flops!",
             u.device_ms as "device_ms!",
             coalesce(u.evaluation_ms, 0) as "evaluation_ms!", coalesce(u.lost_ms, 0) as "lost_ms!",
             coalesce(u.evaluation_flops, 0) as "evaluation_flops!",
             coalesce(u.lost_flops, 0) as "lost_flops!",
             coalesce(u.evaluation_tokens, 0) as "evaluation_tokens!",
             coalesce(u.lost_tokens, 0) as "lost_tokens!",
             p.dollars as "dollars?", coalesce(p.unpriced_ms, 0) as "unpriced_ms!"
         from own o
         join used u on u.stage_id = o.stage_id
         left join paid p on p.stage_id = o.stage_id
         order by o.experiment_id, o.stage_id"#,
        &ids,
        purpose::EVALUATION,
        purpose::LOST
    )
    .fetch_all(conn)
    .await?;
    let mut all: HashMap<ExperimentId, Vec<StageSpend>> = HashMap::new();
    for row in rows {
        all.entry(ExperimentId(row.experiment_id))
            .or_default()
            .push(StageSpend {
                stage: StageId(row.stage_id),
                arms: row.arms,
                all: Cost {
                    tokens: row.tokens,
                    flops: row.flops,
                    device_ms: row.device_ms,
                },
                evaluation: Cost {
                    tokens: row.evaluation_tokens,
                    flops: row.evaluation_flops,
                    device_ms: row.evaluation_ms,
                },
                lost: Cost {
                    tokens: row.lost_tokens,
                    flops: row.lost_flops,
                    device_ms: row.lost_ms,
                },
                dollars: row.dollars,
                unpriced_ms: row.unpriced_ms,
            });
    }
    Ok(all)
}

/// How the latest 500 stages that have succeeded here went, by kind and device: what an
/// estimate stands on. What was worked on by several devices tells the speed of none, and is
/// left out.
///
/// # Errors
/// `Database`.
pub async fn list_speeds(conn: &mut PgConnection) -> Result<Vec<KindSpeed>> {
    let rows = sqlx::query!(
        r#"with past as (
             select s.id, s.kind, j.attempts, s.threads from job j join stage s on s.id = j.stage_id
             where j.state = 'succeeded' and j.finished_at is not null
             order by j.finished_at desc limit 500
         ), placed as (
             -- Of several attempts, those of whose work anything was kept.
             select p.id, min(d.name) as device, min(d.class) as class
             from past p
             join attempt a on a.stage_id = p.id
             left join worker w on w.id = a.worker_id
             cross join lateral (
                 select coalesce(nullif(w.host ->> 'device_name', ''),
                         nullif(w.host ->> 'device', ''), nullif(a.host ->> 'device', ''), $4)
                         as name,
                     coalesce(nullif(a.host ->> 'device', ''), nullif(w.host ->> 'device', ''), '')
                         as class) d
             where p.attempts = 1 or exists (
                 select from ledger l
                 where l.stage_id = a.stage_id and l.attempt = a.number and l.purpose <> $1)
             group by p.id having count(distinct d.name) = 1
         ), used as (
             select p.id, p.kind, p.threads, d.device, d.class,
                 coalesce(sum(t.tokens) filter (where t.purpose <> $2), 0) as tokens,
                 coalesce(sum(t.tokens) filter (where t.purpose = $3), 0) as rollout_tokens,
                 coalesce(sum(t.flops) filter (where t.purpose <> $2), 0) as flops,
                 sum(t.device_ms) as device_ms,
                 (select extract(epoch from sum(finished_at - started_at))::float8 * 1e3
                  from attempt where stage_id = p.id) as wall_ms
             from past p
             join placed d on d.id = p.id
             join ledger_total t on t.stage_id = p.id
             where t.purpose <> $1
             group by p.id, p.kind, p.threads, d.device, d.class
         )
         select kind as "kind!", device as "device!", min(class) as "class!",
             count(*) as "stages!",
             sum(tokens) as "tokens!", sum(flops) as "flops!", sum(device_ms) as "device_ms!",
             sum(rollout_tokens) as "rollout_tokens!",
             percentile_cont(0.5) within group (order by wall_ms * threads) as "half_ms?",
             percentile_cont(0.9) within group (order by wall_ms * threads) as "most_ms?",
             stddev_samp(device_ms) as "spread_ms?",
             stddev_samp(device_ms / nullif(tokens, 0)) as "spread_per_token?",
             stddev_samp(device_ms / nullif(flops, 0)) as "spread_per_flop?",
             stddev_samp(device_ms / nullif(rollout_tokens, 0)) as "spread_per_rollout_token?"
         from used group by kind, device order by kind, device"#,
        purpose::LOST,
        purpose::EVALUATION,
        purpose::ROLLOUT,
        device::UNKNOWN
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| KindSpeed {
            kind: row.kind,
            device: Device {
                name: row.device,
                class: row.class,
            },
            stages: row.stages.unsigned_abs(),
            sum: Cost {
                tokens: row.tokens,
                flops: row.flops,
                device_ms: row.device_ms,
            },
            rollout_tokens: row.rollout_tokens,
            half_ms: row.half_ms.unwrap_or(0.0),
            most_ms: row.most_ms.unwrap_or(0.0),
            spread: Spread {
                device_ms: row.spread_ms,
                per_token: row.spread_per_token,
                per_flop: row.spread_per_flop,
                per_rollout_token: row.spread_per_rollout_token,
            },
        })
        .collect())
}

/// The name of the device on which these stages were worked on so far; `None` where nothing has
/// begun, and where it was not one alone.
///
/// # Errors
/// `Database`.
pub async fn find_device(conn: &mut PgConnection, stages: &[StageId]) -> Result<Option<String>> {
    let ids: Vec<Uuid> = stages.iter().map(|stage| stage.0).collect();
    let names = sqlx::query_scalar!(
        r#"select distinct coalesce(nullif(w.host ->> 'device_name', ''),
                 nullif(w.host ->> 'device', ''), nullif(a.host ->> 'device', ''), $2) as "name!"
         from attempt a left join worker w on w.id = a.worker_id
         where a.stage_id = any($1) limit 2"#,
        &ids,
        device::UNKNOWN
    )
    .fetch_all(conn)
    .await?;
    Ok(match <[String; 1]>::try_from(names) {
        Ok([only]) => Some(only),
        Err(_) => None,
    })
}

/// Those of these stages that are computed already, by their hash.
///
/// # Errors
/// `Database`.
pub async fn find_succeeded(conn: &mut PgConnection, hashes: &[String]) -> Result<HashSet<String>> {
    let found = sqlx::query_scalar!(
        "select s.hash from stage s join job j on j.stage_id = s.id
         where s.reusable and j.state = 'succeeded' and s.hash = any($1)",
        hashes
    )
    .fetch_all(conn)
    .await?;
    Ok(found.into_iter().collect())
}

/// What still waits or runs, by state.
///
/// # Errors
/// `Database`.
pub async fn count_jobs(conn: &mut PgConnection) -> Result<Vec<(JobState, i64)>> {
    let rows = sqlx::query!(
        r#"select state, count(*) as "n!" from job
         where state in ('blocked', 'queued', 'running') group by state"#
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| Ok((JobState::from_word(&row.state)?, row.n)))
        .collect()
}

/// What still waits or runs, by kind.
///
/// # Errors
/// `Database`.
pub async fn count_open(conn: &mut PgConnection) -> Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        r#"select s.kind as "kind!", count(*) as "n!"
         from job j join stage s on s.id = j.stage_id
         where j.state in ('blocked', 'queued', 'running')
         group by s.kind order by s.kind"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.kind, row.n)).collect())
}
