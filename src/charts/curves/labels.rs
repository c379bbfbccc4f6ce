//! Labels beside the lines' ends, pushed apart, with the value that each line has there.

use super::super::End;
use super::super::backend::{Buffer, UNIT, path_data};
use super::super::mark::{declutter, end_marker, text};
use super::super::text::{UNSUCCESSFUL, escape, fit, width};
use super::{Curve, Curves, GUTTER, LABEL_GAP, Plot, WIDTH, open};
use crate::number;
use std::fmt::Write;

/// What a label in the gutter is of.
#[derive(Debug, Clone, Copy)]
enum Beside {
    Curve(usize),
    Published(usize),
}

impl Curves {
    /// How many lines the labels of arms are.
    pub(super) fn lines(&self) -> usize {
        let below = |c: &Curve| usize::from(self.said(c).below.is_some());
        self.curves.iter().map(|c| 1 + below(c)).sum()
    }

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
        let said: Vec<Said> = self.curves.iter().map(|c| self.said(c)).collect();
        // How an arm stands has a line of its own below the arm's; so has a paper's version.
        let mut lines: Vec<(i32, Beside, bool)> = vec![];
        for (y, of) in order {
            lines.push((y, of, false));
            let more = match of {
                Beside::Curve(i) => said[i].below.is_some(),
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
                    self.label(
                        (&self.curves[i], &said[i]),
                        buffer,
                        ends[i],
                        (y, below),
                        plot,
                    );
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
                (start(plot), plot.bottom + 4 * UNIT),
                "",
                &words,
            );
            buffer.borrow_mut().push_str("</g>");
        }
    }

    /// A finding that does not fit beside the arm's name goes below it, before all else.
    fn said(&self, curve: &Curve) -> Said {
        let standing = self.standing(&curve.key);
        let value = self.end_value(curve, standing.is_some());
        let room = ROOM - width(&value, 12.0) - 9.0;
        let (name, words) = match curve.label.strip_suffix(UNSUCCESSFUL) {
            Some(name) if width(&curve.label, 12.0) > room => {
                let finding = UNSUCCESSFUL.trim_matches([' ', '(', ')']);
                let words = standing.map_or(finding.to_string(), |s| format!("{finding}, {s}"));
                (name, Some(words))
            }
            Some(_) | None => (curve.label.as_str(), standing.map(str::to_string)),
        };
        Said {
            name: fit(name, 12.0, room),
            value,
            below: words.map(|words| fit(&words, 12.0, ROOM)),
        }
    }

    /// `0.812, n = 3`; an accident is named where no line below tells of it.
    fn end_value(&self, curve: &Curve, told: bool) -> String {
        let crashed = curve.end == End::Crashed;
        let state = if crashed && !told { "crashed, " } else { "" };
        match self.last(curve) {
            Some(bin) => {
                let value = number::value(self.kind, bin.mean);
                format!("{state}{value}, n = {}", bin.n)
            }
            None if !curve.bins.is_empty() => format!("{state}{}", self.nothing()),
            None if crashed && told => "no data".into(),
            None if crashed => "crashed".into(),
            None => self.nothing().into(),
        }
    }

    fn label(
        &self,
        (curve, said): (&Curve, &Said),
        buffer: &Buffer,
        end: Option<(i32, i32)>,
        (y, below): (i32, Option<i32>),
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
        let (left, base) = (start(plot), y + 4 * UNIT);
        text(buffer, "tx", (left, base), "", &said.name);
        text(buffer, "tx num", (RIGHT, base), "end", &said.value);
        if let Some((words, y)) = said.below.as_ref().zip(below) {
            text(buffer, "tx at", (left, y + 4 * UNIT), "", words);
        }
        buffer.borrow_mut().push_str("</g>");
    }
}

/// An arm's words in the gutter, each as long as its room.
struct Said {
    name: String,
    value: String,
    below: Option<String>,
}

/// Where the words of the gutter end.
const RIGHT: i32 = (WIDTH as i32 - 6) * UNIT;

/// How far they begin from the plot: right of the marker.
const START: i32 = 20 + 11;

/// What lies between, in pixels.
const ROOM: f64 = GUTTER as f64 - START as f64 - 6.0;

fn start(plot: &Plot<'_>) -> i32 {
    plot.right + START * UNIT
}
