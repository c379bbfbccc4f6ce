//! One line an arm, with its 95 % band over seeds and its label at the end.

use super::aggregate::{Bin, Seed};
use super::axis::{Axis, Scale};
use super::backend::{Buffer, Ink, ThemedSvg, UNIT, document};
use super::mark::{Chart, DrawError, Margins, declutter, dots, frame, marker, text};
use super::text::{escape, fit, width};
use super::{Drawn, series_class};
use crate::number::{self, Kind};
use plotters::prelude::*;
use std::fmt::Write;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A value holds until the next measurement.
    Steps,
    /// Means of bins, joined.
    Joined,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    pub key: String,
    pub label: String,
    pub slot: usize,
    pub bins: Vec<Bin>,
    /// Drawn as dots where there are too few of them for a band; none of dense series.
    pub seeds: Vec<Seed>,
    /// An arm that spends nothing keeps its value at every cost.
    pub spends: bool,
    /// More is to come.
    pub running: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Curves {
    pub title: String,
    pub x_title: String,
    pub y_title: String,
    pub kind: Kind,
    pub x_scale: Scale,
    pub shape: Shape,
    pub budget: Option<f64>,
    pub curves: Vec<Curve>,
}

const WIDTH: u32 = 744;
const GUTTER: u32 = 262;
const MARGINS: Margins = Margins {
    top: 30,
    right: GUTTER,
    bottom: 42,
    left: 52,
};
const LABEL_GAP: i32 = 17;

impl Curves {
    pub fn draw(&self) -> Drawn {
        let height = (self.curves.len() as u32 * LABEL_GAP as u32 + 90).max(380);
        let (backend, buffer) = ThemedSvg::new(WIDTH, height);
        let mut left_out = 0;
        // The backend writes into memory and cannot fail; plotters' type says it may.
        let attributes = self
            .paint(backend, &buffer, &mut left_out)
            .unwrap_or_default();
        Drawn {
            svg: document(&buffer, (WIDTH, height), "curves", &self.title, &attributes),
            left_out,
        }
    }

    fn axes(&self) -> (Axis, Axis) {
        let bins = || self.curves.iter().flat_map(|c| &c.bins);
        let seeds = || {
            self.curves
                .iter()
                .flat_map(|c| &c.seeds)
                .flat_map(|s| &s.points)
        };
        let mut xs: Vec<f64> = bins().map(|b| b.x).chain(seeds().map(|p| p.0)).collect();
        xs.extend(self.budget);
        if self.x_scale == Scale::Linear {
            xs.push(0.0);
        }
        let end = xs
            .iter()
            .copied()
            .filter(|x| x.is_finite())
            .fold(0.0, f64::max);
        let mut x = Axis::new(self.x_scale, xs, 5);
        if self.x_scale == Scale::Linear {
            x = x.tight(0.0, end);
        }
        let values = bins()
            .flat_map(|b| {
                [
                    Some(b.mean),
                    b.interval.map(|i| i.low),
                    b.interval.map(|i| i.high),
                ]
            })
            .flatten()
            .chain(seeds().map(|p| p.1));
        let y = match self.kind {
            // A band may reach beyond what a share can be; the axis does not.
            Kind::Share => Axis::new(
                Scale::Linear,
                values.chain([0.0]).map(|v| v.clamp(0.0, 1.0)),
                5,
            ),
            Kind::Tokens => Axis::new(Scale::Linear, values.chain([0.0]), 5).floor_at_zero(),
            Kind::Other => Axis::new(Scale::Linear, values, 5),
        };
        (x, y)
    }

