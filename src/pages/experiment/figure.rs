//! The figures by name: each one picture, one table of numbers and one caption, whatever
//! asks for it.

use super::at_budget::AtBudget;
use super::axis::{Cost, Places};
use super::material::Material;
use super::view::{SeedLines, Wanted};
use super::{
    colours, contrasts, decoders, forest, frontier, milestones, numbers, prices, published,
    standing, training, tries,
};
use crate::charts::{Curve, Curves, Drawn, End, Row, Rows};
use crate::number;
use crate::pages::words;
use assay_core::stats::Interval;
use assay_store::RunState;
use std::collections::BTreeSet;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Milestones,
    Frontier,
    Forest,
    Training,
    Seeds,
    Passk,
    /// Registered contrasts that the forest does not draw.
    Contrasts,
    /// Of one policy, by its place on the page.
    Decoders(usize),
}

impl Name {
    /// Those that a link may put first.
    pub const ALL: [Self; 6] = [
        Self::Milestones,
        Self::Frontier,
        Self::Forest,
        Self::Training,
        Self::Seeds,
        Self::Passk,
    ];

    pub fn word(self) -> String {
        match self {
            Self::Milestones => "milestones".into(),
            Self::Frontier => "frontier".into(),
            Self::Forest => "forest".into(),
            Self::Training => "training".into(),
            Self::Seeds => "seeds".into(),
            Self::Passk => "passk".into(),
            Self::Contrasts => "contrasts".into(),
            Self::Decoders(policy) => format!("decoders-{policy}"),
        }
    }

    /// In controls.
    pub fn title(self) -> &'static str {
        match self {
            Self::Milestones => "validation along the budget",
            Self::Frontier => "accuracy against cost",
            Self::Forest => "differences",
            Self::Training => "training",
            Self::Seeds => "every seed",
            Self::Passk => "pass@k",
            Self::Contrasts => "registered contrasts",
            Self::Decoders(_) => "decoders of one policy",
        }
    }

    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.word() == word)
    }

    /// A file's name, of a figure that the experiment has.
    pub fn of_file(of: &Material, word: &str) -> Option<Self> {
        let decoders = (0..decoders::policies(of)).map(Self::Decoders);
        let all = Self::ALL.into_iter().chain([Self::Contrasts]);
        all.chain(decoders)
            .find(|name| name.word() == word)
            .filter(|name| name.exists(of))
    }

    fn exists(self, of: &Material) -> bool {
        match self {
            Self::Milestones
            | Self::Frontier
            | Self::Forest
            | Self::Training
            | Self::Seeds
            | Self::Passk => !of.test.is_empty(),
            Self::Contrasts => contrasts::are_there(of),
            Self::Decoders(policy) => policy < decoders::policies(of),
        }
    }

    /// Where it is another than the experiment's.
    pub fn basis(self, of: &Material) -> Option<String> {
        match self {
            Self::Milestones
            | Self::Frontier
            | Self::Forest
            | Self::Training
            | Self::Seeds
            | Self::Passk => None,
            Self::Contrasts => Some(contrasts::BASIS.into()),
            Self::Decoders(policy) => decoders::basis(of, policy),
        }
    }

    pub fn figure(self, of: &Material, wanted: &Wanted) -> Figure {
        let mut figure = match self {
            Self::Milestones => milestones::figure(of, wanted),
            Self::Frontier => frontier::figure(of, wanted),
            Self::Forest => forest::differences(of, wanted),
            Self::Training => training::figure(of, wanted),
            Self::Seeds => forest::seeds(of, wanted),
            Self::Passk => tries::figure(of, wanted),
            Self::Contrasts => contrasts::figure(of, wanted),
            Self::Decoders(policy) => decoders::figure(of, wanted, policy),
        };
        if let Chart::Curves(chart) = &mut figure.chart {
            chart.standings = standing::all(of);
            figure
                .caption
                .extend(published::said(&of.view.spec.task, chart));
        }
        if figure.cost == Some(Cost::Usd) {
            figure.caption.push(prices::said(&of.dollars));
        }
        if figure.cost.is_some() {
            figure.caption.extend(of.no_price.clone());
            figure.caption.extend(moved_line(of, wanted));
        }
        let plain = match self {
            Self::Forest => forest::is_plain(wanted),
            // Its rows are contrasts: colour is the arm's own.
            Self::Contrasts => true,
            Self::Milestones
            | Self::Frontier
            | Self::Training
            | Self::Seeds
            | Self::Passk
            | Self::Decoders(_) => false,
        };
        if !plain {
            figure.caption.extend(colours::said(of, wanted));
        }
        figure
    }
}

