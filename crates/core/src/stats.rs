//! Estimators and intervals. The unit of replication is the training seed.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// A two-sided interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

impl Interval {
    pub fn excludes_zero(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

/// Mean over seeds with Student's t interval. No interval under three seeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    pub n: usize,
    pub mean: f64,
    pub interval: Option<Interval>,
}

/// Fewest seeds for which an interval is shown.
pub const MIN_SEEDS_INTERVAL: usize = 3;

pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Sample variance, n - 1 in the denominator; `None` for n < 2.
pub fn variance(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let m = mean(values);
    Some(values.iter().map(|v| (v - m).powi(2)).sum::<f64>() / (values.len() - 1) as f64)
}

/// Quantile of Student's t with `df` degrees of freedom, two-sided level `alpha`.
pub fn t_critical(df: usize, alpha: f64) -> f64 {
    StudentsT::new(0.0, 1.0, df as f64).map_or(f64::INFINITY, |t| t.inverse_cdf(1.0 - alpha / 2.0))
}

/// P(T > t) for Student's t with `df` degrees of freedom.
pub fn t_upper_tail(t: f64, df: usize) -> f64 {
    StudentsT::new(0.0, 1.0, df as f64).map_or(f64::NAN, |d| d.cdf(-t))
}

/// Holm's adjusted p-values (Holm 1979), in the order given; a family member without a
/// p-value counts with 1.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let m = p_values.len();
    let clean = |i: usize| {
        let p = p_values[i];
        if p.is_finite() { p } else { 1.0 }
    };
    let mut order: Vec<usize> = (0..m).collect();
    order.sort_by(|&a, &b| clean(a).total_cmp(&clean(b)));
    let mut adjusted = vec![1.0; m];
    let mut largest = 0.0_f64;
    for (rank, &i) in order.iter().enumerate() {
        largest = largest.max(clean(i) * (m - rank) as f64).min(1.0);
        adjusted[i] = largest;
    }
    adjusted
}

/// The 1 - `alpha` interval of the mean, Student's t; `None` under three values.
pub fn t_interval(values: &[f64], alpha: f64) -> Option<Interval> {
    let n = values.len();
    let v = variance(values).filter(|_| n >= MIN_SEEDS_INTERVAL)?;
    let (m, half) = (
        mean(values),
        t_critical(n - 1, alpha) * (v / n as f64).sqrt(),
    );
    Some(Interval {
        low: m - half,
        high: m + half,
    })
}

/// Two-way analysis of variance with one value a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanSquares {
    /// Of all cells.
    pub mean: f64,
    pub rows: f64,
    pub columns: f64,
    /// What neither explains.
    pub rest: f64,
}

/// `None` under two rows or two columns, or where rows differ in length.
pub fn mean_squares(cells: &[Vec<f64>]) -> Option<MeanSquares> {
    let (n, q) = (cells.len(), cells.first()?.len());
    if n < 2 || q < 2 || cells.iter().any(|row| row.len() != q) {
        return None;
    }
    let rows: Vec<f64> = cells.iter().map(|row| mean(row)).collect();
    let column = |c: usize| cells.iter().map(|row| row[c]).sum::<f64>() / n as f64;
    let columns: Vec<f64> = (0..q).map(column).collect();
    let all = mean(&rows);
    let mut rest = 0.0;
    for (row, of_row) in cells.iter().zip(&rows) {
        for (value, of_column) in row.iter().zip(&columns) {
            rest += (value - of_row - of_column + all).powi(2);
        }
    }
    Some(MeanSquares {
        mean: all,
        rows: q as f64 * variance(&rows)?,
        columns: n as f64 * variance(&columns)?,
        rest: rest / ((n - 1) * (q - 1)) as f64,
    })
}

/// Values that are not finite are left out; `None` where nothing is left.
pub fn estimate(values: &[f64]) -> Option<Estimate> {
    let finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    if finite.is_empty() {
        return None;
    }
    Some(Estimate {
        n: finite.len(),
        mean: mean(&finite),
        interval: t_interval(&finite, 0.05),
    })
}

