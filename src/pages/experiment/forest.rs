//! Differences to the baseline, and the seeds' own values: one row an arm.

use super::colours::Colour;
use super::figure::{Chart, Figure, Name};
use super::sort::by_contrast;
use super::view::Wanted;
use super::{Material, comparison, verdict_words};
use crate::charts::{Fate, Row, Rows};
use crate::number::{self, Kind};
use crate::pages::words;
use assay_core::compare::Basis;
use assay_core::outcome::ContrastOutcome;
use assay_core::stats;

pub(super) fn differences(of: &Material, wanted: &Wanted) -> Figure {
    let (_, name, title) = words::FINAL[wanted.metric];
    let mut comparison = comparison::of_metric(of, wanted, wanted.metric);
    match wanted.sort {
        Some(sort) => sort.apply(&mut comparison.rows),
        None => by_contrast(&mut comparison.rows, |arm| {
            registered(of, wanted, arm).is_some()
        }),
    }
    let exploratory = wanted.is_exploratory();
    let plain = is_plain(wanted);
    let against = of.name(wanted.baseline(of));
    let baseline: Vec<(u64, f64)> = comparison
        .rows
        .iter()
        .find(|r| r.is_baseline)
        .map(|r| r.seeds.clone())
        .unwrap_or_default();
    let shown = comparison.rows.iter();
    let rows = shown
        .filter(|row| !wanted.hides(of, &row.arm))
        .map(|row| Row {
            key: row.arm.clone(),
            label: match exploratory {
                true => of.name(&row.arm),
                false => of.label(&row.arm),
            },
            slot: of.slot(&row.arm),
            tint: match plain {
                true => None,
                false => wanted.colour.tint(of, &row.arm),
            },
            fate: match exploratory {
                true => Fate::Ordinary,
                false => of.fate(&row.arm),
            },
            estimate: row.difference,
            seeds: if row.is_baseline {
                vec![]
            } else {
                let pairs = stats::differences(&row.seeds, &baseline);
                pairs.iter().map(|d| d.1).collect()
            },
            note: if row.is_baseline {
                Some(comparator(wanted).into())
            } else {
                (row.difference.is_none() && row.value.is_some())
                    .then(|| "no seed in common yet".into())
            },
            verdict: registered(of, wanted, &row.arm)
                .filter(|c| c.metric == name && !exploratory)
                .and_then(|c| verdict_words::word(c.verdict)),
            other: None,
        })
        .collect();
    let heading = match exploratory {
        true => format!("Exploratory: difference to {against} in test {title}"),
        false => format!("Difference to the baseline in test {title}"),
    };
    let heading = match exploratory || name != of.outcome.metric {
        true => format!("{heading}, {}", verdict_words::UNADJUSTED),
        false => format!("{heading}, {}", verdict_words::unadjusted(of)),
    };
    let chart = Rows {
        title: heading.clone(),
        x_title: format!("difference in test {title}"),
        kind: Kind::of(name),
        differences: true,
        margin: margin(of, wanted),
        rows,
    };
    let caption = format!(
        "Difference to {against} in test {title} with its unadjusted 95 % interval, paired by seed ({}); small circles are single seeds.",
        of.basis()
    );
    let mut caption = vec![caption];
    caption.extend(chart.margin.map(banded));
    caption.extend(verdict_words::beside(of, &chart.rows));
    caption.extend(exploring(of, wanted));
    Figure {
        caption,
        ..Figure::new(Name::Forest, heading, Chart::Rows(chart))
    }
}

/// The arm's registered contrast with whom these differences are taken to.
fn registered<'a>(of: &'a Material, wanted: &Wanted, arm: &str) -> Option<&'a ContrastOutcome> {
    let mut contrasts = of.outcome.contrasts.iter();
    contrasts.find(|c| {
        let trained = matches!(c.basis(), Basis::EqualCompute { .. });
        trained && c.arm == arm && c.against == wanted.baseline(of)
    })
}

/// The registered margin, where the figure is the one that it was registered for.
fn margin(of: &Material, wanted: &Wanted) -> Option<f64> {
    let registered = words::FINAL[wanted.metric].1 == of.outcome.metric;
    let known = Some(of.outcome.margin).filter(|m| *m > 0.0 && m.is_finite());
    known.filter(|_| registered && !wanted.is_exploratory())
}

/// What the band behind the rows is.
pub(in crate::pages) fn banded(margin: f64) -> String {
    format!(
        "The shaded band is the registered margin, ±{}: differences within it count as too small to matter.",
        number::significant(margin)
    )
}

/// Words and colours of the rule belong to what was registered.
pub(super) fn is_plain(wanted: &Wanted) -> bool {
    wanted.is_exploratory() && wanted.colour == Colour::Status
}

/// What the arm is called that differences are taken to.
pub(super) fn comparator(wanted: &Wanted) -> &'static str {
    match wanted.is_exploratory() {
        true => "comparator of this view",
        false => "baseline",
    }
}

/// What is said where differences are taken to an arm that was not registered for it.
pub(super) fn exploring(of: &Material, wanted: &Wanted) -> Option<String> {
    wanted.is_exploratory().then(|| {
        format!(
            "Exploratory: {} was chosen as the comparator by the link; the registered baseline is {}. No verdict is given on these differences; those that were registered keep theirs.",
            of.name(wanted.baseline(of)),
            of.name(&of.view.spec.baseline)
        )
    })
}

pub(super) fn seeds(of: &Material, wanted: &Wanted) -> Figure {
    let (_, name, title) = words::FINAL[wanted.metric];
    let mut arms = comparison::of_metric(of, wanted, wanted.metric).rows;
    wanted.table_sort().apply(&mut arms);
    let rows = arms
        .iter()
        .filter(|row| !wanted.hides(of, &row.arm))
        .map(|row| Row {
            key: row.arm.clone(),
            label: of.label(&row.arm),
            slot: of.slot(&row.arm),
            tint: wanted.colour.tint(of, &row.arm),
            fate: of.fate(&row.arm),
            estimate: row.value,
            seeds: row.seeds.iter().map(|(_, v)| *v).collect(),
            note: None,
            verdict: None,
            other: None,
        })
        .collect();
    let chart = Rows {
        title: format!("Test {title} of every seed"),
        x_title: format!("test {title}"),
        kind: Kind::of(name),
        differences: false,
        margin: None,
        rows,
    };
    Figure {
        caption: vec![format!(
            "Test {title} ({}): every seed, mean and 95 % interval.",
            of.basis()
        )],
        ..Figure::new(
            Name::Seeds,
            format!("Test {title} of every seed"),
            Chart::Rows(chart),
        )
    }
}
