//! Accuracy against cost: each arm's path through its milestones, and what nothing beats.

use super::Material;
use super::figure::{Chart, Every, Figure, Name, end, every};
use super::milestones::{arms, extent, marks, measured, points};
use super::view::Wanted;
use crate::charts::{Band, Curve, Curves, Marked, Scale, Seed, Shape, along, merge, pareto};
use crate::number;
use crate::pages::looks::SeedLines;
use assay_core::frontier::{Membership, membership};
use assay_core::metric;

/// Under so many seeds, draws of them know too few values to be more than a hint.
const FEW: usize = 10;
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
        let labels: Vec<&str> = curves.iter().map(|c| c.label.as_str()).collect();
        caption.extend(membership(&seeds).and_then(|of| said(&of, &labels)));
    }
    if let Some(instead) = measured.instead {
        caption.push(instead.into());
    }
    let every = lines(wanted.lines, &mut curves, &seeds);
    if wanted.lines == SeedLines::Mean {
        caption.extend(missed(&seeds));
    }
    let (first, last) = extent(&curves);
    let part = wanted.range(first, last);
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
        x_range: part,
        covers: every.reach(part),
        budget: wanted.budget_line(of, wanted.x),
        pareto: line,
        merged,
        curves,
        ..Curves::default()
    };
    Figure {
        caption,
        cost: wanted.zooms(wanted.x),
        every,
        ..Figure::new(Name::Frontier, title, Chart::Curves(chart))
    }
}

/// Every seed's own path, where it was asked for.
pub(in crate::pages) fn lines(
    asked: SeedLines,
    curves: &mut [Curve],
    seeds: &[Vec<Marked>],
) -> Every {
    if asked == SeedLines::Mean {
        return Every::Drawn;
    }
    let path = |s: &Marked| Seed {
        seed: s.seed,
        points: s
            .points
            .iter()
            // Without a price there is no place; all else is counted where it cannot be drawn.
            .filter(|p| !p.1.is_nan())
            .map(|p| (p.1, p.2))
            .collect(),
    };
    for (curve, own) in curves.iter_mut().zip(seeds) {
        curve.seeds = own.iter().map(path).collect();
    }
    let own = |c: &Curve| c.seeds.iter().map(|s| s.points.clone()).collect();
    let paths = curves.iter().map(own).collect();
    every(asked, curves, paths)
}

/// Milestones that no path has a place for, in a sentence.
pub(in crate::pages) fn missed(seeds: &[Vec<Marked>]) -> Option<String> {
    let points = seeds.iter().flatten().flat_map(|s| &s.points);
    let n = points.filter(|p| !p.1.is_nan() && !p.2.is_finite()).count();
    (n > 0).then(|| {
        let values = number::counted(n as i64, "value");
        format!("{values} not drawn: not a number.")
    })
}

pub(in crate::pages) fn corners(curves: &[Curve]) -> Vec<(f64, f64)> {
    let bins = curves.iter().flat_map(|c| &c.bins);
    pareto(&bins.map(|b| (b.x, b.mean)).collect::<Vec<_>>())
}

pub(in crate::pages) fn bars(of: Band) -> &'static str {
    match of {
        Band::Ci95 => "Bars are 95 % intervals, from 3 seeds on.",
        Band::MinMax => "Bars go from the smallest to the largest seed and are no intervals.",
        Band::None => "Without intervals.",
    }
}

/// Who is on the frontier is as uncertain as the means are: in how many draws of the seeds
/// each arm is.
pub(in crate::pages) fn said(of: &Membership, labels: &[&str]) -> Option<String> {
    let mut shares: Vec<(f64, &str)> = of
        .shares
        .iter()
        .copied()
        .zip(labels.iter().copied())
        .filter(|(share, _)| *share >= SELDOM)
        .collect();
    shares.sort_by(|a, b| b.0.total_cmp(&a.0));
    let arms: Vec<String> = shares
        .iter()
        .map(|(share, label)| format!("{label} in {}", number::percent(*share)))
        .collect();
    (!arms.is_empty()).then(|| {
        let rough = match of.n < FEW {
            true => format!(", rough at n = {}", of.n),
            false => String::new(),
        };
        format!(
            "On the frontier with the {} seeds resampled, {} draws{rough}: {}.",
            of.n,
            of.draws,
            arms.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_said_with_what_they_are_made_from_and_seldom_ones_are_not() {
        let of = |n, shares: &[f64]| Membership {
            n,
            draws: 400,
            shares: shares.to_vec(),
        };
        assert_eq!(
            said(
                &of(5, &[0.0, 0.7, 1.0, 0.04]),
                &["base", "good", "best", "bad"]
            )
            .unwrap(),
            "On the frontier with the 5 seeds resampled, 400 draws, rough at n = 5: best in 100 %, good in 70 %."
        );
        let many = said(&of(10, &[1.0]), &["one"]).unwrap();
        assert!(
            !many.contains("rough") && many.contains("10 seeds"),
            "{many}"
        );
        assert_eq!(said(&of(5, &[0.0]), &["none"]), None);
    }
}
