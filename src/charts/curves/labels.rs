//! Labels beside the lines' ends, pushed apart, with the value that each line has there.

use super::super::End;
use super::super::backend::{Buffer, UNIT, path_data};
use super::super::mark::{declutter, end_marker, text};
use super::super::text::{escape, fit, fit_label, width};
use super::{Curve, Curves, LABEL_GAP, Plot, WIDTH, open};
use crate::number::{self, Kind};
use std::fmt::Write;

/// What a label in the gutter is of.
#[derive(Debug, Clone, Copy)]
enum Beside {
    Curve(usize),
    Published(usize),
}

impl Curves {
    /// `published`: their places among `Curves::published`, and where their levels are.
    pub(super) fn labels(
        &self,
        buffer: &Buffer,
        ends: &[Option<(i32, i32)>],
        published: &[(usize, i32)],
        plot: &Plot<'_>,
    ) {
        let height = |i: usize| ends[i].map_or(plot.bottom, |end| end.1);
        let own = (0..ends.len()).map(|i| (height(i), Beside::Curve(i)));
        let others = published.iter().map(|&(i, y)| (y, Beside::Published(i)));
        let mut order: Vec<(i32, Beside)> = own.chain(others).collect();
        // Arms without data stand below the others.
        order.sort_by_key(|(y, _)| *y);
        // How an arm stands has a line of its own below the arm's; so has a paper's version.
        let mut lines: Vec<(i32, Beside, bool)> = vec![];
        for (y, of) in order {
            lines.push((y, of, false));
            let more = match of {
                Beside::Curve(i) => self.standing(&self.curves[i].key).is_some(),
                Beside::Published(_) => true,
            };
            if more {
                lines.push((y, of, true));
            }
        }
        let wanted: Vec<i32> = lines.iter().map(|line| line.0).collect();
        let foot = plot.bottom
            - if self.merged.is_some() {
                LABEL_GAP * UNIT
            } else {
                0
            };
        let places = declutter(&wanted, LABEL_GAP * UNIT, plot.top, foot);
        let mut placed = lines.into_iter().zip(places).peekable();
        while let Some(((from, of, _), y)) = placed.next() {
            let below = placed.next_if(|((_, _, below), _)| *below).map(|(_, y)| y);
            match of {
                Beside::Curve(i) => {
                    let curve = &self.curves[i];
                    let words = self.standing(&curve.key).zip(below);
                    self.label(curve, buffer, ends[i], y, words, plot);
                }
                Beside::Published(i) => {
                    let below = below.unwrap_or(y + LABEL_GAP * UNIT);
                    self.published_label(&self.published[i], buffer, from, (y, below), plot);
                }
            }
        }
        if let Some(merged) = &self.merged {
            let n = merged.curves.len() as i64;
            let _ = write!(
                buffer.borrow_mut(),
                r#"<g class="s merged lb"><title>{}</title>"#,
                escape(&merged.labels())
            );
            let words = format!("{}: range of means", number::counted(n, "other arm"));
            text(
                buffer,
                "tx",
                (plot.right + 20 * UNIT + 11 * UNIT, plot.bottom + 4 * UNIT),
                "",
                &words,
            );
            buffer.borrow_mut().push_str("</g>");
        }
    }

    fn label(
        &self,
        curve: &Curve,
        buffer: &Buffer,
        end: Option<(i32, i32)>,
        y: i32,
        below: Option<(&str, i32)>,
        plot: &Plot<'_>,
    ) {
        open(buffer, curve, "lb");
        let x = plot.right + 20 * UNIT;
        if let Some(end) = end {
            let far = (y - end.1).abs() > 4 * UNIT || plot.right - end.0 > 8 * UNIT;
            if far {
                let bend = plot.right + 6 * UNIT;
                let data = path_data([(end.0 + 60, end.1), (bend, end.1), (x - 80, y)]);
                let _ = write!(buffer.borrow_mut(), r#"<path class="lead" d="{data}"/>"#);
            }
        }
        end_marker(buffer, curve.slot, curve.fate, curve.end, (x, y));
        let value = end_value(curve, self.kind, below.is_some());
        let right = (WIDTH as i32 - 6) * UNIT;
        let room = f64::from(right - x - 12 * UNIT) / f64::from(UNIT) - width(&value, 12.0) - 8.0;
        let base = y + 4 * UNIT;
        text(
            buffer,
            "tx",
            (x + 11 * UNIT, base),
            "",
            &fit_label(&curve.label, 12.0, room),
        );
        text(buffer, "tx num", (right, base), "end", &value);
        if let Some((words, y)) = below {
            let room = f64::from(right - x - 11 * UNIT) / f64::from(UNIT);
            let at = (x + 11 * UNIT, y + 4 * UNIT);
            text(buffer, "tx at", at, "", &fit(words, 12.0, room));
        }
        buffer.borrow_mut().push_str("</g>");
    }
}

/// `0.812, n = 3`; an accident is named where no line below tells of it.
fn end_value(curve: &Curve, kind: Kind, told: bool) -> String {
    let crashed = curve.end == End::Crashed;
    let state = if crashed && !told { "crashed, " } else { "" };
    match curve.bins.last() {
        None if crashed && told => "no data".into(),
        None if crashed => "crashed".into(),
        None => "no data yet".into(),
        Some(bin) => format!("{state}{}, n = {}", number::value(kind, bin.mean), bin.n),
    }
}
