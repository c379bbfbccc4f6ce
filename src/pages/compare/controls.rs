//! What the form of the comparison offers of its figures.

use super::entries::Material;
use super::table::Compared;
use crate::pages::Choice;
use crate::pages::experiment::axis::Cost;
use crate::pages::looks::{self, choice};

/// Choices, and what stands in the fields.
#[derive(Debug)]
pub(super) struct Controls {
    pub axes: Vec<Choice>,
    pub bands: Vec<Choice>,
    pub lines: Vec<Choice>,
    pub x_scales: Vec<Choice>,
    pub y_scales: Vec<Choice>,
    /// Every column of the figures: those that are drawn are chosen.
    pub columns: Vec<Choice>,
    pub budget: String,
    pub low: String,
    pub high: String,
    /// The axis that these places are of.
    pub was: &'static str,
}

impl Controls {
    pub fn new(table: &Compared, of: &Material) -> Self {
        let view = &of.view;
        let number = |v: Option<f64>| v.map_or(String::new(), |v| v.to_string());
        let mut axes = vec![choice("", "what the budgets count", view.x.is_none())];
        axes.extend(Cost::ALL.map(|x| choice(x.word(), x.title(), view.x == Some(x))));
        let columns = table.lines.iter().map(|line| {
            let label = format!("{} ({})", line.drawn().0, line.experiment_name);
            choice(&line.word, &label, !line.hidden)
        });
        Self {
            axes,
            bands: looks::bands(view.band),
            lines: looks::lines(view.lines),
            x_scales: looks::scales(view.x_scale, "as each figure has it"),
            y_scales: looks::scales(Some(view.y_scale), ""),
            columns: columns.collect(),
            budget: number(view.budget),
            low: number(view.low),
            high: number(view.high),
            was: view.axis_word(),
        }
    }
}
