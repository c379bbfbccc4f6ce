//! How an attempt fails, in numbers: errors of labels, drift of judges, a proxy that
//! parts from the truth, what a tree misses, rounds that no longer help. Description,
//! not a test: whether an arm is unsuccessful is the registered rule's to say
//! ([`outcome`](crate::outcome)), and arms that worked have the same tables.

mod judges;
pub mod onset;
mod search;
mod stall;

#[cfg(test)]
mod tests;

use crate::stats::{Estimate, estimate};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// One metric of one stage of one run, step by step.
#[derive(Debug, Clone, PartialEq)]
pub struct StageSeries {
    /// `None`: a shared stage.
    pub arm: Option<String>,
    /// Its id in the file.
    pub stage: String,
    /// The stage's kind.
    pub kind: String,
    pub seed: u64,
    pub metric: String,
    /// Step and value, ascending.
    pub points: Vec<(u64, f64)>,
}

/// One measurement on the validation split along a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    pub arm: String,
    pub seed: u64,
    /// Of the stage that was measured, and its step; the start has neither.
    pub at: Option<(String, u64)>,
    /// Percentage of the arm's budget.
    pub milestone: u32,
    pub pass_at_1: f64,
}

/// What can go wrong (DeepSeek-R1, section 4.2, made measurable).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// Step labels against the exact verifier.
    LabelError,
    /// A judge on problems that it was not trained on.
    JudgeQuality,
    /// A judge on the samples of the policy that is trained against it.
    JudgeDrift,
    /// The judge's score goes up, the accuracy down.
    Hacking,
    /// What a search visits and misses, and how good its values are.
    Search,
    /// Rounds that no longer gain.
    Stall,
}

impl std::fmt::Display for FailureKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::LabelError => "Error of the step labels",
            Self::JudgeQuality => "Quality of the judge",
            Self::JudgeDrift => "Drift of the judge",
            Self::Hacking => "Proxy and truth",
            Self::Search => "What the search missed",
            Self::Stall => "Growth from one measurement to the next",
        })
    }
}

/// How a column's numbers read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// 0 to 1.
    Share,
    /// A difference of shares: with its sign.
    Change,
    Number,
    /// Percent of the arm's budget.
    Percent,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    pub title: String,
    pub scale: Scale,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailureRow {
    pub label: String,
    /// The label's number: a milestone, a depth, K, a round.
    pub at: Option<f64>,
    /// Mean over seeds, one a column; `None` where nothing was measured.
    pub cells: Vec<Option<Estimate>>,
}

/// One kind of failure of one stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailureTable {
    pub kind: FailureKind,
    /// `None`: a stage that arms share.
    pub arm: Option<String>,
    pub stage: String,
    /// What the rows are.
    pub rows_are: String,
    pub columns: Vec<Column>,
    pub rows: Vec<FailureRow>,
    pub note: String,
}

/// Every table that there is data for: arms as they first appear, kinds in their order.
pub fn failures(series: &[StageSeries], measured: &[Measured]) -> Vec<FailureTable> {
    let all = Series::new(series);
    let mut tables = vec![];
    for &place in &all.places {
        tables.extend(judges::labels(&all, place));
        tables.extend(judges::quality(&all, place));
        tables.extend(judges::drift(&all, place));
        tables.extend(judges::hacking(&all, place, measured));
        tables.extend(search::search(&all, place));
        tables.extend(stall::rounds(&all, place));
        tables.extend(stall::milestones(place, measured));
    }
    tables
}

/// A stage of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place<'a> {
    arm: Option<&'a str>,
    stage: &'a str,
    kind: &'a str,
}

impl Place<'_> {
    fn table(&self, kind: FailureKind) -> FailureTable {
        FailureTable {
            kind,
            arm: self.arm.map(String::from),
            stage: self.stage.into(),
            rows_are: String::new(),
            columns: vec![],
            rows: vec![],
            note: String::new(),
        }
    }
}

/// Arm, stage, metric.
type Name<'a> = (Option<&'a str>, &'a str, &'a str);

/// Series by place and metric, then by seed: hundreds of names are asked for.
struct Series<'a> {
    places: Vec<Place<'a>>,
    found: HashMap<Name<'a>, BySeed<&'a [(u64, f64)]>>,
}

type BySeed<T> = BTreeMap<u64, T>;

impl<'a> Series<'a> {
    fn new(all: &'a [StageSeries]) -> Self {
        let mut places: Vec<Place<'a>> = vec![];
        let mut found: HashMap<_, BySeed<&[(u64, f64)]>> = HashMap::new();
        for s in all {
            let place = Place {
                arm: s.arm.as_deref(),
                stage: &s.stage,
                kind: &s.kind,
            };
            if !places.contains(&place) {
                places.push(place);
            }
            if !s.points.is_empty() {
                let key = (place.arm, place.stage, s.metric.as_str());
                found.entry(key).or_default().insert(s.seed, &s.points);
            }
        }
        Self { places, found }
    }

    fn of(&self, place: Place<'_>, metric: &str) -> BySeed<&'a [(u64, f64)]> {
        let own = self.found.get(&(place.arm, place.stage, metric));
        own.cloned().unwrap_or_default()
    }

    /// The last value of each seed.
    fn last(&self, place: Place<'_>, metric: &str) -> BySeed<f64> {
        let last = |points: &[(u64, f64)]| points.last().map_or(f64::NAN, |p| p.1);
        let of = self.of(place, metric);
        of.into_iter().map(|(s, p)| (s, last(p))).collect()
    }

    fn first(&self, place: Place<'_>, metric: &str) -> BySeed<f64> {
        let of = self.of(place, metric);
        of.into_iter().map(|(s, p)| (s, p[0].1)).collect()
    }
}

fn over_seeds(values: &BySeed<f64>) -> Option<Estimate> {
    estimate(&values.values().copied().collect::<Vec<f64>>())
}

/// (b - a) of the seeds that have both.
fn change(a: &BySeed<f64>, b: &BySeed<f64>) -> Option<Estimate> {
    let both: Vec<f64> = a
        .iter()
        .filter_map(|(seed, a)| Some(b.get(seed)? - a))
        .collect();
    estimate(&both)
}

fn column(title: &str, scale: Scale) -> Column {
    Column {
        title: title.into(),
        scale,
    }
}
