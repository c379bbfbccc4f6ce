//! Why an arm did not work, in a line: what the rule says, and the most telling of what was
//! measured of it. The graveyard has the whole of it.

use super::material::Material;
use super::standing;
use crate::number::{self, Kind};
use crate::pages::words;
use assay_core::failure::{FailureKind, FailureRow, FailureTable, Scale};
use assay_core::outcome::{ContrastOutcome, Mark, Verdict};
use assay_core::stats::Estimate;

/// By which a finding is one.
pub(super) fn contrasts<'a>(
    of: &'a Material,
    arm: &'a str,
) -> impl Iterator<Item = &'a ContrastOutcome> {
    let own = of.outcome.contrasts.iter().filter(move |c| c.arm == arm);
    own.filter(|c| c.mark == Some(Mark::Unsuccessful))
}

/// Of an arm that the rule calls unsuccessful; else the accidents of its runs; else nothing.
pub(super) fn why(of: &Material, arm: &str) -> String {
    said(of, arm, |c| rule(of, c))
}

/// The same beside a figure: a finding in another one says in which.
pub(super) fn beside(of: &Material, arm: &str, metric: &str) -> String {
    said(of, arm, |c| match c.metric == metric {
        true => rule(of, c),
        false => format!("{} in {}", rule(of, c), words::final_title(&c.metric)),
    })
}

fn said(of: &Material, arm: &str, rule: impl Fn(&ContrastOutcome) -> String) -> String {
    let rules: Vec<String> = contrasts(of, arm).map(rule).collect();
    let measured = match rules.is_empty() {
        true => None,
        false => telling(&of.failures, arm),
    };
    let parts = rules.into_iter().chain(measured);
    let parts: Vec<String> = parts.chain(standing::crashed(of, arm)).collect();
    parts.join("; ")
}

fn rule(of: &Material, contrast: &ContrastOutcome) -> String {
    let against = of.name(&contrast.against);
    match contrast.verdict {
        Some(Verdict::Worse | Verdict::WorseWithinMargin) => format!("worse than {against}"),
        Some(
            Verdict::Better
            | Verdict::BetterWithinMargin
            | Verdict::Equivalent
            | Verdict::NoDifferenceShown
            | Verdict::NotEnoughSeeds,
        )
        | None => format!(
            "gains less over {against} than the registered {}",
            number::significant(of.outcome.min_gain)
        ),
    }
}

/// What tells most of a failure stands first.
const KINDS: [FailureKind; 6] = [
    FailureKind::Hacking,
    FailureKind::JudgeDrift,
    FailureKind::Search,
    FailureKind::Stall,
    FailureKind::LabelError,
    FailureKind::JudgeQuality,
];

fn telling(tables: &[FailureTable], arm: &str) -> Option<String> {
    let own = || tables.iter().filter(|t| t.arm.as_deref() == Some(arm));
    KINDS
        .iter()
        .flat_map(|kind| own().filter(move |t| t.kind == *kind))
        .find_map(line)
}

fn line(table: &FailureTable) -> Option<String> {
    let said = match table.kind {
        FailureKind::Hacking => parted(table)?,
        FailureKind::Stall => row(table, table.rows.last()?),
        FailureKind::LabelError
        | FailureKind::JudgeQuality
        | FailureKind::JudgeDrift
        | FailureKind::Search => row(table, table.rows.first()?),
    };
    Some(format!("{}: {said}", table.kind))
}

fn row(table: &FailureTable, row: &FailureRow) -> String {
    let cells = table.columns.iter().zip(&row.cells);
    let cells = cells.filter_map(|(column, cell)| {
        let value = value(column.scale, cell.as_ref()?);
        Some(format!("{} {value}", column.title))
    });
    format!("{}, {}", row.label, cells.collect::<Vec<_>>().join(", "))
}

fn value(scale: Scale, of: &Estimate) -> String {
    match scale {
        Scale::Share => number::value(Kind::Share, of.mean),
        Scale::Change => number::signed(Kind::Share, of.mean),
        Scale::Number => number::significant(of.mean),
        Scale::Percent => format!("{} %", number::fixed(of.mean, 0)),
    }
}

/// From the first measurement that has both to the last: the truth, and what the judge said.
/// Nothing where they moved together.
fn parted(table: &FailureTable) -> Option<String> {
    let both = table.rows.iter().filter(|row| row.at.is_some());
    let both = both.filter_map(|row| match row.cells.as_slice() {
        [Some(truth), Some(score), ..] => Some((truth.mean, score.mean)),
        [] | [_, ..] => None,
    });
    let both: Vec<(f64, f64)> = both.collect();
    let ((truth, score), (truth_end, score_end)) = (*both.first()?, *both.last()?);
    let share = |v: f64| number::value(Kind::Share, v);
    (score_end > score && truth_end < truth).then(|| {
        format!(
            "the judge's score rose from {} to {} while pass@1 fell from {} to {}",
            share(score),
            share(score_end),
            share(truth),
            share(truth_end)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::failure::Column;
    use assay_core::stats::estimate;

    fn table(kind: FailureKind, rows: &[(Option<f64>, &[f64])]) -> FailureTable {
        let column = |title: &str| Column {
            title: title.into(),
            scale: Scale::Share,
        };
        FailureTable {
            kind,
            arm: Some("a".into()),
            stage: "s".into(),
            rows_are: String::new(),
            columns: vec![column("pass@1"), column("score")],
            rows: rows
                .iter()
                .map(|(at, cells)| FailureRow {
                    label: "here".into(),
                    at: *at,
                    cells: cells.iter().map(|v| estimate(&[*v])).collect(),
                })
                .collect(),
            note: String::new(),
        }
    }

    #[test]
    fn a_proxy_that_parts_from_the_truth_is_told_before_anything_else() {
        let hacked: &[(Option<f64>, &[f64])] = &[
            (Some(0.0), &[0.3, f64::NAN]),
            (Some(10.0), &[0.4, 0.5]),
            (Some(100.0), &[0.2, 0.9]),
            (None, &[0.1, 0.1]),
        ];
        let search = table(FailureKind::Search, &[(None, &[0.45, 0.43])]);
        let tables = [search.clone(), table(FailureKind::Hacking, hacked)];
        assert_eq!(
            telling(&tables, "a").unwrap(),
            "Proxy and truth: the judge's score rose from 0.500 to 0.900 while pass@1 fell from 0.400 to 0.200"
        );
        // Together up: no sign of it, and the next table speaks.
        let together: &[(Option<f64>, &[f64])] =
            &[(Some(10.0), &[0.4, 0.5]), (Some(100.0), &[0.6, 0.9])];
        let tables = [search, table(FailureKind::Hacking, together)];
        assert_eq!(
            telling(&tables, "a").unwrap(),
            "What the search missed: here, pass@1 0.450, score 0.430"
        );
        assert_eq!(telling(&tables, "b"), None);
    }
}