#[derive(Debug)]
pub(super) enum Chart {
    Curves(Curves),
    Rows(Rows),
}

#[derive(Debug)]
pub(super) struct Figure {
    pub name: Name,
    pub title: String,
    /// Sentences.
    pub caption: Vec<String>,
    pub chart: Chart,
    /// What its x axis counts, where links may ask for a part of it.
    pub cost: Option<Cost>,
    /// The same, where it counts steps.
    pub places: Places,
    /// More lines than a drawing of elements bears: left to the canvas.
    pub every: Every,
    /// Every arm's value at the budget that was asked for.
    pub at: Option<AtBudget>,
}

/// Whether every seed's line was asked for and is too much for a page's SVG.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::pages) enum Every {
    #[default]
    Drawn,
    /// By arm, for files.
    OnCanvas(Vec<(String, Vec<Line>)>),
}

impl Every {
    /// Said where the lines of a picture are left to the canvas.
    pub const ON_CANVAS: &'static str = "Too many runs for one line each in this picture: with a script they are drawn over it. The SVG and PNG files draw every one of them, and the CSV file has them in numbers.";

    pub fn is_on_canvas(&self) -> bool {
        matches!(self, Self::OnCanvas(_))
    }

    /// The smallest and largest value of the lines that are left to the canvas, in a part of
    /// the axis.
    pub fn reach(&self, part: Option<(f64, f64)>) -> Option<Interval> {
        let Self::OnCanvas(lines) = self else {
            return None;
        };
        let points = lines.iter().flat_map(|(_, own)| own).flatten();
        let within = |x: f64| part.is_none_or(|(low, high)| x >= low && x <= high);
        let seen = points.filter(|p| within(p.0) && p.1.is_finite());
        let all = seen.fold(None, |all: Option<Interval>, p| {
            let so_far = all.unwrap_or(Interval {
                low: p.1,
                high: p.1,
            });
            Some(Interval {
                low: so_far.low.min(p.1),
                high: so_far.high.max(p.1),
            })
        });
        all.filter(|i| i.low <= i.high)
    }

    /// Draws them after all; says how many.
    pub fn for_file(self, chart: &mut Curves) -> Option<String> {
        let Self::OnCanvas(lines) = self else {
            return None;
        };
        let all: usize = lines.iter().map(|(_, own)| own.len()).sum();
        let longest = lines.iter().flat_map(|(_, own)| own).map(Vec::len).max();
        let mut drawn = 0;
        for (arm, own) in lines {
            let together = chart.merged.iter_mut().flat_map(|m| &mut m.curves);
            let mut all = chart.curves.iter_mut().chain(together);
            if let Some(curve) = all.find(|c| c.key == arm) {
                // One place alone is no line.
                drawn += own.iter().filter(|line| line.len() > 1).count();
                curve.behind.extend(own);
            }
        }
        Some(format!(
            "Thin: {drawn} of {}, each of {} at most; the CSV file has them all.",
            number::counted(all as i64, "seed's line"),
            number::counted(longest.unwrap_or(0) as i64, "place"),
        ))
    }
}

/// Lines of single seeds that a chart bears.
const MAX_LINES: usize = 60;

impl Figure {
    pub fn new(name: Name, title: String, chart: Chart) -> Self {
        Self {
            name,
            title,
            caption: vec![],
            chart,
            cost: None,
            places: Places::Cost,
            every: Every::Drawn,
            at: None,
        }
    }

