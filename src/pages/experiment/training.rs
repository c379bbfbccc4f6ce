//! One metric of training, over all the runs.

use super::Material;
use super::at_budget::AtBudget;
use super::axis::Places;
use super::figure::{Chart, Every, Figure, Line, Name, end, every};
use super::milestones::band;
use super::view::Wanted;
use crate::charts::{
    Band, Bin, Curve, Curves, Scale, Seed, Shape, average, ema_of_means, enclose, merge,
};
use crate::number::{self, Kind};
use crate::pages::words;
use assay_core::stats::Interval;
use assay_store::{RunPoint, RunSeries};

const MAX_BINS: usize = 300;
/// Points of a run that are too few for two in a bin.
const FEW: usize = 16;
/// Points of single seeds' lines, all arms together, so that a picture stays small.
pub(in crate::pages) const MAX_POINTS: usize = 8_000;

/// What the curves are drawn from.
struct Read<'a> {
    /// As far as anything has got.
    high: f64,
    /// The part of the axis that was asked for.
    part: Option<(f64, f64)>,
    range: (f64, f64),
    series: &'a [RunSeries],
}

fn read<'a>(of: &'a Material, wanted: &Wanted) -> Read<'a> {
    let points = of.series.iter().flat_map(|run| &run.points);
    let xs = points.map(|p| p.x).filter(|x| x.is_finite());
    let high = xs.fold(0.0, f64::max);
    // Links speak of the axis that the page's other curves have, or of steps.
    let part = match of.places {
        Places::Steps => wanted.steps(0.0, high),
        Places::Cost if wanted.x == of.along => wanted.range(0.0, high),
        Places::Cost => None,
    };
    Read {
        high,
        part,
        range: part.unwrap_or((0.0, high)),
        // Of a part, what was read of it.
        series: part.and(of.zoomed.as_deref()).unwrap_or(&of.series),
    }
}

pub(super) fn figure(of: &Material, wanted: &Wanted) -> Figure {
    let name = wanted.curve_metric();
    let title = words::panel_title(name);
    let axis = of.along;
    let points = of.series.iter().flat_map(|run| &run.points);
    let not_finite = points.filter(|p| !p.mean.is_finite()).count();
    let Read {
        high,
        part,
        range,
        series,
    } = read(of, wanted);
    let bins = bins(series, range);
    let raw: Vec<Vec<Seed>> = shown(of, wanted)
        .map(|(_, key)| seeds_of(of_arm(series, key)))
        .collect();
    let smooth: Vec<Vec<Seed>> = shown(of, wanted)
        .map(|(_, key)| smoothed(of_arm(series, key), wanted.smooth))
        .collect();
    let mut curves: Vec<Curve> = shown(of, wanted)
        .zip(&smooth)
        .map(|((slot, key), own)| {
            let mut bins = average(own, range, bins);
            enclose_alone(&mut bins, of_arm(series, key), range.0);
            Curve {
                key: key.into(),
                label: of.label(key),
                slot,
                tint: wanted.colour.tint(of, key),
                fate: of.fate(key),
                end: end(of, key),
                bins,
                spends: true,
                until: reach(of_arm(&of.series, key)),
                ..Curve::default()
            }
        })
        .collect();
    let lines = smooth.iter().map(Vec::len).sum::<usize>().max(1);
    let few = bins.min(MAX_POINTS / lines).max(2);
    let of_seed = |s: &Seed| line(std::slice::from_ref(s), range, few);
    let own = smooth.iter().map(|own| own.iter().map(of_seed).collect());
    let every = every(wanted.lines, &mut curves, own.collect());
    let mut caption = vec![format!(
        "{title} in training: each seed is averaged in bins of {}, then mean and {} are taken over seeds.",
        match of.places {
            Places::Cost => "compute",
            Places::Steps => "steps",
        },
        match wanted.band {
            Band::Ci95 => "95 % interval",
            Band::MinMax => "smallest and largest seed",
            Band::None => "nothing else",
        }
    )];
    if of.places == Places::Steps {
        caption.push(
            "By step, those of the arm's stages one after another. A step of one recipe costs more than one of another: at equal steps nothing is compared at equal compute."
                .into(),
        );
    }
    if wanted.smooth > 0.0 {
        for (curve, own) in curves.iter_mut().zip(&raw) {
            curve.behind.push(line(own, range, bins));
        }
        caption.push(format!(
            "Smoothed: EMA {} a training step, debiased, of each seed before the mean is taken; thin behind it, the mean as measured.",
            wanted.smooth
        ));
    }
    if not_finite > 0 {
        let n = number::counted(not_finite as i64, "value");
        caption.push(format!("{n} not drawn: not a number."));
    }
    let counts = of.places == Places::Cost && wanted.x == axis;
    let at = wanted.budget.filter(|_| counts).map(|budget| {
        let own = of.view.arms.iter().filter(|arm| arm.trains);
        let measured = own.map(|arm| (arm, seeds(of, &arm.key)));
        AtBudget::new(of, axis, budget, Kind::of(name), measured)
    });
    let (curves, merged) = merge(curves, wanted.baseline(of));
    let log = matches!(wanted.x_scale, Some(Scale::Log | Scale::Doubling));
    let chart = Curves {
        title: format!(
            "{title} in training, mean over seeds with {}",
            band(wanted.band)
        ),
        x_title: match of.places {
            Places::Cost => axis.title().into(),
            Places::Steps => Places::STEPS_TITLE.into(),
        },
        y_title: title.to_lowercase(),
        kind: Kind::of(name),
        x_scale: if log { Scale::Log } else { Scale::Linear },
        y_scale: wanted.y_scale,
        shape: Shape::Joined,
        band: wanted.band,
        x_range: part.filter(|_| high > 0.0),
        covers: canvas_reach(&every, &smooth, range, bins),
        budget: match of.places {
            Places::Cost => wanted.budget_line(of, axis),
            Places::Steps => None,
        },
        merged,
        curves,
        ..Curves::default()
    };
    caption.extend(chart.envelope_said());
    Figure {
        caption,
        cost: wanted.zooms(axis),
        places: of.places,
        every,
        at,
        ..Figure::new(
            Name::Training,
            format!("{title} in training"),
            Chart::Curves(chart),
        )
    }
}

