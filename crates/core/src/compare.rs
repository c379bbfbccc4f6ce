//! The comparison: every arm against the baseline, each number with its basis.
//!
//! Outside this crate a compared number is only to be had from a function that says on which
//! basis, and the basis cannot be put in place of another one afterwards: captions are printed
//! from it, and a figure "at equal compute" that was none is how the mistake looks.
//!
//! ```
//! use assay_core::compare::{Basis, compare};
//! use assay_core::spec::{Budget, BudgetUnit};
//!
//! let budget = Budget { unit: BudgetUnit::Tokens, amount: 1e6 };
//! let comparison = compare(&budget, "base", "eval/pass_at_1", &[]);
//! assert_eq!(comparison.basis(), &Basis::from(&budget));
//! assert!(comparison.rows.is_empty());
//! ```
//!
//! It cannot be exchanged:
//!
//! ```compile_fail
//! use assay_core::compare::{Basis, compare};
//! use assay_core::spec::{Budget, BudgetUnit};
//!
//! let budget = Budget { unit: BudgetUnit::Tokens, amount: 1e6 };
//! let mut comparison = compare(&budget, "base", "eval/pass_at_1", &[]);
//! comparison.basis = Basis::EqualInference { policy: "p".into(), level: 1 };
//! ```
//!
//! A comparison cannot be put together from parts, with or without one:
//!
//! ```compile_fail
//! use assay_core::compare::{Basis, Comparison};
//!
//! let made_up = Comparison {
//!     basis: Basis::EqualInference { policy: "p".into(), level: 1 },
//!     baseline: "base".into(),
//!     metric: "eval/pass_at_1".into(),
//!     rows: vec![],
//! };
//! ```
//!
//! And neither can a row, nor a difference of two arms:
//!
//! ```compile_fail
//! use assay_core::compare::{Reached, Row};
//!
//! let made_up = Row {
//!     arm: "a".into(),
//!     label: "A".into(),
//!     is_baseline: false,
//!     planned_seeds: 5,
//!     metric: "eval/pass_at_1".into(),
//!     value: None,
//!     difference: None,
//!     seeds: vec![],
//!     charged_mean: None,
//!     reached: Reached::Budget,
//! };
//! ```
//!
//! ```compile_fail
//! let made_up = assay_core::stats::paired_difference(&[(0, 0.9)], &[(0, 0.5)]);
//! ```

use crate::at_budget::REACHED;
use crate::spec::experiment::{Budget, BudgetUnit};
use crate::stats::{Estimate, estimate, paired_difference};
use serde::{Deserialize, Serialize};

/// What makes the compared numbers comparable. Captions are printed from it.
///
/// Nothing is compared at equal steps or by final values whatever they cost: budgets that
/// differ are a [`Ground`](crate::ground::Ground) of `/compare`, which says so, and no basis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "basis", rename_all = "snake_case")]
pub enum Basis {
    /// Training compute after the base, charged by the ledger.
    EqualCompute { unit: BudgetUnit, budget: f64 },
    /// Compute on a test question, of decoders of one policy: the cost of `level` samples.
    EqualInference { policy: String, level: u32 },
}

impl From<&Budget> for Basis {
    fn from(budget: &Budget) -> Self {
        Self::EqualCompute {
            unit: budget.unit,
            budget: budget.amount,
        }
    }
}

impl std::fmt::Display for Basis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::EqualCompute {
                unit: BudgetUnit::Flops,
                budget,
            } => {
                write!(f, "equal compute: {budget:.3e} training FLOPs per seed")
            }
            Self::EqualCompute {
                unit: BudgetUnit::Tokens,
                budget,
            } => {
                write!(f, "equal compute: {budget:.3e} training tokens per seed")
            }
            Self::EqualInference { policy, level: 1 } => {
                write!(
                    f,
                    "equal inference: the cost of 1 sample of {policy} a question"
                )
            }
            Self::EqualInference { policy, level } => {
                write!(
                    f,
                    "equal inference: the cost of {level} samples of {policy} a question"
                )
            }
        }
    }
}

/// One run's final figures, from its last state within the budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunFigures {
    pub seed: u64,
    /// Charged to the arm, in the budget's unit.
    pub charged: f64,
    /// Metric name and value.
    pub values: Vec<(String, f64)>,
    /// Somebody has left the run out, with a reason: it is listed and not counted.
    #[serde(default)]
    pub excluded: bool,
}

impl RunFigures {
    pub fn value(&self, metric: &str) -> Option<f64> {
        self.values
            .iter()
            .find(|(name, _)| name == metric)
            .map(|(_, v)| *v)
    }
}

/// What is known of one arm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmFigures {
    pub id: String,
    pub label: String,
    /// False for an arm that spends nothing by design (it evaluates a shared stage).
    pub trains: bool,
    pub planned_seeds: usize,
    pub runs: Vec<RunFigures>,
}

/// Whether an arm used what it was given.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reached", rename_all = "snake_case")]
pub enum Reached {
    Budget,
    /// Stopped under 95 % of the budget; `share` is the smallest of its runs.
    Under {
        share: f64,
    },
    /// Spends nothing by design.
    NoTraining,
    /// No run has finished.
    Nothing,
}

/// One row of the comparison, made by [`compare`] alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Row {
    pub arm: String,
    pub label: String,
    pub is_baseline: bool,
    pub planned_seeds: usize,
    pub metric: String,
    pub value: Option<Estimate>,
    /// Arm minus baseline, paired by seed.
    pub difference: Option<Estimate>,
    /// Per seed, for the dots.
    pub seeds: Vec<(u64, f64)>,
    pub charged_mean: Option<f64>,
    pub reached: Reached,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    basis: Basis,
    pub baseline: String,
    pub metric: String,
    pub rows: Vec<Row>,
}

