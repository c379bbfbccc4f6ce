//! The tables as files: for spreadsheets, programs and papers. Every one carries its
//! basis, its denominator and the snapshot that it was made from.

use super::carried::EQUAL_INFERENCE;
use super::forest::{comparator, exploring};
use super::view::Wanted;
use super::why::beside;
use super::{Material, both_ways, comparison, listed, ruled, settings, sheets, standing, verdicts};
use crate::number::{self, Kind};
pub(super) use crate::pages::sheet::{Cell, MEANS, Sheet, head};
use crate::pages::words;
use assay_core::beyond::Over;
use assay_core::compare::Basis;
use assay_core::outcome::{Mark, Verdict};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Comparison,
    Verdicts,
    Decoders,
    Costs,
    Matrix,
    /// pass@k, whose numbers the figure of that name has for programs.
    Tries,
    Runs,
    /// Decisions about runs.
    Excluded,
    BothWays,
    DecodersBothWays,
    RuleBothWays,
    Charged,
    Spent,
    Versions,
}

impl Table {
    pub const ALL: [Self; 14] = [
        Self::Comparison,
        Self::Verdicts,
        Self::Decoders,
        Self::Costs,
        Self::Matrix,
        Self::Tries,
        Self::Runs,
        Self::Excluded,
        Self::BothWays,
        Self::DecodersBothWays,
        Self::RuleBothWays,
        Self::Charged,
        Self::Spent,
        Self::Versions,
    ];

    /// A file's name without its ending.
    pub fn word(self) -> &'static str {
        match self {
            Self::Comparison => "table",
            Self::Verdicts => "verdicts",
            Self::Decoders => "decoders",
            Self::Costs => "costs",
            Self::Matrix => "matrix",
            Self::Tries => "passk",
            Self::Runs => "runs",
            Self::Excluded => "excluded",
            Self::BothWays => "both-ways",
            Self::DecodersBothWays => "decoders-both-ways",
            Self::RuleBothWays => "rule-both-ways",
            Self::Charged => "charged",
            Self::Spent => "spent",
            Self::Versions => "versions",
        }
    }

    /// By a file's name, of a table that the experiment has.
    pub fn of_file(of: &Material, wanted: &Wanted, word: &str, ending: &str) -> Option<Self> {
        let table = Self::ALL.into_iter().find(|table| table.word() == word)?;
        let exists = match table {
            Self::Comparison
            | Self::Verdicts
            | Self::Costs
            | Self::Matrix
            | Self::Runs
            | Self::Excluded
            | Self::Charged
            | Self::Spent
            | Self::Versions => true,
            Self::BothWays => !of.test.is_empty() && listed::any_left_out(of),
            Self::DecodersBothWays => !both_ways::of_decoders(of).is_empty(),
            Self::RuleBothWays => listed::any_left_out(of),
            Self::Decoders => !of.decoders.is_empty(),
            // A band over questions has no place in it: that is in the figure's own numbers.
            Self::Tries => ending == "tex" && wanted.over == Over::Seeds && !of.test.is_empty(),
        };
        exists.then_some(table)
    }

    /// Whether its rows are of arms: of what it has of them. Others are of all of them, of
    /// decisions, or of none.
    pub fn lists_arms(self) -> bool {
        match self {
            Self::Comparison
            | Self::Verdicts
            | Self::Decoders
            | Self::Costs
            | Self::Tries
            | Self::Runs
            | Self::BothWays
            | Self::DecodersBothWays
            | Self::RuleBothWays
            | Self::Charged => true,
            Self::Matrix | Self::Excluded | Self::Spent | Self::Versions => false,
        }
    }

    /// Whether its rows are compared with each other. Others are lists and sums, which have no
    /// basis to be said in a caption.
    pub fn compares(self) -> bool {
        match self {
            Self::Comparison
            | Self::Verdicts
            | Self::Decoders
            | Self::Tries
            | Self::BothWays
            | Self::DecodersBothWays
            | Self::RuleBothWays => true,
            Self::Costs
            | Self::Matrix
            | Self::Runs
            | Self::Excluded
            | Self::Charged
            | Self::Spent
            | Self::Versions => false,
        }
    }

    /// Where it is another than the experiment's.
    pub fn basis(self, of: &Material) -> Option<String> {
        match self {
            Self::Comparison
            | Self::Costs
            | Self::Matrix
            | Self::Tries
            | Self::Runs
            | Self::Excluded
            | Self::BothWays
            | Self::Charged
            | Self::Spent
            | Self::Versions => None,
            Self::Verdicts | Self::RuleBothWays => registered_basis(of),
            Self::Decoders | Self::DecodersBothWays => Some(EQUAL_INFERENCE.into()),
        }
    }
}

