//! Runs that somebody has left out: which, why, and what the comparison says with them
//! and without. Nothing is deleted; this is the only way not to count a run.

use super::Material;
use super::comparison::{Cell, cell};
use crate::number::{self, Kind};
use crate::pages::words;
use assay_core::compare::{ArmFigures, compare};
use assay_core::outcome::{ContrastOutcome, Outcome, outcome_with_all_runs};

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

/// An arm without the runs that were left out, and with them.
#[derive(Debug)]
pub(super) struct BothRow {
    pub arm: String,
    pub label: String,
    pub n_without: usize,
    pub n_with: usize,
    pub without: Cell,
    pub with: Cell,
    pub difference_without: Cell,
    pub difference_with: Cell,
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
            both(of, chosen)
        },
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
    outcome_with_all_runs(&of.view.spec, &of.test, &of.decoders)
}

fn both(of: &Material, chosen: usize) -> Vec<BothRow> {
    let spec = &of.view.spec;
    let name = words::FINAL[chosen].1;
    let kind = Kind::of(name);
    let all: Vec<ArmFigures> = of.test.iter().map(ArmFigures::with_all_runs).collect();
    let without = compare(&spec.budget, &spec.baseline, name, &of.test);
    let with = compare(&spec.budget, &spec.baseline, name, &all);
    let pairs = without.rows.iter().zip(&with.rows);
    pairs
        .map(|(a, b)| BothRow {
            arm: a.arm.clone(),
            label: a.label.clone(),
            n_without: a.value.map_or(0, |v| v.n),
            n_with: b.value.map_or(0, |v| v.n),
            without: cell(kind, a.value.as_ref(), false),
            with: cell(kind, b.value.as_ref(), false),
            difference_without: cell(kind, a.difference.as_ref(), true),
            difference_with: cell(kind, b.difference.as_ref(), true),
        })
        .collect()
}

fn contrasts(without: &Outcome, with: &Outcome, of: &Material) -> Vec<BothContrast> {
    let said = |c: &ContrastOutcome| {
        let verdict = c.verdict.map_or("withheld".into(), |v| v.to_string());
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
