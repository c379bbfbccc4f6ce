//! Lines and what is shaded around them, cut to the part of the axis that is shown.

use super::super::aggregate::{Bin, Stand};
use super::super::backend::{Buffer, Ink};
use super::super::mark::{Chart, DrawError, dots, end_marker, waypoints};
use super::super::merge::Merged;
use super::super::text::escape;
use super::{Band, Curve, Curves, Missed, Plot, Shape};
use assay_core::stats::{Interval, MIN_SEEDS_INTERVAL};
use plotters::prelude::*;
use std::fmt::Write;

/// The part of a line, ascending in x, that lies between `low` and `high`.
pub(super) fn clip(points: &[(f64, f64)], low: f64, high: f64) -> Vec<(f64, f64)> {
    if let [only] = points {
        return if only.0 >= low && only.0 <= high {
            vec![*only]
        } else {
            vec![]
        };
    }
    let mut out: Vec<(f64, f64)> = vec![];
    for pair in points.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        if b.0 < low || a.0 > high {
            continue;
        }
        let at = |x: f64| a.1 + (b.1 - a.1) * (x - a.0) / (b.0 - a.0);
        let from = if a.0 < low { (low, at(low)) } else { a };
        let to = if b.0 > high { (high, at(high)) } else { b };
        if out.last() != Some(&from) {
            out.push(from);
        }
        out.push(to);
    }
    out
}

const ENVELOPE: &str = "One seed: shade is the smallest to largest value of each bin.";

impl Curves {
    /// What is shaded around a bin.
    pub fn shaded(&self, bin: &Bin) -> Option<Interval> {
        match self.band {
            Band::Ci95 => bin.interval.or(bin.envelope),
            Band::MinMax if bin.n > 1 => Some(bin.range),
            Band::MinMax => bin.envelope,
            Band::None => None,
        }
    }

    /// Whether a line's shade is not over seeds but within the bins of its one run.
    pub fn is_enveloped(&self, curve: &Curve) -> bool {
        let own = |bin: &&Bin| bin.envelope.is_some() && self.shaded(bin).is_some();
        curve.bins.iter().filter(own).count() > 1
    }

    /// Under a picture in which there is such a line.
    pub fn envelope_said(&self) -> Option<String> {
        let any = self.curves.iter().any(|curve| self.is_enveloped(curve));
        any.then(|| ENVELOPE.into())
    }

    /// In positions: the joints of a line, cut to the axis. In steps, the old value
    /// holds up to the new place.
    fn shaped(&self, points: &[(f64, f64)], plot: &Plot<'_>) -> Vec<(f64, f64)> {
        let mut out: Vec<(f64, f64)> = vec![];
        for &(x, y) in points {
            if let (Shape::Steps, Some(&(_, before))) = (self.shape, out.last()) {
                out.push((x, before));
            }
            out.push((x, y));
        }
        let slack = (plot.x.high - plot.x.low) * 1e-6;
        clip(&out, plot.x.low - slack, plot.x.high + slack)
    }

    pub(super) fn bands(
        &self,
        curve: &Curve,
        chart: &mut Chart<'_>,
        plot: &Plot<'_>,
    ) -> Result<(), DrawError> {
        if self.shape == Shape::Path {
            // Intervals stand at their measurements.
            return Ok(());
        }
        let ink = match self.is_enveloped(curve) {
            true => Ink::Envelope,
            false => Ink::Band,
        };
        for part in curve.bins.split(|bin| self.shaded(bin).is_none()) {
            let edge = |pick: fn(&Interval) -> f64| {
                let points: Vec<(f64, f64)> = part
                    .iter()
                    .filter_map(|b| {
                        let value = pick(&self.shaded(b)?);
                        Some((plot.x.position(b.x)?, plot.y.held(value)?))
                    })
                    .collect();
                self.shaped(&points, plot)
            };
            let mut outline = edge(|i| i.high);
            outline.extend(edge(|i| i.low).into_iter().rev());
            if part.len() > 1 && outline.len() > 2 {
                chart.draw_series([Polygon::new(outline, ink.color())])?;
            }
        }
        Ok(())
    }

