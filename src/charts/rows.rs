//! Two lines of room an arm: a forest of differences around zero, or the seeds'
//! own values. The name and the numbers stand above what is drawn.

use super::axis::{Axis, Scale};
use super::backend::{Buffer, Ink, TEXT, ThemedSvg, UNIT, document};
use super::mark::{DrawError, Margins, dots, end_marker, frame, text};
use super::text::{escape, fit_label, width};
use super::{Drawn, End, Fate, drawn_class};
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
}

#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    pub title: String,
    pub x_title: String,
    pub kind: Kind,
    /// Differences: signs and a zero line.
    pub differences: bool,
    pub rows: Vec<Row>,
}

const WIDTH: u32 = 432;
const ROW: i32 = 42;
const MARGINS: Margins = Margins {
    top: 4,
    right: 14,
    bottom: 42,
    left: 14,
};

impl Rows {
    pub fn draw(&self) -> Drawn {
        let height = self.rows.len().max(1) as u32 * ROW as u32 + MARGINS.top + MARGINS.bottom;
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
            .chain(self.differences.then_some(0.0));
        Axis::new(Scale::Linear, values, 4)
    }

    fn paint(&self, backend: ThemedSvg, buffer: &Buffer) -> Result<(), DrawError> {
        let x = self.axis();
        let area = backend.into_drawing_area();
        let mut chart = frame(&area, &MARGINS, &x, None)?;
        let (px, py) = chart.plotting_area().get_pixel_range();
        text(
            buffer,
            "tx at",
            (px.end, py.end + 36 * UNIT),
            "end",
            &self.x_title,
        );
        if self.differences {
            chart.draw_series(LineSeries::new([(0.0, 0.0), (0.0, 1.0)], Ink::Zero.color()))?;
        }
        for (i, row) in self.rows.iter().enumerate() {
            let top = py.start + i as i32 * ROW * UNIT;
            let middle = top + 29 * UNIT;
            let at = |v: f64| x.clamped(v).map(|p| chart.backend_coord(&(p, 0.0)).0);
            let numbers = self.numbers(row);
            let _ = write!(
                buffer.borrow_mut(),
                r#"<g class="{}" data-arm="{}"><title>{}</title>"#,
                drawn_class(row.tint.unwrap_or(row.slot), row.fate),
                escape(&row.key),
                escape(&format!("{}: {numbers}", row.label))
            );
            let base = top + 14 * UNIT;
            let mark = |at| end_marker(buffer, row.slot, row.fate, End::Done, at);
            mark((px.start + 5 * UNIT, base - 4 * UNIT));
            let room = f64::from(WIDTH) - 2.0 * 14.0 - 20.0 - width(&numbers, TEXT);
            text(
                buffer,
                "tx hl",
                (px.start + 15 * UNIT, base),
                "",
                &fit_label(&row.label, TEXT, room),
            );
            text(buffer, "tx num hl", (px.end, base), "end", &numbers);
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
            if let Some(mean) = row.estimate.and_then(|e| at(e.mean)) {
                mark((mean, middle));
            }
            buffer.borrow_mut().push_str("</g>");
        }
        Ok(())
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
