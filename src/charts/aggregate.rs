//! From seeds to one curve: each seed is binned first, then mean and interval
//! are taken over the seeds. Bounds of intervals are never averaged.

use assay_core::stats::{self, Interval};

/// One seed's measured points, ascending in x.
#[derive(Debug, Clone, PartialEq)]
pub struct Seed {
    pub seed: u64,
    pub points: Vec<(f64, f64)>,
}

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
    /// Every seed that has begun has got this far.
    pub all: bool,
}

/// Milestones: at each edge a seed stands at its last measured value. Nothing is
/// interpolated, and a seed counts only up to the last edge that it has reached.
pub fn hold(seeds: &[Seed], edges: &[f64]) -> Vec<Bin> {
    binned(seeds, edges, |points| points.last().copied(), f64::max)
}

/// Dense series: `bins` equal parts of 0 to `high`, the mean of a seed's points in each.
pub fn average(seeds: &[Seed], high: f64, bins: usize) -> Vec<Bin> {
    let edges: Vec<f64> = (1..=bins).map(|i| high * i as f64 / bins as f64).collect();
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
        // Sums of shares of a budget differ in their last bits.
        let edge = end + end.abs() * 1e-9;
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
                all: estimate.n == seeds.len(),
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
            bins.iter().map(|b| (b.n, b.all)).collect::<Vec<_>>(),
            [(2, true), (2, true), (1, false)]
        );
        assert!(bins.iter().all(|b| b.interval.is_none()));
    }

    #[test]
    fn the_interval_is_over_seeds_after_binning() {
        let seeds: Vec<Seed> = (0..3)
            .map(|s| seed(s, &[(1.0, s as f64), (2.0, s as f64 + 2.0)]))
            .collect();
        let bins = average(&seeds, 2.0, 1);
        // Means 1, 2, 3: as in the hand-computed case of core::stats.
        let interval = bins[0].interval.unwrap();
        assert!((interval.high - 4.4841).abs() < 1e-4 && bins[0].mean == 2.0);
    }

    #[test]
    fn what_is_not_finite_is_left_out() {
        let seeds = [seed(0, &[(0.0, f64::NAN), (f64::INFINITY, 1.0)])];
        assert_eq!(hold(&seeds, &[1.0]), []);
        assert_eq!(average(&[], 1.0, 3), []);
    }
}
