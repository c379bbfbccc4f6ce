//! The picture of registered contrasts that the forest does not draw: those with another
//! comparator than the baseline, and those of decoders.

use super::figure::{Chart, Figure, Name};
use super::forest::banded;
use super::sort::Sort;
use super::verdict_words;
use super::view::Wanted;
use super::{Material, marked};
use crate::charts::{Row, Rows};
use crate::number::Kind;
use assay_core::compare::Basis;
use assay_core::outcome::ContrastOutcome;

pub(super) const BASIS: &str =
    "as registered for each contrast, equal compute or equal inference; no two are one scale";

/// Differences to the baseline at equal compute are drawn by the forest.
fn elsewhere(of: &Material) -> impl Iterator<Item = &ContrastOutcome> {
    let contrasts = of.outcome.contrasts.iter();
    contrasts.filter(move |c| {
        let trained = matches!(c.basis(), Basis::EqualCompute { .. });
        !(trained && c.against == of.view.spec.baseline)
    })
}

pub(super) fn are_there(of: &Material) -> bool {
    elsewhere(of).next().is_some()
}

/// Those that are drawn, as they were registered unless the link asks for another order.
pub(super) fn shown<'a>(of: &'a Material, wanted: &Wanted) -> Vec<&'a ContrastOutcome> {
    let shown = elsewhere(of).filter(|c| !wanted.hides(of, &c.arm));
    let mut shown: Vec<&ContrastOutcome> = shown.collect();
    let sort = wanted.sort.unwrap_or(Sort::File);
    sort.contrasts(&mut shown, |c| name(of, c));
    shown
}

/// `R1-Zero against Base model`; of decoders with the samples of their policy.
pub(super) fn name(of: &Material, contrast: &ContrastOutcome) -> String {
    let (arm, against) = (of.name(&contrast.arm), of.name(&contrast.against));
    match contrast.basis() {
        Basis::EqualCompute { .. } => format!("{arm} against {against}"),
        Basis::EqualInference { level, .. } => format!("{arm} against {against} at {level}"),
    }
}

pub(super) fn figure(of: &Material, wanted: &Wanted) -> Figure {
    let title = format!(
        "Registered contrasts beside those with the baseline, {}",
        verdict_words::unadjusted(of)
    );
    let margin = Some(of.outcome.margin).filter(|m| *m > 0.0 && m.is_finite());
    let chart = Rows {
        title,
        x_title: "difference, arm minus comparator".into(),
        kind: Kind::of(&of.outcome.metric),
        differences: true,
        margin,
        rows: shown(of, wanted).into_iter().map(|c| row(of, c)).collect(),
    };
    let mut caption = vec![
        "Registered contrasts beside those with the baseline: arm minus comparator, unadjusted 95 % interval; small circles are single seeds."
            .to_string(),
    ];
    caption.extend(margin.map(banded));
    caption.extend(verdict_words::beside(of, &chart.rows));
    Figure {
        caption,
        ..Figure::new(
            Name::Contrasts,
            format!(
                "Registered contrasts drawn, {}",
                verdict_words::unadjusted(of)
            ),
            Chart::Rows(chart),
        )
    }
}

/// Marked by its own contrast: the arm may have others, of which the rule says something else.
fn row(of: &Material, c: &ContrastOutcome) -> Row {
    Row {
        key: c.arm.clone(),
        label: marked::label(&name(of, c), c.mark),
        slot: of.slot(&c.arm),
        tint: None,
        fate: marked::fate(c.mark),
        estimate: c.difference,
        seeds: c.seeds.iter().map(|s| s.1).collect(),
        note: c
            .difference
            .is_none()
            .then(|| "no seed in common yet".into()),
        verdict: verdict_words::word(c.verdict),
        other: Some(c.against.clone()),
    }
}
