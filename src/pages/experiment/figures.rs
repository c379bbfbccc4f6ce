//! A chart with what is said below it, for pages.

use super::at_budget::{AtBudget, AtRow, DIFFERENCES};
use super::axis::Places;
use super::data::data;
use super::denominator::{Denominator, Within};
use super::figure::{Every, Name};
use super::material::Material;
use super::view::Wanted;
use crate::pages::figure_data::FigureData;
use assay_core::beyond::Over;

/// One of the figures that have an address of their own.
#[derive(Debug)]
pub(super) struct Shown {
    pub word: String,
    pub title: String,
    pub svg: String,
    pub caption: String,
    /// How much stands behind it, and how much of that it draws.
    pub denominator: String,
    /// The word of what its x axis counts; empty where no part of it can be asked for.
    pub cost: &'static str,
    /// Single seeds are left to the canvas.
    pub every: bool,
    /// Every arm's value at the budget that was asked for.
    pub at: Option<Table>,
    /// What is drawn, in numbers, where no table of the page has them.
    pub data: Option<FigureData>,
}

/// A line an arm: its value, the true cost of it, what it does not cover, and its difference.
#[derive(Debug)]
pub(in crate::pages) struct Table {
    pub budget: String,
    /// Whom differences are taken to, with what is said of them.
    pub base: Option<(String, &'static str)>,
    pub rows: Vec<[String; 5]>,
}

impl From<&AtBudget> for Table {
    fn from(of: &AtBudget) -> Self {
        let row = |r: &AtRow| {
            let (value, cost, difference) = (of.value(r), of.cost(r), of.difference(r));
            [r.label.clone(), value, cost, r.remark.clone(), difference]
        };
        let base = of.base.as_ref();
        Self {
            budget: of.axis.amount(of.budget),
            base: base.map(|(_, name)| (name.clone(), DIFFERENCES)),
            rows: of.rows.iter().map(row).collect(),
        }
    }
}

impl Shown {
    pub fn new(of: &Material, wanted: &Wanted, name: Name) -> Self {
        let figure = &name.figure(of, wanted);
        let (svg, mut caption) = figure.shown();
        let behind = Denominator::new(of, wanted);
        let every = figure.every.is_on_canvas();
        if every {
            caption += &format!(" {}", Every::ON_CANVAS);
        }
        Self {
            word: figure.name.word(),
            title: figure.title.clone(),
            svg,
            caption,
            denominator: behind.within(of, Within::Figure, figure.arms()).line(),
            cost: match figure.places {
                Places::Cost => figure.cost.map_or("", |c| c.word()),
                Places::Steps => Places::STEPS,
            },
            every,
            at: figure.at.as_ref().map(Table::from),
            data: data(figure).map(|data| FigureData {
                file: Some(format!(
                    "/experiments/{}/{}.csv{}",
                    of.view.id,
                    data.id,
                    wanted.query(&of.view)
                )),
                ..data
            }),
        }
    }
}

/// The figures of a page: each once, those that are pinned before the others.
#[derive(Debug)]
pub(super) struct Figures {
    /// In the order of the link.
    pub pinned: Vec<Shown>,
    pub milestones: Option<Shown>,
    pub frontier: Option<Shown>,
    pub forest: Option<Shown>,
    pub training: Option<Shown>,
    pub dots: Option<Shown>,
    pub passk: Option<Shown>,
}

impl Figures {
    pub fn new(of: &Material, wanted: &Wanted) -> Self {
        let draw = |name: Name| Shown::new(of, wanted, name);
        let own = |name: Name| (!wanted.pinned.contains(&name)).then(|| draw(name));
        Self {
            pinned: wanted.pinned.iter().copied().map(draw).collect(),
            milestones: own(Name::Milestones),
            frontier: own(Name::Frontier),
            forest: own(Name::Forest),
            training: own(Name::Training),
            dots: own(Name::Seeds),
            passk: own(Name::Passk),
        }
    }
}

/// The address of a figure's files, without the question mark where there is no query.
pub(super) fn asked(query: &str) -> String {
    if query.is_empty() {
        String::new()
    } else {
        format!("?{query}")
    }
}

/// What stands in the controls.
#[derive(Debug)]
pub(super) struct Controls {
    pub smooth: String,
    pub budget: String,
    pub low: String,
    pub high: String,
    /// The axis that these places are of.
    pub was: &'static str,
    /// Whether intervals over questions are asked for.
    pub questions: bool,
}

impl Controls {
    pub fn new(wanted: &Wanted) -> Self {
        let number = |v: Option<f64>| v.map_or(String::new(), |v| v.to_string());
        Self {
            smooth: number((wanted.smooth > 0.0).then_some(wanted.smooth)),
            budget: number(wanted.budget),
            low: number(wanted.low),
            high: number(wanted.high),
            was: wanted.axis_word(),
            questions: wanted.over == Over::Questions,
        }
    }
}
