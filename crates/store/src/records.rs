//! What workers report: one sequence an attempt, taken in order and once.

use crate::artifacts::insert_refs;
use crate::completions::insert_completions;
use crate::evals::insert_evaluation;
use crate::events::{Note, insert_events, notify_stages};
use crate::ledger::{Entries, insert_entries, lose_after};
use crate::numbers::bigint;
use crate::queue::lock_attempt;
use crate::series::{Measured, insert_measured};
use crate::{AttemptState, Result, StoreError};
use assay_core::ids::{AttemptRef, WorkerId};
use assay_core::wire::{CompletionItem, EvaluationRecord, HostFacts, Record};
use sqlx::PgConnection;

/// Takes the records that are not here yet (`first_seq` numbers the first, from 1)
/// and returns the last number that is here. Needs the caller's transaction.
///
/// # Errors
/// `LeaseLost` for a stale attempt, `Gap` where records before these are missing,
/// `Conflict` for records that contradict what is stored, `Database`.
pub async fn append_records(
    conn: &mut PgConnection,
    worker: WorkerId,
    attempt: AttemptRef,
    first_seq: u64,
    records: &[Record],
) -> Result<u64> {
    let held = lock_attempt(&mut *conn, worker, attempt).await?;
    if AttemptState::from_word(&held.state)? != AttemptState::Running {
        return Err(StoreError::LeaseLost);
    }
    if first_seq == 0 {
        return Err(StoreError::Conflict("records are numbered from 1".into()));
    }
    if first_seq > held.last_seq + 1 {
        return Err(StoreError::Gap {
            last: held.last_seq,
        });
    }
    let known = usize::try_from(held.last_seq + 1 - first_seq).unwrap_or(usize::MAX);
    let Some(new) = records.get(known..).filter(|new| !new.is_empty()) else {
        return Ok(held.last_seq);
    };
    let last = held.last_seq + new.len() as u64;
    let sorted = sort(attempt, held.resumed_from_step, held.step, new)?;
    if let Some(start) = &sorted.start {
        begin_attempt(&mut *conn, attempt, start).await?;
        let hides_after = if start.from_step == 0 {
            -1
        } else {
            start.from_step
        };
        lose_after(&mut *conn, attempt, hides_after).await?;
    }
    insert_measured(&mut *conn, attempt, &sorted.measured).await?;
    insert_entries(&mut *conn, attempt, &sorted.entries).await?;
    insert_completions(&mut *conn, attempt, &sorted.completions).await?;
    for evaluation in &sorted.evaluations {
        insert_evaluation(&mut *conn, attempt, evaluation).await?;
    }
    insert_refs(&mut *conn, attempt, &sorted.refs).await?;
    insert_events(&mut *conn, &sorted.notes).await?;
    advance(&mut *conn, attempt, last, sorted.step).await?;
    notify_stages(conn, &[attempt.stage.0]).await?;
    Ok(last)
}

struct Start<'a> {
    from_step: i64,
    host: &'a HostFacts,
}

/// A stored file as a record names it.
#[derive(Debug)]
pub(crate) struct Reference {
    pub role: String,
    pub step: i64,
    pub sha256: String,
}

/// A batch by kind, so that each kind is one statement.
#[derive(Default)]
struct Sorted<'a> {
    start: Option<Start<'a>>,
    measured: Vec<Measured<'a>>,
    entries: Entries,
    completions: Vec<(i64, &'a CompletionItem)>,
    evaluations: Vec<&'a EvaluationRecord>,
    refs: Vec<Reference>,
    notes: Vec<Note>,
    /// The last step that was reported.
    step: i64,
}

fn sort(
    attempt: AttemptRef,
    resumed_from: Option<i64>,
    step: i64,
    records: &[Record],
) -> Result<Sorted<'_>> {
    let mut sorted = Sorted {
        step,
        ..Sorted::default()
    };
    let mut from = resumed_from;
    for record in records {
        if from.is_none() && !matches!(record, Record::Started { .. }) {
            return Err(StoreError::Conflict(
                "an attempt's first record says where it starts".into(),
            ));
        };
        match record {
            Record::Started { from_step, host } => {
                if from.is_some() {
                    return Err(StoreError::Conflict("an attempt starts once".into()));
                }
                let from_step = bigint(*from_step)?;
                from = Some(from_step);
                sorted.step = sorted.step.max(from_step);
                sorted.start = Some(Start { from_step, host });
            }
            Record::Step { step, cum, metrics } => {
                let step = bigint(*step)?;
                // A resumed attempt may measure the very state it resumed from once more.
                if from.is_some_and(|from| from > 0 && step < from) {
                    return Err(StoreError::Conflict(format!(
                        "step {step} lies before this attempt's start"
                    )));
                }
                sorted.step = sorted.step.max(step);
                sorted.measured.push(Measured {
                    step,
                    cum: *cum,
                    metrics,
                });
            }
            Record::Ledger {
                step,
                costs,
                supervision,
            } => {
                let step = bigint(*step)?;
                for (purpose, cost) in costs {
                    *sorted
                        .entries
                        .costs
                        .entry((step, purpose.clone()))
                        .or_default() += *cost;
                }
                for (kind, count) in supervision {
                    *sorted
                        .entries
                        .supervision
                        .entry((step, kind.clone()))
                        .or_default() += bigint(*count)?;
                }
            }
            Record::Completions { step, items } => {
                let step = bigint(*step)?;
                sorted
                    .completions
                    .extend(items.iter().map(|item| (step, item)));
            }
            Record::Evaluation(evaluation) => sorted.evaluations.push(evaluation),
            Record::Artifact {
                role,
                step,
                sha256,
                bytes: _,
            } => sorted.refs.push(Reference {
                role: role.clone(),
                step: bigint(*step)?,
                sha256: sha256.clone(),
            }),
            Record::Event { step, level, text } => sorted.notes.push(Note {
                attempt,
                step: Some(bigint(*step)?),
                level: *level,
                text: text.clone(),
            }),
        }
    }
    Ok(sorted)
}

async fn begin_attempt(
    conn: &mut PgConnection,
    attempt: AttemptRef,
    start: &Start<'_>,
) -> Result<()> {
    let host = serde_json::to_value(start.host).map_err(StoreError::unreadable)?;
    sqlx::query!(
        "update attempt set resumed_from_step = $3, host = $4 where stage_id = $1 and number = $2",
        attempt.stage.0,
        attempt.number,
        start.from_step,
        host
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn advance(conn: &mut PgConnection, attempt: AttemptRef, last: u64, step: i64) -> Result<()> {
    sqlx::query!(
        "update attempt set last_seq = $3, step = greatest(step, $4)
         where stage_id = $1 and number = $2",
        attempt.stage.0,
        attempt.number,
        bigint(last)?,
        step
    )
    .execute(conn)
    .await?;
    Ok(())
}
