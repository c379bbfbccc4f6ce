//! Tables of the page's end as files: where each run is, which do not count and what that
//! changes, what was spent, and what other questions would change.

use super::tables::{Cell, MEANS, Sheet, Table};
use super::view::Wanted;
use super::{Material, both_ways, excluded, runs, verdicts};
use crate::number::Kind;
use crate::pages::words;
use assay_core::beyond::{Beyond, Over, Spread};
use assay_core::outcome::{ContrastOutcome, Mark};

fn word(of: impl Into<String>) -> Cell {
    Cell::Word(of.into())
}

fn yes_no(of: bool) -> Cell {
    word(if of { "yes" } else { "no" })
}

fn failed(of: &Material, arm: &str) -> bool {
    of.mark(arm) == Some(Mark::Unsuccessful)
}

/// A row a run, whatever became of it.
pub(super) fn runs(of: &Material) -> Sheet {
    let mut sheet = Sheet::plain(
        Table::Runs.word(),
        "Every run: where it is, and the last validation pass@1 along its training",
        &[
            "arm",
            "label",
            "seed",
            "run",
            "state",
            "validation_pass_at_1",
            "left_out",
            "status",
            "why",
        ],
    );
    sheet.kind = Kind::Share;
    for run in &of.runs {
        let last = of.milestones.iter().rfind(|p| p.run == run.id);
        let mut decided = of.exclusions.iter();
        let out = decided.find(|e| e.run == run.id && e.is_in_force());
        sheet.unsuccessful.push(failed(of, &run.arm.key));
        sheet.rows.push(vec![
            Cell::Text(run.arm.key.clone()),
            Cell::said(&run.arm.label),
            word(run.seed.to_string()),
            word(run.id.to_string()),
            word(run.state.word()),
            Cell::Value(last.map(|p| p.pass_at_1)),
            yes_no(out.is_some()),
            Cell::said(&runs::now(run)),
            Cell::said(out.map_or("", |e| &e.reason)),
        ]);
    }
    sheet
}

/// A row a decision, those that no longer hold among them.
pub(super) fn decisions(of: &Material) -> Sheet {
    let mut sheet = Sheet::plain(
        Table::Excluded.word(),
        "Runs that somebody has left out or counted again: every decision, the latest of a run holds",
        &[
            "arm", "label", "seed", "run", "at", "left_out", "holds", "reason",
        ],
    );
    for e in &of.exclusions {
        sheet.unsuccessful.push(failed(of, &e.arm));
        sheet.rows.push(vec![
            Cell::Text(e.arm.clone()),
            Cell::said(&e.label),
            word(e.seed.to_string()),
            word(e.run.to_string()),
            Cell::Text(crate::number::moment(e.at)),
            yes_no(e.excluded),
            yes_no(e.holds),
            Cell::said(&e.reason),
        ]);
    }
    sheet
}

/// A run is left out now.
pub(super) fn any_left_out(of: &Material) -> bool {
    of.exclusions.iter().any(|e| e.is_in_force())
}

/// The figures without the runs that were left out, and with every run.
pub(super) fn both_ways(of: &Material, wanted: &Wanted) -> Sheet {
    let (_, name, title) = words::FINAL[wanted.metric];
    let mut sheet = Sheet::plain(
        Table::BothWays.word(),
        format!("Test {title} without the runs that were left out, and with every run"),
        &[
            "arm",
            "label",
            "figure",
            "without",
            "difference_without",
            "with",
            "difference_with",
        ],
    );
    sheet.note = MEANS;
    sheet.kind = Kind::of(name);
    sheet.said = "Of arms with such a run also what is compared with nothing: out of distribution and pass@k.".into();
    for row in both_ways::of_arms(of, wanted.metric) {
        sheet.unsuccessful.push(failed(of, &row.arm));
        sheet.rows.push(vec![
            Cell::Text(row.arm.clone()),
            Cell::said(&of.name(&row.arm)),
            word(row.figure.to_string()),
            Cell::Measured(row.kind, row.without),
            Cell::Paired(row.difference_without, row.without.map_or(0, |v| v.n)),
            Cell::Measured(row.kind, row.with),
            Cell::Paired(row.difference_with, row.with.map_or(0, |v| v.n)),
        ]);
    }
    sheet
}

/// The decoders with such a run at each level, in the same two ways.
pub(super) fn decoders_both_ways(of: &Material) -> Sheet {
    let mut sheet = Sheet::plain(
        Table::DecodersBothWays.word(),
        "pass@1 of decoders without the runs that were left out, and with every run",
        &[
            "arm", "label", "policy", "samples", "split", "without", "with",
        ],
    );
    sheet.note = MEANS;
    sheet.kind = Kind::Share;
    for row in both_ways::of_decoders(of) {
        sheet.unsuccessful.push(failed(of, &row.arm));
        sheet.rows.push(vec![
            Cell::Text(row.arm.clone()),
            Cell::said(&of.name(&row.arm)),
            Cell::Text(row.policy),
            Cell::Count(row.level as usize),
            word(row.split.word()),
            Cell::Estimate(row.without),
            Cell::Estimate(row.with),
        ]);
    }
    sheet
}