impl Comparison {
    pub fn basis(&self) -> &Basis {
        &self.basis
    }
}

impl ArmFigures {
    /// Seed and value, of the runs that have finished and count.
    pub fn seeds(&self, metric: &str) -> Vec<(u64, f64)> {
        let of_run = |run: &RunFigures| Some((run.seed, run.value(metric)?));
        self.counted().filter_map(of_run).collect()
    }

    /// The runs that have finished, without those that were left out.
    pub fn counted(&self) -> impl Iterator<Item = &RunFigures> {
        self.runs.iter().filter(|run| !run.excluded)
    }

    /// As if nobody had left a run out: the other way of the comparison.
    pub fn with_all_runs(&self) -> Self {
        let mut all = self.clone();
        for run in &mut all.runs {
            run.excluded = false;
        }
        all
    }
}

/// At equal compute. Rows in the order of the arms; arms without results keep their row.
pub fn compare(budget: &Budget, baseline: &str, metric: &str, arms: &[ArmFigures]) -> Comparison {
    let reference = arms
        .iter()
        .find(|arm| arm.id == baseline)
        .map(|arm| arm.seeds(metric))
        .unwrap_or_default();
    let rows = arms
        .iter()
        .map(|arm| {
            let own = arm.seeds(metric);
            let values: Vec<f64> = own.iter().map(|(_, v)| *v).collect();
            let charged: Vec<f64> = arm.counted().map(|run| run.charged).collect();
            let least = charged
                .iter()
                .map(|charged| charged / budget.amount)
                .fold(f64::INFINITY, f64::min);
            Row {
                arm: arm.id.clone(),
                label: arm.label.clone(),
                is_baseline: arm.id == baseline,
                planned_seeds: arm.planned_seeds,
                metric: metric.into(),
                value: estimate(&values),
                difference: (arm.id != baseline)
                    .then(|| paired_difference(&own, &reference))
                    .flatten(),
                charged_mean: (!charged.is_empty()).then(|| crate::stats::mean(&charged)),
                reached: match arm {
                    _ if charged.is_empty() => Reached::Nothing,
                    _ if !arm.trains => Reached::NoTraining,
                    _ if least < REACHED => Reached::Under { share: least },
                    _ => Reached::Budget,
                },
                seeds: own,
            }
        })
        .collect();
    Comparison {
        basis: budget.into(),
        baseline: baseline.into(),
        metric: metric.into(),
        rows,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm(id: &str, values: &[f64], charged: f64) -> ArmFigures {
        ArmFigures {
            id: id.into(),
            label: id.into(),
            trains: charged > 0.0,
            planned_seeds: 3,
            runs: values
                .iter()
                .enumerate()
                .map(|(seed, &v)| RunFigures {
                    seed: seed as u64,
                    charged,
                    values: vec![("m".into(), v)],
                    excluded: false,
                })
                .collect(),
        }
    }

    #[test]
    fn rows_carry_difference_and_reached() {
        let budget = Budget {
            unit: BudgetUnit::Flops,
            amount: 100.0,
        };
        let arms = [
            arm("base", &[0.3, 0.3, 0.3], 0.0),
            arm("grpo", &[0.9, 0.8, 0.7], 99.0),
            arm("sft", &[0.5], 50.0),
            arm("late", &[], 10.0),
        ];
        let c = compare(&budget, "base", "m", &arms);
        assert_eq!(c.rows.len(), 4);
        assert_eq!(c.rows[0].difference, None);
        assert_eq!(c.rows[0].reached, Reached::NoTraining);
        let d = c.rows[1].difference.unwrap();
        assert!((d.mean - 0.5).abs() < 1e-9 && d.interval.unwrap().excludes_zero());
        assert_eq!(c.rows[1].reached, Reached::Budget);
        assert_eq!(c.rows[2].reached, Reached::Under { share: 0.5 });
        assert_eq!(c.rows[2].difference.unwrap().interval, None);
        assert_eq!(
            (c.rows[3].value, c.rows[3].reached),
            (None, Reached::Nothing)
        );
    }

    #[test]
    fn a_run_that_was_left_out_counts_in_no_number_and_comes_back_whole() {
        let budget = Budget {
            unit: BudgetUnit::Flops,
            amount: 100.0,
        };
        let mut arms = [
            arm("base", &[0.3, 0.3, 0.3], 0.0),
            arm("grpo", &[0.9, 0.8, 0.1], 99.0),
        ];
        arms[1].runs[2].excluded = true;
        arms[1].runs[2].charged = 10.0;
        let row = |arms: &[ArmFigures]| compare(&budget, "base", "m", arms).rows[1].clone();
        let without = row(&arms);
        assert_eq!((without.value.unwrap().n, without.seeds.len()), (2, 2));
        assert_eq!(without.reached, Reached::Budget);
        assert_eq!(without.charged_mean, Some(99.0));
        let all = arms.each_ref().map(ArmFigures::with_all_runs);
        let with = row(&all);
        assert_eq!(with.value.unwrap().n, 3);
        assert_eq!(with.reached, Reached::Under { share: 0.1 });
        // All of an arm's runs: nothing is left to say, and its row stays.
        for run in &mut arms[1].runs {
            run.excluded = true;
        }
        assert_eq!(row(&arms).reached, Reached::Nothing);
        assert_eq!(row(&arms).value, None);
    }
}
