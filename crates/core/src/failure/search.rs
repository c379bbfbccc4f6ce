//! What trees visit and miss.

use super::{
    FailureKind, FailureRow, FailureTable, Place, Scale, Series, change, column, over_seeds,
};
use crate::metric;

const DEPTHS: u32 = 8;

/// First and last round; a decoder searches once and has the same in both.
pub(super) fn search(all: &Series<'_>, place: Place<'_>) -> Vec<FailureTable> {
    let states: Vec<String> = (1..=DEPTHS)
        .map(|d| format!("{}_depth_{d}", metric::SEARCH_STATES))
        .collect();
    let depth = |d: usize| format!("distinct states at depth {}", d + 1);
    let mut numbers = vec![
        ("distinct states a tree".to_string(), metric::SEARCH_STATES),
        ("deepest node".into(), metric::SEARCH_DEPTH),
        ("tokens a problem".into(), metric::SEARCH_TOKENS),
    ];
    numbers.extend(
        states
            .iter()
            .enumerate()
            .map(|(d, name)| (depth(d), name.as_str())),
    );
    let shares = [
        (
            "problems with a right path in the tree",
            metric::SEARCH_SOLVED,
        ),
        (
            "nodes whose every child misses the answer",
            metric::SEARCH_GOLD_MISS,
        ),
        ("value: AUC within a problem", metric::VALUE_AUC),
        ("value: calibration error", metric::VALUE_CALIBRATION),
    ];
    let shares = shares.map(|(label, name)| (label.to_string(), name));
    let parts = [
        (Scale::Share, Scale::Change, shares.to_vec()),
        (Scale::Number, Scale::Number, numbers),
    ];
    let once = all
        .of(place, metric::SEARCH_STATES)
        .values()
        .all(|points| points.len() == 1);
    let mut tables = vec![];
    for (scale, difference, figures) in parts {
        let rows: Vec<FailureRow> = figures
            .into_iter()
            .filter_map(|(label, name)| {
                let (first, last) = (all.first(place, name), all.last(place, name));
                let mut cells = vec![over_seeds(&first)];
                if !once {
                    cells.extend([over_seeds(&last), change(&first, &last)]);
                }
                cells[0]?;
                Some(FailureRow {
                    label,
                    at: None,
                    cells,
                })
            })
            .collect();
        if rows.is_empty() {
            continue;
        }
        let columns = match once {
            true => vec![column("over all trees", scale)],
            false => vec![
                column("first round", scale),
                column("last round", scale),
                column("change", difference),
            ],
        };
        let note = match scale {
            Scale::Share | Scale::Change => {
                "A node misses where the answer can still be reached from it, and from none of its children; \
                 values are held against whether it can be reached."
            }
            Scale::Number | Scale::Percent => "Means over trees; equal texts are one state.",
        };
        tables.push(FailureTable {
            rows_are: "Of the trees".into(),
            columns,
            rows,
            note: note.into(),
            ..place.table(FailureKind::Search)
        });
    }
    tables
}
