//! How much stands behind the comparison: the runs of its columns, each once, by what became
//! of them and by what each experiment's own rule says; and by name whom no count tells.

use super::decoders::Group;
use super::entries::{MOST, Material, Origin};
use crate::pages::text;
use assay_core::denominator::{Denominator, NoVerdict, denominator as of_runs};
use assay_store::{self as store, RunView};

/// Over the experiments of the columns; where one of them has no verdict, there is no sum.
pub(super) fn denominator(of: &Material) -> Denominator {
    let mut sum = Denominator {
        hidden: of.collapsed.len() + of.hidden.len(),
        ..Denominator::default()
    };
    let mut unsuccessful = vec![];
    for (id, known) in &of.experiments {
        let mut runs: Vec<RunView> = vec![];
        for (_, run) in of.runs().filter(|(own, _)| own == id) {
            if runs.iter().all(|r| r.id != run.id) {
                runs.push(run.clone());
            }
        }
        if runs.is_empty() {
            continue;
        }
        let own = of_runs(store::fates(&runs, &of.exclusions), &known.outcome, 0);
        sum.planned += own.planned;
        sum.done += own.done;
        sum.crashed += own.crashed;
        sum.cancelled += own.cancelled;
        sum.open += own.open;
        sum.excluded += own.excluded;
        sum.counted += own.counted;
        sum.arms += own.arms;
        unsuccessful.push(own.unsuccessful);
        // What is withheld will be said first.
        sum.no_verdict = match (sum.no_verdict, own.no_verdict) {
            (Some(NoVerdict::Withheld), _) => Some(NoVerdict::Withheld),
            (known, own) => own.or(known),
        };
    }
    match unsuccessful.is_empty() {
        true => sum.no_verdict = Some(NoVerdict::NotYet),
        false => sum.unsuccessful = unsuccessful.into_iter().sum(),
    }
    sum
}

/// Whom no count tells, a sentence a kind, the same under every figure and table: who was added
/// by policy, who stands at equal inference, who was collapsed, for whom there is no room, and
/// who is hidden.
pub(super) fn named(of: &Material) -> Vec<String> {
    let entries = of.entries.iter().map(|e| (e.origin, e.label.as_str()));
    let decoders = || of.decoders.iter().map(|d| (d.origin, d.label.as_str()));
    let added = entries.chain(decoders());
    let added = added.filter(|(origin, _)| *origin == Origin::Policy);
    let added: Vec<&str> = added.map(|(_, label)| label).collect();
    let apart: Vec<&str> = decoders().map(|(_, label)| label).collect();
    let no_room = format!("Beyond {MOST} columns, in no table and no figure here");
    let mut said = vec![];
    for (what, names) in [
        ("Added by policy", added),
        (
            "Decoders, at equal inference in tables and figures of their own",
            apart,
        ),
        (
            "Collapsed by the link",
            of.collapsed.iter().map(String::as_str).collect(),
        ),
        (
            no_room.as_str(),
            of.rest.iter().map(String::as_str).collect(),
        ),
    ] {
        if !names.is_empty() {
            said.push(format!("{what}: {}.", names.join("; ")));
        }
    }
    said.extend(of.hidden_line());
    said.iter().map(|line| text::visible(line)).collect()
}

/// Under every figure, and in the note of every table: the counts, and then the names.
pub(super) fn behind(of: &Material) -> String {
    let mut said = vec![denominator(of).to_string()];
    said.extend(named(of));
    said.extend(of.not_run.iter().map(|line| text::visible(&stopped(line))));
    said.join(" ")
}

/// As a sentence.
fn stopped(line: &str) -> String {
    match line.ends_with(['.', '!', '?']) {
        true => line.into(),
        false => format!("{line}."),
    }
}

/// What cannot stand in one table with the others, was not run or does not count; and what is
/// not given of decoders.
pub(super) fn apart(of: &Material, groups: &[Group]) -> Vec<String> {
    let mut said = of.apart.clone();
    if groups.iter().any(|group| group.lines.len() > 1) {
        said.push("No wins and losses by question for decoders: single answers are read from final evaluations alone, and the run of a decoder has none.".into());
    }
    let mut experiments = groups.iter().map(|group| &group.experiment);
    let first = experiments.next();
    if experiments.any(|other| Some(other) != first) {
        said.push("Decoders of two experiments have no difference: equal inference is counted in samples of one policy, and whether two experiments have one policy is not looked up here.".into());
    }
    said
}
