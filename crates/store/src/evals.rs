//! Measurements of a policy.

use crate::numbers::{bigint, cumulative, int, text, unsigned};
use crate::{Result, StoreError};
use assay_core::ids::{AttemptRef, StageId};
use assay_core::stats;
use assay_core::task::Split;
use assay_core::wire::{Cumulative, EvaluationItem, EvaluationRecord};
use serde::Serialize;
use sqlx::PgConnection;

/// One measurement, summarised.
#[derive(Debug, Clone, Serialize)]
pub struct EvaluationView {
    pub id: i64,
    pub stage: StageId,
    pub attempt: i32,
    pub step: i64,
    pub split: Split,
    /// Percentage of the arm's budget.
    pub milestone: Option<i32>,
    pub cum: Cumulative,
    pub temperature: f64,
    pub top_p: f64,
    /// Tokens.
    pub max_completion_length: i32,
    pub problems: i32,
    /// Of the problem with the fewest.
    pub samples: i32,
    pub pass_at_1: f64,
    pub maj_at_k: f64,
    /// Tokens.
    pub mean_length: f64,
    pub truncated_share: f64,
}

/// The measurements of a stage's current view, along its steps. Where a resumed
/// attempt repeated one, the newer counts.
///
/// # Errors
/// `Database`.
pub async fn list_evaluations(
    conn: &mut PgConnection,
    stage: StageId,
) -> Result<Vec<EvaluationView>> {
    let rows = sqlx::query!(
        "select e.* from evaluation e
         join kept k on k.stage_id = e.stage_id and k.attempt = e.attempt
         where e.stage_id = $1 and e.step <= k.last_step order by e.step, e.id",
        stage.0
    )
    .fetch_all(conn)
    .await?;
    let mut newest = std::collections::HashMap::new();
    for row in &rows {
        newest.insert((row.split.clone(), row.milestone, row.step), row.id);
    }
    rows.into_iter()
        .filter(|row| newest.get(&(row.split.clone(), row.milestone, row.step)) == Some(&row.id))
        .map(|row| {
            Ok(EvaluationView {
                id: row.id,
                stage,
                attempt: row.attempt,
                step: row.step,
                split: row
                    .split
                    .parse()
                    .map_err(|e: String| StoreError::unreadable(std::io::Error::other(e)))?,
                milestone: row.milestone,
                cum: cumulative(
                    row.cum_tokens,
                    row.cum_flops,
                    row.cum_device_ms,
                    row.cum_active_ms,
                ),
                temperature: row.temperature,
                top_p: row.top_p,
                max_completion_length: row.max_completion_length,
                problems: row.problems,
                samples: row.samples,
                pass_at_1: row.pass_at_1,
                maj_at_k: row.maj_at_k,
                mean_length: row.mean_length,
                truncated_share: row.truncated_share,
            })
        })
        .collect()
}

/// Every problem of one measurement.
///
/// # Errors
/// `Database`; an unknown measurement has no items.
pub async fn evaluation_items(
    conn: &mut PgConnection,
    evaluation_id: i64,
) -> Result<Vec<EvaluationItem>> {
    let rows = sqlx::query!(
        r#"select problem, difficulty, gold, correct, lengths, truncated,
             answers as "answers: Vec<Option<String>>"
         from evaluation_item where evaluation_id = $1 order by problem"#,
        evaluation_id
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| EvaluationItem {
            problem: unsigned(row.problem),
            difficulty: row.difficulty.unsigned_abs(),
            gold: row.gold,
            correct: row.correct,
            lengths: row.lengths.into_iter().map(i32::unsigned_abs).collect(),
            truncated: row.truncated,
            answers: row.answers,
        })
        .collect())
}

/// What a curve shows of a measurement.
struct Summary {
    samples: i32,
    pass_at_1: f64,
    maj_at_k: f64,
    mean_length: f64,
    truncated_share: f64,
}

/// Every problem counts alike, however many samples it has.
fn summarise(items: &[EvaluationItem]) -> Result<Summary> {
    let mut sums = [0.0; 4];
    let mut samples = usize::MAX;
    for item in items {
        let n = item.correct.len();
        if n == 0 || [item.lengths.len(), item.truncated.len(), item.answers.len()] != [n; 3] {
            return Err(StoreError::Conflict(format!(
                "problem {} does not have as many results as samples",
                item.problem
            )));
        }
        samples = samples.min(n);
        let share = |flags: &[bool]| flags.iter().filter(|f| **f).count() as f64 / n as f64;
        sums[0] += share(&item.correct);
        sums[1] += stats::majority(&item.answers, &item.gold);
        sums[2] += item.lengths.iter().copied().map(f64::from).sum::<f64>() / n as f64;
        sums[3] += share(&item.truncated);
    }
    if items.is_empty() {
        return Err(StoreError::Conflict(
            "an evaluation without problems".into(),
        ));
    }
    let [pass_at_1, maj_at_k, mean_length, truncated_share] =
        sums.map(|sum| sum / items.len() as f64);
    Ok(Summary {
        samples: i32::try_from(samples).unwrap_or(i32::MAX),
        pass_at_1,
        maj_at_k,
        mean_length,
        truncated_share,
    })
}

pub(crate) async fn insert_evaluation(
    conn: &mut PgConnection,
    attempt: AttemptRef,
    record: &EvaluationRecord,
) -> Result<()> {
    let summary = summarise(&record.items)?;
    let items: Vec<EvaluationItem> = record.items.iter().map(clean).collect();
    for item in &items {
        bigint(item.problem)?;
    }
    let problems = i32::try_from(items.len()).unwrap_or(i32::MAX);
    let items = serde_json::to_value(items).map_err(StoreError::unreadable)?;
    sqlx::query!(
        "with e as (
             insert into evaluation (stage_id, attempt, step, split, milestone,
                 cum_tokens, cum_flops, cum_device_ms, cum_active_ms,
                 temperature, top_p, max_completion_length,
                 problems, samples, pass_at_1, maj_at_k, mean_length, truncated_share)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
             returning id
         )
         insert into evaluation_item
             (evaluation_id, problem, difficulty, gold, correct, lengths, truncated, answers)
         select e.id, i.* from e, jsonb_to_recordset($19) as i (problem bigint, difficulty int,
             gold text, correct boolean[], lengths int[], truncated boolean[], answers text[])",
        attempt.stage.0,
        attempt.number,
        bigint(record.step)?,
        record.split.word(),
        record.milestone.map(int).transpose()?,
        record.cum.charged.tokens,
        record.cum.charged.flops,
        record.cum.charged.device_ms,
        record.cum.active_ms,
        record.temperature,
        record.top_p,
        int(record.max_completion_length)?,
        problems,
        summary.samples,
        summary.pass_at_1,
        summary.maj_at_k,
        summary.mean_length,
        summary.truncated_share,
        items
    )
    .execute(conn)
    .await
    .map_err(|error| match &error {
        sqlx::Error::Database(e) if e.constraint() == Some("evaluation_once") => {
            StoreError::Conflict(format!(
                "step {} of {} has been measured by this attempt",
                record.step, record.split
            ))
        }
        sqlx::Error::Database(e) if e.constraint() == Some("evaluation_item_pkey") => {
            StoreError::Conflict("an evaluation with a problem twice".into())
        }
        _ => error.into(),
    })?;
    Ok(())
}

fn clean(item: &EvaluationItem) -> EvaluationItem {
    let mut item = item.clone();
    item.gold = text(&item.gold);
    for answer in item.answers.iter_mut().flatten() {
        *answer = text(answer);
    }
    item
}