/// Of the registered contrasts, where some are of decoders.
fn registered_basis(of: &Material) -> Option<String> {
    let is_trained = |basis: &Basis| matches!(basis, Basis::EqualCompute { .. });
    let contrasts = || of.outcome.contrasts.iter();
    let trained = contrasts().any(|c| is_trained(c.basis()));
    let decodes = contrasts().any(|c| !is_trained(c.basis()));
    match (trained, decodes) {
        (_, false) => None,
        (false, true) => Some(EQUAL_INFERENCE.into()),
        (true, true) => Some(format!(
            "as registered for each contrast: {}; or {EQUAL_INFERENCE}",
            of.basis()
        )),
    }
}

pub(super) fn sheet(of: &Material, wanted: &Wanted, table: Table) -> Sheet {
    match table {
        Table::Comparison => compared(of, wanted),
        Table::Verdicts => judged(of, wanted),
        Table::Decoders => sheets::decoded(of, wanted),
        Table::Costs => sheets::costs(of),
        Table::Matrix => sheets::matrix(of),
        Table::Tries => sheets::tries(of, wanted),
        Table::Runs => listed::runs(of),
        Table::Excluded => listed::decisions(of),
        Table::BothWays => listed::both_ways(of, wanted),
        Table::DecodersBothWays => listed::decoders_both_ways(of),
        Table::RuleBothWays => listed::rule_both_ways(of),
        Table::Charged => listed::charged(of),
        Table::Spent => listed::spent(of),
        Table::Versions => listed::versions(of),
    }
}

fn compared(of: &Material, wanted: &Wanted) -> Sheet {
    let (_, name, title) = words::FINAL[wanted.metric];
    let mut rows = comparison::of_metric(of, wanted, wanted.metric).rows;
    wanted.table_sort().apply(&mut rows);
    let judged = |arm: &str| ruled::contrast(of, wanted, arm);
    let rows: Vec<_> = rows.iter().filter(|r| !wanted.hides(of, &r.arm)).collect();
    let failed = |arm: &str| of.mark(arm) == Some(Mark::Unsuccessful) && !wanted.is_exploratory();
    Sheet {
        word: Table::Comparison.word().into(),
        title: match exploring(of, wanted).or_else(|| ruled::said(of, wanted)) {
            Some(said) => {
                let said = said.trim_end_matches('.');
                format!("Test {title} ({}). {said}", of.basis())
            }
            None => format!("Test {title} ({}){}", of.basis(), verdicts::so_far(of)),
        },
        said: match wanted.is_exploratory() {
            true => String::new(),
            false => verdicts::attempts_said(of),
        },
        note: MEANS,
        along: None,
        head: head(&[
            "arm",
            "label",
            "n",
            "planned",
            "value",
            "difference",
            "charged",
            "budget",
            "settings_tried",
            "mark",
            "p_holm",
            "verdict",
            "dollars",
            "status",
            "why",
        ]),
        unsuccessful: rows.iter().map(|r| failed(&r.arm)).collect(),
        kind: Kind::of(name),
        rows: rows
            .iter()
            .map(|row| {
                let n = row.value.map_or(0, |v| v.n);
                vec![
                    Cell::Text(row.arm.clone()),
                    Cell::said(&of.name(&row.arm)),
                    Cell::Count(n),
                    Cell::Count(row.planned_seeds),
                    Cell::Estimate(row.value),
                    Cell::Paired(row.difference, n),
                    Cell::Cost(row.charged_mean),
                    Cell::Text(match row.is_baseline {
                        true => format!("{}; {}", comparator(wanted), words::reached(row.reached)),
                        false => words::reached(row.reached),
                    }),
                    settings::cell(of, &row.arm),
                    Cell::Text(ruled::mark(of, wanted, &row.arm).unwrap_or_default()),
                    Cell::P(judged(&row.arm).and_then(|c| c.p_holm)),
                    Cell::Text(judged(&row.arm).map_or(String::new(), |c| c.said())),
                    Cell::Dollars(comparison::dollars(of, &row.arm)),
                    Cell::said(&standing::status(of, &row.arm)),
                    Cell::said(&match wanted.is_exploratory() {
                        true => standing::crashed(of, &row.arm).unwrap_or_default(),
                        false => beside(of, &row.arm, name),
                    }),
                ]
            })
            .collect(),
    }
}