    /// As a file, for which no number of lines is too much: every seed has its own.
    pub fn for_file(mut self) -> Self {
        if let Chart::Curves(chart) = &mut self.chart {
            let said = std::mem::take(&mut self.every).for_file(chart);
            self.caption.extend(said);
        }
        self
    }

    /// Arms of which there is something in it: a point of a line, or what stands in a row. Those
    /// that are drawn together are among them.
    pub fn arms(&self) -> BTreeSet<&str> {
        let has_any = |r: &&Row| r.estimate.is_some() || !r.seeds.is_empty() || r.note.is_some();
        match &self.chart {
            Chart::Curves(chart) => {
                let drawn = numbers::all(chart).filter(|c| !c.bins.is_empty());
                drawn.map(|c| c.key.as_str()).collect()
            }
            Chart::Rows(chart) => {
                let rows = chart.rows.iter().filter(has_any);
                let both = rows.flat_map(|r| [Some(&r.key), r.other.as_ref()]);
                both.flatten().map(String::as_str).collect()
            }
        }
    }

    pub fn draw(&self) -> Drawn {
        match &self.chart {
            Chart::Curves(curves) => curves.draw(),
            Chart::Rows(rows) => rows.draw(),
        }
    }

    /// The picture, and all that is said under it.
    pub fn shown(&self) -> (String, String) {
        let drawn = self.draw();
        let mut said = self.caption.clone();
        said.extend(drawn.missed());
        if let Chart::Curves(Curves {
            merged: Some(merged),
            ..
        }) = &self.chart
        {
            said.push(merged.said());
            said.push("A link with only= draws them apart.".into());
        }
        (drawn.svg, said.join(" "))
    }
}

/// The line stands where the link wants it, not at the registered budget.
fn moved_line(of: &Material, wanted: &Wanted) -> Option<String> {
    let budget = &of.view.spec.budget;
    wanted.budget.map(|asked| {
        format!(
            "The budget line stands at {}, as the link asks; the registered budget is {}.",
            wanted.x.amount(asked),
            Cost::from(budget.unit).amount(budget.amount)
        )
    })
}

/// How an arm's line ends.
pub(super) fn end(of: &Material, arm: &str) -> End {
    let runs = of.runs.iter().filter(|run| run.arm.key == arm);
    let states: Vec<RunState> = runs.map(|run| run.state).collect();
    let figures = of.test.iter().filter(|a| a.id == arm && a.trains);
    let charged = figures.flat_map(|a| &a.runs).map(|run| run.charged);
    end_of(&states, charged, of.view.spec.budget.amount)
}

/// The same of any runs, from where they stand and what those that have finished were charged.
pub(in crate::pages) fn end_of(
    states: &[RunState],
    mut charged: impl Iterator<Item = f64>,
    budget: f64,
) -> End {
    if states.iter().any(|state| words::is_open(*state)) {
        return End::Running;
    }
    if states.contains(&RunState::Failed) && !states.contains(&RunState::Succeeded) {
        return End::Crashed;
    }
    match charged.any(|c| c < 0.95 * budget) {
        true => End::Short,
        false => End::Done,
    }
}

/// Every seed's own line, as far as a drawing bears them.
pub(in crate::pages) fn every(
    asked: SeedLines,
    curves: &mut [Curve],
    lines: Vec<Vec<Line>>,
) -> Every {
    if asked == SeedLines::Mean {
        return Every::Drawn;
    }
    if lines.iter().map(Vec::len).sum::<usize>() > MAX_LINES {
        let keys = curves.iter().map(|curve| curve.key.clone());
        return Every::OnCanvas(keys.zip(lines).collect());
    }
    for (curve, own) in curves.iter_mut().zip(lines) {
        curve.behind.extend(own);
    }
    Every::Drawn
}

pub(in crate::pages) type Line = Vec<(f64, f64)>;
