//! What the registered rule calls unsuccessful: what was expected, what came out, and how it
//! failed, in short. The graveyard has a card for each.

use super::material::Material;
use super::why::{contrasts, why};
use crate::number::{self, Kind};
use assay_core::compare::Basis;
use assay_core::outcome::{ContrastOutcome, Mark, Verdict};

#[derive(Debug)]
pub(super) struct DidNotWork {
    pub rows: Vec<Row>,
    /// Said where there are none.
    pub none: String,
}

#[derive(Debug)]
pub(super) struct Row {
    pub key: String,
    pub label: String,
    pub expected: String,
    pub got: String,
    pub why: String,
}

pub(super) fn did_not_work(of: &Material) -> DidNotWork {
    let arms = of.view.arms.iter();
    let unsuccessful = arms.filter(|arm| of.mark(&arm.key) == Some(Mark::Unsuccessful));
    let said = |say: fn(&Material, &ContrastOutcome) -> String, arm: &str| {
        let all: Vec<String> = contrasts(of, arm).map(|c| say(of, c)).collect();
        all.join("; ")
    };
    DidNotWork {
        rows: unsuccessful
            .map(|arm| Row {
                key: arm.key.clone(),
                label: arm.label.clone(),
                expected: said(expected, &arm.key),
                got: said(got, &arm.key),
                why: why(of, &arm.key),
            })
            .collect(),
        none: none(of),
    }
}

fn expected(of: &Material, contrast: &ContrastOutcome) -> String {
    let against = of.name(&contrast.against);
    match of.outcome.min_gain {
        0.0 => format!("no loss against {against}; no gain was registered"),
        gain => format!("a gain of {} over {against}", number::significant(gain)),
    }
}

fn got(of: &Material, contrast: &ContrastOutcome) -> String {
    let kind = Kind::of(&contrast.metric);
    let difference = contrast.difference.as_ref();
    let difference = difference.map_or(number::NONE.into(), |d| number::difference(kind, d));
    let basis = match contrast.basis() {
        Basis::EqualCompute { .. } => "equal compute".to_string(),
        Basis::EqualInference { level, .. } => format!(
            "equal inference, {}",
            number::counted(i64::from(*level), "sample")
        ),
    };
    format!(
        "{difference} against {} at {basis}",
        of.name(&contrast.against)
    )
}

/// With what it was looked for in: none of nothing is no news.
fn none(of: &Material) -> String {
    let judged = |v: Option<Verdict>| v.is_some_and(|v| v != Verdict::NotEnoughSeeds);
    let contrasts = &of.outcome.contrasts;
    let ruled = contrasts.iter().filter(|c| judged(c.verdict)).count();
    let all = number::counted(contrasts.len() as i64, "registered contrast");
    let behind = of.denominator(0);
    match (of.outcome.withheld, ruled) {
        (true, _) => {
            format!("Nothing is called unsuccessful while verdicts are withheld; {all}. {behind}")
        }
        (false, 0) => format!("No verdict has been given yet on any of {all}. {behind}"),
        (false, n) => format!(
            "Nothing: of {all}, {n} with a verdict, none is unsuccessful by the rule. {behind}"
        ),
    }
}
