//! The figures of an experiment's runs, as the comparison takes them.

use crate::ledger::not_charged;
use crate::numbers::unsigned;
use crate::{ExclusionEvent, Result, RunView};
use assay_core::compare::{ArmFigures, RunFigures};
use assay_core::ids::{ExperimentId, RunId};
use assay_core::questions::Shares;
use assay_core::recipe::EVAL;
use assay_core::spec::{BudgetUnit, Charge, Role};
use assay_core::task::Split;
use assay_core::{metric, stats};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use std::collections::HashMap;

/// pass@k of one run's final evaluation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PassAtK {
    pub arm_key: String,
    pub seed: u64,
    /// Samples a problem; the part with k > samples / 2 is drawn thin.
    pub samples: u32,
    /// k = 1, 2, 4, ... up to `samples`, and the unbiased estimate.
    pub values: Vec<(u32, f64)>,
}

/// One measurement on the validation split along a run's training.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MilestonePoint {
    pub arm_key: String,
    pub seed: u64,
    pub run: RunId,
    /// Percentage of the arm's budget; 0 is the policy that the arm starts from.
    pub milestone: u32,
    /// The measured stage's name in the run, and its step; the start has neither.
    pub at: Option<(String, u64)>,
    /// Charged to the arm up to here, in the budget's unit: earlier stages included.
    pub x: f64,
    pub tokens: f64,
    pub flops: f64,
    pub device_ms: f64,
    pub active_ms: f64,
    pub pass_at_1: f64,
    pub mean_length: f64,
    pub truncated_share: f64,
}

/// Figures of the final evaluation on the test split, every metric of `metric::FINAL`.
/// A run appears once its `eval` stage has succeeded, one that was left out with its mark;
/// decoders, whose runs have none, are not here: see [`decoder_figures`](crate::decoder_figures).
///
/// # Errors
/// `Database`; an unknown experiment has none.
pub async fn run_figures(
    conn: &mut PgConnection,
    experiment: ExperimentId,
) -> Result<Vec<ArmFigures>> {
    figures_for_split(conn, experiment, Split::Test).await
}

/// As [`run_figures`], of another split of the final evaluation.
///
/// # Errors
/// `Database`; an unknown experiment has none.
pub async fn figures_for_split(
    conn: &mut PgConnection,
    experiment: ExperimentId,
    split: Split,
) -> Result<Vec<ArmFigures>> {
    let rows = sqlx::query!(
        r#"select a.key, a.label, a.trains,
             (select count(*) from run where arm_id = a.id) as "planned!",
             r.seed as "seed?", e.pass_at_1 as "pass_at_1?", e.maj_at_k as "maj_at_k?",
             e.mean_length as "mean_length?", e.truncated_share as "truncated_share?",
             c.charged as "charged?",
             exists (select from excluded_run where run_id = r.id) as "excluded!"
         from arm a
         join experiment x on x.id = a.experiment_id
         join experiment_version v on v.experiment_id = x.id and v.version = x.version
         left join run r on r.arm_id = a.id
         left join lateral (
             select e.* from run_stage rs
             join job j on j.stage_id = rs.stage_id and j.state = 'succeeded'
             join evaluation e on e.stage_id = rs.stage_id
             join kept k on k.stage_id = e.stage_id and k.attempt = e.attempt
             where rs.run_id = r.id and rs.name = $3 and e.split = $2 and e.step <= k.last_step
             order by rs.position desc, e.id desc limit 1) e on true
         left join lateral (
             select sum(case v.spec -> 'budget' ->> 'unit' when $6 then t.flops else t.tokens end)
                 as charged
             from run_stage rs join ledger_total t on t.stage_id = rs.stage_id
             where rs.run_id = r.id and rs.charge = $4 and t.purpose <> all($5)) c on true
         where a.experiment_id = $1 and exists (
             select 1 from run p join run_stage rs on rs.run_id = p.id
             where p.arm_id = a.id and rs.name = $3)
         order by a.position, r.seed"#,
        experiment.0,
        split.word(),
        EVAL,
        Charge::Arm.word(),
        &not_charged(),
        BudgetUnit::Flops.word()
    )
    .fetch_all(conn)
    .await?;
    let mut arms: Vec<ArmFigures> = vec![];
    for row in rows {
        if arms.last().is_none_or(|arm| arm.id != row.key) {
            arms.push(ArmFigures {
                id: row.key,
                label: row.label,
                trains: row.trains,
                planned_seeds: usize::try_from(row.planned).unwrap_or(0),
                runs: vec![],
            });
        }
        let (Some(arm), Some(seed)) = (arms.last_mut(), row.seed) else {
            continue;
        };
        let measured = [
            (metric::PASS_AT_1, row.pass_at_1),
            (metric::MAJ_AT_K, row.maj_at_k),
            (metric::LENGTH, row.mean_length),
            (metric::TRUNCATED, row.truncated_share),
        ];
        let values: Vec<(String, f64)> = measured
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_string(), value?)))
            .collect();
        if !values.is_empty() {
            arm.runs.push(RunFigures {
                seed: unsigned(seed),
                charged: row.charged.unwrap_or(0.0),
                values,
                excluded: row.excluded,
            });
        }
    }
    Ok(arms)
}

