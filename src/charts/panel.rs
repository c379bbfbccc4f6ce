//! One run, one metric: the mean of each bin and, behind it, its smallest and
//! largest value, for a mean alone would erase a collapse of one step.

use super::Drawn;
use super::axis::{Axis, Scale};
use super::backend::{Buffer, Ink, ThemedSvg, UNIT, document};
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
    /// The base's own value: a dashed line across, named.
    pub beside: Option<f64>,
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
        let beside = self.beside.filter(|v| v.is_finite() && !points.is_empty());
        let ends = || {
            let own = points.iter().flat_map(|p| [p.mean, p.min, p.max]);
            own.chain(beside)
        };
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
        if let Some(value) = beside {
            let value = y.clamped(value).unwrap_or(value);
            chart.draw_series(LineSeries::new(
                [(x.low, value), (x.high, value)],
                Ink::Budget.color(),
            ))?;
            let (px, py) = chart.backend_coord(&(x.high, value));
            // Above the line, or below it where the plot ends.
            let room = 14 * UNIT;
            let py = if py - down.start > room {
                py - 4 * UNIT
            } else {
                py + room
            };
            text(buffer, "tx mut", (px, py), "end", "base");
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

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(beside: Option<f64>, n: usize) -> Drawn {
        let point = |i: usize| PanelPoint {
            step: i as f64,
            mean: 0.2,
            min: 0.1,
            max: 0.3,
        };
        Panel {
            title: "t".into(),
            points: (0..n).map(point).collect(),
            measured: false,
            beside,
        }
        .draw()
    }

    #[test]
    fn the_base_is_a_line_across_with_its_name_and_lies_within_the_axis() {
        let drawn = panel(Some(0.9), 5).svg;
        assert_eq!(drawn.matches("class=\"budget\"").count(), 1, "{drawn}");
        assert!(drawn.contains(">base</text>"));
        assert!(!panel(None, 5).svg.contains("budget"));
        for value in [f64::NAN, f64::INFINITY] {
            assert_eq!(panel(Some(value), 5), panel(None, 5));
        }
        assert_eq!(
            panel(Some(0.9), 0),
            panel(None, 0),
            "nothing to stand beside"
        );
        assert_ne!(panel(Some(0.9), 5), panel(Some(0.15), 5));
    }
}
