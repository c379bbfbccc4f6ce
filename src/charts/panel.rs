//! One run, one metric: the mean of each bin and, behind it, its smallest and
//! largest value, for a mean alone would erase a collapse of one step.

use super::Drawn;
use super::aggregate::ema;
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

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Panel {
    pub title: String,
    pub points: Vec<PanelPoint>,
    /// Sparse measurements: joined by steps, each with its dot.
    pub measured: bool,
    /// The base's own value: a dashed line across, named.
    pub beside: Option<f64>,
    /// Only these steps, whatever was measured of them.
    pub within: Option<(f64, f64)>,
    /// A logarithmic axis of values, where any is positive.
    pub log: bool,
    /// Of the line; as it was measured, it stays behind. Nothing of sparse measurements.
    pub smooth: f64,
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
        let inside = |p: &PanelPoint| self.within.is_none_or(|w| p.step >= w.0 && p.step <= w.1);
        let mut points = self.points.clone();
        points.retain(inside);
        let all = points.len();
        points.retain(|p| p.step.is_finite() && p.mean.is_finite());
        let finite = points.len();
        let scale = match self.log && points.iter().any(|p| p.mean > 0.0) {
            true => Scale::Log,
            false => Scale::Linear,
        };
        if scale == Scale::Log {
            points.retain(|p| p.mean > 0.0);
        }
        // The backend writes into memory and cannot fail; plotters' type says it may.
        let attributes = self
            .paint(&points, scale, backend, &buffer)
            .unwrap_or_default();
        Drawn {
            svg: document(&buffer, SIZE, "panel", &self.title, &attributes),
            left_out: all - finite,
            not_positive: finite - points.len(),
        }
    }

    fn paint(
        &self,
        points: &[PanelPoint],
        scale: Scale,
        backend: ThemedSvg,
        buffer: &Buffer,
    ) -> Result<String, DrawError> {
        let log = scale == Scale::Log;
        let shown = |v: &f64| v.is_finite() && (!log || *v > 0.0);
        let beside = self.beside.filter(|v| shown(v) && !points.is_empty());
        let ends = || {
            let own = points.iter().flat_map(|p| [p.mean, p.min, p.max]);
            own.chain(beside)
        };
        let (low, high) = ends()
            .filter(shown)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| {
                (l.min(v), h.max(v))
            });
        let room = (high - low) * 0.06;
        let y = match scale {
            Scale::Log | Scale::Doubling if low < high => Axis::log_between(low, high),
            Scale::Log | Scale::Doubling => Axis::new(Scale::Log, [low], 4),
            Scale::Linear => Axis::new(Scale::Linear, ends(), 4).tight(low - room, high + room),
        };
        let steps = || points.iter().map(|p| p.step);
        let x = match self.within {
            Some((from, to)) => Axis::new(Scale::Linear, [from, to], 4).tight(from, to),
            None => Axis::new(Scale::Linear, steps().chain([0.0]), 4)
                .tight(0.0, steps().fold(0.0, f64::max)),
        };
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
            let said = match self.within {
                Some(_) => "no data here",
                None => "no data yet",
            };
            text(buffer, "tx mut", (px, py), "middle", said);
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
        // What lies below a log axis is at its foot; what is no number, at the mean.
        let at = |value: f64, mean: f64| {
            let held = if value.is_nan() { None } else { y.held(value) };
            held.or_else(|| y.clamped(mean)).unwrap_or(y.low)
        };
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
        if self.smooth > 0.0 && !self.measured {
            chart.draw_series(LineSeries::new(line, Ink::Behind.color()))?;
            let means: Vec<(f64, f64)> = points.iter().map(|p| (p.step, p.mean)).collect();
            let smoothed = ema(&means, self.smooth);
            line = smoothed.iter().map(|p| (p.0, at(p.1, p.1))).collect();
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
            beside,
            ..Panel::default()
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

    fn of(values: &[f64], change: impl Fn(&mut Panel)) -> Drawn {
        let point = |(i, v): (usize, &f64)| PanelPoint {
            step: 1_000.0 + i as f64,
            mean: *v,
            min: *v,
            max: *v,
        };
        let mut panel = Panel {
            title: "t".into(),
            points: values.iter().enumerate().map(point).collect(),
            ..Panel::default()
        };
        change(&mut panel);
        panel.draw()
    }

    #[test]
    fn a_part_has_its_own_axis_and_says_where_nothing_is() {
        let whole = of(&[1.0, 2.0, 3.0], |_| {}).svg;
        assert!(whole.contains(" data-x=\"0 1002 linear\""), "{whole}");
        let part = of(&[1.0, 2.0, 3.0], |p| p.within = Some((1_000.0, 1_002.0)));
        assert!(part.svg.contains(" data-x=\"1000 1002 linear\""));
        let none = of(&[], |p| p.within = Some((5.0, 9.0))).svg;
        assert!(none.contains("no data here") && none.contains(" data-x=\"5 9 linear\""));
        assert!(of(&[], |_| {}).svg.contains("no data yet"));
    }

    #[test]
    fn on_a_log_axis_what_is_not_positive_is_counted_and_without_any_it_is_linear() {
        let values = [1e-4, 0.0, -2.0, 1.0, f64::NAN];
        let drawn = of(&values, |p| p.log = true);
        assert_eq!((drawn.left_out, drawn.not_positive), (1, 2));
        assert_ne!(drawn.svg, of(&values, |_| {}).svg);
        for flat in [&[-1.0, 0.0][..], &[][..]] {
            assert_eq!(of(flat, |p| p.log = true), of(flat, |_| {}));
        }
        // One value alone, and a base that has no place there.
        let one = of(&[2.0, 2.0], |p| (p.log, p.beside) = (true, Some(-1.0)));
        assert!(one.svg.contains("class=\"ln\"") && !one.svg.contains(">base<"));
    }

    #[test]
    fn a_smoothed_line_has_the_measured_one_behind_it() {
        let values = [0.0, 1.0, 0.0, 1.0, 0.0];
        let plain = of(&values, |_| {}).svg;
        assert_eq!(plain.matches("class=\"bh\"").count(), 0);
        let smooth = of(&values, |p| p.smooth = 0.9).svg;
        assert_eq!(smooth.matches("class=\"bh\"").count(), 1);
        let line = |svg: &str, class: &str| {
            let from = svg.find(&format!("class=\"{class}\" d=\"")).unwrap();
            svg[from..].split('"').nth(3).unwrap().to_string()
        };
        assert_eq!(line(&smooth, "bh"), line(&plain, "ln"));
        assert_ne!(line(&smooth, "ln"), line(&plain, "ln"));
        // Sparse measurements hold until the next one.
        let sparse = of(&values, |p| (p.smooth, p.measured) = (0.9, true)).svg;
        assert!(!sparse.contains("class=\"bh\""));
    }
}
