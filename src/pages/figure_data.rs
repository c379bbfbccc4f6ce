//! What a figure draws, in numbers: a row for each of its lines, below the picture, on every
//! page that has one.

use crate::charts::{Bin, Curve, Curves, Row};
use crate::number::{self, Kind};

/// Places of one line; files have every one.
const MOST: usize = 12;

#[derive(Debug)]
pub(super) struct FigureData {
    /// Within the page, after `data-`.
    pub id: String,
    pub title: String,
    pub caption: String,
    /// The address of all of it, where there is such a file.
    pub file: Option<String>,
    /// What a row is.
    pub of: &'static str,
    /// What stands in a row.
    pub head: String,
    pub rows: Vec<(String, String)>,
}

/// One place in so many is shown of lines of this length.
pub(super) fn every(longest: usize) -> usize {
    longest.div_ceil(MOST).max(1)
}

pub(super) fn caption(lines: &str, every: usize) -> String {
    match every {
        1 => format!("The {lines} that are drawn, with every value that is drawn of their means."),
        n => format!(
            "The {lines} that are drawn. One place in {n} of each line, the last among them."
        ),
    }
}

/// One in so many, the last among them.
pub(super) fn some<T>(all: &[T], every: usize) -> Vec<&T> {
    let mut shown: Vec<&T> = all.iter().rev().step_by(every).collect();
    shown.reverse();
    shown
}

/// The means of a chart's lines, and how many places stand for one.
pub(super) fn lines<'a>(
    chart: &Curves,
    all: impl IntoIterator<Item = &'a Curve>,
    place: impl Fn(f64) -> String,
) -> (Vec<(String, String)>, usize) {
    let all: Vec<&Curve> = all.into_iter().collect();
    let every = every(all.iter().map(|c| c.bins.len()).max().unwrap_or(0));
    let said = |bin: &&Bin| {
        let mean = number::value(chart.kind, bin.mean);
        let value = |v: f64| number::value(chart.kind, v);
        let band = chart
            .shaded(bin)
            .map_or(String::new(), |b| match bin.envelope {
                Some(_) => format!(", within the bin {} to {}", value(b.low), value(b.high)),
                None => format!(" {}", number::interval(chart.kind, &b)),
            });
        format!("{}: {mean}{band}, n = {}", place(bin.x), bin.n)
    };
    let row = |curve: &&Curve| {
        let said: Vec<String> = some(&curve.bins, every).iter().map(said).collect();
        (curve.label.clone(), joined(&said))
    };
    (all.iter().map(row).collect(), every)
}

/// What was charged, in the unit that the head names.
pub(super) fn charged(x: f64) -> String {
    if x == 0.0 {
        "0".into()
    } else {
        number::prefixed(x)
    }
}

pub(super) fn joined(said: &[String]) -> String {
    match said.is_empty() {
        true => "no data yet".into(),
        false => said.join("; "),
    }
}

/// A row of a chart of rows: its estimate, and what that was made of.
pub(super) fn seeds(row: &Row, kind: Kind) -> String {
    let Some(estimate) = &row.estimate else {
        return number::no_interval(0);
    };
    let seeds: Vec<String> = row.seeds.iter().map(|v| number::value(kind, *v)).collect();
    format!(
        "{}, n = {}; seeds {}",
        number::estimate(kind, estimate),
        estimate.n,
        seeds.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_thinned_out_and_its_last_place_stays() {
        let all: Vec<u32> = (1..=300).collect();
        let every = every(all.len());
        let shown = some(&all, every);
        assert_eq!(every, 25);
        assert_eq!(shown.len(), MOST);
        assert_eq!((*shown[0], *shown[MOST - 1]), (25, 300));
        assert!(caption("curves", every).contains("One place in 25"));
        assert_eq!(super::every(0), 1);
        assert_eq!(some(&all[..3], 1), [&1, &2, &3]);
        assert_eq!(joined(&[]), "no data yet");
    }
}
