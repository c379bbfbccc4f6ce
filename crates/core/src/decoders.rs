//! Decoders: ways to answer with one policy, compared at equal cost of inference,
//! never at equal training compute and never on one axis with it.

use crate::compare::Basis;
use crate::spec::{BudgetUnit, Experiment};
use crate::stats::{Estimate, differences, estimate, mean, paired_difference};
use serde::{Deserialize, Serialize};

/// What one run of a decoder reached at one level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecoderRun {
    pub seed: u64,
    /// In samples of the policy.
    pub level: u32,
    /// Share of the questions whose answer is right.
    pub pass_at_1: f64,
    /// Cost of inference, a question: prefill, samples, expansions and the judge's passes.
    pub tokens: f64,
    pub flops: f64,
    /// Training of the policy and of the judge, in the budget's unit: what the run was charged.
    pub charged: f64,
    /// Somebody has left the run out, with a reason: it is listed and not counted.
    #[serde(default)]
    pub excluded: bool,
}

/// What is known of one decoder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecoderFigures {
    pub id: String,
    pub label: String,
    pub planned_seeds: usize,
    pub runs: Vec<DecoderRun>,
}

impl DecoderFigures {
    /// Seed and share of right answers at a level, of the runs that have finished and count.
    pub fn seeds(&self, level: u32) -> Vec<(u64, f64)> {
        let at = self.counted().filter(|run| run.level == level);
        at.map(|run| (run.seed, run.pass_at_1)).collect()
    }

    /// The runs that have finished, without those that were left out.
    pub fn counted(&self) -> impl Iterator<Item = &DecoderRun> {
        self.runs.iter().filter(|run| !run.excluded)
    }

    /// As if nobody had left a run out.
    pub fn with_all_runs(&self) -> Self {
        let mut all = self.clone();
        for run in &mut all.runs {
            run.excluded = false;
        }
        all
    }

    /// Seeds that have finished and count.
    pub fn finished(&self) -> usize {
        let mut seeds: Vec<u64> = self.counted().map(|run| run.seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        seeds.len()
    }
}

/// A decoder at a level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecoderCell {
    basis: Basis,
    pub level: u32,
    /// False where the decoder was never to answer at this level.
    pub planned: bool,
    pub value: Option<Estimate>,
    /// Per seed, for the dots.
    pub seeds: Vec<(u64, f64)>,
    /// Means over seeds, a question.
    pub tokens: Option<f64>,
    pub flops: Option<f64>,
}

impl DecoderCell {
    pub fn basis(&self) -> &Basis {
        &self.basis
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecoderRow {
    pub arm: String,
    pub label: String,
    pub planned_seeds: usize,
    pub finished: usize,
    /// Training of policy and judge, mean over the finished seeds, in the budget's unit.
    pub training: Option<f64>,
    /// A cell a level of the group.
    pub cells: Vec<DecoderCell>,
}

/// All decoders of one policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecoderGroup {
    /// `stage` or `arm/stage`.
    pub policy: String,
    /// Of any of them, ascending.
    pub levels: Vec<u32>,
    pub rows: Vec<DecoderRow>,
}

/// Policies in the order in which the file's decoders first name them, decoders in the
/// order of the file; those without results keep their row.
pub fn by_policy(experiment: &Experiment, figures: &[DecoderFigures]) -> Vec<DecoderGroup> {
    let mut groups: Vec<DecoderGroup> = vec![];
    for arm in &experiment.arms {
        let Some(decoder) = experiment.decoder(&arm.id) else {
            continue;
        };
        let at = groups.iter().position(|g| g.policy == decoder.policy);
        let at = at.unwrap_or_else(|| {
            groups.push(DecoderGroup {
                policy: decoder.policy.clone(),
                levels: vec![],
                rows: vec![],
            });
            groups.len() - 1
        });
        groups[at].levels.extend(decoder.levels);
    }
    for group in &mut groups {
        group.levels.sort_unstable();
        group.levels.dedup();
        for arm in &experiment.arms {
            if let Some(decoder) = experiment.decoder(&arm.id)
                && decoder.policy == group.policy
            {
                let known = figures.iter().find(|f| f.id == arm.id);
                let empty = DecoderFigures {
                    id: arm.id.clone(),
                    label: arm.label.clone(),
                    planned_seeds: experiment.seeds.len(),
                    runs: vec![],
                };
                let row = row(group, decoder.levels, known.unwrap_or(&empty));
                group.rows.push(row);
            }
        }
    }
    groups
}

fn row(group: &DecoderGroup, planned: &[u32], of: &DecoderFigures) -> DecoderRow {
    let average = |values: Vec<f64>| (!values.is_empty()).then(|| mean(&values));
    let cell = |&level: &u32| {
        let runs = || of.counted().filter(move |run| run.level == level);
        let seeds = of.seeds(level);
        let values: Vec<f64> = seeds.iter().map(|s| s.1).collect();
        DecoderCell {
            basis: Basis::EqualInference {
                policy: group.policy.clone(),
                level,
            },
            level,
            planned: planned.contains(&level),
            value: estimate(&values),
            seeds,
            tokens: average(runs().map(|run| run.tokens).collect()),
            flops: average(runs().map(|run| run.flops).collect()),
        }
    };
    // A run was charged once, whatever the number of its levels.
    let mut charged: Vec<(u64, f64)> = of.counted().map(|r| (r.seed, r.charged)).collect();
    charged.sort_by_key(|c| c.0);
    charged.dedup_by_key(|c| c.0);
    DecoderRow {
        arm: of.id.clone(),
        label: of.label.clone(),
        planned_seeds: of.planned_seeds,
        finished: charged.len(),
        training: average(charged.iter().map(|c| c.1).collect()),
        cells: group.levels.iter().map(cell).collect(),
    }
}

/// Decoders of one policy at one level, each against one of them. Made by [`at_level`] alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AtLevel {
    basis: Basis,
    pub level: u32,
    /// In the order of the decoders.
    pub rows: Vec<AtLevelRow>,
}

