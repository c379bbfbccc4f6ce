//! One run, one metric: the mean of each bin and, behind it, its smallest and
//! largest value, for a mean alone would erase a collapse of one step.

use super::Drawn;
use super::axis::{Axis, Scale};
use super::backend::{Buffer, Ink, ThemedSvg, document};
use super::mark::{DrawError, Margins, frame, marker, text};
use plotters::prelude::*;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PanelPoint {
    pub step: f64,
    pub mean: f64,
    pub min: f64,
    pub max: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    pub title: String,
    pub points: Vec<PanelPoint>,
    /// Sparse measurements: joined by steps, each with its dot.
    pub measured: bool,
}

const SIZE: (u32, u32) = (344, 168);
const MARGINS: Margins = Margins {
    top: 10,
    right: 14,
    bottom: 22,
    left: 52,
};

impl Panel {
    pub fn draw(&self) -> Drawn {
        let (backend, buffer) = ThemedSvg::new(SIZE.0, SIZE.1);
        let finite: Vec<PanelPoint> = self
            .points
            .iter()
            .copied()
            .filter(|p| p.step.is_finite() && p.mean.is_finite())
            .collect();
        // The backend writes into memory and cannot fail; plotters' type says it may.
        let attributes = self.paint(&finite, backend, &buffer).unwrap_or_default();
        Drawn {
            svg: document(&buffer, SIZE, "panel", &self.title, &attributes),
            left_out: self.points.len() - finite.len(),
            not_positive: 0,
        }
    }

    fn paint(
        &self,
        points: &[PanelPoint],
        backend: ThemedSvg,
        buffer: &Buffer,
    ) -> Result<String, DrawError> {
        let ends = || points.iter().flat_map(|p| [p.mean, p.min, p.max]);
        let (low, high) = ends()
            .filter(|v| v.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| {
                (l.min(v), h.max(v))
            });
        let room = (high - low) * 0.06;
        let y = Axis::new(Scale::Linear, ends(), 4).tight(low - room, high + room);
        let steps = || points.iter().map(|p| p.step);
        let x = Axis::new(Scale::Linear, steps().chain([0.0]), 4)
            .tight(0.0, steps().fold(0.0, f64::max));
        let area = backend.into_drawing_area();
        let mut chart = frame(&area, &MARGINS, &x, Some(&y))?;
        let (across, down) = chart.plotting_area().get_pixel_range();
        // What a script needs to tell a step from a pixel.
        let attributes = format!(
            r#" data-plot="{} {} {} {}" data-x="{} {} linear""#,
            across.start, down.start, across.end, down.end, x.low, x.high
        );
        if points.is_empty() {
            let (px, py) = chart.backend_coord(&((x.low + x.high) / 2.0, (y.low + y.high) / 2.0));
            text(buffer, "tx mut", (px, py), "middle", "no data yet");
            return Ok(attributes);
        }
        let at = |value: f64, mean: f64| y.clamped(value).unwrap_or(mean);
        buffer.borrow_mut().push_str(r#"<g class="s c1">"#);
        if points.iter().any(|p| p.max > p.min) {
            let mut outline: Vec<(f64, f64)> =
                points.iter().map(|p| (p.step, at(p.max, p.mean))).collect();
            outline.extend(points.iter().rev().map(|p| (p.step, at(p.min, p.mean))));
            chart.draw_series([Polygon::new(outline, Ink::Envelope.color())])?;
        }
        let mut line: Vec<(f64, f64)> = vec![];
        for p in points {
            if let (true, Some(&(_, before))) = (self.measured, line.last()) {
                line.push((p.step, before));
            }
            line.push((p.step, at(p.mean, p.mean)));
        }
        chart.draw_series(LineSeries::new(line, Ink::Line.color()))?;
        let marked = if self.measured {
            points
        } else {
            &points[points.len() - 1..]
        };
        for p in marked {
            marker(
                buffer,
                0,
                chart.backend_coord(&(p.step, at(p.mean, p.mean))),
                false,
            );
        }
        buffer.borrow_mut().push_str("</g>");
        Ok(attributes)
    }
}