/// Seed and (arm - baseline), of the seeds for which both have a finite value.
pub fn differences(arm: &[(u64, f64)], baseline: &[(u64, f64)]) -> Vec<(u64, f64)> {
    arm.iter()
        .filter_map(|(seed, value)| {
            let (_, other) = baseline.iter().find(|(s, _)| s == seed)?;
            let difference = value - other;
            difference.is_finite().then_some((*seed, difference))
        })
        .collect()
}

/// Mean of (arm - baseline) over the seeds that both have, with its t interval. Pages take
/// differences from a comparison or a [`Ground`](crate::ground::Ground), which know the basis.
pub(crate) fn paired_difference(arm: &[(u64, f64)], baseline: &[(u64, f64)]) -> Option<Estimate> {
    let of_seeds: Vec<f64> = differences(arm, baseline).iter().map(|d| d.1).collect();
    estimate(&of_seeds)
}

/// Wilson's 95 % score interval of a share (Wilson 1927); `None` without cases.
pub fn wilson(hits: u64, n: u64) -> Option<Interval> {
    if n == 0 || hits > n {
        return None;
    }
    let z = 1.959_963_984_540_054_f64;
    let (n, p) = (n as f64, hits as f64 / n as f64);
    let shrunk = 1.0 + z * z / n;
    let middle = (p + z * z / (2.0 * n)) / shrunk;
    let half = z / shrunk * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    Some(Interval {
        low: (middle - half).max(0.0),
        high: (middle + half).min(1.0),
    })
}

/// Unbiased pass@k of one problem: 1 - C(n-c, k) / C(n, k) (Chen et al. 2021).
/// `None` for k > n.
pub fn pass_at_k(n: usize, correct: usize, k: usize) -> Option<f64> {
    if k == 0 || k > n || correct > n {
        return None;
    }
    if n - correct < k {
        return Some(1.0);
    }
    let miss: f64 = ((n - correct + 1)..=n)
        .map(|i| 1.0 - k as f64 / i as f64)
        .product();
    Some(1.0 - miss)
}

