//! What is lost when the best of many is looked at again: the largest of several means is large
//! partly by luck, and fresh seeds do not have that luck.

use crate::compare::Comparison;
use crate::metric;
use crate::stats::{MIN_SEEDS_INTERVAL, mean_squares};
use serde::{Deserialize, Serialize};
use statrs::function::erf::erfc;

/// By how much the best of so many arms would stand above the truth if all were equal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Selection {
    pub metric: String,
    pub arms: usize,
    /// That all of them have.
    pub seeds: usize,
    pub shrinkage: f64,
}

impl Selection {
    /// `amount`: the shrinkage as it is written where this stands.
    pub fn said(&self, amount: &str) -> String {
        format!(
            "Best of {}: expect it to shrink. Were all arms equal, the one that looks best would stand \
             about {amount} beyond their common truth by luck alone ({} seeds, their own spread). \
             Confirm with fresh seeds.",
            self.arms, self.seeds
        )
    }
}

/// Of the arms with three seeds or more, over the seeds that all of these have. What a seed lifts
/// in all arms alike favours none of them, so the spread is what neither arm nor seed explains.
/// `None` of fewer than two arms or three such seeds, and of figures in which more is not better:
/// there the arm with the most is not the one that looks best.
pub fn selection(comparison: &Comparison) -> Option<Selection> {
    if !metric::gains_by_rising(&comparison.metric) {
        return None;
    }
    let measured: Vec<&Vec<(u64, f64)>> = comparison
        .rows
        .iter()
        .map(|row| &row.seeds)
        .filter(|seeds| seeds.len() >= MIN_SEEDS_INTERVAL)
        .collect();
    let value = |arm: &[(u64, f64)], seed: u64| arm.iter().find(|s| s.0 == seed).map(|s| s.1);
    let seeds = measured.first()?.iter().map(|s| s.0);
    let cells: Vec<Vec<f64>> = seeds
        .filter_map(|seed| measured.iter().map(|arm| value(arm, seed)).collect())
        .collect();
    let n = cells.len();
    let of = mean_squares(&cells).filter(|_| n >= MIN_SEEDS_INTERVAL)?;
    let shrinkage = largest_of(measured.len()) * (of.rest / n as f64).sqrt();
    shrinkage.is_finite().then(|| Selection {
        metric: comparison.metric.clone(),
        arms: measured.len(),
        seeds: n,
        shrinkage,
    })
}

