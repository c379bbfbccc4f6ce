//! A chart with what is said below it, for pages.

use super::figure::{Every, Figure, left_out};
use super::view::Wanted;
use crate::charts::Drawn;

#[derive(Debug)]
pub(super) struct Picture {
    pub svg: String,
    pub note: Option<String>,
}

impl From<Drawn> for Picture {
    fn from(drawn: Drawn) -> Self {
        let said = left_out(&drawn);
        Self {
            svg: drawn.svg,
            note: (!said.is_empty()).then(|| said.join(" ")),
        }
    }
}

/// One of the figures that have an address of their own.
#[derive(Debug)]
pub(super) struct Shown {
    pub word: &'static str,
    pub title: String,
    pub svg: String,
    pub caption: String,
    /// The word of what its x axis counts; empty where no part of it can be asked for.
    pub cost: &'static str,
    /// Single seeds are left to the canvas.
    pub every: bool,
}

impl Shown {
    pub fn new(figure: &Figure) -> Self {
        let (svg, mut caption) = figure.shown();
        let every = figure.every == Every::OnCanvas;
        if every {
            caption += " Too many runs for one line each in this picture: with a script they are drawn over it, and the CSV file has them all.";
        }
        Self {
            word: figure.name.word(),
            title: figure.title.clone(),
            svg,
            caption,
            cost: figure.cost.map_or("", |c| c.word()),
            every,
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
    pub low: String,
    pub high: String,
}

impl Controls {
    pub fn new(wanted: &Wanted) -> Self {
        let number = |v: Option<f64>| v.map_or(String::new(), |v| v.to_string());
        Self {
            smooth: number((wanted.smooth > 0.0).then_some(wanted.smooth)),
            low: number(wanted.low),
            high: number(wanted.high),
        }
    }
}
