//! Two lines of room an arm: a forest of differences around zero, or the seeds'
//! own values. The name and the numbers stand above what is drawn.

use super::axis::{Axis, Scale};
use super::backend::{Buffer, TEXT, ThemedSvg, UNIT, document};
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
    /// Half of the width of a band around zero: differences within it are too small to matter.
    pub margin: Option<f64>,
    pub rows: Vec<Row>,
}

const WIDTH: u32 = 432;
const ROW: i32 = 42;
/// Of a row's height, what the line of text takes.
const WORDS: i32 = 19;
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

    /// Behind what is drawn of each row, and not behind its words.
    fn margin_band(&self, buffer: &Buffer, (low, high): (i32, i32), top: i32) {
        let wide = high - low;
        let parts: String = (0_i32..)
            .zip(&self.rows)
            .map(|(i, _)| {
                let from = top + (i * ROW + WORDS) * UNIT;
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
                let from = top + (i * ROW + WORDS) * UNIT;
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
mod tests {
    use super::*;
    use crate::charts::UNSUCCESSFUL;
    use assay_core::stats;

    /// Class, place and content of every text.
    fn texts(svg: &str) -> Vec<(&str, f64, i32, &str)> {
        svg.split("<text class=\"")
            .skip(1)
            .map(|rest| {
                let (class, rest) = rest.split_once("\" x=\"").unwrap();
                let (x, rest) = rest.split_once("\" y=\"").unwrap();
                let (y, rest) = rest.split_once('"').unwrap();
                let (_, rest) = rest.split_once('>').unwrap();
                let (content, _) = rest.split_once("</text>").unwrap();
                (class, x.parse().unwrap(), y.parse().unwrap(), content)
            })
            .collect()
    }

    #[test]
    fn a_margin_is_a_band_around_zero_behind_every_row_and_no_axis_cuts_it() {
        let row = |values: &[f64]| Row {
            estimate: stats::estimate(values),
            ..Row::default()
        };
        let mut of = Rows {
            title: "Difference".into(),
            x_title: "difference".into(),
            kind: Kind::Share,
            differences: true,
            margin: Some(0.02),
            rows: vec![row(&[0.001, 0.002, 0.003]), row(&[])],
        };
        let svg = of.draw().svg;
        let band = svg.split("class=\"margin\" d=\"M").nth(1).unwrap();
        let band = band.split('"').next().unwrap();
        assert_eq!(band.matches('z').count(), 2);
        let number = |text: &str| -> i32 {
            let end = text.find(|c: char| !c.is_ascii_digit());
            text[..end.unwrap_or(text.len())].parse().unwrap()
        };
        let (low, wide) = (number(band), number(band.split('h').nth(1).unwrap()));
        let zero = svg.split("class=\"zero\" d=\"M").nth(1).unwrap();
        // Zero lies in its middle, and the interval [-0.0005, 0.0045] within it.
        assert!((2 * number(zero) - 2 * low - wide).abs() <= 2, "{svg}");
        let line = svg.split("class=\"ln\" d=\"M").nth(1).unwrap();
        let (from, to) = (number(line), number(line.split('H').nth(1).unwrap()));
        assert!(low < from && to < low + wide, "{svg}");
        // It lies under the rows.
        assert!(svg.find("class=\"margin\"") < svg.find("data-arm"));
        of.margin = None;
        assert!(!of.draw().svg.contains("margin"));
    }

    #[test]
    fn a_long_label_crosses_neither_the_numbers_nor_the_zero_line() {
        let long: String = "Cold start on long chains, then GRPO with a process reward "
            .chars()
            .cycle()
            .take(60)
            .collect();
        let failed = format!("× {long}{UNSUCCESSFUL}");
        let row = |label: &str| Row {
            label: label.into(),
            estimate: stats::estimate(&[-0.11, -0.12, 0.13]),
            ..Row::default()
        };
        let svg = Rows {
            title: "Difference".into(),
            x_title: "difference".into(),
            kind: Kind::Share,
            differences: true,
            margin: None,
            rows: vec![row(&long), row(&failed), row("Short")],
        }
        .draw()
        .svg;
        let all = texts(&svg);
        let of = |class: &str| -> Vec<(f64, i32, &str)> {
            let own = all.iter().filter(|t| t.0 == class);
            own.map(|t| (t.1, t.2, t.3)).collect()
        };
        let (labels, numbers) = (of("tx hl"), of("tx num hl"));
        assert_eq!((labels.len(), numbers.len()), (3, 3));
        let unit = f64::from(UNIT);
        for (label, number) in labels.iter().zip(&numbers) {
            assert_eq!(label.1, number.1);
            let end = label.0 + width(label.2, TEXT) * unit;
            let start = number.0 - width(number.2, TEXT) * unit;
            assert!(end < start, "{label:?} and {number:?}");
        }
        assert!(labels[0].2.starts_with("Cold start") && labels[0].2.ends_with('…'));
        assert!(labels[1].2.ends_with("… (unsuccessful)"));
        assert_eq!(labels[2].2, "Short");
        for whole in [&long, &failed] {
            assert!(svg.contains(&format!("<title>{whole}: ")), "{whole}");
        }
        let zero = svg.split("class=\"zero\" d=\"M").nth(1).unwrap();
        let zero = zero.split('"').next().unwrap();
        let parts: Vec<(i32, i32)> = zero
            .split('M')
            .map(|part| {
                let (_, rest) = part.split_once(' ').unwrap();
                let (from, length) = rest.split_once('v').unwrap();
                let from: i32 = from.parse().unwrap();
                (from, from + length.parse::<i32>().unwrap())
            })
            .collect();
        assert_eq!(parts.len(), 3);
        for (_, base, text) in &labels {
            // From the top of its capitals to the foot of its descenders.
            let (top, foot) = (base - 9 * UNIT, base + 3 * UNIT);
            for (from, to) in &parts {
                assert!(*to <= top || *from >= foot, "{text}: {from} to {to}");
            }
        }
    }
}