/// The expected largest of `m` standard normal numbers.
fn largest_of(m: usize) -> f64 {
    const STEP: f64 = 0.01;
    let below = |x: f64| erfc(-x / std::f64::consts::SQRT_2) / 2.0;
    // The integral of P(largest > x) - P(largest < -x) over x > 0.
    let excess = |x: f64| 1.0 - below(x).powf(m as f64) - below(-x).powf(m as f64);
    let inner: f64 = (1..900).map(|i| excess(f64::from(i) * STEP)).sum();
    STEP * (inner + excess(0.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{ArmFigures, RunFigures, compare};
    use crate::rng::{Stream, Uniform};
    use crate::spec::{Budget, BudgetUnit};
    use proptest::prelude::*;

    fn comparison(arms: &[Vec<f64>]) -> Comparison {
        comparison_in(metric::PASS_AT_1, arms)
    }

    fn comparison_in(metric: &str, arms: &[Vec<f64>]) -> Comparison {
        let budget = Budget {
            unit: BudgetUnit::Tokens,
            amount: 1e6,
        };
        let run = |(seed, value): (u64, &f64)| RunFigures {
            seed,
            charged: 1e6,
            values: vec![(metric.into(), *value)],
            excluded: false,
        };
        let arm = |(i, values): (usize, &Vec<f64>)| ArmFigures {
            id: format!("a{i}"),
            label: format!("Arm {i}"),
            trains: true,
            planned_seeds: values.len(),
            runs: (0..).zip(values).map(run).collect(),
        };
        let arms: Vec<ArmFigures> = arms.iter().enumerate().map(arm).collect();
        compare(&budget, "a0", metric, &arms)
    }

    #[test]
    fn only_where_more_is_better_does_the_arm_with_the_most_look_best() {
        let arms = [vec![0.2, 0.5, 0.8], vec![0.1, 0.5, 0.9]];
        let is_said = |metric: &str| selection(&comparison_in(metric, &arms)).is_some();
        assert!(is_said(metric::PASS_AT_1) && is_said(metric::MAJ_AT_K));
        assert!(!is_said(metric::LENGTH) && !is_said(metric::TRUNCATED));
    }

    #[test]
    fn the_largest_of_normal_numbers_matches_the_printed_table() {
        // Harter 1961, table 1.
        for (m, expected) in [(1, 0.0), (2, 0.564_19), (6, 1.267_21), (12, 1.629_23)] {
            assert!((largest_of(m) - expected).abs() < 1e-4, "{m}");
        }
    }

    #[test]
    fn what_a_seed_lifts_in_all_arms_alike_favours_none() {
        let shared = [0.1, 0.5, 0.9];
        let of = selection(&comparison(&[shared.to_vec(), shared.to_vec()])).unwrap();
        assert_eq!((of.arms, of.seeds), (2, 3));
        assert!(of.shrinkage < 1e-9, "{of:?}");
        // The rest is +-0.05, -+0.05 and 0: MS 0.01 / 2, times the largest of two.
        let arms = [vec![0.2, 0.5, 0.8], vec![0.1, 0.5, 0.9]];
        let of = selection(&comparison(&arms)).unwrap();
        let expected = 0.564_19 * (0.005_f64 / 3.0).sqrt();
        assert!((of.shrinkage - expected).abs() < 1e-4, "{of:?}");
        assert!(
            of.said("0.023")
                .starts_with("Best of 2: expect it to shrink.")
        );
    }

    #[test]
    fn one_arm_or_two_seeds_say_nothing_and_unfinished_arms_do_not_count() {
        let three = vec![0.2, 0.5, 0.9];
        assert_eq!(selection(&comparison(std::slice::from_ref(&three))), None);
        assert_eq!(
            selection(&comparison(&[three[..2].to_vec(), three[..2].to_vec()])),
            None
        );
        let arms = [three, vec![0.1, 0.6, 0.7, 0.8], vec![0.9]];
        let of = selection(&comparison(&arms)).unwrap();
        assert_eq!((of.arms, of.seeds), (2, 3));
        assert_eq!(selection(&comparison(&[])), None);
    }

    fn normal(stream: &mut Stream) -> f64 {
        let radius = (-2.0 * (1.0 - stream.next_f64()).ln()).sqrt();
        radius * (std::f64::consts::TAU * stream.next_f64()).cos()
    }

    #[test]
    fn it_is_what_the_best_of_equal_arms_loses_on_fresh_seeds() {
        let mut stream = Uniform::new(5, "selection").stream(0, 0);
        let (mut lost, mut said) = (0.0, 0.0);
        const WORLDS: u32 = 2_000;
        for _ in 0..WORLDS {
            let shared: Vec<f64> = (0..5).map(|_| 0.2 * normal(&mut stream)).collect();
            let arms: Vec<Vec<f64>> = (0..12)
                .map(|_| {
                    let own = shared.iter().map(|s| 0.5 + s + 0.1 * normal(&mut stream));
                    own.collect()
                })
                .collect();
            let comparison = comparison(&arms);
            let means = comparison.rows.iter().filter_map(|r| Some(r.value?.mean));
            // What was shared by all would be drawn again for all alike.
            let luck = shared.iter().sum::<f64>() / 5.0;
            lost += means.fold(f64::NEG_INFINITY, f64::max) - 0.5 - luck;
            said += selection(&comparison).unwrap().shrinkage;
        }
        let (lost, said) = (lost / f64::from(WORLDS), said / f64::from(WORLDS));
        // 1.629 x 0.1 / sqrt(5): 0.73 of a seed's own standard deviation.
        assert!((lost - 0.0729).abs() < 0.002, "{lost}");
        assert!((said - lost).abs() < 0.002, "{said} {lost}");
    }

    proptest! {
        #[test]
        fn more_arms_of_the_same_spread_lose_more(m in 2_usize..60) {
            prop_assert!(largest_of(m + 1) > largest_of(m));
        }
    }
}