    pub(super) fn merged_band(
        &self,
        merged: &Merged,
        buffer: &Buffer,
        chart: &mut Chart<'_>,
        plot: &Plot<'_>,
    ) -> Result<(), DrawError> {
        let keys: Vec<&str> = merged.curves.iter().map(|c| c.key.as_str()).collect();
        let _ = write!(
            buffer.borrow_mut(),
            r#"<g class="s merged" data-arms="{}"><title>{}</title>"#,
            escape(&keys.join(" ")),
            escape(&format!("range of means of {}", merged.labels()))
        );
        let edge = |pick: fn(&super::super::merge::MergedBin) -> f64| {
            let points: Vec<(f64, f64)> = merged
                .bins
                .iter()
                .filter_map(|b| Some((plot.x.position(b.x)?, plot.y.held(pick(b))?)))
                .collect();
            self.shaped(&points, plot)
        };
        let mut outline = edge(|b| b.high);
        outline.extend(edge(|b| b.low).into_iter().rev());
        if outline.len() > 2 {
            chart.draw_series([Polygon::new(outline, Ink::Envelope.color())])?;
        }
        for curve in &merged.curves {
            self.behind(curve, chart, plot)?;
        }
        buffer.borrow_mut().push_str("</g>");
        Ok(())
    }

    /// The thin lines of a curve.
    fn behind(
        &self,
        curve: &Curve,
        chart: &mut Chart<'_>,
        plot: &Plot<'_>,
    ) -> Result<(), DrawError> {
        let place = |p: &(f64, f64)| Some((plot.x.position(p.0)?, plot.y.clamped(p.1)?));
        for line in &curve.behind {
            let points: Vec<(f64, f64)> = line.iter().filter_map(place).collect();
            let points = self.shaped(&points, plot);
            if points.len() > 1 {
                chart.draw_series(LineSeries::new(points, Ink::Behind.color()))?;
            }
        }
        Ok(())
    }

