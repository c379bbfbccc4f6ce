//! Samples of what was generated in training.

use crate::numbers::{int, text};
use crate::{Result, StoreError};
use assay_core::ids::{AttemptRef, StageId};
use assay_core::wire::CompletionItem;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CompletionView {
    pub step: i64,
    pub group: i32,
    pub index: i32,
    pub prompt: String,
    pub gold: String,
    pub completion: String,
    pub reward: f64,
    pub advantage: f64,
    /// Tokens, end mark included.
    pub length: i32,
    pub truncated: bool,
    pub correct: bool,
    /// Components of the reward before their weights: an object of numbers, empty where
    /// the worker sent none.
    pub components: Value,
}

/// Steps of the current view that have completions, ascending.
///
/// # Errors
/// `Database`.
pub async fn completion_steps(conn: &mut PgConnection, stage: StageId) -> Result<Vec<i64>> {
    Ok(sqlx::query_scalar!(
        "select distinct c.step from completion c
         join kept k on k.stage_id = c.stage_id and k.attempt = c.attempt
         where c.stage_id = $1 and c.step <= k.last_step order by c.step",
        stage.0
    )
    .fetch_all(conn)
    .await?)
}

/// Completions of one step, the latest by default, group by group.
///
/// # Errors
/// `Database`.
pub async fn completions(
    conn: &mut PgConnection,
    stage: StageId,
    step: Option<i64>,
    limit: i64,
) -> Result<Vec<CompletionView>> {
    let Some((attempt, step)) = find_sampled(&mut *conn, stage, step).await? else {
        return Ok(vec![]);
    };
    Ok(sqlx::query_as!(
        CompletionView,
        r#"select step, group_no as "group", index_no as "index", prompt, gold, completion,
             reward, advantage, length, truncated, correct, components
         from completion where stage_id = $1 and attempt = $2 and step = $3
         order by group_no, index_no limit $4"#,
        stage.0,
        attempt,
        step,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// The attempt whose completions of a step count; of the latest step by default.
async fn find_sampled(
    conn: &mut PgConnection,
    stage: StageId,
    step: Option<i64>,
) -> Result<Option<(i32, i64)>> {
    let row = sqlx::query!(
        "select c.attempt, c.step from completion c
         join kept k on k.stage_id = c.stage_id and k.attempt = c.attempt
         where c.stage_id = $1 and c.step <= k.last_step and ($2::bigint is null or c.step = $2)
         order by c.step desc, c.attempt desc limit 1",
        stage.0,
        step
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.attempt, row.step)))
}

pub(crate) async fn insert_completions(
    conn: &mut PgConnection,
    attempt: AttemptRef,
    items: &[(i64, &CompletionItem)],
) -> Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    let steps: Vec<i64> = items.iter().map(|(step, _)| *step).collect();
    let column = |f: fn(&CompletionItem) -> u32| {
        items
            .iter()
            .map(|(_, item)| int(f(item)))
            .collect::<Result<Vec<_>>>()
    };
    let words = |f: fn(&CompletionItem) -> &str| -> Vec<String> {
        items.iter().map(|(_, item)| text(f(item))).collect()
    };
    let numbers = |f: fn(&CompletionItem) -> f64| -> Vec<f64> {
        items.iter().map(|(_, item)| f(item)).collect()
    };
    let flags = |f: fn(&CompletionItem) -> bool| -> Vec<bool> {
        items.iter().map(|(_, item)| f(item)).collect()
    };
    let components = items
        .iter()
        .map(|(_, item)| serde_json::to_value(&item.components).map_err(StoreError::unreadable))
        .collect::<Result<Vec<_>>>()?;
    sqlx::query!(
        "insert into completion (stage_id, attempt, step, group_no, index_no, prompt, gold,
             completion, reward, advantage, length, truncated, correct, components)
         select $1, $2, * from unnest($3::bigint[], $4::int[], $5::int[], $6::text[], $7::text[],
             $8::text[], $9::float8[], $10::float8[], $11::int[], $12::bool[], $13::bool[],
             $14::jsonb[])
         on conflict do nothing",
        attempt.stage.0,
        attempt.number,
        &steps,
        &column(|i| i.group)?,
        &column(|i| i.index)?,
        &words(|i| &i.prompt),
        &words(|i| &i.gold),
        &words(|i| &i.completion),
        &numbers(|i| i.reward),
        &numbers(|i| i.advantage),
        &column(|i| i.length)?,
        &flags(|i| i.truncated),
        &flags(|i| i.correct),
        &components
    )
    .execute(conn)
    .await?;
    Ok(())
}
