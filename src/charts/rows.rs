//! Two lines of room an arm: a forest of differences around zero, or the seeds'
//! own values. The name and the numbers stand above what is drawn; where rows have
//! verdicts, these have a line between, on which verdicts and numbers are two columns.

use super::axis::{Axis, Scale};
use super::backend::{Buffer, TEXT, ThemedSvg, UNIT, document};
use super::mark::{DrawError, Margins, done_markers, dots, frame, text};
use super::text::{escape, fit, fit_label, width};
use super::{Drawn, Fate, drawn_class};
use crate::number::{self, Kind};
use assay_core::stats::Estimate;
use plotters::prelude::*;
use std::fmt::Write;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Row {
    pub key: String,
    pub label: String,
    pub slot: usize,
    /// A colour in place of the slot's; the marker stays.
    pub tint: Option<usize>,
    pub fate: Fate,
    pub estimate: Option<Estimate>,
    pub seeds: Vec<f64>,
    /// Stands in the place of numbers: "baseline", "no seed finished".
    pub note: Option<String>,
    /// Key of another arm that its numbers are of, which has no row of its own.
    pub other: Option<String>,
    /// Of the registered contrast that is drawn here; nothing where none is.
    pub verdict: Option<VerdictWord>,
}

/// What the registered rule says, short enough for a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerdictWord {
    /// `+`, `-`, `=` or `?`.
    pub sign: &'static str,
    pub word: &'static str,
}

impl std::fmt::Display for VerdictWord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never in a line of its own.
        write!(f, "{}\u{a0}{}", self.sign, self.word)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    pub title: String,
    pub x_title: String,
    pub kind: Kind,
    /// Differences: signs and a zero line.
    pub differences: bool,
    /// Half of the width of a band around zero: differences within it are too small to matter.
    pub margin: Option<f64>,
    pub rows: Vec<Row>,
}

const WIDTH: u32 = 432;
const ROW: i32 = 42;
/// Of a row's height, what the line of text takes.
const WORDS: i32 = 19;
/// What a second one adds.
const SECOND: i32 = 16;
/// Of the longest verdict: where that column ends, whatever stands in it.
const VERDICT: f64 = 150.0;
const MARGINS: Margins = Margins {
    top: 4,
    right: 14,
    bottom: 42,
    left: 14,
};

impl Rows {
    pub fn draw(&self) -> Drawn {
        let rows = self.rows.len().max(1) as u32 * self.height() as u32;
        let height = rows + MARGINS.top + MARGINS.bottom;
        let (backend, buffer) = ThemedSvg::new(WIDTH, height);
        let left_out = self
            .rows
            .iter()
            .flat_map(|r| &r.seeds)
            .filter(|v| !v.is_finite())
            .count();
        // The backend writes into memory and cannot fail; plotters' type says it may.
        let _ = self.paint(backend, &buffer);
        let class = if self.differences { "forest" } else { "dots" };
        Drawn {
            svg: document(&buffer, (WIDTH, height), class, &self.title, ""),
            left_out,
            not_positive: 0,
        }
    }

    /// Of the second line of text, where there is one.
    fn second(&self) -> i32 {
        match self.rows.iter().any(|row| row.verdict.is_some()) {
            true => SECOND,
            false => 0,
        }
    }

    /// Of what a row says.
    fn words(&self) -> i32 {
        WORDS + self.second()
    }

    /// Of a whole row.
    fn height(&self) -> i32 {
        ROW + self.second()
    }

    fn axis(&self) -> Axis {
        let estimates = || self.rows.iter().filter_map(|r| r.estimate);
        let values = self
            .rows
            .iter()
            .flat_map(|r| r.seeds.iter().copied())
            .chain(estimates().map(|e| e.mean))
            .chain(
                estimates()
                    .filter_map(|e| e.interval)
                    .flat_map(|i| [i.low, i.high]),
            )
            .chain(self.differences.then_some(0.0))
            .chain(self.margin.into_iter().flat_map(|m| [-m, m]));
        Axis::new(Scale::Linear, values, 4)
    }

