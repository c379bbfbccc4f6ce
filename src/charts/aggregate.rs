//! From seeds to one curve: each seed is binned first, then mean and interval
//! are taken over the seeds. Bounds of intervals are never averaged.

use assay_core::at_budget::Seed;
use assay_core::frontier::Marked;
use assay_core::stats::{self, Interval};

/// The seeds at one place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// Where the bin ends.
    pub edge: f64,
    /// As far as any of its seeds has truly got within it.
    pub x: f64,
    pub n: usize,
    pub mean: f64,
    /// Student's t over seeds; none under three.
    pub interval: Option<Interval>,
    /// Smallest and largest of the seeds.
    pub range: Interval,
    /// Of a line that stands for one run: the smallest and largest value within the bin.
    pub envelope: Option<Interval>,
    pub stand: Stand,
}

/// How much stands behind a part of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    /// Every seed that has begun has got this far.
    All,
    Part,
    /// An estimate from few draws: pass@k with k > n/2.
    Thin,
}

/// Milestones: at each edge a seed stands at its last measured value. Nothing is
/// interpolated, and a seed counts only up to the last edge that it has reached.
pub fn hold(seeds: &[Seed], edges: &[f64]) -> Vec<Bin> {
    binned(seeds, edges, |points| points.last().copied(), f64::max)
}

/// As [`hold`], each mark placed at the mean cost of the seeds that have got there: for
/// axes on which equal marks do not stand at equal costs.
pub fn along(seeds: &[Marked], marks: &[f64]) -> Vec<Bin> {
    let with = |pick: fn(&(f64, f64, f64)) -> f64| -> Vec<Seed> {
        let finite = |p: &&(f64, f64, f64)| p.1.is_finite() && p.2.is_finite();
        let of = |s: &Marked| Seed {
            seed: s.seed,
            points: s
                .points
                .iter()
                .filter(finite)
                .map(|p| (p.0, pick(p)))
                .collect(),
        };
        seeds.iter().map(of).collect()
    };
    let costs = hold(&with(|p| p.1), marks);
    let mut values = hold(&with(|p| p.2), marks);
    for (value, cost) in values.iter_mut().zip(costs) {
        value.x = cost.mean;
    }
    values
}

/// Debiased exponential moving average of one seed, before anything is aggregated.
/// What is not finite is left out.
pub fn ema(points: &[(f64, f64)], beta: f64) -> Vec<(f64, f64)> {
    let single = points.iter().map(|p| (p.0, p.1, 1.0));
    ema_of_means(single, beta)
}

/// The same of means over so many steps each (x, mean, steps): as strong as it would be on the
/// steps themselves, however coarsely they are stored.
pub fn ema_of_means(points: impl Iterator<Item = (f64, f64, f64)>, beta: f64) -> Vec<(f64, f64)> {
    let (mut mean, mut weight) = (0.0, 0.0);
    let finite = points.filter(|(x, y, _)| x.is_finite() && y.is_finite());
    finite
        .map(|(x, y, steps)| {
            let keeps = beta.powf(steps);
            mean = keeps * mean + (1.0 - keeps) * y;
            weight = keeps * weight + (1.0 - keeps);
            (x, mean / weight)
        })
        .collect()
}

/// Dense series: `bins` equal parts of `low` to `high`, the mean of a seed's points in each.
pub fn average(seeds: &[Seed], (low, high): (f64, f64), bins: usize) -> Vec<Bin> {
    let edges: Vec<f64> = (1..=bins)
        .map(|i| low + (high - low) * i as f64 / bins as f64)
        .collect();
    let within = |s: &Seed| Seed {
        seed: s.seed,
        points: s.points.iter().copied().filter(|p| p.0 >= low).collect(),
    };
    let cut: Vec<Seed>;
    let seeds = if low > 0.0 {
        cut = seeds.iter().map(within).collect();
        &cut
    } else {
        seeds
    };
    let mean = |points: &[(f64, f64)]| {
        let n = points.len() as f64;
        (n > 0.0).then(|| {
            points
                .iter()
                .fold((0.0, 0.0), |(x, y), p| (x + p.0 / n, y + p.1 / n))
        })
    };
    binned(seeds, &edges, mean, f64::max)
}

