//! Accuracy against cost: each arm's path through its milestones, and what nothing beats.

use super::Material;
use super::figure::{Chart, Figure, Name, end};
use super::milestones::{arms, extent, marks, measured, points, said};
use super::view::{Cost, Wanted};
use crate::charts::{Curve, Curves, Marked, Scale, Shape, along, merge, pareto};
use crate::number;
use assay_core::metric;
use assay_core::rng::Uniform;
use assay_core::stats::MIN_SEEDS_INTERVAL;

/// Draws of seeds for the share of resamples.
const RESAMPLES: u32 = 400;
/// An arm in fewer resamples than this is not worth a word.
const SELDOM: f64 = 0.05;

pub(super) fn figure(of: &Material, wanted: &Wanted) -> Figure {
    let measured = measured(wanted.metric);
    let marks: Vec<f64> = marks(of).into_iter().map(f64::from).collect();
    let mut seeds: Vec<Vec<Marked>> = vec![];
    let mut curves: Vec<Curve> = vec![];
    for (slot, arm) in arms(of, wanted) {
        let own = points(of, &arm.key, |p| wanted.x.of(p), measured.pick);
        curves.push(Curve {
            key: arm.key.clone(),
            label: of.label(&arm.key),
            slot,
            fate: of.fate(&arm.key),
            end: end(of, &arm.key),
            bins: along(&own, &marks),
            spends: arm.trains,
            ..Curve::default()
        });
        seeds.push(own);
    }
    let title = format!("Validation {} against cost", measured.title);
    // Only of shares of right answers is more the better.
    let aim = measured.name == metric::PASS_AT_1;
    let mut caption = vec![
        format!(
            "{title}: each arm's path through its milestones, at mean cost and mean value over seeds."
        ),
        said(wanted.band).replace("the band is its", "the bar is its"),
    ];
    let line = if aim { corners(&curves) } else { vec![] };
    if aim {
        caption.push(
            "The stepped line is the frontier: at no cost on it has any arm drawn here a higher mean."
                .into(),
        );
        caption.extend(membership(&curves, &seeds));
    }
    if let Some(instead) = measured.instead {
        caption.push(instead.into());
    }
    let unit: Cost = of.view.spec.budget.unit.into();
    let (first, last) = extent(&curves);
    let (curves, merged) = merge(curves, &of.view.spec.baseline);
    let chart = Curves {
        title: title.clone(),
        x_title: wanted.x.title().into(),
        y_title: format!("validation {}", measured.title),
        kind: measured.kind,
        x_scale: wanted.x_scale.unwrap_or(Scale::Log),
        y_scale: wanted.y_scale,
        shape: Shape::Path,
        band: wanted.band,
        x_range: wanted.range(first, last),
        budget: (unit == wanted.x).then_some(of.view.spec.budget.amount),
        pareto: line,
        merged,
        curves,
    };
    Figure {
        caption,
        cost: Some(wanted.x),
        ..Figure::new(Name::Frontier, title, Chart::Curves(chart))
    }
}

fn corners(curves: &[Curve]) -> Vec<(f64, f64)> {
    let bins = curves.iter().flat_map(|c| &c.bins);
    pareto(&bins.map(|b| (b.x, b.mean)).collect::<Vec<_>>())
}

/// Who is on the frontier is as uncertain as the means are: in how many draws of the seeds
/// with replacement, the same for all arms, some milestone of an arm is on it.
fn membership(curves: &[Curve], seeds: &[Vec<Marked>]) -> Option<String> {
    let mut ids: Vec<u64> = seeds.iter().flatten().map(|s| s.seed).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() < MIN_SEEDS_INTERVAL {
        return None;
    }
    let numbers = Uniform::new(0, "frontier");
    let mut on = vec![0_u32; curves.len()];
    for draw in 0..RESAMPLES {
        let pick = |i: usize| {
            let at = numbers.at(draw, i as u32, 0, 0) * ids.len() as f32;
            ids[(at as usize).min(ids.len() - 1)]
        };
        let drawn: Vec<u64> = (0..ids.len()).map(pick).collect();
        let means: Vec<Vec<(f64, f64)>> = seeds.iter().map(|own| resampled(own, &drawn)).collect();
        let line = pareto(&means.concat());
        for (count, own) in on.iter_mut().zip(&means) {
            *count += u32::from(own.iter().any(|p| line.contains(p)));
        }
    }
    let mut shares: Vec<(f64, &str)> = curves
        .iter()
        .zip(&on)
        .map(|(c, n)| (f64::from(*n) / f64::from(RESAMPLES), c.label.as_str()))
        .filter(|(share, _)| *share >= SELDOM)
        .collect();
    shares.sort_by(|a, b| b.0.total_cmp(&a.0));
    let said: Vec<String> = shares
        .iter()
        .map(|(share, label)| format!("{label} in {}", number::percent(*share)))
        .collect();
    (!said.is_empty()).then(|| {
        format!(
            "On the frontier in resamples of the {} seeds: {}.",
            ids.len(),
            said.join(", ")
        )
    })
}

/// Mean cost and value at each mark over the drawn seeds that have got there.
fn resampled(own: &[Marked], drawn: &[u64]) -> Vec<(f64, f64)> {
    let mut sums: Vec<(f64, f64, f64, f64)> = vec![];
    for seed in drawn {
        let points = own.iter().filter(|s| s.seed == *seed);
        for &(mark, x, y) in points.flat_map(|s| &s.points) {
            if !x.is_finite() || !y.is_finite() {
                continue;
            }
            match sums.iter_mut().find(|s| s.0 == mark) {
                Some(sum) => *sum = (mark, sum.1 + x, sum.2 + y, sum.3 + 1.0),
                None => sums.push((mark, x, y, 1.0)),
            }
        }
    }
    sums.into_iter()
        .map(|(_, x, y, n)| (x / n, y / n))
        .collect()
}
