//! What has been measured, spent and tried.

use crate::number;
use crate::pages::text;
use assay_core::ledger::Cost;
use assay_core::wire::{Level, role};
use assay_store::{
    ArtifactView, AttemptState, AttemptView, EvaluationView, EventView, LedgerRow, OlderEvents,
};
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

/// Where a detector has changed its level: stage, step and words.
pub(super) type Change = (String, i64, String);

/// Attempts, events, checkpoints and changes, newest first.
pub(super) fn timeline(
    attempts: &[(String, AttemptView)],
    events: &[(String, EventView)],
    files: &[(String, ArtifactView)],
    changes: &[Change],
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
    for (stage, f) in files.iter().filter(|(_, f)| is_checkpoint(&f.role)) {
        let (word, step) = (role_words(&f.role), number::integer(f.step));
        let text = format!("{stage}: {word} stored at step {step}");
        all.push((f.stored_at, text, false));
    }
    all.sort_by_key(|(at, _, _)| std::cmp::Reverse(*at));
    let mut out: Vec<(OffsetDateTime, Moment)> = all
        .into_iter()
        .map(|(at, text, alarm)| {
            let said = number::moment(at);
            (
                at,
                Moment {
                    at: said,
                    text,
                    alarm,
                },
            )
        })
        .collect();
    // A change has a step and no time: it stands before the first thing after it.
    for (stage, step, text) in changes {
        let next = next_moment(stage, *step, attempts, events, files);
        let place = out.partition_point(|(at, _)| next.is_some_and(|next| *at >= next));
        let at = next.unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let moment = Moment {
            at: format!("step {}", number::integer(*step)),
            text: format!("{stage}: {text}"),
            alarm: false,
        };
        out.insert(place, (at, moment));
    }
    out.into_iter().map(|(_, moment)| moment).collect()
}

/// What the timeline leaves out of each stage.
pub(super) fn untold(of: &[(String, OlderEvents)]) -> Vec<String> {
    let line = |(stage, older): &(String, OlderEvents)| {
        let events = number::counted(older.count, "older event");
        format!("Of {stage} not listed: {events}.")
    };
    of.iter().filter(|(_, o)| o.count > 0).map(line).collect()
}

/// The first time that is known at or after a step of a stage.
fn next_moment(
    stage: &str,
    step: i64,
    attempts: &[(String, AttemptView)],
    events: &[(String, EventView)],
    files: &[(String, ArtifactView)],
) -> Option<OffsetDateTime> {
    let files = files
        .iter()
        .filter(|(s, f)| s == stage && f.step >= step)
        .map(|(_, f)| f.stored_at);
    let events = events
        .iter()
        .filter(|(s, e)| s == stage && e.step.is_some_and(|at| at >= step))
        .map(|(_, e)| e.at);
    let ends = attempts
        .iter()
        .filter(|(s, a)| s == stage && a.step >= step)
        .map(|(_, a)| a.finished_at.unwrap_or(OffsetDateTime::now_utc()));
    files.chain(events).chain(ends).min()
}

/// Holds weights, or all that a stage goes on from.
fn is_checkpoint(of: &str) -> bool {
    [role::RESUME, role::MILESTONE, role::OUTPUT].contains(&of)
}

fn role_words(of: &str) -> &str {
    match of {
        role::RESUME => "checkpoint",
        role::MILESTONE => "milestone's weights",
        role::OUTPUT => "result",
        role::SAMPLES => "texts of an evaluation",
        role::TREES => "search trees",
        role::JUDGED => "judged texts",
        other => other,
    }
}

#[derive(Debug)]
pub(super) struct FileRow {
    pub stage: String,
    pub what: String,
    pub step: String,
    pub attempt: i32,
    pub size: String,
    pub sha256: String,
    /// A released one may be deleted at any time.
    pub released: bool,
    pub at: String,
}

/// Rows of files that a page lists.
pub(super) const FILES: usize = 200;

/// Newest first.
pub(super) fn files(of: &[(String, ArtifactView)]) -> Vec<FileRow> {
    let mut sorted: Vec<_> = of.iter().collect();
    sorted.sort_by_key(|(_, f)| std::cmp::Reverse(f.stored_at));
    sorted
        .into_iter()
        .take(FILES)
        .map(|(stage, f)| FileRow {
            stage: stage.clone(),
            what: text::start(role_words(&f.role), 60),
            step: number::integer(f.step),
            attempt: f.attempt,
            size: format!("{}B", number::prefixed(f.bytes as f64)),
            sha256: f.sha256.clone(),
            released: f.released,
            at: number::moment(f.stored_at),
        })
        .collect()
}

#[derive(Debug)]
pub(super) struct HostRow {
    pub stage: String,
    pub attempt: i32,
    pub worker: String,
    pub device: String,
    pub libtorch: String,
    pub cpu: String,
    /// Version and commit.
    pub code: String,
    pub time: String,
}

/// Where each attempt ran.
pub(super) fn hosts(of: &[(String, AttemptView)]) -> Vec<HostRow> {
    let said = |text: &str| match text {
        "" => number::NONE.to_string(),
        text => text::start(text, 100),
    };
    of.iter()
        .map(|(stage, a)| {
            let host = a.host.clone().unwrap_or_default();
            let ran = a.finished_at.map(|end| end - a.started_at);
            HostRow {
                stage: stage.clone(),
                attempt: a.number,
                worker: said(a.worker_name.as_deref().unwrap_or("")),
                device: said(&host.device),
                libtorch: said(&host.libtorch),
                cpu: said(&host.cpu_model),
                code: said(&host.code),
                time: ran.map_or("running".into(), |t| {
                    number::duration(t.as_seconds_f64() * 1e3)
                }),
            }
        })
        .collect()
}
