//! One row an arm: a forest of differences around zero, or the seeds' own values.

use super::axis::{Axis, Scale};
use super::backend::{Buffer, Ink, ThemedSvg, UNIT, document};
use super::mark::{DrawError, Margins, dot, frame, marker, text};
use super::text::{escape, fit};
use super::{Drawn, series_class};
use crate::number::{self, Kind};
use assay_core::stats::Estimate;
use plotters::prelude::*;
use std::fmt::Write;

#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub key: String,
    pub label: String,
    pub slot: usize,
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

const WIDTH: u32 = 544;
const ROW: u32 = 28;
const NAMES: u32 = 150;
const NUMBERS: u32 = 196;

impl Rows {
    pub fn draw(&self) -> Drawn {
        let height = self.rows.len().max(1) as u32 * ROW + 52;
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
        }
    }

    fn paint(&self, backend: ThemedSvg, buffer: &Buffer) -> Result<(), DrawError> {
        let margins = Margins {
            top: 6,
            right: NUMBERS,
            bottom: 26,
            left: NAMES,
        };
        let estimates = || self.rows.iter().filter_map(|r| r.estimate);
        let values = self
            .rows
            .iter()
            .flat_map(|r| r.seeds.iter().copied())
            .chain(estimates().map(|e| e.mean))
            .chain(estimates().filter_map(|e| e.interval).flat_map(|i| [i.low, i.high]))
            .chain(self.differences.then_some(0.0));
        let x = Axis::new(Scale::Linear, values, 3);
        let area = backend.into_drawing_area();
        let mut chart = frame(&area, &margins, &x, None)?;
        let (px, py) = chart.plotting_area().get_pixel_range();
        text(buffer, "tx at", (px.end, py.end + 36 * UNIT), "end", &self.x_title);
        if self.differences {
            chart.draw_series(LineSeries::new([(0.0, 0.0), (0.0, 1.0)], Ink::Zero.color()))?;
        }
        for (i, row) in self.rows.iter().enumerate() {
            let middle = py.start + (i as i32) * (ROW as i32) * UNIT + (ROW as i32) * UNIT / 2;
            let at = |v: f64| x.clamped(v).map(|p| chart.backend_coord(&(p, 0.0)).0);
            let _ = write!(
                buffer.borrow_mut(),
                r#"<g class="{}" data-arm="{}"><title>{}</title>"#,
                series_class(row.slot),
                escape(&row.key),
                escape(&self.describe(row))
            );
            marker(buffer, row.slot, (8 * UNIT, middle), false);
            let base = middle + 4 * UNIT;
            let name = fit(&row.label, 12.0, f64::from(NAMES) - 30.0);
            text(buffer, "tx", (20 * UNIT, base), "", &name);
            if let Some(interval) = row.estimate.and_then(|e| e.interval) {
                if let (Some(low), Some(high)) = (at(interval.low), at(interval.high)) {
                    let _ = write!(
                        buffer.borrow_mut(),
                        r#"<path class="ln" d="M{low} {middle}H{high}M{low} {}v80M{high} {}v80"/>"#,
                        middle - 40,
                        middle - 40
                    );
                }
            }
            for seed in row.seeds.iter().filter_map(|v| at(*v)) {
                dot(buffer, (seed, middle));
            }
            if let Some(mean) = row.estimate.and_then(|e| at(e.mean)) {
                marker(buffer, row.slot, (mean, middle), false);
            }
            text(buffer, "tx num", (px.end + 14 * UNIT, base), "", &self.numbers(row));
            buffer.borrow_mut().push_str("</g>");
        }
        Ok(())
    }

    fn numbers(&self, row: &Row) -> String {
        match (&row.note, &row.estimate) {
            (Some(note), _) => note.clone(),
            (None, None) => number::no_interval(0),
            (None, Some(e)) if e.interval.is_none() && self.differences => {
                number::difference(self.kind, e)
            }
            (None, Some(e)) if e.interval.is_none() => number::estimate(self.kind, e),
            (None, Some(e)) if self.differences => {
                format!("{}, n = {}", number::difference(self.kind, e), e.n)
            }
            (None, Some(e)) => format!("{}, n = {}", number::estimate(self.kind, e), e.n),
        }
    }

    fn describe(&self, row: &Row) -> String {
        format!("{}: {}", row.label, self.numbers(row))
    }
}
