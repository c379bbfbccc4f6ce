//! An arm's value at one budget: of every seed the last measurement within it, at its own
//! true cost. Nothing is interpolated between two measurements, and where a seed's data end
//! before the budget nothing is said in its place.

use crate::stats::{Estimate, paired_difference};

/// A seed has got there when its data reach this part of the budget.
pub const REACHED: f64 = 0.95;

/// One seed's measured points (cost, value), ascending in cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Seed {
    pub seed: u64,
    pub points: Vec<(f64, f64)>,
}

/// What the seeds of one arm have at a budget.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Held {
    /// Seed and value, of the seeds that have got there.
    pub seeds: Vec<(u64, f64)>,
    /// The true costs of those values.
    pub costs: Vec<f64>,
    /// Seeds whose data end before it.
    pub short: usize,
    /// How far the furthest of those has got.
    pub furthest: f64,
    /// Seeds that were measured beyond it only.
    pub later: usize,
    /// Of `seeds`, those that were measured last under [`REACHED`] of the budget: what they had
    /// there is not known. None of an arm that spends nothing.
    pub far: Vec<u64>,
}

impl Held {
    pub fn values(&self) -> Vec<f64> {
        self.seeds.iter().map(|s| s.1).collect()
    }

    /// Seed and value, of the seeds that were measured at the budget or little below it.
    pub fn near(&self) -> Vec<(u64, f64)> {
        let is_near = |s: &&(u64, f64)| !self.far.contains(&s.0);
        self.seeds.iter().filter(is_near).copied().collect()
    }

    /// Every seed that it has was measured last far below the budget.
    pub fn is_far_below(&self) -> bool {
        !self.seeds.is_empty() && self.far.len() == self.seeds.len()
    }

    /// Less what another arm has at the same budget: of the seeds that both have there, paired,
    /// without the pairs in which either was measured last far below it.
    pub fn difference(&self, base: &Self) -> Option<Estimate> {
        paired_difference(&self.near(), &base.near())
    }
}