    /// Draws the line; returns where it ends, in device units.
    pub(super) fn line(
        &self,
        curve: &Curve,
        buffer: &Buffer,
        chart: &mut Chart<'_>,
        plot: &Plot<'_>,
        missed: &mut Missed,
    ) -> Result<Option<(i32, i32)>, DrawError> {
        let place = |x: f64, y: f64| Some((plot.x.position(x)?, plot.y.clamped(y)?));
        self.behind(curve, chart, plot)?;
        let mut points = vec![];
        let mut free = None;
        for bin in &curve.bins {
            match place(bin.x, bin.mean) {
                Some((x, y)) => points.push((x, y, bin)),
                // At no cost, on an axis that has no place for it.
                None if !curve.spends && bin.x == 0.0 => free = plot.y.clamped(bin.mean),
                None => missed.count(plot, bin.x, bin.mean),
            }
        }
        for (x, y) in curve.seeds.iter().flat_map(|s| &s.points) {
            if !x.is_finite() || !y.is_finite() {
                missed.not_finite += 1;
            }
        }
        // Parts that all seeds have reached, and parts that some have not.
        let mut from = 0;
        while from + 1 < points.len() {
            let stand = points[from + 1].2.stand;
            let mut to = from + 1;
            while to + 1 < points.len() && points[to + 1].2.stand == stand {
                to += 1;
            }
            let part: Vec<(f64, f64)> = points[from..=to].iter().map(|p| (p.0, p.1)).collect();
            let part = self.shaped(&part, plot);
            if part.len() > 1 {
                let ink = match stand {
                    Stand::All => Ink::Line,
                    Stand::Part => Ink::Part,
                    Stand::Thin => Ink::Thin,
                };
                chart.draw_series(LineSeries::new(part, ink.color()))?;
            }
            from = to;
        }
        let slack = (plot.x.high - plot.x.low) * 1e-6;
        let shown = |x: &f64| *x >= plot.x.low - slack && *x <= plot.x.high + slack;
        if curve.seeds.len() < MIN_SEEDS_INTERVAL && curve.behind.is_empty() {
            let places = curve
                .seeds
                .iter()
                .flat_map(|s| &s.points)
                .filter_map(|(x, y)| place(*x, *y))
                .filter(|p| shown(&p.0));
            dots(buffer, places.map(|p| chart.backend_coord(&p)));
        }
        let seen: Vec<_> = points.iter().filter(|p| shown(&p.0)).collect();
        if self.shape == Shape::Path {
            self.measurements(curve, &seen, buffer, chart, plot);
        }
        let held = |chart: &mut Chart<'_>, from: (f64, f64)| -> Result<(), DrawError> {
            let line = [from, (plot.x.high, from.1)];
            chart.draw_series(LineSeries::new(line, Ink::Held.color()))?;
            Ok(())
        };
        if let (Some(y), true) = (free, points.is_empty()) {
            held(chart, (plot.x.low, y))?;
            let at = chart.backend_coord(&(plot.x.low, y));
            end_marker(buffer, curve.slot, curve.fate, curve.end, at);
            return Ok(Some((plot.right, at.1)));
        }
        // Beyond the part that is shown, a line ends where the part does.
        let Some(&(x, y, _)) = points.iter().rfind(|p| p.0 <= plot.x.high + slack) else {
            return Ok(None);
        };
        if x < plot.x.low - slack {
            let goes_on = self.x_range.is_some_and(|r| self.holds(curve, r.1));
            if curve.spends && !goes_on {
                return Ok(None);
            }
            // The step itself is drawn already.
            if !goes_on {
                held(chart, (plot.x.low, y))?;
            }
            return Ok(Some((plot.right, chart.backend_coord(&(x, y)).1)));
        }
        let end = chart.backend_coord(&(x, y));
        if !curve.spends {
            held(chart, (x, y))?;
        }
        end_marker(buffer, curve.slot, curve.fate, curve.end, end);
        let right = if curve.spends { end.0 } else { plot.right };
        Ok(Some((right, end.1)))
    }

    /// Every measurement of a path but the last, with the intervals of all.
    fn measurements(
        &self,
        curve: &Curve,
        seen: &[&(f64, f64, &Bin)],
        buffer: &Buffer,
        chart: &Chart<'_>,
        plot: &Plot<'_>,
    ) {
        let mut bars = String::new();
        for (x, _, bin) in seen.iter().copied() {
            let Some(band) = self.shaded(bin) else {
                continue;
            };
            let edge = |v: f64| Some(chart.backend_coord(&(*x, plot.y.held(v)?)));
            if let (Some(low), Some(high)) = (edge(band.low), edge(band.high)) {
                let _ = write!(bars, "M{} {}V{}", low.0, low.1, high.1);
            }
        }
        if !bars.is_empty() {
            let _ = write!(buffer.borrow_mut(), r#"<path class="bh" d="{bars}"/>"#);
        }
        let before = seen.len().saturating_sub(1);
        let places: Vec<(i32, i32)> = seen[..before]
            .iter()
            .map(|(x, y, _)| chart.backend_coord(&(*x, *y)))
            .collect();
        waypoints(buffer, curve.slot, curve.fate, &places);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_where_the_axis_ends() {
        let line = [(0.0, 0.0), (10.0, 10.0), (20.0, 0.0)];
        assert_eq!(clip(&line, -5.0, 25.0), line);
        assert_eq!(
            clip(&line, 5.0, 15.0),
            [(5.0, 5.0), (10.0, 10.0), (15.0, 5.0)]
        );
        assert_eq!(clip(&line, 30.0, 40.0), []);
        // A step, whose middle part stands upright.
        let step = [(0.0, 1.0), (10.0, 1.0), (10.0, 2.0), (20.0, 2.0)];
        assert_eq!(
            clip(&step, 5.0, 15.0),
            [(5.0, 1.0), (10.0, 1.0), (10.0, 2.0), (15.0, 2.0)]
        );
    }
}
