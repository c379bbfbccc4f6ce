//! Stored completions as the samples viewer asks for them: filtered, in pages, cut to
//! what a page can hold.

use crate::numbers::unsigned;
use crate::{CompletionView, Result};
use assay_core::ids::StageId;
use serde::Serialize;
use sqlx::PgConnection;

/// Where a completion stands in its stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    pub step: i64,
    pub group: i32,
    pub index: i32,
}

/// Which completions; what is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SampleFilter {
    pub step: Option<i64>,
    pub group: Option<i32>,
    pub index: Option<i32>,
    pub correct: Option<bool>,
    pub truncated: Option<bool>,
    pub reward_min: Option<f64>,
    pub reward_max: Option<f64>,
    /// Wrong, with a reward above 0.
    pub wrong_rewarded: bool,
    /// Stands in the completion, in either case.
    pub text: Option<String>,
}

impl SampleFilter {
    /// A part of a group may be left out.
    pub fn splits_groups(&self) -> bool {
        let whole = Self {
            step: self.step,
            group: self.group,
            ..Self::default()
        };
        *self != whole
    }
}

/// Characters of a prompt and of a completion that are read for a page.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    pub prompt: i32,
    pub completion: i32,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub attempt: i32,
    /// Prompt and completion are cut.
    pub view: CompletionView,
    /// Characters of the whole completion and of the whole prompt.
    pub characters: u64,
    pub prompt_characters: u64,
    /// Of the whole prompt: two prompts are one where this is.
    pub prompt_md5: String,
}

impl Sample {
    pub fn place(&self) -> Place {
        Place {
            step: self.view.step,
            group: self.view.group,
            index: self.view.index,
        }
    }
}

/// Completions of the current view, in the order of sampling, those behind `after`.
///
/// # Errors
/// `Database`.
pub async fn list_samples(
    conn: &mut PgConnection,
    stage: StageId,
    filter: &SampleFilter,
    after: Option<Place>,
    cut: Cut,
    limit: i64,
) -> Result<Vec<Sample>> {
    let rows = sqlx::query!(
        r#"select c.attempt, c.step, c.group_no, c.index_no, left(c.prompt, $13) as "prompt!",
             left(c.gold, 1001) as "gold!", left(c.completion, $14) as "completion!",
             char_length(c.completion)::bigint as "characters!",
             char_length(c.prompt)::bigint as "prompt_characters!",
             md5(c.prompt) as "prompt_md5!",
             c.reward, c.advantage, c.length, c.truncated, c.correct, c.components
         from completion c
         join kept k on k.stage_id = c.stage_id and k.attempt = c.attempt
         where c.stage_id = $1 and c.step <= k.last_step
             and ($2::bigint is null or c.step = $2)
             and ($3::int is null or c.group_no = $3)
             and ($4::int is null or c.index_no = $4)
             and ($5::bool is null or c.correct = $5)
             and ($6::bool is null or c.truncated = $6)
             and ($7::float8 is null or c.reward >= $7)
             and ($8::float8 is null or c.reward <= $8)
             and (not $9 or (not c.correct and c.reward > 0 and c.reward <> 'NaN'))
             and ($10::text is null or position(lower($10) in lower(c.completion)) > 0)
             and ($11::bigint is null or (c.step, c.group_no, c.index_no) > ($11, $12, $15))
         order by c.step, c.group_no, c.index_no
         limit $16"#,
        stage.0,
        filter.step,
        filter.group,
        filter.index,
        filter.correct,
        filter.truncated,
        filter.reward_min,
        filter.reward_max,
        filter.wrong_rewarded,
        filter.text.as_deref(),
        after.map(|a| a.step),
        after.map(|a| a.group),
        cut.prompt,
        cut.completion,
        after.map(|a| a.index),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Sample {
            attempt: row.attempt,
            view: CompletionView {
                step: row.step,
                group: row.group_no,
                index: row.index_no,
                prompt: row.prompt,
                gold: row.gold,
                completion: row.completion,
                reward: row.reward,
                advantage: row.advantage,
                length: row.length,
                truncated: row.truncated,
                correct: row.correct,
                components: row.components,
            },
            characters: unsigned(row.characters),
            prompt_characters: unsigned(row.prompt_characters),
            prompt_md5: row.prompt_md5,
        })
        .collect())
}

/// How many completions of the current view a filter lets through.
///
/// # Errors
/// `Database`.
pub async fn count_samples(
    conn: &mut PgConnection,
    stage: StageId,
    filter: &SampleFilter,
) -> Result<u64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!"
         from completion c
         join kept k on k.stage_id = c.stage_id and k.attempt = c.attempt
         where c.stage_id = $1 and c.step <= k.last_step
             and ($2::bigint is null or c.step = $2)
             and ($3::int is null or c.group_no = $3)
             and ($4::int is null or c.index_no = $4)
             and ($5::bool is null or c.correct = $5)
             and ($6::bool is null or c.truncated = $6)
             and ($7::float8 is null or c.reward >= $7)
             and ($8::float8 is null or c.reward <= $8)
             and (not $9 or (not c.correct and c.reward > 0 and c.reward <> 'NaN'))
             and ($10::text is null or position(lower($10) in lower(c.completion)) > 0)"#,
        stage.0,
        filter.step,
        filter.group,
        filter.index,
        filter.correct,
        filter.truncated,
        filter.reward_min,
        filter.reward_max,
        filter.wrong_rewarded,
        filter.text.as_deref()
    )
    .fetch_one(conn)
    .await?;
    Ok(unsigned(count))
}

/// One stored group, member by member.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupView {
    pub step: i64,
    pub group: i32,
    pub rewards: Vec<f64>,
    pub correct: Vec<bool>,
}

/// The groups of the current view that stand at these places, whole.
///
/// # Errors
/// `Database`.
pub async fn list_groups(
    conn: &mut PgConnection,
    stage: StageId,
    places: &[(i64, i32)],
) -> Result<Vec<GroupView>> {
    let (steps, groups): (Vec<i64>, Vec<i32>) = places.iter().copied().unzip();
    Ok(sqlx::query_as!(
        GroupView,
        r#"select c.step, c.group_no as "group",
             array_agg(c.reward order by c.index_no) as "rewards!",
             array_agg(c.correct order by c.index_no) as "correct!"
         from completion c
         join kept k on k.stage_id = c.stage_id and k.attempt = c.attempt
         join unnest($2::bigint[], $3::int[]) as p (step, group_no)
             on p.step = c.step and p.group_no = c.group_no
         where c.stage_id = $1 and c.step <= k.last_step
         group by c.step, c.group_no order by c.step, c.group_no"#,
        stage.0,
        &steps,
        &groups
    )
    .fetch_all(conn)
    .await?)
}

/// The stored steps of the current view at which these prompts stand, ascending. Prompts are
/// named, and compared whole, by their MD5.
///
/// # Errors
/// `Database`.
pub async fn list_prompt_steps(
    conn: &mut PgConnection,
    stage: StageId,
    prompts: &[String],
) -> Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        r#"select distinct c.step, md5(c.prompt) as "prompt_md5!"
         from completion c
         join kept k on k.stage_id = c.stage_id and k.attempt = c.attempt
         where c.stage_id = $1 and c.step <= k.last_step and md5(c.prompt) = any($2)
         order by c.step limit 5000"#,
        stage.0,
        prompts
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.prompt_md5, row.step))
        .collect())
}
