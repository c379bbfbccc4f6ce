//! What compute was used, and who pays for it.

use crate::Result;
use crate::numbers::text;
use crate::runs::charge;
use assay_core::ids::{AttemptRef, ExperimentId, RunId, StageId};
use assay_core::ledger::{Cost, purpose};
use assay_core::spec::Charge;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// What one stage of a run used for one purpose.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LedgerRow {
    pub position: i32,
    /// The stage's name in the run.
    pub name: String,
    pub stage: StageId,
    pub purpose: String,
    /// Counts against the arm's budget.
    pub charged: bool,
    pub cost: Cost,
}

/// An experiment's two sums. They answer different questions and are never added.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExperimentLedger {
    /// Per arm, as if alone: shared stages count in every arm that builds on them.
    pub arms: Vec<ArmCharge>,
    /// Everything, lost attempts included, each stage once, by purpose.
    pub spent: Vec<SpentRow>,
}

/// Sums over the arm's runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmCharge {
    pub arm_key: String,
    pub label: String,
    pub runs: i64,
    pub charged: Cost,
    /// The same, by purpose.
    pub purposes: BTreeMap<String, Cost>,
    /// By name, the stages that it builds on and does not pay for: the base's
    /// pretraining, a teacher's training.
    pub apart: Vec<(String, Cost)>,
    /// Measuring, and what a decoder spends on questions: never charged.
    pub never: Cost,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpentRow {
    pub purpose: String,
    /// Spent by an earlier experiment, whose stages this one reuses.
    pub reused: bool,
    pub cost: Cost,
}

/// What a run's stages used, in order.
///
/// # Errors
/// `Database`.
pub async fn run_ledger(conn: &mut PgConnection, run: RunId) -> Result<Vec<LedgerRow>> {
    let rows = sqlx::query!(
        "select rs.position, rs.name, rs.stage_id, rs.charge, t.purpose,
             t.tokens, t.flops, t.device_ms
         from run_stage rs join ledger_total t on t.stage_id = rs.stage_id
         where rs.run_id = $1 order by rs.position, t.purpose",
        run.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(LedgerRow {
                position: row.position,
                name: row.name,
                stage: StageId(row.stage_id),
                charged: charge(&row.charge)? == Charge::Arm && purpose::is_charged(&row.purpose),
                purpose: row.purpose,
                cost: Cost {
                    tokens: row.tokens,
                    flops: row.flops,
                    device_ms: row.device_ms,
                },
            })
        })
        .collect()
}

/// # Errors
/// `Database`.
pub async fn experiment_ledger(
    conn: &mut PgConnection,
    id: ExperimentId,
) -> Result<ExperimentLedger> {
    Ok(ExperimentLedger {
        arms: list_charges(&mut *conn, id).await?,
        spent: list_spent(conn, id).await?,
    })
}

