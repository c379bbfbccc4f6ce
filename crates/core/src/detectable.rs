//! The smallest difference that a number of seeds would show, from how much the seeds measured
//! so far differ: what more of them would buy, before they are paid for.

use crate::stats::{MIN_SEEDS_INTERVAL, mean, t_critical, variance};
use statrs::function::erf::erfc;

/// How often a difference of that size is to be shown.
pub const POWER: f64 = 0.8;

/// The true mean of paired differences that a two-sided t test at level `alpha` over `seeds`
/// seeds shows with probability [`POWER`], where the seeds vary as `differences` do. `None`
/// under three seeds, measured or planned, or where those that were measured do not vary.
pub fn detectable(differences: &[f64], seeds: usize, alpha: f64) -> Option<f64> {
    let few = differences.len().min(seeds) < MIN_SEEDS_INTERVAL;
    // What rounding alone leaves is no variation.
    let least = 1e-20 * mean(differences).powi(2);
    let variance = variance(differences).filter(|v| !few && v.is_finite() && *v > least)?;
    let (df, n) = (seeds - 1, seeds as f64);
    let limit = t_critical(df, alpha);
    if !limit.is_finite() {
        return None;
    }
    // Power grows with the size: halved until nothing is left to halve.
    let (mut low, mut high) = (0.0, 2.0);
    while power(high, df as f64, limit) < POWER {
        high *= 2.0;
    }
    for _ in 0..50 {
        let middle = (low + high) / 2.0;
        if power(middle, df as f64, limit) < POWER {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(high * (variance / n).sqrt())
}

/// Points of the sum below.
const POINTS: u32 = 500;

/// P(|T| > limit) of a noncentral t with `df` degrees of freedom: T = (Z + shift) / W with
/// df W^2 chi-squared, summed over W.
fn power(shift: f64, df: f64, limit: f64) -> f64 {
    let spread = 1.0 / (2.0 * df).sqrt();
    let (from, to) = ((1.0 - 10.0 * spread).max(0.0), 1.0 + 10.0 * spread);
    let width = (to - from) / f64::from(POINTS);
    let (mut sum, mut mass) = (0.0, 0.0);
    for i in 0..POINTS {
        let w = from + (f64::from(i) + 0.5) * width;
        // The density without its constant, which the sum of the masses makes good.
        let weight = ((df - 1.0) * w.ln() - df * (w * w - 1.0) / 2.0).exp();
        sum += weight * (normal(shift - limit * w) + normal(-shift - limit * w));
        mass += weight;
    }
    sum / mass
}

/// The standard normal distribution function.
fn normal(x: f64) -> f64 {
    erfc(-x / std::f64::consts::SQRT_2) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Five differences of mean 0 and standard deviation 1.
    fn unit() -> Vec<f64> {
        let a = 0.632_455_532_033_675_9_f64;
        vec![-2.0 * a, -a, 0.0, a, 2.0 * a]
    }

    #[test]
    fn the_sizes_are_those_of_simulated_experiments() {
        assert!((variance(&unit()).unwrap() - 1.0).abs() < 1e-12);
        // One sample, two-sided, level 0.05: 400,000 simulated experiments of each have a power
        // of 0.80; n = 20 is also the example of R's pwr.t.test.
        for (n, expected) in [
            (3, 3.2640),
            (5, 1.6820),
            (10, 0.9960),
            (20, 0.6604),
            (100, 0.2829),
        ] {
            let found = detectable(&unit(), n, 0.05).unwrap();
            assert!((found - expected).abs() < 1e-3, "{n}: {found}");
        }
    }

    #[test]
    fn at_no_shift_the_power_is_the_level() {
        for (df, alpha) in [(2, 0.05), (4, 0.01), (30, 0.05)] {
            let found = power(0.0, df as f64, t_critical(df, alpha));
            assert!((found - alpha).abs() < 1e-4, "{df}: {found}");
        }
    }

    #[test]
    fn it_grows_with_the_spread_and_the_family_and_shrinks_with_the_seeds() {
        let of = |scale: f64, n, alpha| {
            let differences: Vec<f64> = unit().iter().map(|d| 0.3 + d * scale).collect();
            detectable(&differences, n, alpha).unwrap()
        };
        let one = of(1.0, 5, 0.05);
        assert!((of(2.0, 5, 0.05) / one - 2.0).abs() < 1e-9);
        assert!(of(1.0, 5, 0.05 / 11.0) > one && of(1.0, 10, 0.05) < one);
    }

    #[test]
    fn under_three_seeds_it_is_not_known() {
        assert_eq!(detectable(&[0.1, 0.2], 5, 0.05), None);
        assert_eq!(detectable(&unit(), 2, 0.05), None);
        assert_eq!(detectable(&[0.1, 0.1, 0.1], 5, 0.05), None);
        assert_eq!(detectable(&[0.1, f64::NAN, 0.2], 5, 0.05), None);
        assert_eq!(detectable(&[], 0, 0.05), None);
    }
}
