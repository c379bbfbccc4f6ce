//! What the table cannot claim by itself: other questions than those that were asked, and the
//! arm that looks best looked at again.

use super::comparison::{Cell, of_metric};
use super::material::Material;
use super::view::Wanted;
use crate::number::{self, Kind};
use crate::pages::query::link;
use crate::pages::words;
use assay_core::beyond::{Beyond, Over, Spread};
use assay_core::compare::Comparison;
use assay_core::outcome::MIN_SEEDS_VERDICT;
use assay_core::over_questions::{ALIKE, Method};
use assay_core::stats::{Interval, MIN_SEEDS_INTERVAL};

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
    /// Half of each interval, or its bounds where it is not around the mean, or why there is
    /// none; in the order of `sources`.
    pub widths: [String; 3],
    /// With its interval over both; `None` of the baseline.
    pub difference: Option<Cell>,
}

/// Always to the registered baseline.
pub(super) fn table(of: &Material, beyond: &Beyond) -> BeyondTable {
    let difference = |d: &Spread| Cell {
        mean: number::signed(Kind::Share, d.mean),
        interval: d
            .over_seeds_and_questions
            .map_or_else(|| without(d), |i| signed(&i)),
    };
    let nothing = || Cell {
        mean: number::NONE.into(),
        interval: String::new(),
    };
    BeyondTable {
        caption: format!(
            "Test pass@1 on {} ({}), and how far it would move with other training seeds, with other questions \
             of the same kind (these models, bootstrap), and with both (Student's t). The difference to {} has \
             its interval over both: wider than above, since it claims more. With few seeds it is cautious.{}",
            number::counted(beyond.questions as i64, "question"),
            beyond.basis(),
            of.name(&beyond.baseline),
            match beyond
                .rows
                .iter()
                .any(|row| row.value.over_questions_by == Method::Wilson)
            {
                true => WILSON,
                false => "",
            },
        ),
        sources: Over::ALL.map(|over| over.to_string()),
        rows: beyond
            .rows
            .iter()
            .map(|row| BeyondRow {
                label: of.name(&row.arm),
                n: row.value.n,
                value: number::value(Kind::Share, row.value.mean),
                widths: Over::ALL.map(|over| width(&row.value, over)),
                difference: (row.arm != beyond.baseline)
                    .then(|| row.difference.as_ref().map_or_else(nothing, difference)),
            })
            .collect(),
    }
}

const WILSON: &str = " Where every answer is right, or every one wrong, these questions drawn again show no spread: over questions stands Wilson's interval in its place.";

/// What an interval over questions is of stands beside it.
fn width(of: &Spread, over: Over) -> String {
    let said = match (of.interval(over), over) {
        (Some(i), Over::Questions) if of.over_questions_by == Method::Wilson => {
            format!("{} (Wilson)", number::interval(Kind::Share, &i))
        }
        (Some(i), Over::Seeds | Over::Questions | Over::SeedsAndQuestions) => half(&i),
        (None, _) => of.without(over).unwrap_or_else(|| number::NONE.into()),
    };
    match over {
        Over::Questions => {
            let asked = number::counted(of.questions as i64, "question");
            format!("{said}; {asked}")
        }
        Over::Seeds | Over::SeedsAndQuestions => said,
    }
}

fn half(of: &Interval) -> String {
    let half = (of.high - of.low) / 2.0;
    let text = number::value(Kind::Share, half);
    // What has a width is not printed as if it had none.
    match half > ALIKE && !text.contains(|c: char| ('1'..='9').contains(&c)) {
        true => format!("±{}", number::significant(half)),
        false => format!("±{text}"),
    }
}

/// Of a difference; the same where both bounds are written alike.
fn signed(of: &Interval) -> String {
    let bound = |v: f64| number::signed(Kind::Share, v);
    match bound(of.low) == bound(of.high) {
        true => half(of),
        false => number::signed_interval(Kind::Share, of),
    }
}

fn without(of: &Spread) -> String {
    let why = of.without(Over::SeedsAndQuestions);
    why.unwrap_or_else(|| number::no_interval(of.n))
}

/// What the arm that looks best would lose, and how to look at it again.
#[derive(Debug)]
pub(super) struct Selected {
    pub said: String,
    /// What the form is asked for: that arm and its comparator, on seeds that are not used yet.
    pub confirm: Option<String>,
    /// How many seeds these are.
    pub fresh: u64,
}

/// Seeds that a confirmation is offered with: as many as a verdict needs.
const FRESH: u64 = MIN_SEEDS_VERDICT as u64;

/// Of the figure that is chosen; nothing of one in which more is not better.
pub(super) fn selection(of: &Material, wanted: &Wanted) -> Option<Selected> {
    let comparison = of_metric(of, wanted, wanted.metric);
    let found = assay_core::selection::selection(&comparison)?;
    let kind = Kind::of(words::FINAL[wanted.metric].1);
    Some(Selected {
        said: found.said(&number::value(kind, found.shrinkage)),
        confirm: confirm(of, &comparison, wanted.baseline(of)),
        fresh: FRESH,
    })
}

/// The best of the other arms that have seeds enough to be looked at.
fn confirm(of: &Material, comparison: &Comparison, against: &str) -> Option<String> {
    let measured = comparison
        .rows
        .iter()
        .filter(|row| row.arm != against && row.seeds.len() >= MIN_SEEDS_INTERVAL);
    let means = measured.filter_map(|row| Some((row.value?.mean, row.arm.as_str())));
    let (_, best) = means.max_by(|a, b| a.0.total_cmp(&b.0))?;
    let last = of.view.spec.seeds.iter().max()?;
    let seeds: Vec<String> = (1..=FRESH)
        .map(|i| last.checked_add(i).map(|seed| seed.to_string()))
        .collect::<Option<_>>()?;
    Some(link([
        ("from", of.view.id.to_string().as_str()),
        ("only", &format!("{best},{against}")),
        ("seeds", &seeds.join(",")),
    ]))
}
