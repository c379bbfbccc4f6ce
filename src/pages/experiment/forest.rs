//! Differences to the baseline, and the seeds' own values: one row an arm.

use super::figure::{Chart, Figure, Name};
use super::view::Wanted;
use super::{Material, comparison};
use crate::charts::{Row, Rows};
use crate::number::Kind;
use crate::pages::words;
use assay_core::stats;

pub(super) fn differences(of: &Material, wanted: &Wanted) -> Figure {
    let (_, name, title) = words::FINAL[wanted.metric];
    let comparison = comparison::of_metric(of, wanted.metric);
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
            label: of.label(&row.arm),
            slot: of.slot(&row.arm),
            fate: of.fate(&row.arm),
            estimate: row.difference,
            seeds: if row.is_baseline {
                vec![]
            } else {
                let pairs = stats::differences(&row.seeds, &baseline);
                pairs.iter().map(|d| d.1).collect()
            },
            note: if row.is_baseline {
                Some("baseline".into())
            } else {
                (row.difference.is_none() && row.value.is_some())
                    .then(|| "no seed in common yet".into())
            },
        })
        .collect();
    let chart = Rows {
        title: format!("Difference to the baseline in test {title}, with 95 % interval"),
        x_title: format!("difference in test {title}"),
        kind: Kind::of(name),
        differences: true,
        rows,
    };
    let caption = format!(
        "Difference to {} in test {title} with its 95 % interval, paired by seed ({}); small circles are single seeds.",
        of.name(&of.view.spec.baseline),
        of.basis()
    );
    Figure {
        caption: vec![caption],
        ..Figure::new(
            Name::Forest,
            format!("Difference to the baseline in test {title}"),
            Chart::Rows(chart),
        )
    }
}

pub(super) fn seeds(of: &Material, wanted: &Wanted) -> Figure {
    let (_, name, title) = words::FINAL[wanted.metric];
    let rows = comparison::of_metric(of, wanted.metric)
        .rows
        .iter()
        .filter(|row| !wanted.hides(of, &row.arm))
        .map(|row| Row {
            key: row.arm.clone(),
            label: of.label(&row.arm),
            slot: of.slot(&row.arm),
            fate: of.fate(&row.arm),
            estimate: row.value,
            seeds: row.seeds.iter().map(|(_, v)| *v).collect(),
            note: None,
        })
        .collect();
    let chart = Rows {
        title: format!("Test {title} of every seed"),
        x_title: format!("test {title}"),
        kind: Kind::of(name),
        differences: false,
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
