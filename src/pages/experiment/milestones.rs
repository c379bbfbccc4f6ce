//! The curve over milestones, and its numbers.

use super::Material;
use super::at_budget::AtBudget;
use super::figure::{Chart, Figure, Name, end, every};
use super::published;
use super::view::Wanted;
use crate::charts::{Band, Bin, Curve, Curves, Marked, Scale, Seed, Shape, along, hold, merge};
use crate::number::{self, Kind};
use crate::pages::words;
use assay_core::metric;
use assay_core::stats::Estimate;
use assay_store::{ArmView, MilestonePoint};

/// What the validation split has of a figure of the final evaluation.
pub(in crate::pages) struct Measured {
    pub name: &'static str,
    pub kind: Kind,
    pub pick: fn(&MilestonePoint) -> f64,
    pub title: &'static str,
    /// What is drawn in place of what was asked for.
    pub instead: Option<&'static str>,
}

pub(in crate::pages) fn measured(chosen: usize) -> Measured {
    let (name, pick, title, instead): (_, fn(&MilestonePoint) -> f64, _, _) =
        match words::FINAL[chosen].1 {
            metric::LENGTH => (
                metric::LENGTH,
                |p| p.mean_length,
                "completion length, tokens",
                None,
            ),
            metric::TRUNCATED => (
                metric::TRUNCATED,
                |p| p.truncated_share,
                "truncated share",
                None,
            ),
            metric::MAJ_AT_K => (
                metric::PASS_AT_1,
                |p| p.pass_at_1,
                "pass@1",
                Some("maj@k is measured only at the end; the curve shows pass@1."),
            ),
            _ => (metric::PASS_AT_1, |p| p.pass_at_1, "pass@1", None),
        };
    Measured {
        name,
        kind: Kind::of(name),
        pick,
        title,
        instead,
    }
}

/// Percentages of the budget at which something is measured, the start among them.
pub(super) fn marks(of: &Material) -> Vec<u32> {
    let mut marks = vec![0];
    marks.extend(&of.view.spec.evaluation.milestones);
    marks
}

/// One arm's points, seed by seed: mark, cost, value.
pub(super) fn points(
    of: &Material,
    arm: &str,
    cost: impl Fn(&MilestonePoint) -> f64,
    value: fn(&MilestonePoint) -> f64,
) -> Vec<Marked> {
    let mut seeds: Vec<Marked> = vec![];
    for p in of.milestones.iter().filter(|p| p.arm_key == arm) {
        let point = (f64::from(p.milestone), cost(p), value(p));
        match seeds.iter_mut().find(|s| s.seed == p.seed) {
            Some(seed) => seed.points.push(point),
            None => seeds.push(Marked {
                seed: p.seed,
                points: vec![point],
            }),
        }
    }
    seeds
}

/// Arms that stand in the figures of equal compute, with their places in the file.
pub(super) fn arms<'a>(of: &'a Material, wanted: &Wanted) -> Vec<(usize, &'a ArmView)> {
    let arms = of.view.arms.iter().enumerate();
    arms.filter(|(_, arm)| !of.is_decoder(&arm.key) && !wanted.hides(of, &arm.key))
        .collect()
}

/// Whether the axis counts what the budget does.
fn in_budget(of: &Material, wanted: &Wanted) -> bool {
    wanted.x == of.view.spec.budget.unit.into()
}

/// Where bins end: shares of the budget on its own axis, else the marks themselves.
fn edges(of: &Material, wanted: &Wanted) -> Vec<f64> {
    let budget = of.view.spec.budget.amount;
    let share = |m: u32| match in_budget(of, wanted) {
        true => f64::from(m) * budget / 100.0,
        false => f64::from(m),
    };
    marks(of).into_iter().map(share).collect()
}

fn curve(of: &Material, wanted: &Wanted, slot: usize, arm: &ArmView) -> Curve {
    let measured = measured(wanted.metric);
    let marked = if in_budget(of, wanted) {
        points(of, &arm.key, |p| p.x, measured.pick)
    } else {
        points(of, &arm.key, |p| of.cost(wanted.x, p), measured.pick)
    };
    let seeds: Vec<Seed> = marked
        .iter()
        .map(|s| Seed {
            seed: s.seed,
            points: s.points.iter().map(|p| (p.1, p.2)).collect(),
        })
        .collect();
    let mut edges = edges(of, wanted);
    let bins = if in_budget(of, wanted) {
        // Nothing measured is left out, whatever its cost.
        edges.push(f64::MAX);
        hold(&seeds, &edges)
    } else {
        along(&marked, &edges)
    };
    Curve {
        key: arm.key.clone(),
        label: of.label(&arm.key),
        slot,
        tint: wanted.colour.tint(of, &arm.key),
        fate: of.fate(&arm.key),
        end: end(of, &arm.key),
        bins,
        seeds,
        spends: arm.trains,
        behind: vec![],
        until: None,
    }
}

