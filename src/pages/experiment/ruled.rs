//! What of the registered rule stands beside a difference of the comparison. A p-value and a word
//! belong to one contrast in one metric: beside any other difference there is no p-value, and a
//! word says what it is of.

use super::material::Material;
use super::verdicts;
use super::view::Wanted;
use crate::pages::words;
use assay_core::compare::Basis;
use assay_core::outcome::ContrastOutcome;

/// The metric that the table shows.
fn metric(wanted: &Wanted) -> &'static str {
    words::FINAL[wanted.metric].1
}

fn is_trained(of: &ContrastOutcome) -> bool {
    matches!(of.basis(), Basis::EqualCompute { .. })
}

/// Whether a difference of the table is this contrast's own: in its metric, and to its comparator.
fn is_shown(of: &Material, wanted: &Wanted, contrast: &ContrastOutcome) -> bool {
    !wanted.is_exploratory()
        && is_trained(contrast)
        && contrast.against == wanted.baseline(of)
        && contrast.metric == metric(wanted)
}

/// The registered contrast that the difference in an arm's row is of.
pub(super) fn contrast<'a>(
    of: &'a Material,
    wanted: &Wanted,
    arm: &str,
) -> Option<&'a ContrastOutcome> {
    let mut contrasts = of.outcome.contrasts.iter();
    contrasts.find(|c| c.arm == arm && is_shown(of, wanted, c))
}

/// What a contrast is of, as far as the row is not: ` in pass@1`, ` against R1-Zero`.
fn elsewhere(of: &Material, wanted: &Wanted, contrast: &ContrastOutcome) -> [String; 2] {
    let other = contrast.metric != metric(wanted);
    let figure = other.then(|| format!(" in {}", words::final_title(&contrast.metric)));
    let other = contrast.against != wanted.baseline(of);
    let against = other.then(|| format!(" against {}", of.name(&contrast.against)));
    [figure, against].map(Option::unwrap_or_default)
}

/// The word on the row's own difference. Where there is none the arm's other contrast may speak,
/// with its comparator, and in another metric it says in which one it was registered.
pub(super) fn verdict(of: &Material, wanted: &Wanted, arm: &str) -> String {
    let registered = verdicts::of_arm(of, arm).filter(|_| !wanted.is_exploratory());
    let Some(contrast) = registered else {
        return String::new();
    };
    let [figure, against] = elsewhere(of, wanted, contrast);
    let against = match against.is_empty() {
        true => String::new(),
        false => format!(",{against}"),
    };
    match figure.is_empty() {
        true => format!("{}{against}", verdicts::word(contrast.verdict)),
        false => format!("none: registered{figure}{against}"),
    }
}

/// What the rule makes of the arm, with the metric and the comparator by which it does where the
/// row's difference is another: `unsuccessful`, `unsuccessful in pass@1 against R1-Zero`.
pub(super) fn mark(of: &Material, wanted: &Wanted, arm: &str) -> Option<String> {
    let mark = of.mark(arm).filter(|_| !wanted.is_exploratory())?;
    let contrasts = of.outcome.contrasts.iter();
    let mut giving = contrasts.filter(|c| c.arm == arm && c.mark == Some(mark));
    let first = giving.clone().next();
    let own = giving.find(|c| is_shown(of, wanted, c));
    let [figure, against] = own
        .or(first)
        .map_or_else(Default::default, |c| elsewhere(of, wanted, c));
    Some(format!("{mark}{figure}{against}"))
}

/// Said in a file of another metric than that of the contrasts.
pub(super) fn said(of: &Material, wanted: &Wanted) -> Option<String> {
    let mut contrasts = of.outcome.contrasts.iter();
    let other = contrasts.find(|c| is_trained(c) && c.metric != metric(wanted))?;
    Some(format!(
        "Contrasts are registered in {}: no p-value and no verdict belongs to these differences",
        words::final_title(&other.metric)
    ))
}
