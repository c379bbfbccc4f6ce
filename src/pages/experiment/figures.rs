//! The charts of the experiment page, from the same numbers as its tables.

use super::{Material, comparison};
use crate::charts::{Bin, Curve, Curves, Drawn, Row, Rows, Scale, Seed, Shape, average, hold};
use crate::number::{self, Kind};
use crate::pages::words;
use assay_core::metric;
use assay_core::stats::{self, Estimate};
use assay_store::MilestonePoint;

/// A chart with what is said below it.
#[derive(Debug)]
pub(super) struct Picture {
    pub svg: String,
    pub note: Option<String>,
}

impl From<Drawn> for Picture {
    fn from(drawn: Drawn) -> Self {
        let n = drawn.left_out as i64;
        Self {
            svg: drawn.svg,
            note: (n > 0).then(|| {
                format!(
                    "{} not drawn: not a number, or off the axis.",
                    number::counted(n, "value")
                )
            }),
        }
    }
}

/// The curve over milestones, and its numbers.
#[derive(Debug)]
pub(super) struct Milestones {
    pub picture: Picture,
    pub title: String,
    /// What is drawn in place of what was asked for.
    pub instead: Option<&'static str>,
    /// Percentages of the budget, the table's columns.
    pub columns: Vec<u32>,
    pub rows: Vec<MilestoneRow>,
}

#[derive(Debug)]
pub(super) struct MilestoneRow {
    pub label: String,
    pub cells: Vec<String>,
}

pub(super) fn is_running(of: &Material, arm: &str) -> bool {
    of.runs
        .iter()
        .any(|run| run.arm.key == arm && words::is_open(run.state))
}

fn x_title(of: &Material) -> String {
    format!(
        "training {} charged, per seed",
        words::unit(of.view.spec.budget.unit)
    )
}

pub(super) fn milestones(of: &Material, chosen: usize) -> Milestones {
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
    let kind = Kind::of(name);
    let budget = of.view.spec.budget.amount;
    let mut columns = vec![0];
    columns.extend(&of.view.spec.evaluation.milestones);
    let mut edges: Vec<f64> = columns
        .iter()
        .map(|m| f64::from(*m) * budget / 100.0)
        .collect();
    // Nothing measured is left out, whatever its cost.
    edges.push(f64::MAX);
    let curves: Vec<Curve> = of
        .view
        .arms
        .iter()
        .enumerate()
        .filter(|(_, arm)| !of.is_decoder(&arm.key))
        .map(|(slot, arm)| {
            let mut seeds: Vec<Seed> = vec![];
            for p in of.milestones.iter().filter(|p| p.arm_key == arm.key) {
                let point = (p.x, pick(p));
                match seeds.iter_mut().find(|s| s.seed == p.seed) {
                    Some(seed) => seed.points.push(point),
                    None => seeds.push(Seed {
                        seed: p.seed,
                        points: vec![point],
                    }),
                }
            }
            Curve {
                key: arm.key.clone(),
                label: of.label(&arm.key),
                slot,
                bins: hold(&seeds, &edges),
                seeds,
                spends: arm.trains,
                running: is_running(of, &arm.key),
            }
        })
        .collect();
    let rows = curves
        .iter()
        .map(|curve| MilestoneRow {
            label: curve.label.clone(),
            cells: edges[..columns.len()]
                .iter()
                .map(|edge| cell(kind, &curve.bins, *edge))
                .collect(),
        })
        .collect();
    let drawn = Curves {
        title: format!(
            "Validation {title} against charged compute, mean over seeds with 95 % interval"
        ),
        x_title: x_title(of),
        y_title: format!("validation {title}"),
        kind,
        x_scale: Scale::Linear,
        shape: Shape::Steps,
        budget: Some(budget),
        curves,
    }
    .draw();
    Milestones {
        picture: drawn.into(),
        title: format!("Validation {title} against charged compute"),
        instead,
        columns,
        rows,
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

const MAX_BINS: usize = 300;

pub(super) fn training(of: &Material, chosen: usize) -> Picture {
    let name = words::TRAINING[chosen].1;
    let title = words::panel_title(name);
    let high = of
        .series
        .iter()
        .flat_map(|run| &run.points)
        .map(|p| p.x)
        .filter(|x| x.is_finite())
        .fold(0.0, f64::max);
    let longest = of
        .series
        .iter()
        .map(|run| run.points.len())
        .max()
        .unwrap_or(0);
    // Wide enough that a seed seldom has a bin without a point of its own.
    let bins = (longest / 2).clamp(1, MAX_BINS);
    let curves = of
        .view
        .arms
        .iter()
        .enumerate()
        .filter(|(_, arm)| arm.trains)
        .map(|(slot, arm)| {
            let seeds: Vec<Seed> = of
                .series
                .iter()
                .filter(|run| run.arm_key == arm.key && !run.points.is_empty())
                .map(|run| Seed {
                    seed: run.seed,
                    points: run.points.iter().map(|p| (p.x, p.mean)).collect(),
                })
                .collect();
            Curve {
                key: arm.key.clone(),
                label: of.label(&arm.key),
                slot,
                bins: average(&seeds, high, bins),
                seeds: vec![],
                spends: true,
                running: is_running(of, &arm.key),
            }
        })
        .collect();
    let not_finite = of
        .series
        .iter()
        .flat_map(|run| &run.points)
        .filter(|p| !p.mean.is_finite())
        .count();
    let mut drawn = Curves {
        title: format!("{title} in training, mean over seeds with 95 % interval"),
        x_title: x_title(of),
        y_title: title.to_lowercase(),
        kind: Kind::of(name),
        x_scale: Scale::Linear,
        shape: Shape::Joined,
        budget: Some(of.view.spec.budget.amount),
        curves,
    }
    .draw();
    drawn.left_out += not_finite;
    drawn.into()
}

pub(super) fn forest(of: &Material, chosen: usize) -> Picture {
    let comparison = comparison::of_metric(of, chosen);
    let baseline: Vec<(u64, f64)> = comparison
        .rows
        .iter()
        .find(|r| r.is_baseline)
        .map(|r| r.seeds.clone())
        .unwrap_or_default();
    let rows = comparison
        .rows
        .iter()
        .map(|row| Row {
            key: row.arm.clone(),
            label: of.label(&row.arm),
            slot: of.slot(&row.arm),
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
    Rows {
        title: format!(
            "Difference to the baseline in test {}, with 95 % interval",
            words::FINAL[chosen].2
        ),
        x_title: format!("difference in test {}", words::FINAL[chosen].2),
        kind: Kind::of(words::FINAL[chosen].1),
        differences: true,
        rows,
    }
    .draw()
    .into()
}

pub(super) fn seed_dots(of: &Material, chosen: usize) -> Picture {
    let rows = comparison::of_metric(of, chosen)
        .rows
        .iter()
        .map(|row| Row {
            key: row.arm.clone(),
            label: of.label(&row.arm),
            slot: of.slot(&row.arm),
            estimate: row.value,
            seeds: row.seeds.iter().map(|(_, v)| *v).collect(),
            note: None,
        })
        .collect();
    Rows {
        title: format!("Test {} of every seed", words::FINAL[chosen].2),
        x_title: format!("test {}", words::FINAL[chosen].2),
        kind: Kind::of(words::FINAL[chosen].1),
        differences: false,
        rows,
    }
    .draw()
    .into()
}