    fn paint(
        &self,
        backend: ThemedSvg,
        buffer: &Buffer,
        left_out: &mut usize,
    ) -> Result<String, DrawError> {
        let (x, y) = self.axes();
        let area = backend.into_drawing_area();
        let mut chart = frame(&area, &MARGINS, &x, Some(&y))?;
        let (pixels_x, pixels_y) = chart.plotting_area().get_pixel_range();
        let plot = Plot {
            x: &x,
            y: &y,
            left: pixels_x.start,
            right: pixels_x.end,
            top: pixels_y.start,
            bottom: pixels_y.end,
        };
        text(buffer, "tx at", (4 * UNIT, 14 * UNIT), "", &self.y_title);
        let under = plot.bottom + 36 * UNIT;
        text(buffer, "tx at", (plot.right, under), "end", &self.x_title);
        if let Some(at) = self.budget.and_then(|b| x.position(b)) {
            chart.draw_series(LineSeries::new(
                [(at, y.low), (at, y.high)],
                Ink::Budget.color(),
            ))?;
            let (px, _) = chart.backend_coord(&(at, y.high));
            text(buffer, "tx mut", (px, plot.top - 6 * UNIT), "end", "budget");
        }
        // Bands first: no line lies under another arm's band.
        for curve in &self.curves {
            open(buffer, curve, "bands");
            self.bands(curve, &mut chart, &plot)?;
            buffer.borrow_mut().push_str("</g>");
        }
        let mut ends = vec![];
        for curve in &self.curves {
            open(buffer, curve, "");
            let _ = write!(
                buffer.borrow_mut(),
                "<title>{}</title>",
                escape(&describe(curve, self.kind))
            );
            ends.push(self.line(curve, buffer, &mut chart, &plot, left_out)?);
            buffer.borrow_mut().push_str("</g>");
        }
        self.labels(buffer, &ends, &plot);
        Ok(format!(
            r#" data-plot="{} {} {} {}" data-x="{} {} {}""#,
            plot.left,
            plot.top,
            plot.right,
            plot.bottom,
            x.low,
            x.high,
            match x.scale {
                Scale::Linear => "linear",
                Scale::Log => "log",
            }
        ))
    }

    fn bands(
        &self,
        curve: &Curve,
        chart: &mut Chart<'_>,
        plot: &Plot<'_>,
    ) -> Result<(), DrawError> {
        let part = |from: usize, to: usize| -> Vec<(f64, f64)> {
            let edge = |pick: fn(&assay_core::stats::Interval) -> f64| {
                let points: Vec<(f64, f64)> = curve.bins[from..to]
                    .iter()
                    .filter_map(|b| {
                        Some((plot.x.position(b.x)?, plot.y.clamped(pick(&b.interval?))?))
                    })
                    .collect();
                self.shaped(&points)
            };
            let mut outline = edge(|i| i.high);
            outline.extend(edge(|i| i.low).into_iter().rev());
            outline
        };
        let mut from = 0;
        for to in 0..=curve.bins.len() {
            if to == curve.bins.len() || curve.bins[to].interval.is_none() {
                if to > from + 1 {
                    chart.draw_series([Polygon::new(part(from, to), Ink::Band.color())])?;
                }
                from = to + 1;
            }
        }
        Ok(())
    }

    /// The joints of a line: in steps, the old value up to the new place.
    fn shaped(&self, points: &[(f64, f64)]) -> Vec<(f64, f64)> {
        let mut out: Vec<(f64, f64)> = vec![];
        for &(x, y) in points {
            if let (Shape::Steps, Some(&(_, before))) = (self.shape, out.last()) {
                out.push((x, before));
            }
            out.push((x, y));
        }
        out
    }

    /// Draws the line; returns where it ends, in device units.
    fn line(
        &self,
        curve: &Curve,
        buffer: &Buffer,
        chart: &mut Chart<'_>,
        plot: &Plot<'_>,
        left_out: &mut usize,
    ) -> Result<Option<(i32, i32)>, DrawError> {
        let mut points = vec![];
        for bin in &curve.bins {
            match (plot.x.position(bin.x), plot.y.clamped(bin.mean)) {
                (Some(x), Some(y)) => points.push((x, y, bin.all)),
                _ => *left_out += 1,
            }
        }
        *left_out += curve
            .seeds
            .iter()
            .flat_map(|s| &s.points)
            .filter(|(x, y)| plot.x.position(*x).is_none() || plot.y.position(*y).is_none())
            .count();
        // Parts that all seeds have reached, and parts that some have not.
        let mut from = 0;
        while from + 1 < points.len() {
            let all = points[from + 1].2;
            let mut to = from + 1;
            while to + 1 < points.len() && points[to + 1].2 == all {
                to += 1;
            }
            let part: Vec<(f64, f64)> = points[from..=to].iter().map(|p| (p.0, p.1)).collect();
            let ink = if all { Ink::Line } else { Ink::Part };
            chart.draw_series(LineSeries::new(self.shaped(&part), ink.color()))?;
            from = to;
        }
        if curve.seeds.len() < assay_core::stats::MIN_SEEDS_INTERVAL {
            let points = curve
                .seeds
                .iter()
                .flat_map(|s| &s.points)
                .filter_map(|(x, y)| {
                    Some(chart.backend_coord(&(plot.x.position(*x)?, plot.y.clamped(*y)?)))
                });
            dots(buffer, points);
        }
        let Some(&(x, y, _)) = points.last() else {
            return Ok(None);
        };
        let end = chart.backend_coord(&(x, y));
        if !curve.spends {
            chart.draw_series(LineSeries::new(
                [(x, y), (plot.x.high, y)],
                Ink::Held.color(),
            ))?;
        }
        marker(buffer, curve.slot, end, curve.running);
        let right = if curve.spends { end.0 } else { plot.right };
        Ok(Some((right, end.1)))
    }

