//! What others have published, beside the lines and never one of them: a dashed level, or a
//! mark at the one place that it is of. No axis is stretched for it.

use super::super::axis::Axis;
use super::super::backend::{Buffer, UNIT, path_data};
use super::super::mark::{Chart, text};
use super::super::text::{escape, fit, width};
use super::{Curves, Plot, WIDTH};
use crate::number;
use std::fmt::Write;

/// Marks that one chart draws.
pub const MOST_PUBLISHED: usize = 5;

/// A figure of somebody else's.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Published {
    pub model: String,
    /// Of the paper: the same model has other figures in another version.
    pub version: String,
    /// Title of the paper, the place in it, and its address.
    pub source: String,
    pub place: String,
    pub url: String,
    /// On the scale of the y axis.
    pub value: f64,
    /// The one place on the x axis that it is of; none where it is of all.
    pub at: Option<f64>,
}

impl Curves {
    /// Which of the published figures are drawn: those on the axes that are nearest to a
    /// value that is drawn, in the order in which they were given.
    pub fn published_drawn(&self) -> Vec<usize> {
        // Nothing to draw is no reason to lay out axes.
        if self.published.is_empty() {
            return vec![];
        }
        self.nearest(&self.x_axis(), &self.y_axis())
    }

    pub(super) fn nearest(&self, x: &Axis, y: &Axis) -> Vec<usize> {
        let within = |axis: &Axis, v: f64| {
            let slack = (axis.high - axis.low) * 1e-9;
            axis.position(v)
                .is_some_and(|p| p >= axis.low - slack && p <= axis.high + slack)
        };
        let mut near: Vec<(f64, usize)> = vec![];
        for (i, of) in self.published.iter().enumerate() {
            if within(y, of.value) && of.at.is_none_or(|at| within(x, at)) {
                near.extend(self.distance(of).map(|far| (far, i)));
            }
        }
        near.sort_by(|a, b| a.0.total_cmp(&b.0));
        near.truncate(MOST_PUBLISHED);
        let mut drawn: Vec<usize> = near.into_iter().map(|(_, i)| i).collect();
        drawn.sort_unstable();
        drawn
    }

    /// To the nearest mean that is drawn, at its own place where it has one.
    fn distance(&self, of: &Published) -> Option<f64> {
        let merged = self.merged.iter().flat_map(|m| &m.curves);
        let curves = self.curves.iter().chain(merged);
        curves
            .flat_map(|c| self.seen(&c.bins))
            .filter(|b| b.mean.is_finite() && of.at.is_none_or(|at| b.x == at))
            .map(|b| (b.mean - of.value).abs())
            .min_by(f64::total_cmp)
    }

    /// Draws those; returns where their labels belong, in device units.
    pub(super) fn published_marks(
        &self,
        buffer: &Buffer,
        chart: &Chart<'_>,
        plot: &Plot<'_>,
    ) -> Vec<(usize, i32)> {
        let mut placed = vec![];
        for i in self.nearest(plot.x, plot.y) {
            let of = &self.published[i];
            let at = of.at.map_or(Some(plot.x.low), |at| plot.x.clamped(at));
            let (Some(x), Some(y)) = (at, plot.y.clamped(of.value)) else {
                continue;
            };
            let (x, y) = chart.backend_coord(&(x, y));
            let data = match of.at {
                None => path_data([(plot.left, y), (plot.right, y)]),
                Some(_) => path_data([(x, y), (x + 14 * UNIT, y)]),
            };
            let class = if of.at.is_some() { "pub one" } else { "pub" };
            let said = format!(
                "{}, {}, {}: {}, published, not measured here",
                of.model,
                of.version,
                of.place,
                number::value(self.kind, of.value)
            );
            let _ = write!(
                buffer.borrow_mut(),
                r#"<g class="{class}"><title>{}</title><path d="{data}"/></g>"#,
                escape(&said)
            );
            placed.push((i, y));
        }
        placed
    }

    /// Model and value, and below them the version, without which no figure stands.
    pub(super) fn published_label(
        &self,
        of: &Published,
        buffer: &Buffer,
        from: i32,
        (y, below): (i32, i32),
        plot: &Plot<'_>,
    ) {
        let x = plot.right + 12 * UNIT;
        buffer.borrow_mut().push_str(r#"<g class="pub">"#);
        if of.at.is_none() && (y - from).abs() > 4 * UNIT {
            let data = path_data([(plot.right, from), (x - 3 * UNIT, y)]);
            let _ = write!(buffer.borrow_mut(), r#"<path class="lead" d="{data}"/>"#);
        }
        let value = number::value(self.kind, of.value);
        let right = (WIDTH as i32 - 6) * UNIT;
        let room = f64::from(right - x) / f64::from(UNIT);
        let name = fit(&of.model, 12.0, room - width(&value, 12.0) - 8.0);
        text(buffer, "tx", (x, y + 4 * UNIT), "", &name);
        text(buffer, "tx num", (right, y + 4 * UNIT), "end", &value);
        let words = match of.at {
            None => format!("published, {}", of.version),
            Some(at) => format!("published, {}, at {at}", of.version),
        };
        let words = fit(&words, 12.0, room);
        text(buffer, "tx at", (x, below + 4 * UNIT), "", &words);
        buffer.borrow_mut().push_str("</g>");
    }
}