pub(super) fn figure(of: &Material, wanted: &Wanted) -> Figure {
    let measured = measured(wanted.metric);
    let mut curves: Vec<Curve> = arms(of, wanted)
        .into_iter()
        .map(|(slot, arm)| curve(of, wanted, slot, arm))
        .collect();
    let own = |c: &Curve| c.seeds.iter().map(|s| s.points.clone()).collect();
    let lines = curves.iter().map(own).collect();
    let every = every(wanted.lines, &mut curves, lines);
    let title = format!("Validation {} against charged compute", measured.title);
    let mut caption = vec![format!("{title} ({}).", of.basis())];
    caption.push(said(wanted.band).into());
    caption.push(
        "A value holds until the next milestone, nothing is interpolated; dotted where not every seed has got so far."
            .into(),
    );
    if !in_budget(of, wanted) {
        caption.push(
            "Each milestone stands at its mean cost over seeds; the budget is counted in another unit."
                .into(),
        );
    }
    caption.extend(measured.instead.map(String::from));
    let at = wanted.budget.map(|budget| {
        let all = of.view.arms.iter().enumerate();
        let own = all.filter(|(_, arm)| !of.is_decoder(&arm.key));
        let seeds = own.map(|(slot, arm)| (arm, curve(of, wanted, slot, arm).seeds));
        let base = wanted.baseline(of);
        let at = AtBudget::new(of, wanted.x, budget, measured.kind, seeds);
        at.compared_with(base, of.name(base), |_| true)
    });
    let (first, last) = extent(&curves);
    let part = wanted.range(first, last);
    let (curves, merged) = merge(curves, wanted.baseline(of));
    let chart = Curves {
        title: format!("{title}, mean over seeds with {}", band(wanted.band)),
        x_title: wanted.x.title().into(),
        y_title: format!("validation {}", measured.title),
        kind: measured.kind,
        x_scale: wanted.x_scale.unwrap_or(Scale::Linear),
        y_scale: wanted.y_scale,
        shape: Shape::Steps,
        band: wanted.band,
        x_range: part,
        covers: every.reach(part),
        budget: wanted.budget_line(of, wanted.x),
        merged,
        published: match measured.name {
            metric::PASS_AT_1 => published::of_task(&of.view.spec.task, None),
            _ => vec![],
        },
        curves,
        ..Curves::default()
    };
    Figure {
        caption,
        cost: wanted.zooms(wanted.x),
        every,
        at,
        ..Figure::new(Name::Milestones, title, Chart::Curves(chart))
    }
}

/// Smallest positive and largest place of the bins.
pub(in crate::pages) fn extent(curves: &[Curve]) -> (f64, f64) {
    let xs = curves.iter().flat_map(|c| &c.bins).map(|b| b.x);
    let positive = xs.filter(|x| *x > 0.0 && x.is_finite());
    positive.fold((f64::INFINITY, 0.0), |(l, h), x| (l.min(x), h.max(x)))
}

/// What is shaded, for titles.
pub(in crate::pages) fn band(of: Band) -> &'static str {
    match of {
        Band::Ci95 => "95 % interval",
        Band::MinMax => "smallest and largest seed",
        Band::None => "no band",
    }
}

/// The same in a caption.
pub(in crate::pages) fn said(of: Band) -> &'static str {
    match of {
        Band::Ci95 => {
            "Mean over seeds; the band is its 95 % interval, from 3 seeds on; with fewer, every seed is a dot."
        }
        Band::MinMax => {
            "Mean over seeds; the band goes from the smallest to the largest seed and is no interval."
        }
        Band::None => "Mean over seeds, without an interval.",
    }
}

/// The numbers of the curve. Every arm has its row, whatever the figure shows.
#[derive(Debug)]
pub(super) struct Table {
    /// Percentages of the budget.
    pub columns: Vec<u32>,
    pub rows: Vec<TableRow>,
}

#[derive(Debug)]
pub(super) struct TableRow {
    pub label: String,
    pub cells: Vec<String>,
}

pub(super) fn table(of: &Material, wanted: &Wanted) -> Table {
    let kind = measured(wanted.metric).kind;
    let edges = edges(of, wanted);
    let all = of.view.arms.iter().enumerate();
    let trained = all.filter(|(_, arm)| !of.is_decoder(&arm.key));
    let rows = trained.map(|(slot, arm)| {
        let curve = curve(of, wanted, slot, arm);
        TableRow {
            cells: edges.iter().map(|e| cell(kind, &curve.bins, *e)).collect(),
            label: curve.label,
        }
    });
    Table {
        columns: marks(of),
        rows: rows.collect(),
    }
}

fn cell(kind: Kind, bins: &[Bin], edge: f64) -> String {
    let Some(bin) = bins.iter().find(|b| b.edge == edge) else {
        return number::NONE.into();
    };
    let estimate = Estimate {
        n: bin.n,
        mean: bin.mean,
        interval: bin.interval,
    };
    match bin.interval {
        Some(_) => format!("{}, n = {}", number::estimate(kind, &estimate), bin.n),
        None => format!("{}, n = {}", number::value(kind, bin.mean), bin.n),
    }
}
