//! Decoders: ways to answer with one policy, compared at equal cost of inference,
//! never at equal training compute and never on one axis with it.

use crate::compare::Basis;
use crate::spec::Experiment;
use crate::stats::{Estimate, estimate, mean};
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
    pub basis: Basis,
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
