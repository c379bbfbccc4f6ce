//! Charts: data in, SVG out. Pure and deterministic. No colour, no `style=` and
//! no script ever reaches the output: classes and `currentColor`, so that one
//! stylesheet themes, prints and dims them.

mod aggregate;
mod axis;
mod backend;
mod curves;
mod mark;
mod panel;
mod rows;
mod sparkline;
mod text;
pub mod tree;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod palette;

pub use aggregate::{Bin, Seed, average, hold};
pub use axis::Scale;
pub use curves::{Curve, Curves, Shape};
pub use panel::{Panel, PanelPoint};
pub use rows::{Row, Rows};
pub use sparkline::sparkline;
pub use text::{escape, fit, width};

/// Number of colour slots; further arms repeat them with `.alt`.
pub const SLOTS: usize = 8;

/// The classes of a series: `s c3`, and `alt` beyond the eighth.
pub(crate) fn series_class(slot: usize) -> String {
    format!(
        "s c{}{}",
        slot % SLOTS + 1,
        if slot >= SLOTS { " alt" } else { "" }
    )
}

/// A chart, and how many values could not be drawn on its axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    pub svg: String,
    pub left_out: usize,
}