    fn labels(&self, buffer: &Buffer, ends: &[Option<(i32, i32)>], plot: &Plot<'_>) {
        let mut order: Vec<usize> = (0..ends.len()).collect();
        // Arms without data stand below the others.
        order.sort_by_key(|&i| ends[i].map_or(plot.bottom, |end| end.1));
        let wanted: Vec<i32> = order
            .iter()
            .map(|&i| ends[i].map_or(plot.bottom, |e| e.1))
            .collect();
        let places = declutter(&wanted, LABEL_GAP * UNIT, plot.top, plot.bottom);
        for (&i, y) in order.iter().zip(places) {
            let curve = &self.curves[i];
            open(buffer, curve, "lb");
            let x = plot.right + 20 * UNIT;
            if let Some(end) = ends[i] {
                let far = (y - end.1).abs() > 4 * UNIT || plot.right - end.0 > 8 * UNIT;
                if far {
                    let bend = plot.right + 6 * UNIT;
                    let data = super::backend::path_data([
                        (end.0 + 60, end.1),
                        (bend, end.1),
                        (x - 80, y),
                    ]);
                    let _ = write!(buffer.borrow_mut(), r#"<path class="lead" d="{data}"/>"#);
                }
            }
            marker(buffer, curve.slot, (x, y), curve.running);
            let value = end_value(curve, self.kind);
            let right = (WIDTH as i32 - 6) * UNIT;
            let room =
                f64::from(right - x - 12 * UNIT) / f64::from(UNIT) - width(&value, 12.0) - 8.0;
            let base = y + 4 * UNIT;
            text(
                buffer,
                "tx",
                (x + 11 * UNIT, base),
                "",
                &fit(&curve.label, 12.0, room),
            );
            text(buffer, "tx num", (right, base), "end", &value);
            buffer.borrow_mut().push_str("</g>");
        }
    }
}

struct Plot<'a> {
    x: &'a Axis,
    y: &'a Axis,
    left: i32,
    right: i32,
    top: i32,
    bottom: i32,
}

fn open(buffer: &Buffer, curve: &Curve, role: &str) {
    let space = if role.is_empty() { "" } else { " " };
    let _ = write!(
        buffer.borrow_mut(),
        r#"<g class="{}{space}{role}" data-arm="{}">"#,
        series_class(curve.slot),
        escape(&curve.key)
    );
}

/// `0.812, n = 3`.
fn end_value(curve: &Curve, kind: Kind) -> String {
    match curve.bins.last() {
        None => "no data yet".into(),
        Some(bin) => format!("{}, n = {}", number::value(kind, bin.mean), bin.n),
    }
}

fn describe(curve: &Curve, kind: Kind) -> String {
    let state = if curve.running { ", running" } else { "" };
    match curve.bins.last() {
        None => format!("{}: no data yet{state}", curve.label),
        Some(bin) => {
            let estimate = assay_core::stats::Estimate {
                n: bin.n,
                mean: bin.mean,
                interval: bin.interval,
            };
            format!(
                "{}: {}, n = {}{state}",
                curve.label,
                number::estimate(kind, &estimate),
                bin.n
            )
        }
    }
}