/// `spends` is false of an arm that spends nothing by design: it has its value at every budget.
pub fn held(seeds: &[Seed], budget: f64, spends: bool) -> Held {
    let mut all = Held::default();
    for seed in seeds {
        let finite = |p: &&(f64, f64)| p.0.is_finite() && p.1.is_finite();
        let points: Vec<(f64, f64)> = seed.points.iter().filter(finite).copied().collect();
        let Some(&(end, _)) = points.last() else {
            continue;
        };
        if spends && end < REACHED * budget {
            all.short += 1;
            all.furthest = all.furthest.max(end);
            continue;
        }
        // Sums of shares of a budget differ in their last bits.
        let within = |p: &&(f64, f64)| p.0 <= budget * (1.0 + 1e-9);
        match points.iter().rfind(within) {
            Some(&(cost, value)) => {
                if spends && cost < REACHED * budget {
                    all.far.push(seed.seed);
                }
                all.costs.push(cost);
                all.seeds.push((seed.seed, value));
            }
            None => all.later += 1,
        }
    }
    all
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
    fn a_value_is_the_last_within_the_budget_and_never_lies_between_two() {
        let seeds = [
            seed(0, &[(10.0, 0.1), (20.0, 0.5), (30.0, 0.9)]),
            seed(1, &[(10.0, 0.2), (24.0, 0.6), (40.0, 0.8)]),
        ];
        let at = held(&seeds, 25.0, true);
        assert_eq!(at.seeds, [(0, 0.5), (1, 0.6)]);
        assert_eq!(at.costs, [20.0, 24.0]);
        // 80 % and 96 % of the budget.
        assert_eq!(at.far, [0]);
        // On a measurement the measurement itself.
        assert_eq!(held(&seeds, 30.0, true).values(), [0.9, 0.6]);
    }

    #[test]
    fn each_seed_that_was_measured_far_below_the_budget_is_known_and_is_in_no_pair() {
        // 96 % of the budget in the mean of the costs, and yet one of the five lies at 80 %.
        let at = |n: u64, last: f64| seed(n, &[(last, 0.5 + 0.1 * n as f64), (120.0, 0.9)]);
        let arm: Vec<Seed> = (0..4).map(|n| at(n, 100.0)).chain([at(4, 80.0)]).collect();
        let base: Vec<Seed> = (0..5).map(|n| seed(n, &[(100.0, 0.4)])).collect();
        let (arm, base) = (held(&arm, 100.0, true), held(&base, 100.0, true));
        assert_eq!((arm.far.as_slice(), arm.seeds.len()), (&[4][..], 5));
        assert!(!arm.is_far_below() && base.far.is_empty());
        assert_eq!(arm.near().len(), 4);
        // 0.1, 0.2, 0.3 and 0.4, whichever of the two is far below.
        let of = arm.difference(&base).unwrap();
        assert!(of.n == 4 && (of.mean - 0.25).abs() < 1e-9, "{of:?}");
        assert_eq!(base.difference(&arm).unwrap().n, 4);
        // Of nobody what it had there is known, and so there is no difference.
        let all: Vec<Seed> = (0..3).map(|n| at(n, 80.0)).collect();
        let all = held(&all, 100.0, true);
        assert!(all.is_far_below() && all.values().len() == 3);
        assert_eq!(all.difference(&base), None);
        assert!(!Held::default().is_far_below());
        // At 95 % it counts, and what spends nothing has its value at every budget.
        assert!(held(&[at(0, 95.0)], 100.0, true).far.is_empty());
        assert!(held(&[seed(0, &[(0.0, 0.3)])], 100.0, false).far.is_empty());
    }

    #[test]
    fn differences_are_of_the_seeds_that_both_have_there() {
        let arm = [
            seed(0, &[(100.0, 0.5)]),
            seed(1, &[(100.0, 0.7)]),
            seed(2, &[(100.0, 0.9)]),
            seed(3, &[(50.0, 0.9)]),
        ];
        let base: Vec<Seed> = (0..4).map(|s| seed(s, &[(100.0, 0.4)])).collect();
        let (arm, base) = (held(&arm, 100.0, true), held(&base, 100.0, true));
        // 0.1, 0.3 and 0.5: s = 0.2, and t = 4.3027 of two degrees of freedom.
        let of = arm.difference(&base).unwrap();
        let interval = of.interval.unwrap();
        assert!(of.n == 3 && (of.mean - 0.3).abs() < 1e-9);
        assert!((interval.low + 0.19683).abs() < 1e-4, "{interval:?}");
        assert!((interval.high - 0.79683).abs() < 1e-4, "{interval:?}");
        // The other way round, and where one has not got there.
        assert!((base.difference(&arm).unwrap().mean + 0.3).abs() < 1e-9);
        assert_eq!(arm.difference(&Held::default()), None);
        let two = Held {
            seeds: arm.seeds[..2].to_vec(),
            ..Held::default()
        };
        let of = two.difference(&base).unwrap();
        assert_eq!((of.n, of.interval), (2, None));
    }

    #[test]
    fn beyond_the_data_nothing_is_said_in_a_seeds_place() {
        let seeds = [
            seed(0, &[(10.0, 0.1), (99.0, 0.5)]),
            seed(1, &[(10.0, 0.2), (50.0, 0.9)]),
            seed(2, &[(f64::NAN, 0.2)]),
            seed(3, &[(120.0, 0.7)]),
        ];
        let at = held(&seeds, 100.0, true);
        // 99 is within 5 % of the budget.
        assert_eq!(at.values(), [0.5]);
        assert_eq!((at.short, at.furthest, at.later), (1, 50.0, 1));
        // What spends nothing has its value at every budget.
        assert_eq!(held(&[seed(0, &[(0.0, 0.3)])], 1e9, false).values(), [0.3]);
    }
}
