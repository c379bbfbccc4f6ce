//! The picture of registered contrasts that the forest does not draw: those with another
//! comparator than the baseline, and those of decoders.

use super::Material;
use super::figure::{Chart, Figure, Name};
use super::forest::banded;
use super::view::Wanted;
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

pub(super) fn figure(of: &Material, wanted: &Wanted) -> Figure {
    let shown = elsewhere(of).filter(|c| !wanted.hides(of, &c.arm));
    let title =
        "Registered contrasts beside those with the baseline, with unadjusted 95 % interval";
    let margin = Some(of.outcome.margin).filter(|m| *m > 0.0 && m.is_finite());
    let chart = Rows {
        title: title.into(),
        x_title: "difference, arm minus comparator".into(),
        kind: Kind::of(&of.outcome.metric),
        differences: true,
        margin,
        rows: shown.map(|c| row(of, c)).collect(),
    };
    let mut caption = vec![
        "Registered contrasts beside those with the baseline: arm minus comparator, unadjusted 95 % interval; small circles are single seeds."
            .to_string(),
    ];
    caption.extend(margin.map(banded));
    Figure {
        caption,
        ..Figure::new(
            Name::Contrasts,
            "Registered contrasts drawn".into(),
            Chart::Rows(chart),
        )
    }
}

fn row(of: &Material, c: &ContrastOutcome) -> Row {
    Row {
        key: c.arm.clone(),
        label: match c.basis() {
            Basis::EqualCompute { .. } => {
                format!("{} against {}", of.label(&c.arm), of.name(&c.against))
            }
            Basis::EqualInference { level, .. } => format!(
                "{} against {} at {level}",
                of.label(&c.arm),
                of.name(&c.against)
            ),
        },
        slot: of.slot(&c.arm),
        tint: None,
        fate: of.fate(&c.arm),
        estimate: c.difference,
        seeds: c.seeds.iter().map(|s| s.1).collect(),
        note: c
            .difference
            .is_none()
            .then(|| "no seed in common yet".into()),
    }
}
