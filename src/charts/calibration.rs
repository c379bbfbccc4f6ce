//! What was predicted against what came out: one point a bin, its area by how many
//! cases it rests on, the number beside it.

use super::Drawn;
use super::axis::{Axis, Scale};
use super::backend::{Buffer, Ink, ThemedSvg, UNIT, document};
use super::mark::{Chart, DrawError, Margins, frame, text};
use super::text::escape;
use crate::number::{self, Kind};
use plotters::prelude::*;
use std::fmt::Write;

/// A bin of scores between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CalibrationPoint {
    /// Mean score of its cases.
    pub predicted: f64,
    /// Share of them that were right.
    pub observed: f64,
    pub count: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    pub title: String,
    pub x_title: String,
    pub y_title: String,
    pub points: Vec<CalibrationPoint>,
}

const SIZE: (u32, u32) = (344, 300);
const MARGINS: Margins = Margins {
    top: 26,
    right: 22,
    bottom: 42,
    left: 44,
};
/// Radius of the largest point, device units.
const LARGEST: f64 = 110.0;
const SMALLEST: f64 = 22.0;

impl Calibration {
    /// Bins without cases are no points; values that are not finite are counted.
    pub fn draw(&self) -> Drawn {
        let (backend, buffer) = ThemedSvg::new(SIZE.0, SIZE.1);
        let finite = |p: &CalibrationPoint| p.predicted.is_finite() && p.observed.is_finite();
        let shown: Vec<CalibrationPoint> = self
            .points
            .iter()
            .copied()
            .filter(|p| p.count > 0 && finite(p))
            .collect();
        // The backend writes into memory and cannot fail; plotters' type says it may.
        let _ = self.paint(&shown, backend, &buffer);
        Drawn {
            svg: document(&buffer, SIZE, "calibration", &self.title, ""),
            left_out: self.points.iter().filter(|p| !finite(p)).count(),
            not_positive: 0,
        }
    }

    fn paint(
        &self,
        points: &[CalibrationPoint],
        backend: ThemedSvg,
        buffer: &Buffer,
    ) -> Result<(), DrawError> {
        let axis = || Axis::new(Scale::Linear, [0.0, 1.0], 5);
        let (x, y) = (axis(), axis());
        let area = backend.into_drawing_area();
        let mut chart = frame(&area, &MARGINS, &x, Some(&y))?;
        let (px, py) = chart.plotting_area().get_pixel_range();
        text(buffer, "tx at", (4 * UNIT, 14 * UNIT), "", &self.y_title);
        let under = (px.end, py.end + 36 * UNIT);
        text(buffer, "tx at", under, "end", &self.x_title);
        // Where scores would be shares.
        chart.draw_series(LineSeries::new(
            [(0.0, 0.0), (1.0, 1.0)],
            Ink::Budget.color(),
        ))?;
        if points.is_empty() {
            let at = chart.backend_coord(&(0.5, 0.5));
            text(buffer, "tx mut hl", at, "middle", "no data yet");
            return Ok(());
        }
        buffer.borrow_mut().push_str(r#"<g class="s c1">"#);
        let most = points.iter().map(|p| p.count).max().unwrap_or(1) as f64;
        let line: Vec<(f64, f64)> = points
            .iter()
            .map(|p| (p.predicted.clamp(0.0, 1.0), p.observed.clamp(0.0, 1.0)))
            .collect();
        chart.draw_series(LineSeries::new(line.clone(), Ink::Behind.color()))?;
        for (point, at) in points.iter().zip(line) {
            self.point(point, at, most, buffer, &chart);
        }
        buffer.borrow_mut().push_str("</g>");
        Ok(())
    }

    fn point(
        &self,
        point: &CalibrationPoint,
        at: (f64, f64),
        most: f64,
        buffer: &Buffer,
        chart: &Chart<'_>,
    ) {
        let (x, y) = chart.backend_coord(&at);
        let radius = (LARGEST * (point.count as f64 / most).sqrt()).max(SMALLEST) as i32;
        let n = number::integer(i64::try_from(point.count).unwrap_or(i64::MAX));
        let said = format!(
            "predicted {}, observed {}, n = {n}",
            number::value(Kind::Share, point.predicted),
            number::value(Kind::Share, point.observed)
        );
        let _ = write!(
            buffer.borrow_mut(),
            r#"<circle class="cal" cx="{x}" cy="{y}" r="{radius}"><title>{}</title></circle>"#,
            escape(&said)
        );
        text(buffer, "tx num hl", (x, y - radius - 30), "middle", &n);
    }
}
