//! Accuracy against cost: each arm's path through its milestones, and what nothing beats.

use super::Material;
use super::figure::{Chart, Figure, Name, end};
use super::milestones::{arms, extent, marks, measured, points};
use super::view::Wanted;
use crate::charts::{Band, Curve, Curves, Marked, Scale, Shape, along, merge, pareto};
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
        let own = points(of, &arm.key, |p| of.cost(wanted.x, p), measured.pick);
        curves.push(Curve {
            key: arm.key.clone(),
            label: of.label(&arm.key),
            slot,
            tint: wanted.colour.tint(of, &arm.key),
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
        bars(wanted.band).into(),
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
    let (first, last) = extent(&curves);
    let (curves, merged) = merge(curves, wanted.baseline(of));
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
        budget: wanted.budget_line(of, wanted.x),
        pareto: line,
        merged,
        curves,
        ..Curves::default()
    };
    Figure {
        caption,
        cost: wanted.zooms(wanted.x),
        ..Figure::new(Name::Frontier, title, Chart::Curves(chart))
    }
}

fn corners(curves: &[Curve]) -> Vec<(f64, f64)> {
    let bins = curves.iter().flat_map(|c| &c.bins);
    pareto(&bins.map(|b| (b.x, b.mean)).collect::<Vec<_>>())
}

fn bars(of: Band) -> &'static str {
    match of {
        Band::Ci95 => "Bars are 95 % intervals, from 3 seeds on.",
        Band::MinMax => "Bars go from the smallest to the largest seed and are no intervals.",
        Band::None => "Without intervals.",
    }
}

/// Who is on the frontier is as uncertain as the means are: in how many draws of the seeds
/// with replacement, the same for all arms, some milestone of an arm is on it. What costs
/// nothing is where all of them begin, and counts for none.
fn membership(curves: &[Curve], seeds: &[Vec<Marked>]) -> Option<String> {
    let mut ids: Vec<u64> = seeds.iter().flatten().map(|s| s.seed).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() < MIN_SEEDS_INTERVAL {
        return None;
    }
    let own: Vec<Vec<BySeed>> = seeds.iter().map(|own| by_mark(own, &ids)).collect();
    let numbers = Uniform::new(0, "frontier");
    let mut on = vec![0_u32; curves.len()];
    for draw in 0..RESAMPLES {
        let pick = |i: usize| {
            let at = numbers.at(draw, i as u32, 0, 0) * ids.len() as f32;
            (at as usize).min(ids.len() - 1)
        };
        let drawn: Vec<usize> = (0..ids.len()).map(pick).collect();
        let mean = |at: &BySeed| {
            let got = drawn.iter().filter_map(|i| at[*i]);
            let sum = got.fold((0.0, 0.0, 0.0), |s, p| (s.0 + p.0, s.1 + p.1, s.2 + 1.0));
            (sum.2 > 0.0).then(|| (sum.0 / sum.2, sum.1 / sum.2))
        };
        let means: Vec<Vec<(f64, f64)>> = own
            .iter()
            .map(|marks| marks.iter().filter_map(mean).collect())
            .collect();
        let line = pareto(&means.concat());
        for (count, own) in on.iter_mut().zip(&means) {
            *count += u32::from(own.iter().any(|p| p.0 > 0.0 && line.contains(p)));
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

/// Cost and value at one mark, a place a seed.
type BySeed = Vec<Option<(f64, f64)>>;

fn by_mark(own: &[Marked], ids: &[u64]) -> Vec<BySeed> {
    let mut marks: Vec<f64> = own.iter().flat_map(|s| &s.points).map(|p| p.0).collect();
    marks.sort_by(f64::total_cmp);
    marks.dedup();
    let at = |mark: f64, id: u64| {
        let points = own.iter().filter(|s| s.seed == id).flat_map(|s| &s.points);
        let mut found = points.filter(|p| p.0 == mark && p.1.is_finite() && p.2.is_finite());
        found.next_back().map(|p| (p.1, p.2))
    };
    marks
        .iter()
        .map(|mark| ids.iter().map(|id| at(*mark, *id)).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm(key: &str, spends: bool, points: &[(f64, f64, f64)]) -> (Curve, Vec<Marked>) {
        let seeds = (0..3)
            .map(|seed| Marked {
                seed,
                points: points.to_vec(),
            })
            .collect();
        let curve = Curve {
            key: key.into(),
            label: key.into(),
            spends,
            ..Curve::default()
        };
        (curve, seeds)
    }

    #[test]
    fn an_arm_is_on_the_frontier_by_what_it_bought_not_by_where_it_began() {
        let arms = [
            arm("base", false, &[(0.0, 0.0, 0.3)]),
            arm("good", true, &[(0.0, 0.0, 0.3), (100.0, 5.0, 0.8)]),
            arm("bad", true, &[(0.0, 0.0, 0.3), (100.0, 5.0, 0.4)]),
            arm("cheap", true, &[(0.0, 0.0, 0.3), (100.0, 2.0, 0.5)]),
        ];
        let (curves, seeds): (Vec<_>, Vec<_>) = arms.into_iter().unzip();
        assert_eq!(
            membership(&curves, &seeds).unwrap(),
            "On the frontier in resamples of the 3 seeds: good in 100 %, cheap in 100 %."
        );
        let two: Vec<Vec<Marked>> = seeds.iter().map(|own| own[..2].to_vec()).collect();
        assert_eq!(membership(&curves, &two), None);
    }
}