/// What the registered rule says of each contrast, in the same two ways.
pub(super) fn rule_both_ways(of: &Material) -> Sheet {
    let mut sheet = Sheet::plain(
        Table::RuleBothWays.word(),
        "Registered contrasts without the runs that were left out, and with every run",
        &[
            "arm",
            "label",
            "against",
            "difference_without",
            "verdict_without",
            "difference_with",
            "verdict_with",
            "changes",
        ],
    );
    sheet.said = verdicts::attempts_said(of);
    sheet.note = MEANS;
    sheet.kind = Kind::of(&of.outcome.metric);
    let said = |c: &ContrastOutcome| {
        let verdict = c.said();
        Cell::Text(verdict)
    };
    let with = excluded::all_runs(of);
    for (a, b) in of.outcome.contrasts.iter().zip(&with.contrasts) {
        sheet.unsuccessful.push(a.mark == Some(Mark::Unsuccessful));
        sheet.rows.push(vec![
            Cell::Text(a.arm.clone()),
            Cell::said(&of.name(&a.arm)),
            Cell::said(&of.name(&a.against)),
            Cell::Paired(a.difference, 0),
            said(a),
            Cell::Paired(b.difference, 0),
            said(b),
            yes_no(a.verdict != b.verdict || a.mark != b.mark),
        ]);
    }
    sheet
}

/// In every unit, whatever the budget's is.
pub(super) fn charged(of: &Material) -> Sheet {
    let mut sheet = Sheet::plain(
        Table::Charged.word(),
        "Charged to the arms, all seeds, as if each were alone",
        &["arm", "label", "tokens", "flops", "device_s"],
    );
    for arm in &of.ledger.arms {
        sheet.unsuccessful.push(failed(of, &arm.arm_key));
        sheet.rows.push(vec![
            Cell::Text(arm.arm_key.clone()),
            Cell::said(&arm.label),
            Cell::Cost(Some(arm.charged.tokens)),
            Cell::Cost(Some(arm.charged.flops)),
            Cell::Cost(Some(arm.charged.device_ms / 1e3)),
        ]);
    }
    sheet
}

/// What was registered, and every amendment of its words.
pub(super) fn versions(of: &Material) -> Sheet {
    let mut sheet = Sheet::plain(
        Table::Versions.word(),
        "Versions: the first is what was registered",
        &[
            "version",
            "since",
            "results_before",
            "reason",
            "note",
            "by",
            "question",
            "hypothesis",
            "sha256",
        ],
    );
    sheet.said = "An amendment says words anew and changes nothing of the rule. Results: runs whose final evaluation had finished by then.".into();
    let text = |words: Option<&String>| Cell::said(words.map_or("", String::as_str));
    for version in &of.versions {
        sheet.push(vec![
            Cell::Count(version.version.unsigned_abs() as usize),
            word(crate::number::moment(version.frozen_at)),
            Cell::Count(version.results_before.unsigned_abs() as usize),
            text(version.reason.as_ref()),
            Cell::said(&version.note),
            text(version.author.as_ref()),
            Cell::said(&version.question),
            text(version.hypothesis.as_ref()),
            word(version.sha256.clone()),
        ]);
    }
    sheet
}

/// Everything, each stage once.
pub(super) fn spent(of: &Material) -> Sheet {
    let mut sheet = Sheet::plain(
        Table::Spent.word(),
        "Spent by purpose: everything, each stage once, lost work included",
        &[
            "purpose",
            "by_an_earlier_experiment",
            "tokens",
            "flops",
            "device_s",
        ],
    );
    for row in &of.ledger.spent {
        sheet.push(vec![
            Cell::said(&row.purpose),
            yes_no(row.reused),
            Cell::Cost(Some(row.cost.tokens)),
            Cell::Cost(Some(row.cost.flops)),
            Cell::Cost(Some(row.cost.device_ms / 1e3)),
        ]);
    }
    sheet
}

/// File's name of the table that takes every answer.
pub(super) const BEYOND: &str = "beyond";

/// Always of test pass@1, and to the registered baseline.
pub(super) fn beyond(of: &Material, found: &Beyond) -> Sheet {
    let mut sheet = Sheet::plain(
        BEYOND,
        format!(
            "Test pass@1 on {} questions ({}), with intervals over what could have been others; differences to {} have theirs over both",
            found.questions,
            found.basis(),
            of.name(&found.baseline)
        ),
        &[
            "arm",
            "label",
            "n",
            "questions",
            "mean",
            "over_seeds",
            "over_questions",
            "over_questions_by",
            "over_both",
            "mean_difference",
            "difference_over_both",
        ],
    );
    sheet.kind = Kind::Share;
    for row in &found.rows {
        let apart: Option<&Spread> = match row.arm == found.baseline {
            true => None,
            false => row.difference.as_ref(),
        };
        let over = |over: Over| Cell::Range(row.value.interval(over));
        sheet.unsuccessful.push(failed(of, &row.arm));
        sheet.rows.push(vec![
            Cell::Text(row.arm.clone()),
            Cell::said(&of.name(&row.arm)),
            Cell::Count(row.value.n),
            Cell::Count(row.value.questions),
            Cell::Value(Some(row.value.mean)),
            over(Over::Seeds),
            over(Over::Questions),
            Cell::Word(row.value.over_questions_by.word().into()),
            over(Over::SeedsAndQuestions),
            Cell::Value(apart.map(|d| d.mean)),
            Cell::Interval(apart.and_then(|d| d.over_seeds_and_questions)),
        ]);
    }
    sheet
}
