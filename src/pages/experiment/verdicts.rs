//! What the registered rule says of each registered contrast.

use super::Material;
use super::comparison::{Cell, cell};
use super::contrasts;
use super::figure::Name;
use super::figures::Shown;
use super::tables::sign;
use super::view::Wanted;
use crate::number::{self, Kind};
use crate::pages::{text, words};
use assay_core::compare::Basis;
use assay_core::metric;
use assay_core::outcome::{AttemptState, ContrastOutcome, MIN_SEEDS_VERDICT, Mark, Verdict, said};

#[derive(Debug)]
pub(super) struct Verdicts {
    pub rows: Vec<VerdictRow>,
    pub caption: String,
    /// `99.5 %`.
    pub adjusted_level: String,
    /// Why no verdict is given.
    pub withheld: Option<String>,
    /// So many runs are open: the verdicts are those of the seeds so far.
    pub interim: Option<usize>,
    /// One line a required attempt.
    pub attempts: Vec<String>,
    /// Contrasts that no other figure draws.
    pub figure: Option<Shown>,
}

#[derive(Debug)]
pub(super) struct VerdictRow {
    pub key: String,
    pub arm: String,
    pub against: String,
    pub basis: String,
    pub n: usize,
    pub planned: usize,
    pub difference: Cell,
    pub adjusted: String,
    pub p: String,
    pub verdict: String,
    pub mark: Option<String>,
    pub unsuccessful: bool,
}

/// At the end of a table's title, while its words are those of the seeds so far.
pub(super) fn so_far(of: &Material) -> String {
    let Some(open) = of.outcome.interim() else {
        return String::new();
    };
    let runs = number::counted(open as i64, "run");
    format!("; {runs} still open, so verdicts are for the seeds so far")
}

/// The contrast by which an arm is called something: the one with the registered baseline, or
/// its first.
pub(super) fn of_arm<'a>(of: &'a Material, arm: &str) -> Option<&'a ContrastOutcome> {
    let own = || of.outcome.contrasts.iter().filter(|c| c.arm == arm);
    let first = own().find(|c| c.against == of.view.spec.baseline);
    first.or_else(|| own().next())
}

pub(super) fn verdicts(of: &Material, wanted: &Wanted) -> Verdicts {
    let outcome = &of.outcome;
    let margin = number::significant(outcome.margin);
    let gain = number::significant(outcome.min_gain);
    let figure = words::FINAL
        .iter()
        .find(|f| f.1 == outcome.metric)
        .map_or(outcome.metric.as_str(), |f| f.2);
    let aim = if metric::gains_by_falling(&outcome.metric) {
        " A gain is a fall."
    } else {
        ""
    };
    let level = outcome.contrasts.first().map_or(0.95, |c| c.adjusted_level);
    Verdicts {
        caption: format!(
            "Test {figure}, {}: paired t over seeds, p-values by Holm over all of them. Margin {margin}, registered minimum gain {gain}.{aim} No verdict under {MIN_SEEDS_VERDICT} seeds.",
            number::counted(outcome.m as i64, "registered contrast"),
        ),
        adjusted_level: number::level(level),
        withheld: withheld(of),
        interim: of.outcome.interim(),
        attempts: attempts(of),
        figure: contrasts::are_there(of).then(|| Shown::new(of, wanted, Name::Contrasts)),
        rows: outcome.contrasts.iter().map(|c| row(of, c)).collect(),
    }
}

pub(super) fn row(of: &Material, contrast: &ContrastOutcome) -> VerdictRow {
    let kind = Kind::of(&contrast.metric);
    let n = contrast.difference.map_or(0, |d| d.n);
    VerdictRow {
        key: contrast.arm.clone(),
        arm: of.name(&contrast.arm),
        against: of.name(&contrast.against),
        basis: match contrast.basis() {
            Basis::EqualCompute { .. } => "equal compute".into(),
            Basis::EqualInference { policy, level } => format!(
                "equal inference: {} of {}",
                number::counted(i64::from(*level), "sample"),
                of.policy(policy)
            ),
        },
        n,
        planned: contrast.planned_seeds,
        difference: cell(kind, contrast.difference.as_ref(), true),
        adjusted: contrast
            .adjusted
            .as_ref()
            .map_or(number::NONE.into(), |i| number::signed_interval(kind, i)),
        p: contrast.p_holm.map_or(number::NONE.into(), number::p_value),
        verdict: word(contrast.verdict),
        mark: contrast.mark.map(|m| m.to_string()),
        unsuccessful: contrast.mark == Some(Mark::Unsuccessful),
    }
}

/// The word, after its sign where it has one: `+ better`.
pub(super) fn word(verdict: Option<Verdict>) -> String {
    let word = said(verdict);
    match sign(verdict) {
        "" => word,
        // Never in a line of its own.
        sign => format!("{sign}\u{a0}{word}"),
    }
}

fn withheld(of: &Material) -> Option<String> {
    if of.outcome.lacks_attempts() {
        return Some("No verdict is given: no unsuccessful-attempt baseline is registered.".into());
    }
    let missing: Vec<String> = of
        .outcome
        .missing()
        .map(|attempt| match &attempt.state {
            AttemptState::Missing {
                arm,
                finished,
                planned,
            } => format!(
                "{} ({}: {finished} of {planned} seeds finished)",
                attempt.role,
                of.name(arm)
            ),
            AttemptState::Present { .. } | AttemptState::NotRun { .. } => attempt.role.clone(),
        })
        .collect();
    of.outcome.withheld.then(|| {
        format!(
            "No verdict is given: required attempts are missing: {}.",
            missing.join(", ")
        )
    })
}

/// What became of the required attempts, for files; empty where none is registered.
pub(super) fn attempts_said(of: &Material) -> String {
    let said = attempts(of);
    match said.is_empty() {
        true => String::new(),
        false => text::visible(&format!("Required attempts: {}", said.join("; "))),
    }
}

fn attempts(of: &Material) -> Vec<String> {
    let said = of.outcome.required_attempts.iter().map(|attempt| {
        let state = match &attempt.state {
            AttemptState::Present { arm } => format!("{}, in the comparison", of.name(arm)),
            AttemptState::NotRun { reason } => format!("not run, because: {reason}"),
            AttemptState::Missing { arm, .. } => format!("{}, missing so far", of.name(arm)),
        };
        format!("{}: {state}", attempt.role)
    });
    said.collect()
}
