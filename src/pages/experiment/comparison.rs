//! The table of the comparison.

use super::Material;
use super::supervision::{self, Supervision};
use super::view::Wanted;
use super::why;
use super::{ruled, settings, standing};
use crate::number::{self, Kind};
use crate::pages::words;
use assay_core::compare::{Comparison, Row, compare};
use assay_core::ids::RunId;
use assay_core::metric;
use assay_core::outcome::Mark;
use assay_core::stats::{self, Estimate};
use assay_store::{ArmView, RunState};

/// One arm, every cell as it is shown.
#[derive(Debug)]
pub(super) struct ArmRow {
    pub key: String,
    pub label: String,
    pub class: String,
    /// How its runs stand.
    pub status: String,
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
    /// What the registered rule calls it, and by what, where that is another difference.
    pub mark: Option<String>,
    pub unsuccessful: bool,
    /// How hard it was tried, where that is stated.
    pub tried: Option<String>,
    /// Of the registered contrast that the difference is of; else empty.
    pub p: String,
    /// The same, or what else was registered of the arm.
    pub verdict: String,
    /// Charged, mean over its runs; empty where no price was entered.
    pub dollars: String,
    /// Why it did not work, or what accidents it had.
    pub why: String,
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

/// Trained arms in the order of the table.
pub(super) fn ordered<'a>(of: &'a Material, wanted: &Wanted) -> Vec<&'a ArmView> {
    let mut rows = of_metric(of, wanted, wanted.metric).rows;
    wanted.table_sort().apply(&mut rows);
    let place = |arm: &ArmView| rows.iter().position(|row| row.arm == arm.key);
    let arms = of.view.arms.iter().filter(|arm| !of.is_decoder(&arm.key));
    let mut arms: Vec<&ArmView> = arms.collect();
    arms.sort_by_key(|arm| place(arm).unwrap_or(rows.len()));
    arms
}

/// Marks belong to the registered comparison: without it there are none.
pub(super) fn rows(of: &Material, wanted: &Wanted) -> Vec<ArmRow> {
    let chosen = wanted.metric;
    let name = words::FINAL[chosen].1;
    let kind = Kind::of(name);
    let mut first = of_metric(of, wanted, chosen);
    wanted.table_sort().apply(&mut first.rows);
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
            let n = row.value.map_or(0, |v| v.n);
            let difference = |row: Option<&Row>, kind| {
                row.filter(|r| !r.is_baseline)
                    .map(|r| paired(kind, r.difference.as_ref(), n))
            };
            ArmRow {
                key: row.arm.clone(),
                label: row.label.clone(),
                class: wanted.colour.class(of, &row.arm),
                status: standing::status(of, &row.arm),
                is_baseline: row.is_baseline,
                n,
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
                mark: ruled::mark(of, wanted, &row.arm),
                unsuccessful: of.mark(&row.arm) == Some(Mark::Unsuccessful)
                    && !wanted.is_exploratory(),
                tried: settings::of_arm(of, &row.arm),
                p: ruled::contrast(of, wanted, &row.arm)
                    .and_then(|c| c.p_holm)
                    .map_or(String::new(), number::p_value),
                verdict: ruled::verdict(of, wanted, &row.arm),
                dollars: match dollars(of, &row.arm) {
                    Some(mean) => number::dollars(mean),
                    None if is_priced(of) => "not priced".into(),
                    None => String::new(),
                },
                why: match wanted.is_exploratory() {
                    true => standing::crashed(of, &row.arm).unwrap_or_default(),
                    false => why::beside(of, &row.arm, name),
                },
            }
        })
        .collect()
}

/// Whether any work of the experiment has a price.
pub(super) fn is_priced(of: &Material) -> bool {
    !of.dollars.prices().is_empty()
}

/// What the arm was charged, mean over the runs that count; nothing where some of their work
/// has no price.
pub(super) fn dollars(of: &Material, arm: &str) -> Option<f64> {
    if !is_priced(of) {
        return None;
    }
    let is_out = |run: RunId| {
        of.exclusions
            .iter()
            .any(|e| e.run == run && e.is_in_force())
    };
    let own = of.runs.iter().filter(|run| run.arm.key == arm);
    let counted = own.filter(|run| run.state == RunState::Succeeded && !is_out(run.id));
    let each: Option<Vec<f64>> = counted
        .map(|run| {
            let attempts = of.dollars.runs.get(&run.id);
            let device_ms = attempts.map_or(0.0, |all| all.iter().map(|a| a.device_ms).sum());
            of.dollars.at(run.id, device_ms)
        })
        .collect();
    each.filter(|all| !all.is_empty())
        .map(|all| stats::mean(&all))
}

/// A difference beside a value over `n` seeds: one of another number of pairs says of how many.
pub(super) fn paired(kind: Kind, of: Option<&Estimate>, n: usize) -> Cell {
    let mut cell = cell(kind, of, true);
    // Without an interval the number stands in its place.
    if let Some(e) = of.filter(|e| e.interval.is_some() && e.n != n) {
        cell.interval += &format!(", n = {}", e.n);
    }
    cell
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
