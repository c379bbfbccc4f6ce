//! Charts: data in, SVG out. Pure and deterministic. No colour, no `style=` and
//! no script ever reaches the output: classes and `currentColor`, so that one
//! stylesheet themes, prints and dims them.

mod aggregate;
mod axis;
mod backend;
mod calibration;
mod curves;
mod mark;
mod merge;
mod panel;
#[cfg(feature = "png")]
mod png;
mod rows;
mod sparkline;
mod standalone;
mod text;
pub mod tree;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod palette;

use crate::number;

pub use aggregate::{Bin, Stand, along, average, ema_of_means, enclose, hold};
pub use assay_core::at_budget::Seed;
pub use assay_core::frontier::{Marked, pareto};
pub use axis::Scale;
pub use calibration::{Calibration, CalibrationPoint};
pub use curves::{Band, Curve, Curves, MOST_PUBLISHED, Published, Shape};
pub use merge::{MOST, Merged, merge};
pub use panel::{Panel, PanelPoint};
#[cfg(feature = "png")]
pub use png::{NoPng, png};
pub use rows::{Row, Rows, VerdictWord};
pub use sparkline::sparkline;
pub use standalone::{Theme, standalone};
pub use text::{UNSUCCESSFUL, escape, fit, width};

/// Number of colour slots; further arms repeat them with other dashes and markers.
pub const SLOTS: usize = 8;

/// What the registered rule calls an arm, as far as that changes how it is drawn: dashed
/// and crossed, at full strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fate {
    #[default]
    Ordinary,
    Unsuccessful,
}

/// How an arm's line ends. An accident never shares a mark with a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum End {
    #[default]
    Done,
    /// More is to come.
    Running,
    /// Stopped before its budget was used.
    Short,
    Crashed,
}

/// Dashes of the rounds of colours after the first, which is solid.
const DASHES: [&str; 3] = [" alt", " alt alt2", " alt alt3"];

/// The classes of a series: `s c3`, and a dash beyond the eighth.
pub(crate) fn series_class(slot: usize) -> String {
    let dash = match slot / SLOTS {
        0 => "",
        round => DASHES[(round - 1) % DASHES.len()],
    };
    format!("s c{}{dash}", slot % SLOTS + 1)
}

/// The same in a chart, where an unsuccessful arm is dashed.
pub(crate) fn drawn_class(slot: usize, fate: Fate) -> String {
    let class = series_class(slot);
    match fate {
        Fate::Ordinary => class,
        Fate::Unsuccessful => class + " fail",
    }
}

/// A chart, and how many values could not be drawn on its axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    pub svg: String,
    /// Not a finite number.
    pub left_out: usize,
    /// At or below zero, on a log axis.
    pub not_positive: usize,
}

impl Drawn {
    /// In words, what is not in the picture; nothing where all is.
    pub fn missed(&self) -> Vec<String> {
        let mut said = vec![];
        if self.left_out > 0 {
            let n = number::counted(self.left_out as i64, "value");
            said.push(format!("{n} not drawn: not a number, or off the axis."));
        }
        if self.not_positive > 0 {
            let n = number::counted(self.not_positive as i64, "point");
            said.push(format!("{n} ≤ 0 not drawn on the log axis."));
        }
        said
    }
}