/// Majority vote of one problem. Answers that are `None` cast no vote; no votes
/// is wrong; a tie counts 1 / (number of tied answers) if the right one is among them.
pub fn majority(answers: &[Option<String>], gold: &str) -> f64 {
    let mut votes: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for answer in answers.iter().flatten() {
        *votes.entry(answer).or_default() += 1;
    }
    let most = votes.values().copied().max().unwrap_or(0);
    if most == 0 || votes.get(gold).copied().unwrap_or(0) < most {
        return 0.0;
    }
    1.0 / votes.values().filter(|&&v| v == most).count() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn t_quantiles_match_the_printed_table() {
        for (df, expected) in [(2, 4.3027), (4, 2.7764), (9, 2.2622)] {
            assert!((t_critical(df, 0.05) - expected).abs() < 1e-4);
        }
        // Holm's first step with 11 contrasts.
        assert!((t_critical(4, 0.05 / 11.0) - 5.75).abs() < 0.02);
    }

    #[test]
    fn an_interval_agrees_with_a_hand_computed_one() {
        // mean 2, sd 1, n 3: 2 +- 4.3027 / sqrt(3)
        let e = estimate(&[1.0, 2.0, 3.0]).unwrap();
        let interval = e.interval.unwrap();
        assert!((interval.high - 4.4841).abs() < 1e-4 && (interval.low + 0.4841).abs() < 1e-4);
        assert_eq!(estimate(&[1.0, 2.0]).unwrap().interval, None);
        assert_eq!(estimate(&[f64::NAN]), None);
    }

    #[test]
    fn holm_matches_a_computation_by_hand_with_ties_and_gaps() {
        // 4 x 0.01, 3 x 0.02, then 2 x 0.03 = 0.06 holds the last at 0.06 or above.
        let adjusted = holm(&[0.03, 0.01, 0.04, 0.02]);
        for (got, expected) in adjusted.iter().zip([0.06, 0.04, 0.06, 0.06]) {
            assert!((got - expected).abs() < 1e-12, "{adjusted:?}");
        }
        assert_eq!(holm(&[0.01, 0.01]), [0.02, 0.02]);
        assert_eq!(holm(&[f64::NAN, 0.5]), [1.0, 1.0]);
        assert_eq!(holm(&[]), [] as [f64; 0]);
    }

    #[test]
    fn the_tail_of_t_matches_the_printed_table() {
        for (t, df) in [(4.3027, 2), (2.7764, 4), (2.2622, 9)] {
            assert!((t_upper_tail(t, df) - 0.025).abs() < 1e-5);
        }
        assert_eq!(t_upper_tail(f64::INFINITY, 4), 0.0);
    }

    #[test]
    fn mean_squares_match_a_table_worked_by_hand() {
        // Rows 2 and 4, columns 1.5, 3.5 and 4 around 3; the rest is +-0.5, -+0.5 and 0.
        let of = mean_squares(&[vec![1.0, 2.0, 3.0], vec![2.0, 5.0, 5.0]]).unwrap();
        assert_eq!((of.mean, of.rows), (3.0, 6.0));
        // 2 x ((1.5)^2 + 0.5^2 + 1^2) / 2.
        assert!((of.columns - 3.5).abs() < 1e-12, "{of:?}");
        assert!((of.rest - 0.5).abs() < 1e-12, "{of:?}");
        for few in [vec![], vec![vec![1.0, 2.0]], vec![vec![1.0], vec![2.0]]] {
            assert_eq!(mean_squares(&few), None);
        }
        assert_eq!(mean_squares(&[vec![1.0, 2.0], vec![1.0]]), None);
    }

    #[test]
    fn differences_pair_by_seed_and_ignore_what_has_no_partner() {
        let d = paired_difference(&[(0, 0.9), (1, 0.8), (7, 1.0)], &[(1, 0.3), (0, 0.5)]).unwrap();
        assert_eq!(d.n, 2);
        assert!((d.mean - 0.45).abs() < 1e-12);
    }

    #[test]
    fn wilsons_interval_matches_the_printed_values() {
        // Newcombe 1998, table I: 81 of 263, and 0 of 20, 1 of 29.
        for (hits, n, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let i = wilson(hits, n).unwrap();
            assert!(
                (i.low - low).abs() < 1e-4 && (i.high - high).abs() < 1e-4,
                "{i:?}"
            );
        }
        assert_eq!(wilson(0, 0), None);
    }

    #[test]
    fn majority_follows_the_rules_for_ties_and_abstentions() {
        let votes = |list: &[&str]| {
            list.iter()
                .map(|s| (!s.is_empty()).then(|| s.to_string()))
                .collect::<Vec<_>>()
        };
        assert_eq!(majority(&votes(&["3", "3", "5", ""]), "3"), 1.0);
        assert_eq!(majority(&votes(&["3", "5", ""]), "3"), 0.5);
        assert_eq!(majority(&votes(&["", ""]), "3"), 0.0);
        assert_eq!(majority(&votes(&["5", "5", "3"]), "3"), 0.0);
    }

    proptest! {
        #[test]
        fn mean_squares_add_up_to_the_whole_variation(
            cells in prop::collection::vec(prop::collection::vec(-5.0_f64..5.0, 4), 3),
        ) {
            let of = mean_squares(&cells).unwrap();
            let all: Vec<f64> = cells.concat();
            let total = variance(&all).unwrap() * 11.0;
            let parts = 2.0 * of.rows + 3.0 * of.columns + 6.0 * of.rest;
            prop_assert!((total - parts).abs() < 1e-9 * (1.0 + total));
        }

        #[test]
        fn pass_at_k_is_the_share_of_subsets_with_a_hit(n in 1_usize..9, c in 0_usize..9, k in 1_usize..9) {
            prop_assume!(c <= n && k <= n);
            let subsets: Vec<u32> = (0_u32..1 << n).filter(|m| m.count_ones() as usize == k).collect();
            let hits = subsets.iter().filter(|m| *m & ((1 << c) - 1) != 0).count();
            let expected = hits as f64 / subsets.len() as f64;
            prop_assert!((pass_at_k(n, c, k).unwrap() - expected).abs() < 1e-12);
        }
    }
}