    fn paint(&self, backend: ThemedSvg, buffer: &Buffer) -> Result<(), DrawError> {
        let x = self.axis();
        let area = backend.into_drawing_area();
        let chart = frame(&area, &MARGINS, &x, None)?;
        let (px, py) = chart.plotting_area().get_pixel_range();
        text(
            buffer,
            "tx at",
            (px.end, py.end + 36 * UNIT),
            "end",
            &self.x_title,
        );
        if self.differences && !self.rows.is_empty() {
            if let Some(margin) = self.margin {
                let edge = |v: f64| x.clamped(v).map(|p| chart.backend_coord(&(p, 0.0)).0);
                if let (Some(low), Some(high)) = (edge(-margin), edge(margin)) {
                    self.margin_band(buffer, (low, high), py.start);
                }
            }
            let zero = chart.backend_coord(&(0.0, 0.0)).0;
            self.zero_line(buffer, zero, py.start);
        }
        for (i, row) in self.rows.iter().enumerate() {
            let top = py.start + i as i32 * self.height() * UNIT;
            let middle = top + (self.words() + 10) * UNIT;
            let at = |v: f64| x.clamped(v).map(|p| chart.backend_coord(&(p, 0.0)).0);
            let base = top + 14 * UNIT;
            self.open(buffer, row, (px.start, px.end), base);
            if let Some(interval) = row.estimate.and_then(|e| e.interval)
                && let (Some(low), Some(high)) = (at(interval.low), at(interval.high))
            {
                let cap = middle - 40;
                let _ = write!(
                    buffer.borrow_mut(),
                    r#"<path class="ln" d="M{low} {middle}H{high}M{low} {cap}v80M{high} {cap}v80"/>"#
                );
            }
            dots(
                buffer,
                row.seeds.iter().filter_map(|v| Some((at(*v)?, middle))),
            );
            // Beside the label and at the mean.
            let mut marks = vec![(px.start + 5 * UNIT, base - 4 * UNIT)];
            let mean = row.estimate.and_then(|e| at(e.mean));
            marks.extend(mean.map(|mean| (mean, middle)));
            done_markers(buffer, row.slot, row.fate, &marks);
            buffer.borrow_mut().push_str("</g>");
        }
        Ok(())
    }

    /// The row's group, with what it says: its label, and the numbers at the right. Where the
    /// chart has verdicts, they and the numbers stand below the labels.
    fn open(&self, buffer: &Buffer, row: &Row, (left, right): (i32, i32), base: i32) {
        let numbers = self.numbers(row);
        let said = row.verdict.map_or(String::new(), |v| format!("; {v}"));
        let _ = write!(
            buffer.borrow_mut(),
            r#"<g class="{}" data-arm="{}"><title>{}</title>"#,
            drawn_class(row.tint.unwrap_or(row.slot), row.fate),
            escape(&row.key),
            escape(&format!("{}: {numbers}{said}", row.label))
        );
        let whole = f64::from(WIDTH) - 2.0 * 14.0 - 20.0;
        let beside = whole - width(&numbers, TEXT);
        let second = self.second() * UNIT;
        let room = if second > 0 { whole } else { beside };
        let left = left + 15 * UNIT;
        let label = fit_label(&row.label, TEXT, room);
        text(buffer, "tx hl", (left, base), "", &label);
        if let Some(verdict) = row.verdict {
            let word = fit(&verdict.to_string(), TEXT, beside.min(VERDICT));
            text(buffer, "tx hl", (left, base + second), "", &word);
        }
        let at = (right, base + second);
        text(buffer, "tx num hl", at, "end", &numbers);
    }

    /// Behind what is drawn of each row, and not behind its words.
    fn margin_band(&self, buffer: &Buffer, (low, high): (i32, i32), top: i32) {
        let wide = high - low;
        let parts: String = (0_i32..)
            .zip(&self.rows)
            .map(|(i, _)| {
                let from = top + (i * self.height() + self.words()) * UNIT;
                format!("M{low} {from}h{wide}v{}h-{wide}z", (ROW - WORDS) * UNIT)
            })
            .collect();
        let _ = write!(buffer.borrow_mut(), r#"<path class="margin" d="{parts}"/>"#);
    }

    /// Beside what is drawn of each row, never through its words.
    fn zero_line(&self, buffer: &Buffer, x: i32, top: i32) {
        let parts: String = (0_i32..)
            .zip(&self.rows)
            .map(|(i, _)| {
                let from = top + (i * self.height() + self.words()) * UNIT;
                format!("M{x} {from}v{}", (ROW - WORDS) * UNIT)
            })
            .collect();
        let _ = write!(buffer.borrow_mut(), r#"<path class="zero" d="{parts}"/>"#);
    }

    fn numbers(&self, row: &Row) -> String {
        let (Some(e), None) = (&row.estimate, &row.note) else {
            return row.note.clone().unwrap_or_else(|| number::no_interval(0));
        };
        let said = if self.differences {
            number::difference(self.kind, e)
        } else {
            number::estimate(self.kind, e)
        };
        match e.interval {
            Some(_) => format!("{said}, n = {}", e.n),
            None => said,
        }
    }
}

#[cfg(test)]
mod tests;
