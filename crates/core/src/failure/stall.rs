//! Self-training: does another round still help?

use super::{
    BySeed, FailureKind, FailureRow, FailureTable, Measured, Place, Scale, Series, change, column,
    over_seeds,
};
use crate::metric;

const KIND: &str = "mcts_selftrain";
/// Rounds in a table.
const ROWS: usize = 12;

/// Points of all seeds at one place of the row: its label, its number.
type At = (String, f64, BySeed<f64>);

/// The share of a round's problems that its search solved, round by round.
pub(super) fn rounds(all: &Series<'_>, place: Place<'_>) -> Option<FailureTable> {
    if place.kind != KIND {
        return None;
    }
    let of = all.of(place, metric::SEARCH_SOLVED);
    let most = of.values().map(|points| points.len()).max()?;
    let every = most.div_ceil(ROWS).max(1);
    let rounds: Vec<At> = (0..most)
        .step_by(every)
        .map(|round| {
            let own = of
                .iter()
                .filter_map(|(seed, p)| Some((*seed, p.get(round)?.1)));
            (
                format!("round {}", round + 1),
                (round + 1) as f64,
                own.collect(),
            )
        })
        .collect();
    let note = if every == 1 {
        String::new()
    } else {
        format!("One round in {every} is shown. ")
    };
    table(place, "problems solved by the search", &rounds, note)
}

/// Accuracy of the policy at the milestones.
pub(super) fn milestones(place: Place<'_>, measured: &[Measured]) -> Option<FailureTable> {
    let arm = place.arm.filter(|_| place.kind == KIND)?;
    let mut at: Vec<(u32, BySeed<f64>)> = vec![];
    for m in measured.iter().filter(|m| m.arm == arm) {
        match at.iter_mut().find(|a| a.0 == m.milestone) {
            Some(known) => {
                known.1.insert(m.seed, m.pass_at_1);
            }
            None => at.push((m.milestone, BySeed::from([(m.seed, m.pass_at_1)]))),
        }
    }
    at.sort_by_key(|a| a.0);
    let at: Vec<At> = at
        .into_iter()
        .map(|(m, values)| (format!("{m} % of the budget"), f64::from(m), values))
        .collect();
    table(place, "validation pass@1", &at, String::new())
}

fn table(place: Place<'_>, what: &str, at: &[At], note: String) -> Option<FailureTable> {
    if at.len() < 2 {
        return None;
    }
    let mut before: Option<&BySeed<f64>> = None;
    let mut gains = vec![];
    let rows = at
        .iter()
        .map(|(label, number, values)| {
            let gain = before.and_then(|b| change(b, values));
            before = Some(values);
            gains.push((label, gain));
            FailureRow {
                label: label.clone(),
                at: Some(*number),
                cells: vec![over_seeds(values), gain],
            }
        })
        .collect();
    // Two gains in a row whose interval does not lie above zero.
    let flat = |gain: &Option<crate::stats::Estimate>| {
        gain.and_then(|g| g.interval).is_some_and(|i| i.low <= 0.0)
    };
    let stalled = gains
        .windows(2)
        .find(|pair| flat(&pair[0].1) && flat(&pair[1].1));
    let bounded = gains
        .iter()
        .any(|g| g.1.is_some_and(|e| e.interval.is_some()));
    let said = match stalled {
        None if !bounded => "Too few seeds for an interval, so nothing is said of a stall.".into(),
        Some(pair) => format!(
            "No gain shown twice in a row from {} on: a stall by the rule that two intervals of the gain reach zero.",
            pair[0].0
        ),
        None => "No stall: nowhere do two intervals of the gain in a row reach zero.".into(),
    };
    Some(FailureTable {
        rows_are: "Measured at".into(),
        columns: vec![
            column(what, Scale::Share),
            column("gain since the row above", Scale::Change),
        ],
        rows,
        note: format!("{note}{said} Gains are paired by seed."),
        ..place.table(FailureKind::Stall)
    })
}
