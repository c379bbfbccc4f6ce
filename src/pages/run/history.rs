//! What has been measured, spent and tried.

use crate::number;
use assay_core::ledger::Cost;
use assay_core::wire::Level;
use assay_store::{AttemptState, AttemptView, EvaluationView, EventView, LedgerRow};
use time::OffsetDateTime;

#[derive(Debug)]
pub(super) struct EvaluationRow {
    pub stage: String,
    pub step: String,
    pub split: &'static str,
    pub milestone: String,
    pub pass: String,
    pub majority: String,
    pub length: String,
    pub truncated: String,
    pub size: String,
}

pub(super) fn evaluations(of: &[(String, EvaluationView)]) -> Vec<EvaluationRow> {
    of.iter()
        .rev()
        .map(|(stage, e)| EvaluationRow {
            stage: stage.clone(),
            step: number::integer(e.step),
            split: e.split.word(),
            milestone: e
                .milestone
                .map_or(number::NONE.into(), |m| format!("{m} %")),
            pass: number::fixed(e.pass_at_1, 3),
            majority: number::fixed(e.maj_at_k, 3),
            length: number::fixed(e.mean_length, 1),
            truncated: number::fixed(e.truncated_share, 3),
            size: format!("{} × {}", number::integer(e.problems.into()), e.samples),
        })
        .collect()
}

#[derive(Debug)]
pub(super) struct LedgerLine {
    pub stage: String,
    pub purpose: String,
    pub charged: bool,
    pub tokens: String,
    pub flops: String,
    pub device: String,
}

pub(super) fn ledger(of: &[LedgerRow]) -> Vec<LedgerLine> {
    of.iter()
        .map(|row| LedgerLine {
            stage: row.name.clone(),
            purpose: row.purpose.clone(),
            charged: row.charged,
            tokens: number::prefixed(row.cost.tokens),
            flops: number::prefixed(row.cost.flops),
            device: number::duration(row.cost.device_ms),
        })
        .collect()
}

/// What is charged to the arm, and everything that was spent.
pub(super) fn sums(of: &[LedgerRow]) -> (String, String) {
    let said = |rows: &mut dyn Iterator<Item = &LedgerRow>| {
        let mut sum = Cost::default();
        for row in rows {
            sum += row.cost;
        }
        format!(
            "{} tokens, {} FLOPs, {} of device time",
            number::prefixed(sum.tokens),
            number::prefixed(sum.flops),
            number::duration(sum.device_ms)
        )
    };
    (
        said(&mut of.iter().filter(|r| r.charged)),
        said(&mut of.iter()),
    )
}

#[derive(Debug)]
pub(super) struct Moment {
    pub at: String,
    pub text: String,
    pub alarm: bool,
}

/// Attempts and events, newest first.
pub(super) fn timeline(
    attempts: &[(String, AttemptView)],
    events: &[(String, EventView)],
) -> Vec<Moment> {
    let mut all: Vec<(OffsetDateTime, String, bool)> = vec![];
    // Most attempts have told their story themselves.
    let told = |stage: &str, number| {
        events
            .iter()
            .any(|(name, e)| name == stage && e.attempt == Some(number))
    };
    for (stage, a) in attempts.iter().filter(|(s, a)| !told(s, a.number)) {
        let who = a.worker_name.as_deref().unwrap_or("a worker");
        let from = match a.resumed_from_step {
            Some(step) if step > 0 => format!(" from step {}", number::integer(step)),
            Some(_) | None => String::new(),
        };
        all.push((
            a.started_at,
            format!("{stage}: attempt {} started on {who}{from}", a.number),
            false,
        ));
        if let Some(at) = a.finished_at {
            let step = number::integer(a.step);
            let (word, alarm) = match a.state {
                AttemptState::Running => ("is running", false),
                AttemptState::Succeeded => ("succeeded", false),
                AttemptState::Failed => ("failed", true),
                AttemptState::Preempted => ("was stopped with its progress saved", false),
                AttemptState::Lost => ("was lost: its worker fell silent", true),
                AttemptState::Fenced => ("was fenced off", true),
                AttemptState::Cancelled => ("was cancelled", false),
            };
            all.push((
                at,
                format!("{stage}: attempt {} {word} at step {step}", a.number),
                alarm,
            ));
        }
    }
    for (stage, e) in events {
        let step = e.step.map_or(String::new(), |s| {
            format!(" at step {}", number::integer(s))
        });
        all.push((
            e.at,
            format!("{stage}: {}{step}", e.text),
            e.level == Level::Alarm,
        ));
    }
    all.sort_by_key(|(at, _, _)| std::cmp::Reverse(*at));
    all.into_iter()
        .map(|(at, text, alarm)| Moment {
            at: number::moment(at),
            text,
            alarm,
        })
        .collect()
}
