//! The table of the comparison.

use super::Material;
use super::supervision::{self, Supervision};
use super::view::Wanted;
use crate::number::{self, Kind};
use crate::pages::words;
use assay_core::compare::{Comparison, Row, compare};
use assay_core::metric;
use assay_core::stats::Estimate;

/// One arm, every cell as it is shown.
#[derive(Debug)]
pub(super) struct ArmRow {
    pub key: String,
    pub label: String,
    pub class: String,
    pub is_baseline: bool,
    pub n: usize,
    pub planned: usize,
    /// Finished or not, left out with a reason.
    pub excluded: usize,
    pub value: Cell,
    pub difference: Option<Cell>,
    pub second: Cell,
    pub second_difference: Option<Cell>,
    pub ood: Cell,
    pub charged: String,
    pub reached: String,
    pub supervision: Supervision,
    /// What the registered rule calls it.
    pub mark: Option<String>,
    /// How hard it was tried, where that is stated.
    pub tried: Option<String>,
}

/// A mean, and below it its interval or why there is none.
#[derive(Debug)]
pub(super) struct Cell {
    pub mean: String,
    pub interval: String,
}

/// The figure shown beside the chosen one: length, or beside length pass@1.
pub(super) fn second(chosen: usize) -> usize {
    let length = words::FINAL
        .iter()
        .position(|f| f.1 == metric::LENGTH)
        .unwrap_or(0);
    if chosen == length { 0 } else { length }
}

pub(super) fn of_metric(of: &Material, wanted: &Wanted, index: usize) -> Comparison {
    compare(
        &of.view.spec.budget,
        wanted.baseline(of),
        words::FINAL[index].1,
        &of.test,
    )
}

/// Marks belong to the registered comparison: without it there are none.
pub(super) fn rows(of: &Material, wanted: &Wanted) -> Vec<ArmRow> {
    let chosen = wanted.metric;
    let name = words::FINAL[chosen].1;
    let kind = Kind::of(name);
    let first = of_metric(of, wanted, chosen);
    let beside = second(chosen);
    let second_kind = Kind::of(words::FINAL[beside].1);
    let second = of_metric(of, wanted, beside);
    let spec = &of.view.spec;
    let ood = compare(&spec.budget, wanted.baseline(of), name, &of.ood);
    let find = |c: &Comparison, arm: &str| c.rows.iter().find(|r| r.arm == arm).cloned();
    first
        .rows
        .iter()
        .map(|row| {
            let beside = find(&second, &row.arm);
            let far = find(&ood, &row.arm);
            let difference = |row: Option<&Row>, kind| {
                row.filter(|r| !r.is_baseline)
                    .map(|r| cell(kind, r.difference.as_ref(), true))
            };
            ArmRow {
                key: row.arm.clone(),
                label: row.label.clone(),
                class: wanted.colour.class(of, &row.arm),
                is_baseline: row.is_baseline,
                n: row.value.map_or(0, |v| v.n),
                planned: row.planned_seeds,
                excluded: of.denominator_of(&row.arm).excluded,
                value: cell(kind, row.value.as_ref(), false),
                difference: difference(Some(row), kind),
                second: cell(
                    second_kind,
                    beside.as_ref().and_then(|r| r.value.as_ref()),
                    false,
                ),
                second_difference: difference(beside.as_ref(), second_kind),
                ood: cell(kind, far.as_ref().and_then(|r| r.value.as_ref()), false),
                charged: row
                    .charged_mean
                    .map_or(number::NONE.into(), number::prefixed),
                reached: words::reached(row.reached),
                supervision: supervision::of_arm(of, &row.arm),
                mark: of
                    .mark(&row.arm)
                    .filter(|_| !wanted.is_exploratory())
                    .map(|m| m.to_string()),
                tried: spec
                    .arm(&row.arm)
                    .and_then(|arm| arm.settings_tried)
                    .map(|n| format!("{} tried", number::counted(i64::from(n), "setting"))),
            }
        })
        .collect()
}

pub(super) fn cell(kind: Kind, of: Option<&Estimate>, signed: bool) -> Cell {
    let Some(e) = of else {
        return Cell {
            mean: number::NONE.into(),
            interval: String::new(),
        };
    };
    let mean = if signed {
        number::signed(kind, e.mean)
    } else {
        number::value(kind, e.mean)
    };
    let interval = match &e.interval {
        Some(i) if signed => number::signed_interval(kind, i),
        Some(i) => number::interval(kind, i),
        None => number::no_interval(e.n),
    };
    Cell { mean, interval }
}