async fn list_charges(conn: &mut PgConnection, id: ExperimentId) -> Result<Vec<ArmCharge>> {
    let rows = sqlx::query!(
        r#"select a.key, a.label,
             (select count(*) from run where arm_id = a.id) as "runs!",
             u.charge as "charge?", u.name as "name?", u.purpose as "purpose?",
             u.tokens as "tokens?", u.flops as "flops?", u.device_ms as "device_ms?"
         from arm a
         left join lateral (
             select rs.charge, rs.name, t.purpose, min(rs.position) as position,
                 sum(t.tokens) as tokens, sum(t.flops) as flops, sum(t.device_ms) as device_ms
             from run r
             join run_stage rs on rs.run_id = r.id
             join ledger_total t on t.stage_id = rs.stage_id
             where r.arm_id = a.id and t.purpose <> $2
             group by rs.charge, rs.name, t.purpose) u on true
         where a.experiment_id = $1 order by a.position, u.position, u.name, u.purpose"#,
        id.0,
        purpose::LOST
    )
    .fetch_all(conn)
    .await?;
    let mut arms: Vec<ArmCharge> = vec![];
    for row in rows {
        if arms.last().is_none_or(|arm| arm.arm_key != row.key) {
            arms.push(ArmCharge {
                arm_key: row.key,
                label: row.label,
                runs: row.runs,
                charged: Cost::default(),
                purposes: BTreeMap::new(),
                apart: vec![],
                never: Cost::default(),
            });
        }
        let (Some(arm), Some(word), Some(name), Some(of)) =
            (arms.last_mut(), row.charge, row.name, row.purpose)
        else {
            continue;
        };
        let cost = Cost {
            tokens: row.tokens.unwrap_or(0.0),
            flops: row.flops.unwrap_or(0.0),
            device_ms: row.device_ms.unwrap_or(0.0),
        };
        match (charge(&word)?, purpose::is_charged(&of)) {
            (Charge::Arm, true) => {
                arm.charged += cost;
                *arm.purposes.entry(of).or_default() += cost;
            }
            (Charge::Apart, true) => match arm.apart.iter_mut().find(|(n, _)| *n == name) {
                Some((_, sum)) => *sum += cost,
                None => arm.apart.push((name, cost)),
            },
            // What measuring the base or a teacher took is not this arm's.
            (Charge::Apart, false) => {}
            (Charge::Never, _) | (Charge::Arm, false) => arm.never += cost,
        }
    }
    Ok(arms)
}

async fn list_spent(conn: &mut PgConnection, id: ExperimentId) -> Result<Vec<SpentRow>> {
    let rows = sqlx::query!(
        r#"with s as (
             select rs.stage_id, bool_and(rs.reused) as reused
             from run r join run_stage rs on rs.run_id = r.id
             where r.experiment_id = $1 group by rs.stage_id
         )
         select t.purpose, s.reused as "reused!", sum(t.tokens) as "tokens!",
             sum(t.flops) as "flops!", sum(t.device_ms) as "device_ms!"
         from s join ledger_total t on t.stage_id = s.stage_id
         group by t.purpose, s.reused order by s.reused, t.purpose"#,
        id.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| SpentRow {
            purpose: row.purpose,
            reused: row.reused,
            cost: Cost {
                tokens: row.tokens,
                flops: row.flops,
                device_ms: row.device_ms,
            },
        })
        .collect())
}

/// Purposes that `purpose::is_charged` leaves out, for queries that sum.
pub(crate) fn not_charged() -> [String; 2] {
    [purpose::EVALUATION.into(), purpose::LOST.into()]
}

/// Compute and supervision by step and purpose, added to what is there.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    pub costs: BTreeMap<(i64, String), Cost>,
    pub supervision: BTreeMap<(i64, String), i64>,
}

pub(crate) async fn insert_entries(
    conn: &mut PgConnection,
    attempt: AttemptRef,
    entries: &Entries,
) -> Result<()> {
    if !entries.costs.is_empty() {
        add_costs(&mut *conn, attempt, &entries.costs).await?;
    }
    if !entries.supervision.is_empty() {
        add_supervision(conn, attempt, &entries.supervision).await?;
    }
    Ok(())
}

