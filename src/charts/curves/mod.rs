//! One line an arm, with its band over seeds and its label at the end. In every colour
//! strength, order and size an unsuccessful arm is as any other; it is drawn last, on top.

mod labels;
mod line;
mod published;

pub use published::{MOST_PUBLISHED, Published};

use super::aggregate::Bin;
use super::axis::{Axis, Scale};
use super::backend::{Buffer, Ink, ThemedSvg, UNIT, document};
use super::mark::{Chart, DrawError, Margins, frame, text};
use super::merge::Merged;
use super::text::escape;
use super::{Drawn, End, Fate, Seed, drawn_class};
use crate::number::{self, Kind};
use assay_core::stats::{Estimate, Interval};
use plotters::prelude::*;
use std::fmt::Write;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// A value holds until the next measurement.
    #[default]
    Steps,
    /// Means of bins, joined.
    Joined,
    /// Measurements at their own cost, joined, each with its mark and interval.
    Path,
}

/// What is shaded around a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Band {
    #[default]
    Ci95,
    /// Smallest and largest seed.
    MinMax,
    None,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Curve {
    pub key: String,
    pub label: String,
    pub slot: usize,
    /// A colour in place of the slot's; the marker stays.
    pub tint: Option<usize>,
    pub fate: Fate,
    pub end: End,
    pub bins: Vec<Bin>,
    /// Drawn as dots where there are too few of them for a band; none of dense series.
    pub seeds: Vec<Seed>,
    /// An arm that spends nothing keeps its value at every cost.
    pub spends: bool,
    /// Thin lines behind the arm's: every seed's, or what was smoothed.
    pub behind: Vec<Vec<(f64, f64)>>,
    /// How far its data go, where its bins are of a part of them.
    pub until: Option<f64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Curves {
    pub title: String,
    pub x_title: String,
    pub y_title: String,
    pub kind: Kind,
    pub x_scale: Scale,
    pub y_scale: Scale,
    pub shape: Shape,
    pub band: Band,
    /// Only this part of the x axis.
    pub x_range: Option<(f64, f64)>,
    /// Values that others will draw over the picture: the y axis has room for them.
    pub covers: Option<Interval>,
    pub budget: Option<f64>,
    /// Corners of the line that no drawn point lies above and to the left of.
    pub pareto: Vec<(f64, f64)>,
    pub merged: Option<Merged>,
    /// Key and words: how an arm stands, below its label; nothing of arms that have finished.
    pub standings: Vec<(String, String)>,
    /// Of others: no line of the chart.
    pub published: Vec<Published>,
    pub curves: Vec<Curve>,
}

impl Default for Curves {
    fn default() -> Self {
        Self {
            title: String::new(),
            x_title: String::new(),
            y_title: String::new(),
            kind: Kind::Share,
            x_scale: Scale::Linear,
            y_scale: Scale::Linear,
            shape: Shape::Steps,
            band: Band::Ci95,
            x_range: None,
            covers: None,
            budget: None,
            pareto: vec![],
            merged: None,
            standings: vec![],
            published: vec![],
            curves: vec![],
        }
    }
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

/// The axes, and where they lie in device units.
struct Plot<'a> {
    x: &'a Axis,
    y: &'a Axis,
    left: i32,
    right: i32,
    top: i32,
    bottom: i32,
}

/// What the axes could not show.
#[derive(Debug, Default)]
struct Missed {
    not_finite: usize,
    not_positive: usize,
}

impl Missed {
    fn count(&mut self, plot: &Plot<'_>, x: f64, y: f64) {
        if !x.is_finite() || !y.is_finite() {
            self.not_finite += 1;
        } else if plot.x.position(x).is_none() || plot.y.position(y).is_none() {
            self.not_positive += 1;
        }
    }
}

impl Curves {
    pub fn draw(&self) -> Drawn {
        let rows = self.lines() + usize::from(self.merged.is_some());
        let rows = rows + 2 * self.published_drawn().len();
        let height = (rows as u32 * LABEL_GAP as u32 + 90).max(380);
        let (backend, buffer) = ThemedSvg::new(WIDTH, height);
        let mut missed = Missed::default();
        // The backend writes into memory and cannot fail; plotters' type says it may.
        let attributes = self
            .paint(backend, &buffer, &mut missed)
            .unwrap_or_default();
        Drawn {
            svg: document(&buffer, (WIDTH, height), "curves", &self.title, &attributes),
            left_out: missed.not_finite,
            not_positive: missed.not_positive,
        }
    }

    /// How an arm stands, where there is something to say of it.
    pub fn standing(&self, key: &str) -> Option<&str> {
        let known = self.standings.iter().find(|(arm, _)| arm == key);
        known.map(|(_, words)| words.as_str())
    }

    /// The part of the x axis that can be shown: on a log axis it begins where anything
    /// can stand.
    fn part(&self) -> Option<(f64, f64)> {
        let (low, high) = self.x_range.filter(|r| r.0 < r.1)?;
        let low = match self.x_scale {
            Scale::Log | Scale::Doubling if low <= 0.0 => {
                let positive = self.places().filter(|x| *x > 0.0 && x.is_finite());
                positive.fold(f64::INFINITY, f64::min)
            }
            Scale::Linear | Scale::Log | Scale::Doubling => low,
        };
        (low < high).then_some((low, high))
    }

    /// Where anything was measured.
    fn places(&self) -> impl Iterator<Item = f64> {
        let bins = self.curves.iter().flat_map(|c| &c.bins).map(|b| b.x);
        let seeds = self.curves.iter().flat_map(|c| &c.seeds);
        bins.chain(seeds.flat_map(|s| &s.points).map(|p| p.0))
    }

    /// Where a line ends in what is shown; `None` where nothing of it is.
    fn last<'a>(&self, curve: &'a Curve) -> Option<&'a Bin> {
        let Some((low, high)) = self.part() else {
            return curve.bins.last();
        };
        let slack = (high - low) * 1e-6;
        let last = curve.bins.iter().rfind(|b| b.x <= high + slack);
        last.filter(|b| b.x >= low - slack || !curve.spends || self.holds(curve, high + slack))
    }

    /// Whether a value is held through to a later measurement.
    fn holds(&self, curve: &Curve, until: f64) -> bool {
        self.shape == Shape::Steps && curve.bins.iter().any(|b| b.x > until)
    }

    /// What is said of a line of which nothing is shown.
    fn nothing(&self) -> &'static str {
        match self.x_range {
            Some(_) => "not measured here",
            None => "no data yet",
        }
    }

    /// Bins that can be seen: those within the range and one on either side.
    fn seen<'a>(&self, bins: &'a [Bin]) -> &'a [Bin] {
        let Some((low, high)) = self.part() else {
            return bins;
        };
        let from = bins.partition_point(|b| b.x < low).saturating_sub(1);
        let to = (bins.partition_point(|b| b.x <= high) + 1).min(bins.len());
        &bins[from.min(to)..to]
    }

    fn x_axis(&self) -> Axis {
        let mut xs: Vec<f64> = self.places().chain(self.budget).collect();
        xs.retain(|x| x.is_finite());
        let range = self.part();
        let end = xs.iter().copied().fold(0.0, f64::max);
        match (self.x_scale, range) {
            (Scale::Linear, Some((low, high))) => {
                Axis::new(Scale::Linear, [low, high], 5).tight(low, high)
            }
            (Scale::Log | Scale::Doubling, Some((low, high))) => Axis::log_between(low, high),
            (Scale::Log, None) if self.shape == Shape::Path => {
                let positive = || xs.iter().copied().filter(|x| *x > 0.0);
                let (low, high) = positive().fold((f64::INFINITY, 0.0), |(l, h), x| {
                    (f64::min(l, x), f64::max(h, x))
                });
                if low < high {
                    Axis::log_between(low * 0.9, high * 1.1)
                } else {
                    Axis::new(Scale::Log, xs, 5)
                }
            }
            (Scale::Log | Scale::Doubling, None) => Axis::new(self.x_scale, xs, 5),
            (Scale::Linear, None) => {
                xs.push(0.0);
                Axis::new(Scale::Linear, xs, 5).tight(0.0, end)
            }
        }
    }

    fn y_axis(&self) -> Axis {
        let part = self.part();
        let within = |x: f64| part.is_none_or(|(low, high)| x >= low && x <= high);
        let lines = self.curves.iter().flat_map(|c| self.seen(&c.bins));
        let ends = lines.flat_map(|b| {
            let band = self.shaded(b);
            [Some(b.mean), band.map(|i| i.low), band.map(|i| i.high)]
        });
        let seeds = self.curves.iter().flat_map(|c| &c.seeds);
        let points = seeds.flat_map(|s| &s.points);
        let together = self.merged.iter().flat_map(|m| &m.curves);
        let thin = self.curves.iter().chain(together);
        let behind = thin.flat_map(|c| &c.behind).flatten();
        let merged = self.merged.iter().flat_map(|m| &m.bins);
        let covers = self.covers.iter().flat_map(|i| [i.low, i.high]);
        let values = ends
            .flatten()
            .chain(points.chain(behind).filter(|p| within(p.0)).map(|p| p.1))
            .chain(merged.flat_map(|b| [b.low, b.high]))
            .chain(covers);
        match (self.y_scale, self.kind) {
            (Scale::Log | Scale::Doubling, _) => {
                let positive = values.filter(|v| *v > 0.0 && v.is_finite());
                let (low, high) = positive.fold((f64::INFINITY, 0.0), |(l, h), v| {
                    (f64::min(l, v), f64::max(h, v))
                });
                match low < high {
                    true => Axis::log_between(low, high),
                    false => Axis::new(Scale::Log, [low], 5),
                }
            }
            // A band may reach beyond what a share can be; the axis does not.
            (Scale::Linear, Kind::Share) => Axis::new(
                Scale::Linear,
                values.chain([0.0]).map(|v| v.clamp(0.0, 1.0)),
                5,
            ),
            (Scale::Linear, Kind::Tokens) => {
                Axis::new(Scale::Linear, values.chain([0.0]), 5).floor_at_zero()
            }
            (Scale::Linear, Kind::Other) => Axis::new(Scale::Linear, values, 5),
        }
    }

    /// Unsuccessful arms last, so that no other line lies over them.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.curves.len()).collect();
        order.sort_by_key(|&i| self.curves[i].fate == Fate::Unsuccessful);
        order
    }

    fn paint(
        &self,
        backend: ThemedSvg,
        buffer: &Buffer,
        missed: &mut Missed,
    ) -> Result<String, DrawError> {
        let (x, y) = (self.x_axis(), self.y_axis());
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
        self.budget_line(buffer, &mut chart, &plot)?;
        let published = self.published_marks(buffer, &chart, &plot);
        if let Some(merged) = &self.merged {
            self.merged_band(merged, buffer, &mut chart, &plot)?;
        }
        // Bands first: no line lies under another arm's band.
        for &i in &self.order() {
            open(buffer, &self.curves[i], "bands");
            self.bands(&self.curves[i], &mut chart, &plot)?;
            buffer.borrow_mut().push_str("</g>");
        }
        self.pareto_line(&mut chart, &plot)?;
        let mut ends = vec![None; self.curves.len()];
        for &i in &self.order() {
            let curve = &self.curves[i];
            open(buffer, curve, "");
            let _ = write!(
                buffer.borrow_mut(),
                "<title>{}</title>",
                escape(&self.describe(curve))
            );
            ends[i] = self.line(curve, buffer, &mut chart, &plot, missed)?;
            buffer.borrow_mut().push_str("</g>");
        }
        self.labels(buffer, &ends, &published, &plot);
        Ok(format!(
            r#" data-plot="{} {} {} {}" data-x="{} {} {}" data-y="{} {} {}""#,
            plot.left,
            plot.top,
            plot.right,
            plot.bottom,
            x.low,
            x.high,
            x.scale.word(),
            y.low,
            y.high,
            y.scale.word()
        ))
    }

    fn budget_line(
        &self,
        buffer: &Buffer,
        chart: &mut Chart<'_>,
        plot: &Plot<'_>,
    ) -> Result<(), DrawError> {
        let at = self.budget.and_then(|b| plot.x.position(b));
        let slack = (plot.x.high - plot.x.low) * 1e-9;
        let within = |p: &f64| *p >= plot.x.low - slack && *p <= plot.x.high + slack;
        if let Some(at) = at.filter(within) {
            chart.draw_series(LineSeries::new(
                [(at, plot.y.low), (at, plot.y.high)],
                Ink::Budget.color(),
            ))?;
            let (px, _) = chart.backend_coord(&(at, plot.y.high));
            text(buffer, "tx mut", (px, plot.top - 6 * UNIT), "end", "budget");
        }
        Ok(())
    }

    /// A line in words: how it stands, and where it ends.
    fn describe(&self, curve: &Curve) -> String {
        let state = match (self.standing(&curve.key), curve.end) {
            (Some(words), _) => format!(", {words}"),
            (None, End::Done) => String::new(),
            (None, End::Running) => ", running".into(),
            (None, End::Short) => ", budget not reached".into(),
            (None, End::Crashed) => ", crashed".into(),
        };
        match self.last(curve) {
            None => format!("{}: {}{state}", curve.label, self.nothing()),
            Some(bin) => {
                let estimate = Estimate {
                    n: bin.n,
                    mean: bin.mean,
                    interval: bin.interval,
                };
                format!(
                    "{}: {}, n = {}{state}",
                    curve.label,
                    number::estimate(self.kind, &estimate),
                    bin.n
                )
            }
        }
    }

    fn pareto_line(&self, chart: &mut Chart<'_>, plot: &Plot<'_>) -> Result<(), DrawError> {
        let mut corners: Vec<(f64, f64)> = vec![];
        for &(cost, value) in &self.pareto {
            let Some(y) = plot.y.clamped(value) else {
                continue;
            };
            // What costs nothing stands at the foot of a log axis.
            let x = plot.x.position(cost).unwrap_or(plot.x.low).max(plot.x.low);
            if x > plot.x.high {
                break;
            }
            if let Some(&(_, before)) = corners.last() {
                corners.push((x, before));
            }
            corners.push((x, y));
        }
        if let Some(&(_, y)) = corners.last() {
            corners.push((plot.x.high, y));
            chart.draw_series(LineSeries::new(corners, Ink::Pareto.color()))?;
        }
        Ok(())
    }
}

fn open(buffer: &Buffer, curve: &Curve, role: &str) {
    let space = if role.is_empty() { "" } else { " " };
    let _ = write!(
        buffer.borrow_mut(),
        r#"<g class="{}{space}{role}" data-arm="{}">"#,
        drawn_class(curve.tint.unwrap_or(curve.slot), curve.fate),
        escape(&curve.key)
    );
}