/// pass@k of the final evaluations, arm by arm, seed by seed.
///
/// # Errors
/// `Database`; an unknown experiment has none.
pub async fn pass_at_k(
    conn: &mut PgConnection,
    experiment: ExperimentId,
    split: Split,
) -> Result<Vec<PassAtK>> {
    let rows = sqlx::query!(
        r#"select a.key, r.seed, e.samples, i.n as "n!", i.correct as "correct!",
             count(*) as "problems!"
         from run r
         join arm a on a.id = r.arm_id
         cross join lateral (
             select e.id, e.samples from run_stage rs
             join job j on j.stage_id = rs.stage_id and j.state = 'succeeded'
             join evaluation e on e.stage_id = rs.stage_id
             join kept k on k.stage_id = e.stage_id and k.attempt = e.attempt
             where rs.run_id = r.id and rs.name = $3 and e.split = $2 and e.step <= k.last_step
             order by rs.position desc, e.id desc limit 1) e
         cross join lateral (
             select cardinality(correct) as n,
                 cardinality(array_positions(correct, true)) as correct
             from evaluation_item where evaluation_id = e.id) i
         where r.experiment_id = $1
         group by a.position, a.key, r.seed, e.samples, i.n, i.correct
         order by a.position, r.seed"#,
        experiment.0,
        split.word(),
        EVAL
    )
    .fetch_all(conn)
    .await?;
    let mut all: Vec<PassAtK> = vec![];
    for runs in rows.chunk_by(|a, b| a.key == b.key && a.seed == b.seed) {
        let samples = runs[0].samples.unsigned_abs();
        let mut values = vec![];
        for k in (0..)
            .map(|power| 1_u32 << power)
            .take_while(|k| *k <= samples)
        {
            let (mut sum, mut problems) = (0.0, 0.0);
            for row in runs {
                let n = row.n.unsigned_abs() as usize;
                let correct = row.correct.unsigned_abs() as usize;
                if let Some(value) = stats::pass_at_k(n, correct, k as usize) {
                    sum += value * row.problems as f64;
                    problems += row.problems as f64;
                }
            }
            values.push((k, sum / problems));
        }
        all.push(PassAtK {
            arm_key: runs[0].key.clone(),
            seed: unsigned(runs[0].seed),
            samples,
            values,
        });
    }
    Ok(all)
}

/// The share of right samples by question of the final evaluation, of each of these runs
/// that has one.
///
/// # Errors
/// `Database`.
pub async fn final_shares(
    conn: &mut PgConnection,
    runs: &[RunId],
    split: Split,
) -> Result<HashMap<RunId, Shares>> {
    let ids: Vec<uuid::Uuid> = runs.iter().map(|run| run.0).collect();
    let rows = sqlx::query!(
        r#"select r.id, i.problem,
             cardinality(array_positions(i.correct, true))::float8
                 / cardinality(i.correct) as "share!"
         from run r
         cross join lateral (
             select e.id from run_stage rs
             join job j on j.stage_id = rs.stage_id and j.state = 'succeeded'
             join evaluation e on e.stage_id = rs.stage_id
             join kept k on k.stage_id = e.stage_id and k.attempt = e.attempt
             where rs.run_id = r.id and rs.name = $3 and e.split = $2 and e.step <= k.last_step
             order by rs.position desc, e.id desc limit 1) e
         join evaluation_item i on i.evaluation_id = e.id and cardinality(i.correct) > 0
         where r.id = any($1)"#,
        &ids,
        split.word(),
        EVAL
    )
    .fetch_all(conn)
    .await?;
    let mut all: HashMap<RunId, Shares> = HashMap::new();
    for row in rows {
        let shares = all.entry(RunId(row.id)).or_default();
        shares.insert(unsigned(row.problem), row.share);
    }
    Ok(all)
}

/// The same, arm by arm and seed by seed, of the runs that were not left out.
///
/// # Errors
/// `Database`.
pub async fn arm_shares(
    conn: &mut PgConnection,
    runs: &[RunView],
    exclusions: &[ExclusionEvent],
    split: Split,
) -> Result<Vec<(String, Vec<(u64, Shares)>)>> {
    let is_out = |run: &RunView| {
        exclusions
            .iter()
            .any(|e| e.run == run.id && e.is_in_force())
    };
    let counted: Vec<&RunView> = runs.iter().filter(|run| !is_out(run)).collect();
    let ids: Vec<RunId> = counted.iter().map(|run| run.id).collect();
    let mut shares = final_shares(conn, &ids, split).await?;
    let mut arms: Vec<(String, Vec<(u64, Shares)>)> = vec![];
    for run in counted {
        let Some(own) = shares.remove(&run.id) else {
            continue;
        };
        match arms.iter_mut().find(|(arm, _)| *arm == run.arm.key) {
            Some((_, seeds)) => seeds.push((run.seed, own)),
            None => arms.push((run.arm.key.clone(), vec![(run.seed, own)])),
        }
    }
    Ok(arms)
}

