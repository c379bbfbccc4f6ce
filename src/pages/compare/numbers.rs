//! What the pictures of the comparison draw, and the keys that differ, as tables for files.

use super::decoders::Group;
use super::figure::{Picture, Trained};
use super::table::{Compared, Line};
use crate::charts::Stand;
use crate::number::Kind;
use crate::pages::experiment::numbers::all;
use crate::pages::experiment::published;
use crate::pages::looks::SeedLines;
use crate::pages::sheet::{Cell, Sheet};
use assay_core::config::Differs;
use assay_core::outcome::Mark;
use assay_core::stats::Interval;

/// File's name of the keys that differ.
pub(super) const CONFIG: &str = "config";

/// Place, seeds and value.
type Point = (Option<f64>, usize, Option<f64>);

fn named(of: &Line) -> Vec<Cell> {
    vec![
        Cell::Text(of.word.clone()),
        Cell::said(&of.label),
        Cell::Word(of.mark.map_or(String::new(), |m| m.to_string())),
    ]
}

fn failed(of: &Line) -> bool {
    of.mark == Some(Mark::Unsuccessful)
}

fn bounds(of: Option<Interval>) -> [Cell; 2] {
    [
        Cell::Value(of.map(|i| i.low)),
        Cell::Value(of.map(|i| i.high)),
    ]
}

/// A row a column of the comparison that has a difference, and one a seed.
pub(super) fn forest(of: &Compared, title: &str, said: &str) -> Sheet {
    let names = ["arm", "label", "mark", "seed", "n", "value", "low", "high"];
    let mut sheet = Sheet::plain("compare-forest", title, &names);
    sheet.said = said.into();
    sheet.kind = Kind::of(&of.metric);
    sheet.along = Some(3);
    for line in of.lines.iter().filter(|l| !l.is_base && !l.hidden) {
        let Some(estimate) = line.difference else {
            continue;
        };
        let mut push = |seed: String, n: usize, value: f64, interval: Option<Interval>| {
            let mut row = named(line);
            row.extend([Cell::Word(seed), Cell::Count(n), Cell::Value(Some(value))]);
            row.extend(bounds(interval));
            sheet.rows.push(row);
            sheet.unsuccessful.push(failed(line));
        };
        push(String::new(), estimate.n, estimate.mean, estimate.interval);
        for (seed, value) in &line.difference_seeds {
            push(seed.to_string(), 1, *value, None);
        }
    }
    sheet
}

/// A row a decoder and level that has a difference, and one a seed.
pub(super) fn decoders(of: &Group, drawn: &Picture) -> Sheet {
    let names = [
        "arm", "label", "mark", "level", "seed", "n", "value", "low", "high",
    ];
    let mut sheet = Sheet::plain(format!("compare-{}", drawn.word), &drawn.title, &names);
    sheet.said.clone_from(&drawn.caption);
    sheet.kind = Kind::of(of.metric);
    sheet.along = Some(4);
    for at in &of.levels {
        for (line, row) in of.lines.iter().zip(&at.rows) {
            let Some(estimate) = row.difference else {
                continue;
            };
            let mut push = |seed: String, n: usize, value: f64, interval: Option<Interval>| {
                let mut cells = vec![
                    Cell::Text(line.word.clone()),
                    Cell::said(&line.label),
                    Cell::Word(line.mark.map_or(String::new(), |m| m.to_string())),
                    Cell::Count(at.level as usize),
                    Cell::Word(seed),
                    Cell::Count(n),
                    Cell::Value(Some(value)),
                ];
                cells.extend(bounds(interval));
                sheet.rows.push(cells);
                sheet
                    .unsuccessful
                    .push(line.mark == Some(Mark::Unsuccessful));
            };
            push(String::new(), estimate.n, estimate.mean, estimate.interval);
            for (seed, value) in &row.difference_seeds {
                push(seed.to_string(), 1, *value, None);
            }
        }
    }
    sheet
}

/// Every point that is drawn of a column's mean; those of its seeds where they are drawn, and
/// every column's value at the budget that was asked for.
pub(super) fn curves(of: &Trained, table: &Compared, lines: SeedLines) -> Sheet {
    let names = [
        "arm", "label", "mark", "seed", "x", "n", "value", "low", "high", "part",
    ];
    let mut sheet = Sheet::plain(format!("compare-{}", of.word), &of.title, &names);
    sheet.said = of.caption.join(" ");
    sheet.kind = of.chart.kind;
    sheet.along = Some(4);
    let mut push =
        |line: &Line, seed: String, (x, n, value): Point, of: Option<Interval>, part: String| {
            let mut row = named(line);
            row.extend([
                Cell::Word(seed),
                Cell::Place(x),
                Cell::Count(n),
                Cell::Value(value),
            ]);
            row.extend(bounds(of));
            row.push(Cell::said(&part));
            sheet.rows.push(row);
            sheet.unsuccessful.push(failed(line));
        };
    let known = |word: &str| table.lines.iter().find(|l| l.word == word);
    for curve in all(&of.chart) {
        let Some(line) = known(&curve.key) else {
            continue;
        };
        for bin in &curve.bins {
            let part = match bin.stand {
                Stand::All => "all",
                Stand::Part => "part",
                Stand::Thin => "few draws",
            };
            let point = (Some(bin.x), bin.n, Some(bin.mean));
            let band = of.chart.shaded(bin);
            push(line, String::new(), point, band, part.to_string());
        }
        let seeds = match lines {
            SeedLines::Mean => vec![],
            SeedLines::Every => of.seeds(curve),
        };
        for (seed, points) in seeds {
            for (x, y) in points {
                let point = (Some(x), 1, Some(y));
                push(line, seed.to_string(), point, None, String::new());
            }
        }
    }
    if let Some(at) = &of.at {
        for row in at.filed() {
            let Some(line) = known(row.arm) else {
                continue;
            };
            let n = row.value.map_or(0, |e| e.n);
            let point = (row.cost, n, row.value.map(|e| e.mean));
            let interval = row.value.and_then(|e| e.interval);
            push(line, String::new(), point, interval, row.part);
        }
    }
    for row in published::rows(&of.chart) {
        sheet.push(row);
    }
    sheet
}

/// A row a key: those that differ, or all of them.
pub(super) fn config(of: &Compared, all: bool) -> Sheet {
    let plain = |c: char| if c.is_alphanumeric() { c } else { '_' };
    let columns = of.lines.iter().zip(1..).map(|(line, n)| {
        let label: String = line.label.chars().map(plain).collect();
        format!("{n}_{label}")
    });
    let title = match all {
        true => "Resolved values of every key, empty where the recipe has no such stage",
        false => "Resolved values that differ, empty where the recipe has no such stage",
    };
    let mut sheet = Sheet::plain("compare-config", title, &["key"]);
    sheet.head.extend(columns);
    for row in &of.config {
        if !all && row.differs != Differs::InValue {
            continue;
        }
        let values = row.values.iter().map(|v| v.clone().unwrap_or_default());
        let cells = std::iter::once(row.key.clone()).chain(values);
        sheet.push(cells.map(|cell| Cell::said(&cell)).collect());
    }
    sheet
}