/// As far as lines reach that the canvas draws, which are finer than those of a picture.
fn canvas_reach(
    every: &Every,
    arms: &[Vec<Seed>],
    range: (f64, f64),
    bins: usize,
) -> Option<Interval> {
    if !every.is_on_canvas() {
        return None;
    }
    let fine = |own: &Vec<Seed>| -> Vec<Line> {
        let lines = own
            .iter()
            .map(|s| line(std::slice::from_ref(s), range, bins));
        lines.collect()
    };
    let all = arms.iter().map(|own| (String::new(), fine(own)));
    Every::OnCanvas(all.collect()).reach(Some(range))
}

/// Every seed's own line, for the canvas and for files.
pub(super) fn each(of: &Material, wanted: &Wanted, arm: &str) -> Vec<(u64, Line)> {
    let Read { range, series, .. } = read(of, wanted);
    let own = smoothed(of_arm(series, arm), wanted.smooth);
    let bins = bins(series, range);
    own.iter()
        .map(|s| (s.seed, line(std::slice::from_ref(s), range, bins)))
        .collect()
}

/// Wide enough that a seed seldom has a bin without a point of its own; of few points none is
/// averaged away.
pub(in crate::pages) fn bins<'a>(
    runs: impl IntoIterator<Item = &'a RunSeries>,
    (low, high): (f64, f64),
) -> usize {
    let within = |p: &&RunPoint| p.x >= low && p.x <= high;
    let count = |run: &RunSeries| run.points.iter().filter(within).count();
    let longest = runs.into_iter().map(count).max().unwrap_or(0);
    let bins = if longest <= FEW { longest } else { longest / 2 };
    bins.clamp(1, MAX_BINS)
}

fn shown<'a>(
    of: &'a Material,
    wanted: &'a Wanted,
) -> impl Iterator<Item = (usize, &'a str)> + use<'a> {
    let arms = of.view.arms.iter().enumerate();
    arms.filter(|(_, arm)| arm.trains && !wanted.hides(of, &arm.key))
        .map(|(slot, arm)| (slot, arm.key.as_str()))
}

fn seeds(of: &Material, arm: &str) -> Vec<Seed> {
    seeds_of(of_arm(&of.series, arm))
}

fn of_arm<'a>(runs: &'a [RunSeries], arm: &'a str) -> impl Iterator<Item = &'a RunSeries> {
    runs.iter().filter(move |run| run.arm_key == arm)
}

/// How far the runs of an arm have got.
pub(in crate::pages) fn reach<'a>(runs: impl IntoIterator<Item = &'a RunSeries>) -> Option<f64> {
    let points = runs.into_iter().flat_map(|run| &run.points);
    let xs = points.map(|p| p.x).filter(|x| x.is_finite());
    xs.reduce(f64::max)
}

/// Where one run alone is behind a line: within each bin its smallest and largest value.
pub(in crate::pages) fn enclose_alone<'a>(
    bins: &mut [Bin],
    runs: impl IntoIterator<Item = &'a RunSeries>,
    low: f64,
) {
    let mut runs = runs.into_iter().filter(|run| !run.points.is_empty());
    let (Some(run), None) = (runs.next(), runs.next()) else {
        return;
    };
    let counted = run.points.iter().filter(|p| p.mean.is_finite());
    let ranges: Vec<(f64, Interval)> = counted.filter_map(|p| Some((p.x, p.range?))).collect();
    enclose(bins, &ranges, low);
}

