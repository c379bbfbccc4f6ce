//! What leaving runs out changes: each figure without them, and with every run. Decoders stand
//! apart from arms at equal compute, as everywhere.

use super::{Material, tries};
use crate::number::Kind;
use crate::pages::words;
use assay_core::compare::{ArmFigures, compare};
use assay_core::decoders::DecoderFigures;
use assay_core::stats::{Estimate, estimate};
use assay_core::task::Split;
use std::collections::BTreeSet;

/// A figure of an arm, both ways.
#[derive(Debug)]
pub(super) struct Both {
    pub arm: String,
    pub label: String,
    pub figure: Figure,
    pub kind: Kind,
    pub without: Option<Estimate>,
    pub with: Option<Estimate>,
    /// To the registered baseline, of the chosen figure on the test split.
    pub difference_without: Option<Estimate>,
    pub difference_with: Option<Estimate>,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Figure {
    /// The chosen figure on a split.
    On(Split),
    /// On the test split, one of so many answers right.
    PassAt(u32),
}

impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::On(Split::Ood) => f.write_str("out of distribution"),
            Self::On(split @ (Split::Train | Split::Validation | Split::Test)) => {
                f.write_str(split.word())
            }
            Self::PassAt(k) => write!(f, "test pass@{k}"),
        }
    }
}

/// Every arm on the test split, for a difference changes with its baseline too. What is compared
/// with nothing stands only of arms with a run that was left out.
pub(super) fn of_arms(of: &Material, chosen: usize) -> Vec<Both> {
    let name = words::FINAL[chosen].1;
    let mut rows = on_test(of, name);
    rows.extend(out_of_distribution(of, name));
    rows.extend(several_answers(of));
    rows
}

fn on_test(of: &Material, name: &str) -> Vec<Both> {
    let spec = &of.view.spec;
    let all: Vec<ArmFigures> = of.test.iter().map(ArmFigures::with_all_runs).collect();
    let without = compare(&spec.budget, &spec.baseline, name, &of.test);
    let with = compare(&spec.budget, &spec.baseline, name, &all);
    let pairs = without.rows.iter().zip(&with.rows);
    pairs
        .map(|(a, b)| Both {
            arm: a.arm.clone(),
            label: a.label.clone(),
            figure: Figure::On(Split::Test),
            kind: Kind::of(name),
            without: a.value,
            with: b.value,
            difference_without: a.difference,
            difference_with: b.difference,
        })
        .collect()
}

fn over_seeds(values: &[(u64, f64)]) -> Option<Estimate> {
    estimate(&values.iter().map(|v| v.1).collect::<Vec<f64>>())
}

fn out_of_distribution(of: &Material, name: &str) -> Vec<Both> {
    let arms = of.ood.iter();
    let changed = arms.filter(|arm| arm.runs.iter().any(|run| run.excluded));
    changed
        .map(|arm| Both {
            arm: arm.id.clone(),
            label: arm.label.clone(),
            figure: Figure::On(Split::Ood),
            kind: Kind::of(name),
            without: over_seeds(&arm.seeds(name)),
            with: over_seeds(&arm.with_all_runs().seeds(name)),
            difference_without: None,
            difference_with: None,
        })
        .collect()
}

/// pass@1 is a figure of its own.
fn several_answers(of: &Material) -> Vec<Both> {
    let mut rows = vec![];
    for arm in &of.view.arms {
        let left_out = of.pass_at_k_left_out.iter();
        let left_out: Vec<_> = left_out.filter(|run| run.arm_key == arm.key).collect();
        let values = left_out.iter().flat_map(|run| &run.values);
        let tried: BTreeSet<u32> = values.map(|v| v.0).filter(|k| *k > 1).collect();
        for k in tried {
            let counted = of.pass_at_k.iter().filter(|run| run.arm_key == arm.key);
            let runs = counted.chain(left_out.iter().copied());
            let at = runs.filter_map(|run| run.values.iter().find(|v| v.0 == k));
            rows.push(Both {
                arm: arm.key.clone(),
                label: arm.label.clone(),
                figure: Figure::PassAt(k),
                kind: Kind::Share,
                without: tries::estimate(of, &arm.key, k),
                with: estimate(&at.map(|v| v.1).collect::<Vec<f64>>()),
                difference_without: None,
                difference_with: None,
            });
        }
    }
    rows
}

/// pass@1 of a decoder at a level, both ways.
#[derive(Debug)]
pub(super) struct BothDecoded {
    pub arm: String,
    pub label: String,
    /// Which stage's weights it answers from.
    pub policy: String,
    pub level: u32,
    pub split: Split,
    pub without: Option<Estimate>,
    pub with: Option<Estimate>,
}

/// Every level of the decoders with a run that was left out, whether or not a contrast names it.
pub(super) fn of_decoders(of: &Material) -> Vec<BothDecoded> {
    let mut rows = vec![];
    for (split, figures) in [(Split::Test, &of.decoders), (Split::Ood, &of.decoders_ood)] {
        rows.extend(figures.iter().flat_map(|own| decoded(of, split, own)));
    }
    rows
}

fn decoded(of: &Material, split: Split, own: &DecoderFigures) -> Vec<BothDecoded> {
    let left_out = own.runs.iter().filter(|run| run.excluded);
    let levels: BTreeSet<u32> = left_out.map(|run| run.level).collect();
    let policy = of.view.spec.decoder(&own.id);
    let policy = policy.map_or(String::new(), |decoder| of.policy(&decoder.policy));
    let all = own.with_all_runs();
    levels
        .into_iter()
        .map(|level| BothDecoded {
            arm: own.id.clone(),
            label: own.label.clone(),
            policy: policy.clone(),
            level,
            split,
            without: over_seeds(&own.seeds(level)),
            with: over_seeds(&all.seeds(level)),
        })
        .collect()
}