/// Every milestone of every run, arm by arm, seed by seed, along `x`. Decoders have none.
///
/// # Errors
/// `Database`; an unknown experiment has none.
pub async fn milestones(
    conn: &mut PgConnection,
    experiment: ExperimentId,
) -> Result<Vec<MilestonePoint>> {
    // Paid: per stage of a run, what the arm was charged before it. The start: what
    // the first stage of the arm's own (else the final evaluation) is initialised
    // with, as it was measured last.
    let rows = sqlx::query!(
        r#"with staged as materialized (
             select r.id as run_id, a.position as arm_position, a.key, r.seed,
                 rs.position, rs.stage_id, rs.name,
                 rs.charge = $2 and strpos(rs.name, '/') = 0 as own,
                 v.spec -> 'budget' ->> 'unit' = $4 as in_flops,
                 coalesce(t.tokens, 0) as tokens, coalesce(t.flops, 0) as flops,
                 coalesce(t.device_ms, 0) as device_ms, coalesce(w.active_ms, 0) as active_ms
             from run r
             join arm a on a.id = r.arm_id
             join experiment x on x.id = r.experiment_id
             join experiment_version v on v.experiment_id = x.id and v.version = x.version
             join run_stage rs on rs.run_id = r.id
             left join lateral (
                 select sum(tokens) as tokens, sum(flops) as flops, sum(device_ms) as device_ms
                 from ledger_total
                 where stage_id = rs.stage_id and rs.charge = $2 and purpose <> all($3)) t on true
             left join lateral (
                 select active_ms[cardinality(active_ms)] as active_ms from step_cost
                 where stage_id = rs.stage_id and rs.charge = $2
                 order by attempt desc, block desc limit 1) w on true
             where r.experiment_id = $1
                 and exists (select 1 from run_stage where run_id = r.id and name = $5)
         ), paid as (
             select s.*,
                 coalesce(sum(tokens) over before, 0) as tokens_before,
                 coalesce(sum(flops) over before, 0) as flops_before,
                 coalesce(sum(device_ms) over before, 0) as device_before,
                 coalesce(sum(active_ms) over before, 0) as active_before
             from staged s
             window before as (partition by run_id order by position
                 rows between unbounded preceding and 1 preceding)
         ), start as (
             select distinct on (run_id) * from paid where own or name = $5
             order by run_id, (name = $5), position
         ), measured as (
             select distinct on (p.run_id, p.position, e.milestone) p.*, e.milestone, e.step,
                 e.cum_tokens, e.cum_flops, e.cum_device_ms, e.cum_active_ms,
                 e.pass_at_1, e.mean_length, e.truncated_share
             from paid p
             join evaluation e on e.stage_id = p.stage_id
             join kept k on k.stage_id = e.stage_id and k.attempt = e.attempt
             where p.own and e.split = $6 and e.milestone is not null and e.step <= k.last_step
             order by p.run_id, p.position, e.milestone, e.id desc
         ), begun as (
             select s.*, 0 as milestone, null::bigint as step, 0::float8 as cum_tokens, 0::float8 as cum_flops,
                 0::float8 as cum_device_ms, 0::float8 as cum_active_ms,
                 e.pass_at_1, e.mean_length, e.truncated_share
             from start s
             join stage_input i on i.stage_id = s.stage_id and i.role = $7
             cross join lateral (
                 select e.* from evaluation e
                 join kept k on k.stage_id = e.stage_id and k.attempt = e.attempt
                 where e.stage_id = i.from_stage and e.split = $6 and e.step <= k.last_step
                 order by e.step desc, e.id desc limit 1) e
         ), points as (
             select * from begun union all select * from measured
         )
         select key as "key!", seed as "seed!", run_id as "run_id!", milestone as "milestone!",
             name as "name!", step as "step?",
             case when in_flops then flops_before + cum_flops
                 else tokens_before + cum_tokens end as "x!",
             tokens_before + cum_tokens as "tokens!", flops_before + cum_flops as "flops!",
             device_before + cum_device_ms as "device_ms!",
             active_before + cum_active_ms as "active_ms!",
             pass_at_1 as "pass_at_1!", mean_length as "mean_length!",
             truncated_share as "truncated_share!"
         from points order by arm_position, seed, position, milestone"#,
        experiment.0,
        Charge::Arm.word(),
        &not_charged(),
        BudgetUnit::Flops.word(),
        EVAL,
        Split::Validation.word(),
        Role::Init.word()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| MilestonePoint {
            arm_key: row.key,
            seed: unsigned(row.seed),
            run: RunId(row.run_id),
            milestone: row.milestone.unsigned_abs(),
            at: row.step.map(|step| (row.name, step.unsigned_abs())),
            x: row.x,
            tokens: row.tokens,
            flops: row.flops,
            device_ms: row.device_ms,
            active_ms: row.active_ms,
            pass_at_1: row.pass_at_1,
            mean_length: row.mean_length,
            truncated_share: row.truncated_share,
        })
        .collect())
}