impl AtLevel {
    pub fn basis(&self) -> &Basis {
        &self.basis
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AtLevelRow {
    pub value: Option<Estimate>,
    /// Inference a question, mean over seeds.
    pub tokens: Option<f64>,
    /// To the base, paired by seed; none of the base itself.
    pub difference: Option<Estimate>,
    /// Per seed, for the dots.
    pub difference_seeds: Vec<(u64, f64)>,
}

/// `figures` are of decoders that answer from `policy`, on one examination; `base` is the place
/// of the one that differences are taken to.
pub fn at_level(policy: &str, level: u32, figures: &[&DecoderFigures], base: usize) -> AtLevel {
    let reference = figures.get(base).map(|of| of.seeds(level));
    let reference = reference.unwrap_or_default();
    let row = |(place, of): (usize, &&DecoderFigures)| {
        let seeds = of.seeds(level);
        let values: Vec<f64> = seeds.iter().map(|s| s.1).collect();
        let at = of.counted().filter(|run| run.level == level);
        let tokens: Vec<f64> = at.map(|run| run.tokens).collect();
        let is_other = place != base;
        AtLevelRow {
            value: estimate(&values),
            tokens: (!tokens.is_empty()).then(|| mean(&tokens)),
            difference: is_other
                .then(|| paired_difference(&seeds, &reference))
                .flatten(),
            difference_seeds: match is_other {
                true => differences(&seeds, &reference),
                false => vec![],
            },
        }
    };
    AtLevel {
        basis: Basis::EqualInference {
            policy: policy.into(),
            level,
        },
        level,
        rows: figures.iter().enumerate().map(row).collect(),
    }
}

/// From how many questions on a judge's training pays: the same accuracy without it costs
/// more on every question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BreakEven {
    pub arm: String,
    pub level: u32,
    /// The cheapest cell of less training whose mean is at least as high.
    pub against: String,
    pub against_level: u32,
    pub questions: f64,
}

/// Of every decoder that needs more training than another of its policy. Means over
/// seeds, without an interval: an orientation, not a test. Costs in the budget's unit.
pub fn break_even(unit: BudgetUnit, group: &DecoderGroup) -> Vec<BreakEven> {
    let cost = |cell: &DecoderCell| match unit {
        BudgetUnit::Flops => cell.flops,
        BudgetUnit::Tokens => cell.tokens,
    };
    let mut found = vec![];
    for row in &group.rows {
        for cell in &row.cells {
            let (Some(value), Some(own), Some(training)) = (cell.value, cost(cell), row.training)
            else {
                continue;
            };
            let others = group.rows.iter().flat_map(|r| {
                let less = r.training.filter(|t| *t < training);
                let cells = r.cells.iter();
                cells.filter_map(move |c| Some((r, c, less?, cost(c)?)))
            });
            let reached = others
                .filter(|(_, c, _, price)| {
                    *price > own && c.value.is_some_and(|v| v.mean >= value.mean)
                })
                .min_by(|a, b| a.3.total_cmp(&b.3));
            if let Some((other, at, less, price)) = reached {
                found.push(BreakEven {
                    arm: row.arm.clone(),
                    level: cell.level,
                    against: other.arm.clone(),
                    against_level: at.level,
                    questions: (training - less) / (price - own),
                });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(arm: &str, training: f64, cells: &[(u32, f64, f64)]) -> DecoderRow {
        let cell = |&(level, value, flops): &(u32, f64, f64)| DecoderCell {
            basis: Basis::EqualInference {
                policy: "p".into(),
                level,
            },
            level,
            planned: true,
            value: estimate(&[value]),
            seeds: vec![],
            tokens: Some(1.0),
            flops: Some(flops),
        };
        DecoderRow {
            arm: arm.into(),
            label: arm.into(),
            planned_seeds: 1,
            finished: 1,
            training: Some(training),
            cells: cells.iter().map(cell).collect(),
        }
    }

    #[test]
    fn differences_are_among_decoders_of_one_level_paired_by_seed() {
        let figures = |id: &str, cells: &[(u64, u32, f64)]| DecoderFigures {
            id: id.into(),
            label: id.into(),
            planned_seeds: 3,
            runs: cells
                .iter()
                .map(|&(seed, level, pass_at_1)| DecoderRun {
                    seed,
                    level,
                    pass_at_1,
                    tokens: 10.0 * f64::from(level),
                    flops: 1.0,
                    charged: 1.0,
                    excluded: seed == 9,
                })
                .collect(),
        };
        let majority = figures(
            "majority",
            &[(0, 4, 0.3), (1, 4, 0.5), (0, 16, 0.6), (9, 4, 0.9)],
        );
        let tree = figures(
            "tree",
            &[
                (0, 4, 0.4),
                (1, 4, 0.7),
                (2, 4, 0.9),
                (1, 16, 0.1),
                (9, 4, 0.0),
            ],
        );
        let of = at_level("p", 4, &[&tree, &majority], 1);
        let expected = Basis::EqualInference {
            policy: "p".into(),
            level: 4,
        };
        assert_eq!(of.basis(), &expected);
        let difference = of.rows[0].difference.unwrap();
        // 0.1 and 0.2; seed 2 has no partner, and seed 9 was left out.
        assert!((difference.mean - 0.15).abs() < 1e-12 && difference.n == 2);
        assert_eq!(of.rows[0].difference_seeds.len(), 2);
        assert_eq!(
            (of.rows[0].value.unwrap().n, of.rows[0].tokens),
            (3, Some(40.0))
        );
        assert_eq!(
            (of.rows[1].difference, of.rows[1].value.unwrap().n),
            (None, 2)
        );
        // At 16 they have no seed in common.
        let of = at_level("p", 16, &[&tree, &majority], 1);
        assert_eq!(of.rows[0].difference, None);
        assert!(of.rows[0].value.is_some());
        assert_eq!(at_level("p", 4, &[], 0).rows, []);
    }

    #[test]
    fn a_judge_pays_from_its_training_over_what_each_question_saves() {
        let group = DecoderGroup {
            policy: "p".into(),
            levels: vec![4, 16, 64],
            rows: vec![
                row(
                    "majority",
                    1e6,
                    &[(4, 0.5, 40.0), (16, 0.7, 160.0), (64, 0.8, 640.0)],
                ),
                row("rerank", 3e6, &[(4, 0.65, 60.0), (16, 0.9, 200.0)]),
            ],
        };
        // .65 for 60 against .7 for 160; nothing without a judge reaches .9.
        let found = break_even(BudgetUnit::Flops, &group);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].level, found[0].against_level), (4, 16));
        assert!((found[0].questions - 2e6 / 100.0).abs() < 1e-9);
        // Tokens say that nothing is saved.
        assert_eq!(break_even(BudgetUnit::Tokens, &group), []);
    }
}
