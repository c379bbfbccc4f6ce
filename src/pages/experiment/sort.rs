//! The order of the comparison's rows, and of the tables and figures that have the same arms.
//! Whatever it is, every arm keeps its row.

use assay_core::compare::Row;
use assay_core::decoders::{DecoderCell, DecoderRow};
use assay_core::outcome::ContrastOutcome;
use std::cmp::Ordering;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// As the arms stand in the experiment's file.
    File,
    Name,
    /// By the difference to the comparator, the largest first; the comparator's own is zero,
    /// and arms without one stand last.
    Effect,
}

impl Sort {
    pub const ALL: [Self; 3] = [Self::Effect, Self::Name, Self::File];
    /// Where nobody asks for another: the file may name the arms that worked first.
    pub const DEFAULT: Self = Self::Effect;

    pub fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Name => "name",
            Self::Effect => "effect",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::File => "as in the file",
            Self::Name => "by name",
            Self::Effect => "by difference",
        }
    }

    pub fn apply(self, rows: &mut [Row]) {
        match self {
            Self::File => {}
            Self::Name => rows.sort_by_key(|row| row.label.to_lowercase()),
            Self::Effect => rows.sort_by(|a, b| effect(b).total_cmp(&effect(a))),
        }
    }

    /// The same of decoders of one policy. Nobody is their comparator: by the share at the
    /// highest cost, the largest first, then by that at the next lower one.
    pub fn decoders(self, rows: &[DecoderRow]) -> Vec<&DecoderRow> {
        let mut rows: Vec<&DecoderRow> = rows.iter().collect();
        match self {
            Self::File => {}
            Self::Name => rows.sort_by_key(|row| row.label.to_lowercase()),
            Self::Effect => rows.sort_by(|a, b| by_share(b, a)),
        }
        rows
    }

    /// The same of registered contrasts, which are named by both of their arms.
    pub fn contrasts(
        self,
        contrasts: &mut [&ContrastOutcome],
        name: impl Fn(&ContrastOutcome) -> String,
    ) {
        let mean = |c: &ContrastOutcome| c.difference.map_or(f64::NEG_INFINITY, |d| d.mean);
        match self {
            Self::File => {}
            Self::Name => contrasts.sort_by_key(|c| name(c).to_lowercase()),
            Self::Effect => contrasts.sort_by(|a, b| mean(b).total_cmp(&mean(a))),
        }
    }
}

/// The forest's where nothing was asked for: the comparator, then what was registered, then the
/// rest, each by difference, the largest first.
pub(super) fn by_contrast(rows: &mut [Row], is_registered: impl Fn(&str) -> bool) {
    let place = |row: &Row| match (row.is_baseline, is_registered(&row.arm)) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => 2,
    };
    rows.sort_by(|a, b| {
        let places = place(a).cmp(&place(b));
        places.then(effect(b).total_cmp(&effect(a)))
    });
}

/// From the highest level down.
fn by_share(a: &DecoderRow, b: &DecoderRow) -> Ordering {
    let share = |cell: &DecoderCell| cell.value.map_or(f64::NEG_INFINITY, |v| v.mean);
    let cells = a.cells.iter().rev().zip(b.cells.iter().rev());
    cells
        .map(|(a, b)| share(a).total_cmp(&share(b)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn effect(row: &Row) -> f64 {
    match row.difference {
        Some(difference) => difference.mean,
        None if row.is_baseline => 0.0,
        None => f64::NEG_INFINITY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::compare::Reached;
    use assay_core::stats::estimate;

    fn row(label: &str, difference: Option<f64>) -> Row {
        // As a client reads it: only the core makes one.
        let row = serde_json::json!({
            "arm": label.to_lowercase(),
            "label": label,
            "is_baseline": label == "base",
            "planned_seeds": 3,
            "metric": "m",
            "value": null,
            "difference": difference.and_then(|d| estimate(&[d, d, d])),
            "seeds": [],
            "charged_mean": null,
            "reached": Reached::Nothing,
        });
        serde_json::from_value(row).unwrap()
    }

    #[test]
    fn registered_contrasts_stand_by_difference_after_the_comparator_and_before_the_rest() {
        let mut rows = vec![
            row("late", None),
            row("other", Some(0.9)),
            row("down", Some(-0.3)),
            row("base", None),
            row("up", Some(0.2)),
        ];
        by_contrast(&mut rows, |arm| ["up", "down", "late"].contains(&arm));
        let labels: Vec<String> = rows.into_iter().map(|r| r.label).collect();
        assert_eq!(labels.join(" "), "base up down late other");
    }

    /// A share of each level that it has answered at.
    fn decoder(label: &str, shares: [Option<f64>; 2]) -> DecoderRow {
        let cell = |(level, share): (u32, Option<f64>)| {
            serde_json::json!({
                "basis": { "basis": "equal_inference", "policy": "p", "level": level },
                "level": level,
                "planned": true,
                "value": share.and_then(|s| estimate(&[s])),
                "seeds": [],
                "tokens": null,
                "flops": null,
            })
        };
        let cells: Vec<_> = [1, 4].into_iter().zip(shares).map(cell).collect();
        let row = serde_json::json!({
            "arm": label.to_lowercase(),
            "label": label,
            "planned_seeds": 1,
            "finished": 1,
            "training": null,
            "cells": cells,
        });
        serde_json::from_value(row).unwrap()
    }

    #[test]
    fn decoders_stand_by_their_share_at_the_highest_cost_and_then_at_the_next() {
        let rows = [
            decoder("none", [None, None]),
            decoder("cheap", [Some(0.9), None]),
            decoder("Low", [Some(0.1), Some(0.5)]),
            decoder("high", [None, Some(0.6)]),
            decoder("even", [Some(0.2), Some(0.5)]),
        ];
        let order = |sort: Sort| {
            let rows = sort.decoders(&rows).into_iter();
            let labels: Vec<&str> = rows.map(|r| r.label.as_str()).collect();
            labels.join(" ")
        };
        assert_eq!(order(Sort::File), "none cheap Low high even");
        assert_eq!(order(Sort::Name), "cheap even high Low none");
        assert_eq!(order(Sort::Effect), "high even Low cheap none");
    }

    #[test]
    fn an_order_moves_rows_and_loses_none() {
        let rows = || {
            vec![
                row("late", None),
                row("base", None),
                row("Up", Some(0.2)),
                row("down", Some(-0.3)),
                row("more", Some(0.4)),
            ]
        };
        let order = |sort: Sort| {
            let mut rows = rows();
            sort.apply(&mut rows);
            let labels: Vec<String> = rows.into_iter().map(|r| r.label).collect();
            labels.join(" ")
        };
        assert_eq!(order(Sort::File), "late base Up down more");
        assert_eq!(order(Sort::Name), "base down late more Up");
        assert_eq!(order(Sort::Effect), "more Up base down late");
    }
}
