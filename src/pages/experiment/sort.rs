//! The order of the comparison's rows, and of the forest's. Whatever it is, every arm keeps its
//! row.

use assay_core::compare::Row;

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