/// The lines of those runs that have any.
pub(in crate::pages) fn seeds_of<'a>(runs: impl IntoIterator<Item = &'a RunSeries>) -> Vec<Seed> {
    let runs = runs.into_iter();
    runs.filter(|run| !run.points.is_empty())
        .map(|run| Seed {
            seed: run.seed,
            points: run.points.iter().map(|p| (p.x, p.mean)).collect(),
        })
        .collect()
}

/// As [`seeds_of`], smoothed; `beta` is of one training step, however many a stored point has.
fn smoothed<'a>(runs: impl IntoIterator<Item = &'a RunSeries>, beta: f64) -> Vec<Seed> {
    if beta <= 0.0 {
        return seeds_of(runs);
    }
    let runs = runs.into_iter().filter(|run| !run.points.is_empty());
    runs.map(|run| {
        let points = run.points.iter().zip(steps(&run.points));
        let points = points.map(|(p, steps)| (p.x, p.mean, steps));
        Seed {
            seed: run.seed,
            points: ema_of_means(points, beta),
        }
    })
    .collect()
}

/// How many steps each point stands for: those since the one before it, in its stage. Of the
/// first one that is read, as many as the next one has.
fn steps(points: &[RunPoint]) -> Vec<f64> {
    let since = |i: usize| {
        let before = i.checked_sub(1).map(|before| points[before].step);
        match before.map(|before| points[i].step - before) {
            Some(steps) if steps > 0 => steps as f64,
            // A stage begins.
            Some(_) | None => (points[i].step + 1).max(1) as f64,
        }
    };
    let mut all: Vec<f64> = (0..points.len()).map(since).collect();
    if let [first, second, ..] = &mut all[..] {
        *first = first.min(*second);
    }
    all
}

pub(in crate::pages) fn line(seeds: &[Seed], range: (f64, f64), bins: usize) -> Line {
    let bins = average(seeds, range, bins);
    bins.iter().map(|b| (b.x, b.mean)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::ids::RunId;

    fn run(seed: u64, points: i64) -> RunSeries {
        let point = |step: i64| RunPoint {
            x: step as f64 * 3e9,
            step,
            mean: step as f64 + seed as f64,
            range: None,
        };
        RunSeries {
            arm_key: "arm-1".into(),
            seed,
            run: RunId(uuid::Uuid::from_u128(u128::from(seed))),
            points: (1..=points).map(point).collect(),
        }
    }

    #[test]
    fn smoothing_is_as_strong_whether_single_steps_are_stored_or_tens() {
        let single = run(0, 100);
        let mut tens = run(0, 100);
        tens.points = (1..=10)
            .map(|i| RunPoint {
                x: f64::from(10 * i) * 3e9,
                step: i64::from(10 * i),
                mean: 10.0 * f64::from(i) - 4.5,
                range: None,
            })
            .collect();
        let last = |of: &RunSeries| smoothed([of], 0.98)[0].points.last().unwrap().1;
        let (fine, coarse) = (last(&single), last(&tens));
        // Steps of unequal values within a mean leave a little; a weight a point leaves 20.
        assert!((fine - coarse).abs() < 2.0, "{fine} {coarse}");
        assert_eq!(steps(&tens.points), [10.0; 10]);
        // Of a run's second stage steps begin anew.
        let two = [tens.points.clone(), tens.points.clone()].concat();
        assert_eq!(steps(&two)[10], 11.0);
        assert_eq!(smoothed([&tens], 0.0), seeds_of([&tens]));
    }

    #[test]
    fn a_few_big_steps_are_drawn_one_by_one_and_many_in_twos() {
        let drawn = |points: i64| {
            let runs = [run(0, points), run(2, points)];
            let range = (0.0, points as f64 * 3e9);
            let drawn = average(&seeds_of(&runs), range, bins(&runs, range));
            drawn.iter().map(|b| (b.x, b.mean)).collect::<Vec<_>>()
        };
        let eight: Vec<(f64, f64)> = (1..=8)
            .map(|step| (f64::from(step) * 3e9, f64::from(step) + 1.0))
            .collect();
        assert_eq!(drawn(8), eight);
        assert_eq!(drawn(1), [(3e9, 2.0)]);
        assert_eq!(drawn(16).len(), 16);
        assert_eq!(drawn(20).len(), 10);
        assert_eq!(bins(std::iter::empty(), (0.0, 1.0)), 1);
    }
}
