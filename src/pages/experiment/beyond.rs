//! What the table cannot claim by itself: other questions than those that were asked, and the
//! arm that looks best looked at again.

use super::comparison::{Cell, of_metric};
use super::material::Material;
use super::view::Wanted;
use crate::number::{self, Kind};
use crate::pages::words;
use assay_core::beyond::{Beyond, Over, Spread};
use assay_core::stats::Interval;

#[derive(Debug)]
pub(super) struct BeyondTable {
    pub caption: String,
    pub sources: [String; 3],
    pub rows: Vec<BeyondRow>,
}

#[derive(Debug)]
pub(super) struct BeyondRow {
    pub label: String,
    pub n: usize,
    pub value: String,
    /// Half of each interval, in the order of `sources`.
    pub halves: [String; 3],
    /// With its interval over both; `None` of the baseline.
    pub difference: Option<Cell>,
}

/// Always to the registered baseline.
pub(super) fn table(of: &Material, beyond: &Beyond) -> BeyondTable {
    let difference = |d: &Spread| Cell {
        mean: number::signed(Kind::Share, d.mean),
        interval: d
            .over_seeds_and_questions
            .map_or(number::no_interval(d.n), |i| {
                number::signed_interval(Kind::Share, &i)
            }),
    };
    let nothing = || Cell {
        mean: number::NONE.into(),
        interval: String::new(),
    };
    BeyondTable {
        caption: format!(
            "Test pass@1 on {} ({}), and how far it would move with other training seeds, with other questions \
             of the same kind (these models, bootstrap), and with both (Student's t). The difference to {} has \
             its interval over both: wider than above, since it claims more. With few seeds it is cautious.",
            number::counted(beyond.questions as i64, "question"),
            beyond.basis(),
            of.name(&beyond.baseline),
        ),
        sources: Over::ALL.map(|over| over.to_string()),
        rows: beyond
            .rows
            .iter()
            .map(|row| BeyondRow {
                label: of.name(&row.arm),
                n: row.value.n,
                value: number::value(Kind::Share, row.value.mean),
                halves: Over::ALL.map(|over| half(row.value.interval(over))),
                difference: (row.arm != beyond.baseline)
                    .then(|| row.difference.as_ref().map_or_else(nothing, difference)),
            })
            .collect(),
    }
}

fn half(of: Option<Interval>) -> String {
    of.map_or(number::NONE.into(), |i| {
        format!("±{}", number::value(Kind::Share, (i.high - i.low) / 2.0))
    })
}

/// Of the figure that is chosen.
pub(super) fn selection(of: &Material, wanted: &Wanted) -> Option<String> {
    let found = assay_core::selection::selection(&of_metric(of, wanted, wanted.metric))?;
    let kind = Kind::of(words::FINAL[wanted.metric].1);
    Some(found.said(&number::value(kind, found.shrinkage)))
}
