//! What an arm had to be told, beside what it computed.

use super::Material;
use crate::number;
use assay_core::supervision::{
    DEMONSTRATIONS, ORACLE_STEP_LABELS, VERIFIER_CALLS, more_than_comparators,
};

/// One arm, mean over its finished runs.
#[derive(Debug)]
pub(super) struct Supervision {
    /// `64 demonstrations`, one line a kind.
    pub counts: Vec<String>,
    /// `more demonstrations than GRPO from the base`.
    pub marks: Vec<String>,
}

pub(super) fn kind(word: &str) -> String {
    match word {
        DEMONSTRATIONS => "demonstrations".into(),
        VERIFIER_CALLS => "verifier calls".into(),
        ORACLE_STEP_LABELS => "oracle labels of steps".into(),
        other => other.replace('_', " "),
    }
}

pub(super) fn of_arm(of: &Material, arm: &str) -> Supervision {
    let own = of.supervision.iter().find(|s| s.arm == arm && s.runs > 0);
    let counts = match own {
        None => vec![number::NONE.to_string()],
        Some(own) if own.counts.is_empty() => vec!["none".into()],
        Some(own) => own
            .counts
            .iter()
            .map(|(word, count)| format!("{} {}", number::prefixed(*count), kind(word)))
            .collect(),
    };
    let marks = more_than_comparators(&of.view.spec, arm, &of.supervision)
        .iter()
        .map(|more| format!("more {} than {}", kind(&more.kind), of.name(&more.than)))
        .collect();
    Supervision { counts, marks }
}
