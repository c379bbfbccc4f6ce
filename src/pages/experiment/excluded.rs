//! Runs that somebody has left out: which, why, and what the comparison says with them
//! and without. Nothing is deleted; this is the only way not to count a run.

use super::Material;
use super::both_ways::{self, Both, BothDecoded, Figure};
use super::comparison::{Cell, cell, paired};
use crate::number::{self, Kind};
use assay_core::outcome::{ContrastOutcome, Outcome, outcome_with_all_runs};
use assay_core::stats::Estimate;
use assay_core::task::Split;
use assay_store as store;

#[derive(Debug)]
pub(super) struct Excluded {
    /// Left out now.
    pub rows: Vec<ExcludedRow>,
    /// Decisions that no longer hold, in words.
    pub past: Vec<String>,
    /// What can be left out: its id, and what it is called.
    pub choices: Vec<(String, String)>,
    /// Empty where nothing is left out.
    pub both: Vec<BothRow>,
    /// The same of decoders, at equal inference.
    pub decoders: Vec<BothDecoder>,
    pub contrasts: Vec<BothContrast>,
}

#[derive(Debug)]
pub(super) struct ExcludedRow {
    pub run: String,
    pub arm: String,
    pub label: String,
    pub seed: u64,
    pub reason: String,
    pub at: String,
}

/// A figure of an arm without the runs that were left out, and with them.
#[derive(Debug)]
pub(super) struct BothRow {
    pub arm: String,
    /// With what is measured, where that is not the chosen figure on the test split.
    pub label: String,
    pub n_without: usize,
    pub n_with: usize,
    pub without: Cell,
    pub with: Cell,
    pub difference_without: Cell,
    pub difference_with: Cell,
}

/// A decoder at a level, in the same two ways.
#[derive(Debug)]
pub(super) struct BothDecoder {
    pub arm: String,
    pub label: String,
    pub policy: String,
    pub n_without: usize,
    pub n_with: usize,
    pub without: Cell,
    pub with: Cell,
}

#[derive(Debug)]
pub(super) struct BothContrast {
    pub name: String,
    pub without: String,
    pub with: String,
    pub changes: bool,
}

pub(super) fn excluded(of: &Material, chosen: usize) -> Excluded {
    let (in_force, past): (Vec<_>, Vec<_>) = of.exclusions.iter().partition(|e| e.is_in_force());
    let is_out = |run| in_force.iter().any(|e| e.run == run);
    let choices = of.runs.iter().filter(|run| !is_out(run.id)).map(|run| {
        let name = format!("{}, seed {} ({})", run.arm.label, run.seed, run.state);
        (run.id.to_string(), name)
    });
    let past = past.iter().map(|e| {
        let what = if e.excluded { "left out" } else { "taken back" };
        let because = match e.reason.as_str() {
            "" => String::new(),
            reason => format!(": {reason}"),
        };
        format!(
            "{}: {}, seed {} {what}{because}",
            number::moment(e.at),
            e.label,
            e.seed
        )
    });
    Excluded {
        choices: choices.collect(),
        past: past.collect(),
        both: if in_force.is_empty() {
            vec![]
        } else {
            let all = both_ways::of_arms(of, chosen).into_iter();
            all.map(both).collect()
        },
        decoders: both_ways::of_decoders(of)
            .into_iter()
            .map(decoder)
            .collect(),
        contrasts: if in_force.is_empty() {
            vec![]
        } else {
            contrasts(&of.outcome, &all_runs(of), of)
        },
        rows: in_force
            .iter()
            .map(|e| ExcludedRow {
                run: e.run.to_string(),
                arm: e.arm.clone(),
                label: e.label.clone(),
                seed: e.seed,
                reason: e.reason.clone(),
                at: number::moment(e.at),
            })
            .collect(),
    }
}

/// What the rule would say had nobody left a run out.
pub(super) fn all_runs(of: &Material) -> Outcome {
    let rule = outcome_with_all_runs(&of.view.spec, &of.test, &of.decoders);
    rule.with_open_runs(store::fates(&of.runs, &[]))
}

fn both(of: Both) -> BothRow {
    let kind = of.kind;
    let cell = |of: Option<Estimate>| cell(kind, of.as_ref(), false);
    let difference = |of: Option<Estimate>, own: Option<Estimate>| {
        paired(kind, of.as_ref(), own.map_or(0, |v| v.n))
    };
    BothRow {
        label: match of.figure {
            Figure::On(Split::Test) => of.label,
            figure @ (Figure::On(Split::Train | Split::Validation | Split::Ood)
            | Figure::PassAt(_)) => format!("{}, {figure}", of.label),
        },
        arm: of.arm,
        n_without: of.without.map_or(0, |v| v.n),
        n_with: of.with.map_or(0, |v| v.n),
        without: cell(of.without),
        with: cell(of.with),
        difference_without: difference(of.difference_without, of.without),
        difference_with: difference(of.difference_with, of.with),
    }
}

fn decoder(of: BothDecoded) -> BothDecoder {
    let samples = number::counted(i64::from(of.level), "sample");
    let place = match of.split {
        Split::Ood => ", out of distribution",
        Split::Train | Split::Validation | Split::Test => "",
    };
    let cell = |of: Option<Estimate>| cell(Kind::Share, of.as_ref(), false);
    BothDecoder {
        label: format!("{}, {samples}{place}", of.label),
        arm: of.arm,
        policy: of.policy,
        n_without: of.without.map_or(0, |v| v.n),
        n_with: of.with.map_or(0, |v| v.n),
        without: cell(of.without),
        with: cell(of.with),
    }
}

fn contrasts(without: &Outcome, with: &Outcome, of: &Material) -> Vec<BothContrast> {
    let said = |c: &ContrastOutcome| {
        let verdict = c.said();
        let difference = cell(Kind::of(&c.metric), c.difference.as_ref(), true);
        format!("{} {}: {verdict}", difference.mean, difference.interval)
    };
    let pairs = without.contrasts.iter().zip(&with.contrasts);
    pairs
        .map(|(a, b)| BothContrast {
            name: format!("{} against {}", of.name(&a.arm), of.name(&a.against)),
            without: said(a),
            with: said(b),
            changes: a.verdict != b.verdict || a.mark != b.mark,
        })
        .collect()
}
