//! What trees visit and miss.

use super::judges::MIN_WRONG_STEPS;
use super::{
    BySeed, FailureKind, FailureRow, FailureTable, Place, Scale, Series, change, column, over_seeds,
};
use crate::metric;

const DEPTHS: u32 = 8;

/// A row's label and its metric.
type Figure<'a> = (String, &'a str);

/// First and last round; a decoder searches once and has the same in both.
pub(super) fn search(all: &Series<'_>, place: Place<'_>) -> Vec<FailureTable> {
    let states: Vec<String> = (1..=DEPTHS)
        .map(|d| format!("{}_depth_{d}", metric::SEARCH_STATES))
        .collect();
    let depth = |d: usize| format!("distinct states at depth {}", d + 1);
    let mut numbers: Vec<Figure<'_>> = vec![
        ("distinct states a tree".into(), metric::SEARCH_STATES),
        ("deepest node".into(), metric::SEARCH_DEPTH),
        ("tokens a problem".into(), metric::SEARCH_TOKENS),
        (
            "value: wrong nodes behind the AUC, of all trees".into(),
            metric::VALUE_WRONG_NODES,
        ),
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
    let values = Aucs::of(all, place);
    let mut tables = vec![];
    for (scale, difference, figures) in parts {
        let rows: Vec<FailureRow> = figures
            .into_iter()
            .filter_map(|figure| row(all, place, figure, values.as_ref(), once))
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
        tables.push(FailureTable {
            rows_are: "Of the trees".into(),
            columns,
            rows,
            note: note(scale, values.as_ref()),
            ..place.table(FailureKind::Search)
        });
    }
    tables
}

/// Nothing where nothing was measured. An AUC that rests on too little keeps its row: the note
/// says why its cells are empty.
fn row(
    all: &Series<'_>,
    place: Place<'_>,
    (label, name): Figure<'_>,
    values: Option<&Aucs>,
    once: bool,
) -> Option<FailureRow> {
    let aucs = values.filter(|_| name == metric::VALUE_AUC);
    let (first, last) = match aucs {
        Some(of) => (of.first.clone(), of.last.clone()),
        None => (all.first(place, name), all.last(place, name)),
    };
    let mut cells = vec![over_seeds(&first)];
    if !once {
        cells.extend([over_seeds(&last), change(&first, &last)]);
    }
    let stands = aucs.is_some() || cells[0].is_some();
    stands.then_some(FailureRow {
        label,
        at: None,
        cells,
    })
}

fn note(scale: Scale, values: Option<&Aucs>) -> String {
    match scale {
        Scale::Share | Scale::Change => {
            let said = "A node misses where the answer can still be reached from it, and from none of its children; \
                 values are held against whether it can be reached.";
            let left_out = values.map_or(String::new(), Aucs::left_out);
            format!("{said}{left_out}")
        }
        Scale::Number | Scale::Percent => "Means over trees; equal texts are one state.".into(),
    }
}

/// The AUC of a value source at both ends of the rounds, of the seeds in which it rests on
/// enough wrong nodes.
#[derive(Default)]
struct Aucs {
    first: BySeed<f64>,
    last: BySeed<f64>,
    /// Seeds that had too few, at one end or both.
    thin: usize,
    /// Seeds whose worker did not count them, at one end or both.
    uncounted: usize,
}

impl Aucs {
    /// Nothing where no seed has any.
    fn of(all: &Series<'_>, place: Place<'_>) -> Option<Self> {
        let measured = all.of(place, metric::VALUE_AUC);
        let counted = all.of(place, metric::VALUE_WRONG_NODES);
        let mut found = Self::default();
        for (seed, points) in &measured {
            let (Some(first), Some(last)) = (points.first(), points.last()) else {
                continue;
            };
            // Counts may begin in the middle: an older worker had the first rounds.
            let wrong = |step: u64| {
                let own = counted.get(seed)?;
                own.iter().find(|p| p.0 == step).map(|p| p.1)
            };
            let (mut thin, mut uncounted) = (false, false);
            for (end, (step, auc)) in [(&mut found.first, first), (&mut found.last, last)] {
                match wrong(*step) {
                    Some(nodes) if nodes >= MIN_WRONG_STEPS => {
                        end.insert(*seed, *auc);
                    }
                    Some(_) => thin = true,
                    None => uncounted = true,
                }
            }
            found.thin += usize::from(thin);
            found.uncounted += usize::from(uncounted);
        }
        (!measured.is_empty()).then_some(found)
    }

    /// Why some seeds have no AUC; empty where all have.
    fn left_out(&self) -> String {
        let thin = match self.thin {
            0 => String::new(),
            n => format!(
                " {n} of the seeds had under {MIN_WRONG_STEPS} wrong nodes with a right one beside them, and there no AUC is shown."
            ),
        };
        let uncounted = match self.uncounted {
            0 => String::new(),
            n => format!(
                " Of {n} of the seeds the number of wrong nodes was not recorded, and there no AUC is shown."
            ),
        };
        format!("{thin}{uncounted}")
    }
}
