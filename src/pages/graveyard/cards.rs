//! One attempt: what was expected, what came out, how it failed, what was tried.

use super::course::{Figure, course, is_hacking};
use super::reopening::{Fresh, Reopened, fresh, reopened};
use super::samples::Written;
use super::tables::{self, TableView};
use super::{Material, facts, how};
use crate::number::{self, Kind};
use crate::pages::query::link;
use assay_core::compare::Basis;
use assay_core::note::{Evidence, Reopening};
use assay_core::outcome::{ContrastOutcome, Mark, Verdict};
use assay_store::{ArmView, NoteView};

#[derive(Debug)]
pub(super) struct Card {
    pub key: String,
    pub label: String,
    pub unsuccessful: bool,
    /// `unsuccessful`, or the verdict on a required attempt.
    pub state: String,
    /// `required attempt prm`.
    pub role: Option<String>,
    /// Seeds, cost, settings tried.
    pub facts: Vec<String>,
    pub expected: String,
    pub got: Vec<String>,
    /// And since when.
    pub how: Vec<String>,
    pub figure: Option<Figure>,
    pub tables: Vec<TableView>,
    /// Its texts, or why there are none.
    pub written: Option<Written>,
    pub run: Option<String>,
    /// What the form is asked for: this arm and what it was compared with, alone.
    pub alone: String,
    /// Where the question is open again: why, newest first, and what to do about it.
    pub reopened: Vec<Reopened>,
    pub fresh: Option<Fresh>,
    /// Longest reason for it, in characters.
    pub longest_reason: usize,
    pub note: Option<Remark>,
    pub earlier: Vec<Remark>,
    pub evidence: Vec<&'static str>,
}

#[derive(Debug)]
pub(super) struct Remark {
    pub at: String,
    pub evidence: &'static str,
    pub why: String,
    pub tried: String,
    pub not_tried: String,
    pub would_change: String,
}

impl Card {
    pub fn new(of: &Material, arm: &ArmView) -> Self {
        let key = arm.key.as_str();
        let own: Vec<&ContrastOutcome> = of
            .outcome
            .contrasts
            .iter()
            .filter(|c| c.arm == key)
            .collect();
        let unsuccessful = of.mark(key) == Some(Mark::Unsuccessful);
        let notes = || of.notes.iter().filter(|n| n.arm == key);
        let reopened: Vec<Reopened> = notes().filter_map(reopened).collect();
        let contrast = own.first().copied();
        let mut remarks = notes().filter(|n| n.note.reopened().is_none()).map(remark);
        let written = of.written.iter().find(|(arm, _)| arm == key);
        Self {
            key: key.into(),
            label: arm.label.clone(),
            unsuccessful,
            state: state(of, key, &own),
            role: of.role(key).map(String::from),
            facts: facts::of(of, key),
            expected: expected(of, &own),
            got: own.iter().map(|c| got(of, c)).collect(),
            how: how::lines(
                &how::measured(&of.milestones),
                key,
                own.iter().copied(),
                |arm| of.label(arm).to_string(),
                of.failures.iter().find(|t| is_hacking(t, key)),
            ),
            figure: course(of, key).map(|course| course.figure(of, key)),
            tables: tables::of(of, |table| table.arm.as_deref() == Some(key)),
            written: written.map(|(_, written)| written.clone()),
            run: of
                .runs
                .iter()
                .find(|run| run.arm.key == key)
                .map(|run| run.id.to_string()),
            alone: alone(of, key, contrast, ""),
            fresh: (!reopened.is_empty()).then(|| fresh(of, key, contrast)),
            reopened,
            longest_reason: Reopening::MOST,
            note: remarks.next(),
            earlier: remarks.collect(),
            evidence: Evidence::ALL.map(Evidence::word).to_vec(),
        }
    }
}

/// What the rule says of the arm, and whether that is for the seeds so far.
fn state(of: &Material, key: &str, own: &[&ContrastOutcome]) -> String {
    let mark = of.mark(key);
    let gravest = own.iter().find(|c| c.mark == mark).or(own.first());
    let said = match gravest.map(|c| (c.verdict, c.mark)) {
        None => return "no contrast was registered".into(),
        Some((None, _)) => return "verdict withheld".into(),
        Some((Some(few @ Verdict::NotEnoughSeeds), _)) => return few.to_string(),
        Some(_) if mark == Some(Mark::Unsuccessful) => "unsuccessful".to_string(),
        Some((Some(verdict), Some(mark))) => format!("{verdict}; {mark}"),
        Some((Some(verdict), None)) => verdict.to_string(),
    };
    match of.outcome.interim() {
        Some(_) => format!("{said}, for the seeds so far"),
        None => said,
    }
}

/// `seeds`: a list of them; the experiment's own where it is empty.
pub(super) fn alone(
    of: &Material,
    arm: &str,
    contrast: Option<&ContrastOutcome>,
    seeds: &str,
) -> String {
    let against = contrast.map_or(&of.view.spec.baseline, |c| &c.against);
    let id = of.view.id.to_string();
    let only = format!("{arm},{against}");
    link([
        ("from", id.as_str()),
        ("only", only.as_str()),
        ("seeds", seeds),
    ])
}

fn remark(of: &NoteView) -> Remark {
    Remark {
        at: number::moment(of.written_at),
        evidence: of.note.evidence.word(),
        why: of.note.why.clone(),
        tried: of.note.tried.clone(),
        not_tried: of.note.not_tried.clone(),
        would_change: of.note.would_change.clone(),
    }
}

fn expected(of: &Material, own: &[&ContrastOutcome]) -> String {
    let against: Vec<&str> = own.iter().map(|c| of.label(&c.against)).collect();
    let gain = match of.outcome.min_gain {
        0.0 => "no gain was registered".to_string(),
        gain => format!("a gain of at least {}", number::significant(gain)),
    };
    match against.is_empty() {
        true => gain,
        false => format!("{gain} over {}", against.join(" and over ")),
    }
}

fn got(of: &Material, contrast: &ContrastOutcome) -> String {
    let kind = Kind::of(&contrast.metric);
    let difference = contrast
        .difference
        .map_or("nothing measured yet".into(), |d| {
            number::difference(kind, &d)
        });
    let basis = match contrast.basis() {
        Basis::EqualCompute { .. } => "at equal compute".to_string(),
        Basis::EqualInference { level, .. } => {
            format!(
                "at equal inference, {}",
                number::counted(i64::from(*level), "sample")
            )
        }
    };
    format!(
        "{difference} against {}, {basis}",
        of.label(&contrast.against)
    )
}