fn judged(of: &Material, wanted: &Wanted) -> Sheet {
    let contrasts = of.outcome.contrasts.iter();
    let contrasts: Vec<_> = contrasts.filter(|c| !wanted.hides(of, &c.arm)).collect();
    let level = contrasts.first().map_or(0.95, |c| c.adjusted_level);
    Sheet {
        word: Table::Verdicts.word().into(),
        title: format!(
            "{} by the registered rule, Holm over all of them; adjusted interval {}, margin {}, minimum gain {}{}",
            number::counted(of.outcome.m as i64, "registered contrast"),
            number::level(level),
            number::significant(of.outcome.margin),
            number::significant(of.outcome.min_gain),
            verdicts::so_far(of),
        ),
        said: verdicts::attempts_said(of),
        note: MEANS,
        along: None,
        head: head(&[
            "arm",
            "label",
            "against",
            "basis",
            "n",
            "planned",
            "difference",
            "adjusted",
            "p_holm",
            "sign",
            "verdict",
            "mark",
        ]),
        unsuccessful: contrasts
            .iter()
            .map(|c| c.mark == Some(Mark::Unsuccessful))
            .collect(),
        kind: Kind::of(&of.outcome.metric),
        rows: contrasts
            .iter()
            .map(|c| {
                vec![
                    Cell::Text(c.arm.clone()),
                    Cell::said(&of.name(&c.arm)),
                    Cell::said(&of.name(&c.against)),
                    Cell::Text(match c.basis() {
                        Basis::EqualCompute { .. } => "equal compute".into(),
                        Basis::EqualInference { level, .. } => format!(
                            "equal inference, {}",
                            number::counted(i64::from(*level), "sample")
                        ),
                    }),
                    Cell::Count(c.difference.map_or(0, |d| d.n)),
                    Cell::Count(c.planned_seeds),
                    Cell::Difference(c.difference),
                    Cell::Interval(c.adjusted),
                    Cell::P(c.p_holm),
                    Cell::Text(sign(c.verdict).into()),
                    Cell::Text(c.said()),
                    Cell::Text(c.mark.map_or(String::new(), |m| m.to_string())),
                ]
            })
            .collect(),
    }
}

/// The verdict in one sign; its word stands beside it.
pub(super) fn sign(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Better | Verdict::BetterWithinMargin) => "+",
        Some(Verdict::Worse | Verdict::WorseWithinMargin) => "-",
        Some(Verdict::Equivalent) => "=",
        Some(Verdict::NoDifferenceShown) => "?",
        Some(Verdict::NotEnoughSeeds) | None => "",
    }
}
