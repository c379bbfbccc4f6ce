//! What the registered rule calls unsuccessful: what was expected, what came out, and how it
//! failed, in short. The graveyard has a card for each.

use super::material::Material;
use super::why::{contrasts, why};
use crate::number::{self, Kind};
use assay_core::compare::Basis;
use assay_core::denominator::unsuccessful;
use assay_core::outcome::{ContrastOutcome, Verdict};

#[derive(Debug)]
pub(super) struct DidNotWork {
    pub rows: Vec<Row>,
    /// How many; in words where nobody can say.
    pub count: String,
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

/// `hidden`: arms that the link leaves out of the figures.
pub(super) fn did_not_work(of: &Material, hidden: usize) -> DidNotWork {
    let keys = of.view.arms.iter().map(|arm| arm.key.as_str());
    let found = unsuccessful(&of.outcome, keys);
    let said = |say: fn(&Material, &ContrastOutcome) -> String, arm: &str| {
        let all: Vec<String> = contrasts(of, arm).map(|c| say(of, c)).collect();
        all.join("; ")
    };
    DidNotWork {
        count: match &found {
            Ok(list) => list.len().to_string(),
            Err(why) => why.to_string(),
        },
        rows: found
            .unwrap_or_default()
            .into_iter()
            .map(|arm| Row {
                key: arm.into(),
                label: of.name(arm),
                expected: said(expected, arm),
                got: said(got, arm),
                why: why(of, arm),
            })
            .collect(),
        none: none(of, hidden),
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
fn none(of: &Material, hidden: usize) -> String {
    let judged = |v: Option<Verdict>| v.is_some_and(|v| v != Verdict::NotEnoughSeeds);
    let contrasts = &of.outcome.contrasts;
    let ruled = contrasts.iter().filter(|c| judged(c.verdict)).count();
    let all = number::counted(contrasts.len() as i64, "registered contrast");
    let behind = of.denominator(hidden);
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