/// Bins of one run, each with its smallest and largest value, from those of the run's points,
/// ascending: a mean alone would erase a collapse of one step. Where no bin has more than one
/// value, there is nothing to say of any.
pub fn enclose(bins: &mut [Bin], points: &[(f64, Interval)], low: f64) {
    let finite = |p: &&(f64, Interval)| {
        p.0.is_finite() && p.0 >= low && p.1.low.is_finite() && p.1.high.is_finite()
    };
    let mut points = points.iter().filter(finite).peekable();
    let mut wide = false;
    for bin in bins.iter_mut() {
        let edge = reach(bin.edge);
        while let Some((_, own)) = points.next_if(|p| p.0 <= edge) {
            let so_far = bin.envelope.unwrap_or(*own);
            bin.envelope = Some(Interval {
                low: so_far.low.min(own.low),
                high: so_far.high.max(own.high),
            });
        }
        wide |= bin.envelope.is_some_and(|own| own.low < own.high);
    }
    if !wide {
        for bin in bins {
            bin.envelope = None;
        }
    }
}

/// As far as a bin goes: sums of shares of a budget differ in their last bits.
fn reach(edge: f64) -> f64 {
    edge + edge.abs() * 1e-9
}

fn binned(
    seeds: &[Seed],
    edges: &[f64],
    within: impl Fn(&[(f64, f64)]) -> Option<(f64, f64)>,
    place: impl Fn(f64, f64) -> f64,
) -> Vec<Bin> {
    let seeds: Vec<Vec<(f64, f64)>> = seeds
        .iter()
        .map(|s| {
            s.points
                .iter()
                .copied()
                .filter(|(x, y)| x.is_finite() && y.is_finite())
                .collect::<Vec<_>>()
        })
        .filter(|points| !points.is_empty())
        .collect();
    let mut from = vec![0; seeds.len()];
    let mut held: Vec<Option<f64>> = vec![None; seeds.len()];
    let mut out = vec![];
    for &end in edges {
        let edge = reach(end);
        let mut values = vec![];
        let mut x = f64::NAN;
        for (i, points) in seeds.iter().enumerate() {
            let to = from[i] + points[from[i]..].partition_point(|p| p.0 <= edge);
            if let Some((at, y)) = within(&points[from[i]..to]) {
                held[i] = Some(y);
                x = if x.is_nan() { at } else { place(x, at) };
                values.push(y);
            } else if to < points.len() {
                // It goes on later: until then the last value holds.
                values.extend(held[i]);
            }
            from[i] = to;
        }
        if x.is_nan() {
            continue;
        }
        if let Some(estimate) = stats::estimate(&values) {
            out.push(Bin {
                edge: end,
                x,
                n: estimate.n,
                mean: estimate.mean,
                interval: estimate.interval,
                range: Interval {
                    low: values.iter().copied().fold(f64::INFINITY, f64::min),
                    high: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                },
                envelope: None,
                stand: if estimate.n == seeds.len() {
                    Stand::All
                } else {
                    Stand::Part
                },
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(seed: u64, points: &[(f64, f64)]) -> Seed {
        Seed {
            seed,
            points: points.to_vec(),
        }
    }

    #[test]
    fn the_last_value_is_carried_and_nothing_is_interpolated() {
        let seeds = [
            seed(0, &[(0.0, 0.1), (9.0, 0.3), (29.0, 0.9)]),
            seed(1, &[(0.0, 0.1), (10.0, 0.5), (19.0, 0.7), (30.0, 0.7)]),
        ];
        let bins = hold(&seeds, &[0.0, 10.0, 20.0, 30.0]);
        let got: Vec<(f64, usize)> = bins.iter().map(|b| (b.x, b.n)).collect();
        assert_eq!(got, [(0.0, 2), (10.0, 2), (19.0, 2), (30.0, 2)]);
        // At 20 the first seed still stands at 0.3.
        assert!((bins[2].mean - 0.5).abs() < 1e-12);
    }

    #[test]
    fn a_seed_counts_no_further_than_it_got() {
        let seeds = [
            seed(0, &[(0.0, 0.1), (10.0, 0.2), (20.0, 0.3)]),
            seed(1, &[(0.0, 0.1), (10.0, 0.4)]),
            seed(2, &[]),
        ];
        let bins = hold(&seeds, &[0.0, 10.0, 20.0, 30.0]);
        assert_eq!(
            bins.iter().map(|b| (b.n, b.stand)).collect::<Vec<_>>(),
            [(2, Stand::All), (2, Stand::All), (1, Stand::Part)]
        );
        assert!(bins.iter().all(|b| b.interval.is_none()));
    }

    #[test]
    fn the_interval_is_over_seeds_after_binning() {
        let seeds: Vec<Seed> = (0..3)
            .map(|s| seed(s, &[(1.0, s as f64), (2.0, s as f64 + 2.0)]))
            .collect();
        let bins = average(&seeds, (0.0, 2.0), 1);
        // Means 1, 2, 3: as in the hand-computed case of core::stats.
        let interval = bins[0].interval.unwrap();
        assert!((interval.high - 4.4841).abs() < 1e-4 && bins[0].mean == 2.0);
    }

    #[test]
    fn what_is_not_finite_is_left_out() {
        let seeds = [seed(0, &[(0.0, f64::NAN), (f64::INFINITY, 1.0)])];
        assert_eq!(hold(&seeds, &[1.0]), []);
        assert_eq!(average(&[], (0.0, 1.0), 3), []);
    }

    #[test]
    fn smoothing_is_debiased_and_of_one_seed() {
        let flat = ema(&[(0.0, 2.0), (1.0, 2.0), (2.0, f64::NAN), (3.0, 2.0)], 0.9);
        assert_eq!(flat.len(), 3);
        assert!(flat.iter().all(|p| (p.1 - 2.0).abs() < 1e-12));
        // (0.5 * 0.5 * 1 + 0.5 * 4) / 0.75, by hand.
        let two = ema(&[(0.0, 1.0), (1.0, 4.0)], 0.5);
        assert!((two[1].1 - 3.0).abs() < 1e-12);
        // A mean over two steps counts as two steps of that value.
        let stored = [(1.0, 1.0, 2.0), (3.0, 4.0, 2.0)].into_iter();
        let stored = ema_of_means(stored, 0.5);
        let single = ema(&[(0.0, 1.0), (1.0, 1.0), (2.0, 4.0), (3.0, 4.0)], 0.5);
        assert!((stored[1].1 - single[3].1).abs() < 1e-12 && stored[1].0 == 3.0);
        let none = ema(&[(0.0, 1.0), (1.0, 4.0)], 0.0);
        assert_eq!(none, [(0.0, 1.0), (1.0, 4.0)]);
    }

    #[test]
    fn marks_stand_at_their_mean_cost() {
        let marked = |seed, costs: [f64; 2]| Marked {
            seed,
            points: vec![
                (0.0, 0.0, 0.2),
                (10.0, costs[0], 0.4),
                (20.0, costs[1], 0.8),
            ],
        };
        let bins = along(
            &[marked(0, [1.0, 2.0]), marked(1, [3.0, 6.0])],
            &[0.0, 10.0, 20.0],
        );
        let got: Vec<(f64, f64)> = bins.iter().map(|b| (b.x, b.mean)).collect();
        assert_eq!(got, [(0.0, 0.2), (2.0, 0.4), (4.0, 0.8)]);
    }

    #[test]
    fn a_collapse_of_one_step_within_a_bin_stays_in_the_envelope_of_its_run() {
        // Buckets of ten steps; within the fifth, one value is 0.05.
        let means = |i: i32| if i == 5 { 0.895 } else { 0.9 };
        let points: Vec<(f64, f64)> = (1..=10).map(|i| (f64::from(10 * i), means(i))).collect();
        let range = |i: i32| Interval {
            low: if i == 5 { 0.05 } else { 0.85 },
            high: 0.95,
        };
        let ranges: Vec<(f64, Interval)> =
            (1..=10).map(|i| (f64::from(10 * i), range(i))).collect();
        let mut bins = average(&[seed(0, &points)], (0.0, 100.0), 5);
        assert!(bins.iter().all(|b| b.envelope.is_none() && b.mean > 0.89));
        enclose(&mut bins, &ranges, 0.0);
        let lows: Vec<f64> = bins.iter().map(|b| b.envelope.unwrap().low).collect();
        assert_eq!(lows, [0.85, 0.85, 0.05, 0.85, 0.85]);
        assert!(bins.iter().all(|b| b.envelope.unwrap().high == 0.95));
        // Of a part: what lies before it is in none of its bins.
        let mut part = average(&[seed(0, &points)], (55.0, 100.0), 2);
        enclose(&mut part, &ranges, 55.0);
        assert!(part.iter().all(|b| b.envelope.unwrap().low == 0.85));
        // Measured points, each in a bin of its own.
        let mut single = average(&[seed(0, &points)], (0.0, 100.0), 10);
        let flat = |p: &(f64, f64)| {
            (
                p.0,
                Interval {
                    low: p.1,
                    high: p.1,
                },
            )
        };
        let flat: Vec<(f64, Interval)> = points.iter().map(flat).collect();
        enclose(&mut single, &flat, 0.0);
        assert!(single.iter().all(|b| b.envelope.is_none()));
    }

    #[test]
    fn a_part_of_a_series_is_binned_anew() {
        let points: Vec<(f64, f64)> = (0..100).map(|i| (f64::from(i), f64::from(i))).collect();
        let bins = average(&[seed(0, &points)], (50.0, 60.0), 5);
        assert_eq!(bins.len(), 5);
        assert!(bins.iter().all(|b| b.mean >= 50.0 && b.mean <= 60.0));
    }
}
