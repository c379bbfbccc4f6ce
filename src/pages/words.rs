//! How the closed sets of the store and the core are said on pages.

use crate::number;
use assay_core::compare::Reached;
use assay_core::metric;
use assay_core::spec::BudgetUnit;
use assay_store::{RunState, Waiting};

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

pub fn panel_title(name: &str) -> &str {
    metric::PANELS
        .iter()
        .find(|(m, _)| *m == name)
        .map_or(name, |(_, title)| title)
}

pub fn unit(unit: BudgetUnit) -> &'static str {
    match unit {
        BudgetUnit::Flops => "FLOPs",
        BudgetUnit::Tokens => "tokens",
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

/// Whether more is to come.
pub fn is_open(state: RunState) -> bool {
    match state {
        RunState::Waiting | RunState::Running => true,
        RunState::Succeeded | RunState::Failed | RunState::Cancelled => false,
    }
}