async fn add_costs(
    conn: &mut PgConnection,
    attempt: AttemptRef,
    costs: &BTreeMap<(i64, String), Cost>,
) -> Result<()> {
    let steps: Vec<i64> = costs.keys().map(|(step, _)| *step).collect();
    let purposes: Vec<String> = costs.keys().map(|(_, purpose)| text(purpose)).collect();
    let tokens: Vec<f64> = costs.values().map(|c| c.tokens).collect();
    let flops: Vec<f64> = costs.values().map(|c| c.flops).collect();
    let device_ms: Vec<f64> = costs.values().map(|c| c.device_ms).collect();
    sqlx::query!(
        "insert into ledger as l (stage_id, attempt, step, purpose, tokens, flops, device_ms)
         select $1, $2, * from
             unnest($3::bigint[], $4::text[], $5::float8[], $6::float8[], $7::float8[])
         on conflict (stage_id, attempt, step, purpose) do update set
             tokens = l.tokens + excluded.tokens, flops = l.flops + excluded.flops,
             device_ms = l.device_ms + excluded.device_ms",
        attempt.stage.0,
        attempt.number,
        &steps,
        &purposes,
        &tokens,
        &flops,
        &device_ms
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into ledger_total as t (stage_id, purpose, tokens, flops, device_ms)
         select $1, purpose, sum(tokens), sum(flops), sum(device_ms)
         from unnest($2::text[], $3::float8[], $4::float8[], $5::float8[])
             as n (purpose, tokens, flops, device_ms)
         group by purpose
         on conflict (stage_id, purpose) do update set
             tokens = t.tokens + excluded.tokens, flops = t.flops + excluded.flops,
             device_ms = t.device_ms + excluded.device_ms",
        attempt.stage.0,
        &purposes,
        &tokens,
        &flops,
        &device_ms
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn add_supervision(
    conn: &mut PgConnection,
    attempt: AttemptRef,
    counts: &BTreeMap<(i64, String), i64>,
) -> Result<()> {
    let steps: Vec<i64> = counts.keys().map(|(step, _)| *step).collect();
    let kinds: Vec<String> = counts.keys().map(|(_, kind)| text(kind)).collect();
    let counts: Vec<i64> = counts.values().copied().collect();
    sqlx::query!(
        "insert into supervision as s (stage_id, attempt, step, kind, count)
         select $1, $2, * from unnest($3::bigint[], $4::text[], $5::bigint[])
         on conflict (stage_id, attempt, step, kind) do update set
             count = s.count + excluded.count",
        attempt.stage.0,
        attempt.number,
        &steps,
        &kinds,
        &counts
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An attempt goes on from `from_step` (from -1: anew): what earlier ones did after
/// it is done again, so it is spent and nobody's charge.
pub(crate) async fn lose_after(
    conn: &mut PgConnection,
    attempt: AttemptRef,
    from_step: i64,
) -> Result<()> {
    let lost = sqlx::query!(
        "with gone as (
             delete from ledger
             where stage_id = $1 and attempt < $2 and step > $3 and purpose <> $4
             returning attempt, step, tokens, flops, device_ms
         )
         insert into ledger as l (stage_id, attempt, purpose, step, tokens, flops, device_ms)
         select $1, attempt, $4, step, sum(tokens), sum(flops), sum(device_ms)
         from gone group by attempt, step
         on conflict (stage_id, attempt, step, purpose) do update set
             tokens = l.tokens + excluded.tokens, flops = l.flops + excluded.flops,
             device_ms = l.device_ms + excluded.device_ms",
        attempt.stage.0,
        attempt.number,
        from_step,
        purpose::LOST
    )
    .execute(&mut *conn)
    .await?;
    if lost.rows_affected() > 0 {
        sum_again(conn, attempt.stage).await?;
    }
    Ok(())
}

async fn sum_again(conn: &mut PgConnection, stage: StageId) -> Result<()> {
    sqlx::query!("delete from ledger_total where stage_id = $1", stage.0)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "insert into ledger_total (stage_id, purpose, tokens, flops, device_ms)
         select stage_id, purpose, sum(tokens), sum(flops), sum(device_ms)
         from ledger where stage_id = $1 group by stage_id, purpose",
        stage.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_charged_is_what_core_says() {
        for word in [
            purpose::ROLLOUT,
            purpose::UPDATE,
            purpose::REFERENCE,
            purpose::DISCARDED,
            purpose::EVALUATION,
            purpose::LOST,
        ] {
            assert_eq!(
                purpose::is_charged(word),
                !not_charged().contains(&word.to_string())
            );
        }
    }
}
