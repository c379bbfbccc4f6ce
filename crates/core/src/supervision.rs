//! Supervision that an arm used: demonstrations, calls of the verifier, labels of steps.
//! Equal compute is not equal supervision.

use crate::spec::Experiment;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub const DEMONSTRATIONS: &str = "demonstrations";
pub const VERIFIER_CALLS: &str = "verifier_calls";
pub const ORACLE_STEP_LABELS: &str = "oracle_step_labels";

/// Kinds that somebody must have written or known: an arm with more of them than its
/// comparator carries a mark.
pub const MARKED: [&str; 2] = [DEMONSTRATIONS, ORACLE_STEP_LABELS];

/// One arm as if alone: everything on the way to its policy that it is charged for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmSupervision {
    pub arm: String,
    pub label: String,
    /// Finished runs, which the means are over.
    pub runs: usize,
    /// By kind, mean a run.
    pub counts: BTreeMap<String, f64>,
}

impl ArmSupervision {
    pub fn count(&self, kind: &str) -> f64 {
        self.counts.get(kind).copied().unwrap_or(0.0)
    }
}

/// More of one kind than a comparator used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct More {
    pub kind: String,
    pub than: String,
}

/// Where `arm` used more than an arm that it is compared with: those of its registered
/// contrasts, else the baseline. Nothing is said of arms without a finished run.
pub fn more_than_comparators(
    experiment: &Experiment,
    arm: &str,
    all: &[ArmSupervision],
) -> Vec<More> {
    let finished = |id: &str| all.iter().find(|a| a.arm == id && a.runs > 0);
    let Some(own) = finished(arm) else {
        return vec![];
    };
    let mut comparators: Vec<&str> = vec![];
    for contrast in experiment.contrasts.iter().filter(|c| c.arm == arm) {
        if !comparators.contains(&contrast.against.as_str()) {
            comparators.push(&contrast.against);
        }
    }
    if comparators.is_empty() && arm != experiment.baseline {
        comparators.push(&experiment.baseline);
    }
    let mut more = vec![];
    for other in comparators.into_iter().filter_map(finished) {
        for kind in MARKED {
            if own.count(kind) > other.count(kind) {
                more.push(More {
                    kind: kind.into(),
                    than: other.arm.clone(),
                });
            }
        }
    }
    more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arm_is_marked_against_the_arms_that_it_is_compared_with() {
        let text = "
name: t
question: q?
task: { name: modchain }
seeds: 1
budget: { unit: tokens, amount: 1000 }
baseline: base
contrasts: [{ arm: b, against: a }]
stages: [{ id: base, kind: pretrain, model: {} }]
arms:
  - { id: base, policy: base }
  - { id: a, stages: [{ id: sft, kind: sft, inputs: { init: base } }] }
  - { id: b, stages: [{ id: sft, kind: sft, demonstrations: 9, inputs: { init: base } }] }";
        let experiment = Experiment::from_text(text).unwrap_or_else(|v| panic!("{v}"));
        let of = |arm: &str, runs: usize, demonstrations: f64| ArmSupervision {
            arm: arm.into(),
            label: arm.into(),
            runs,
            counts: BTreeMap::from([
                (DEMONSTRATIONS.to_string(), demonstrations),
                (VERIFIER_CALLS.to_string(), 1e6 * demonstrations),
            ]),
        };
        let all = [of("base", 3, 0.0), of("a", 3, 64.0), of("b", 3, 100.0)];
        let more = |arm: &str, all: &[ArmSupervision]| {
            more_than_comparators(&experiment, arm, all)
                .iter()
                .map(|m| format!("{} than {}", m.kind, m.than))
                .collect::<Vec<_>>()
        };
        assert_eq!(more("b", &all), ["demonstrations than a"]);
        assert_eq!(more("a", &all), ["demonstrations than base"]);
        assert!(more("base", &all).is_empty());
        // An arm that has not finished proves nothing.
        let early = [of("base", 3, 0.0), of("a", 0, 0.0), of("b", 3, 100.0)];
        assert!(more("b", &early).is_empty());
    }
}
