//! How the closed sets of the store and the core are said on pages.

use crate::number;
use assay_core::compare::Reached;
use assay_core::metric;
use assay_core::spec::BudgetUnit;
use assay_store::{RequeueView, RunState, Waiting};

/// A figure of the final evaluation: its word in addresses, its metric, its title.
pub const FINAL: [(&str, &str, &str); 4] = [
    ("pass1", metric::PASS_AT_1, "pass@1"),
    ("maj", metric::MAJ_AT_K, "maj@k"),
    ("length", metric::LENGTH, "completion length, tokens"),
    ("truncated", metric::TRUNCATED, "truncated share"),
];

/// Where a metric stands in `FINAL`; the first of those that are not there.
pub fn place(metric: &str) -> usize {
    FINAL.iter().position(|f| f.1 == metric).unwrap_or(0)
}

/// A final figure's title, or its name where it has none.
pub fn final_title(metric: &str) -> &str {
    let known = FINAL.iter().find(|f| f.1 == metric);
    known.map_or(metric, |f| f.2)
}

/// Curves of training: the same, of `metric::PANELS`.
pub const TRAINING: [(&str, &str); 8] = [
    ("reward", metric::REWARD_MEAN),
    ("length", metric::COMPLETION_LENGTH),
    ("truncated", metric::TRUNCATED_SHARE),
    ("entropy", metric::ENTROPY),
    ("kl", metric::KL),
    ("loss", metric::LOSS),
    ("grad", metric::GRAD_NORM),
    ("speed", metric::TOKENS_PER_SECOND),
];

/// Titles of metrics that no panel is kept for.
const FURTHER: [(&str, &str); 5] = [
    ("train/reflection_rate", "Reflective completions, share"),
    (
        "train/language_consistency",
        "Characters in the prompt's vocabulary, share",
    ),
    ("train/long_share", "Completions with steps, share"),
    ("train/step_accuracy", "Right steps, share"),
    (metric::CLIP_HIGH, "Upper clip ratio, share of tokens"),
];

/// Has a word of its own in addresses, and a place on every experiment's page.
pub fn is_well_known(metric: &str) -> bool {
    TRAINING.iter().any(|(_, known)| *known == metric)
}

/// A metric's title, or its name where it has none.
pub fn panel_title(name: &str) -> &str {
    metric::PANELS
        .iter()
        .chain(&FURTHER)
        .find(|(m, _)| *m == name)
        .map_or(name, |(_, title)| title)
}

/// How the stored groups of a step were taken from all that it sampled.
pub fn sampled(dynamic: bool) -> &'static str {
    match dynamic {
        false => "whole groups in the order in which they were drawn; nothing is chosen by reward",
        true => {
            "whole groups as they stand in the step's batch: groups whose rewards differ stand \
             first, as dynamic sampling trains on them; discarded draws are not counted here"
        }
    }
}

/// Names that may stand in an address as they are: plain words with a slash between them.
pub fn is_metric(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_/.-".contains(&b);
    name.len() <= 100 && name.contains('/') && name.bytes().all(plain)
}

pub fn unit(unit: BudgetUnit) -> &'static str {
    match unit {
        BudgetUnit::Flops => "FLOPs",
        BudgetUnit::Tokens => "tokens",
    }
}

/// A policy by its stage, said with the arm that trains it.
pub fn policy(key: &str, name: impl Fn(&str) -> String) -> String {
    match key.split_once('/') {
        Some((arm, _)) => format!("{} ({key})", name(arm)),
        None => key.into(),
    }
}

pub fn reached(of: Reached) -> String {
    match of {
        Reached::Budget => "budget reached".into(),
        Reached::Under { share } => format!("{} of the budget", number::percent(share)),
        Reached::NoTraining => "spends nothing by design".into(),
        Reached::Nothing => "no seed finished".into(),
    }
}

pub fn waiting(of: &Waiting) -> String {
    match of {
        Waiting::Inputs { unfinished } => {
            format!(
                "waits for {}",
                number::counted(i64::from(*unfinished), "input")
            )
        }
        Waiting::Retry { not_before } => {
            format!("tried again from {}", number::moment(*not_before))
        }
        Waiting::Worker { threads } => format!(
            "no worker with {} seen in the last 30 s",
            number::counted(i64::from(*threads), "thread")
        ),
        Waiting::Turn { ahead: 0 } => "next".into(),
        Waiting::Turn { ahead } => format!("{} before it", number::counted(*ahead, "job")),
    }
}

/// Where a stage goes on that is queued again.
pub fn going_on(of: &RequeueView) -> String {
    match of.from_step {
        0 => "from the start".into(),
        step => format!("from step {}", number::integer(step)),
    }
}

/// Whether more is to come.
pub fn is_open(state: RunState) -> bool {
    match state {
        RunState::Waiting | RunState::Running => true,
        RunState::Succeeded | RunState::Failed | RunState::Cancelled => false,
    }
}
