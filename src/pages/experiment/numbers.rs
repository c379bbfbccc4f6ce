//! A figure's numbers as JSON, and as a table for CSV and LaTeX: what is drawn, and every seed
//! behind it.

use super::at_budget::{AtBudget, DIFFERENCES, Filed};
use super::carried::Carried;
use super::figure::{Chart, Figure, Line, Name};
use super::training;
use super::view::{SeedLines, Wanted};
use super::{Material, contrasts, published};
use crate::charts::{Bin, Curve, Curves, Fate, Row, Rows, Shape, Stand};
use crate::pages::sheet::{Cell, Sheet, head};
use assay_core::outcome::Mark;
use assay_core::stats::Estimate;
use serde_json::{Value, json};

/// The seeds of a curve: those it was given, or, of dense series, on request.
fn seeds(of: &Material, wanted: &Wanted, figure: &Figure, curve: &Curve) -> Vec<(u64, Line)> {
    match figure.name {
        Name::Training if wanted.lines == SeedLines::Every => {
            training::each(of, wanted, &curve.key)
        }
        Name::Training => vec![],
        Name::Milestones
        | Name::Frontier
        | Name::Passk
        | Name::Forest
        | Name::Seeds
        | Name::Contrasts
        | Name::Decoders(_) => {
            let own = curve.seeds.iter();
            own.map(|s| (s.seed, s.points.clone())).collect()
        }
    }
}

pub(super) fn json(of: &Material, wanted: &Wanted, figure: &Figure, carried: &Carried) -> Value {
    let mut value = carried.json(&figure.title);
    value["figure"] = json!(figure.name.word());
    value["caption"] = json!(figure.caption.join(" "));
    match &figure.chart {
        Chart::Curves(chart) => {
            let name = |key: &str| of.name(key);
            let own = |c: &Curve| seeds(of, wanted, figure, c);
            drawn(&mut value, chart, name, own);
            if let Some(rows) = published::json(chart) {
                value["published"] = rows;
            }
        }
        Chart::Rows(chart) => {
            value["x"] = json!({ "title": chart.x_title, "scale": "linear" });
            let row = |(r, (label, _)): (&Row, (String, Option<Mark>))| {
                json!({
                    "arm": r.key,
                    "label": label,
                    "unsuccessful": r.fate == Fate::Unsuccessful,
                    "estimate": r.estimate,
                    "seeds": r.seeds,
                    "note": r.note,
                    "verdict": r.verdict.map(|v| v.word),
                })
            };
            let named = named_rows(of, wanted, figure, chart);
            value["rows"] = chart.rows.iter().zip(named).map(row).collect();
        }
    }
    if let Some(at) = &figure.at {
        value["at_budget"] = at_json(at, |arm| of.name(arm));
    }
    value
}

/// Every arm's value at the budget that was asked for.
pub(in crate::pages) fn at_json(at: &AtBudget, name: impl Fn(&str) -> String) -> Value {
    let mut value = json!({
        "budget": at.budget,
        "unit": at.axis.word(),
        "rows": at.rows.iter().map(|row| json!({
            "arm": row.arm,
            "label": name(&row.arm),
            "estimate": row.value,
            "cost": row.cost,
            // Of the seeds of the estimate.
            "seeds_far_below": row.far(),
            "remark": (!row.remark.is_empty()).then_some(&row.remark),
        })).collect::<Vec<_>>(),
    });
    if let Some((arm, name)) = &at.base {
        value["compared_with"] = json!({ "arm": arm, "label": name });
        value["differences"] = json!(DIFFERENCES);
        let rows = value["rows"].as_array_mut().into_iter().flatten();
        for (own, row) in rows.zip(&at.rows) {
            own["difference"] = json!(row.difference);
        }
    }
    value
}

/// What each row is called, and what the rule makes of it. Contrasts of one arm are told apart by
/// their comparators, and each has a mark of its own.
fn named_rows(
    of: &Material,
    wanted: &Wanted,
    figure: &Figure,
    chart: &Rows,
) -> Vec<(String, Option<Mark>)> {
    match figure.name {
        Name::Contrasts => contrasts::shown(of, wanted)
            .into_iter()
            .map(|c| (contrasts::name(of, c), c.mark))
            .collect(),
        Name::Milestones
        | Name::Frontier
        | Name::Forest
        | Name::Training
        | Name::Seeds
        | Name::Passk
        | Name::Decoders(_) => {
            let rows = chart.rows.iter();
            rows.map(|row| (of.name(&row.key), of.mark(&row.key)))
                .collect()
        }
    }
}

/// Axes and points of curves, as the script of the pages reads them too.
pub(in crate::pages) fn drawn(
    value: &mut Value,
    chart: &Curves,
    name: impl Fn(&str) -> String,
    seeds: impl Fn(&Curve) -> Vec<(u64, Line)>,
) {
    let curve = |c: &Curve| {
        let own = seeds(c);
        json!({
            "arm": c.key,
            "label": name(&c.key),
            "unsuccessful": c.fate == Fate::Unsuccessful,
            // Beyond its last place nothing is known of it.
            "spends": c.spends,
            "end": c.until.or(c.bins.last().map(|b| b.x)),
            "standing": chart.standing(&c.key),
            // One run's: low and high are of the values within each bin, and no interval.
            "envelope": chart.is_enveloped(c),
            // Place, mean, low, high, seeds.
            "points": c.bins.iter().map(|b| point(chart, b)).collect::<Vec<_>>(),
            "seeds": own.iter().map(|(seed, line)| json!({
                "seed": seed,
                "points": line,
            })).collect::<Vec<_>>(),
        })
    };
    value["x"] = json!({ "title": chart.x_title, "scale": chart.x_scale.word() });
    value["y"] = json!({ "title": chart.y_title, "scale": chart.y_scale.word() });
    value["kind"] = json!(chart.kind.word());
    value["shape"] = json!(match chart.shape {
        Shape::Steps => "steps",
        Shape::Joined => "joined",
        Shape::Path => "path",
    });
    value["budget"] = json!(chart.budget);
    value["series"] = all(chart).map(curve).collect();
    if let Some(merged) = &chart.merged {
        let keys = merged.curves.iter().map(|c| c.key.as_str());
        value["merged"] = json!(keys.collect::<Vec<_>>());
    }
    if !chart.pareto.is_empty() {
        value["pareto"] = json!(chart.pareto);
    }
}

/// Those that the picture draws as one range are here each for itself.
pub(in crate::pages) fn all(chart: &Curves) -> impl Iterator<Item = &Curve> {
    let merged = chart.merged.iter().flat_map(|m| &m.curves);
    chart.curves.iter().chain(merged)
}

fn point(chart: &Curves, bin: &Bin) -> Value {
    let band = chart.shaded(bin);
    json!([
        bin.x,
        bin.mean,
        band.map(|b| b.low),
        band.map(|b| b.high),
        bin.n
    ])
}

const HEAD: [&str; 10] = [
    "arm", "label", "mark", "seed", "x", "n", "value", "low", "high", "part",
];
/// Cells that name the line that a row is of: those up to its seed.
const ALONG: usize = 4;
const NOTE: &str =
    " Rows with a seed are that seed's own, others are over seeds, with the bounds that are drawn.";

const NOTE_OF_ONE: &str = " Rows with a seed are that seed's own, others are over seeds, with the bounds that are drawn: of a line of one seed the smallest and largest value of each bin.";

/// An arm's id, label and mark.
type Called = [String; 3];

/// What is drawn of one line, or its value at a budget: over seeds.
fn over_seeds(
    called: &Called,
    x: Option<f64>,
    n: usize,
    [value, low, high]: [Option<f64>; 3],
    part: Cell,
) -> Vec<Cell> {
    let mut row = named(called, String::new());
    row.extend([
        Cell::Place(x),
        Cell::Count(n),
        Cell::Value(value),
        Cell::Value(low),
        Cell::Value(high),
        part,
    ]);
    row
}

fn of_seed(called: &Called, seed: String, x: Option<f64>, value: f64, part: &str) -> Vec<Cell> {
    let mut row = named(called, seed);
    row.extend([
        Cell::Place(x),
        Cell::Count(1),
        Cell::Value(Some(value)),
        Cell::Value(None),
        Cell::Value(None),
        Cell::Word(part.into()),
    ]);
    row
}

fn named([arm, label, mark]: &Called, seed: String) -> Vec<Cell> {
    vec![
        Cell::Text(arm.clone()),
        Cell::said(label),
        Cell::Word(mark.clone()),
        Cell::Word(seed),
    ]
}

/// Every number of a figure, a row a point.
pub(super) fn sheet(of: &Material, wanted: &Wanted, figure: &Figure) -> Sheet {
    let called = |arm: &str, label: String, mark: Option<Mark>| -> Called {
        let plain = figure.name == Name::Forest && wanted.is_exploratory();
        let mark = mark.filter(|_| !plain);
        let mark = mark.map_or(String::new(), |m| m.to_string());
        [arm.into(), label, mark]
    };
    let own = |arm: &str| called(arm, of.name(arm), of.mark(arm));
    let mut rows: Vec<Vec<Cell>> = vec![];
    let kind = match &figure.chart {
        Chart::Curves(chart) => {
            for curve in all(chart) {
                let name = own(&curve.key);
                for bin in &curve.bins {
                    let band = chart.shaded(bin);
                    let part = match bin.stand {
                        Stand::All => "all",
                        Stand::Part => "part",
                        Stand::Thin => "few draws",
                    };
                    let values = [Some(bin.mean), band.map(|b| b.low), band.map(|b| b.high)];
                    let part = Cell::Word(part.into());
                    rows.push(over_seeds(&name, Some(bin.x), bin.n, values, part));
                }
                for (seed, line) in seeds(of, wanted, figure, curve) {
                    for (x, y) in line {
                        rows.push(of_seed(&name, seed.to_string(), Some(x), y, ""));
                    }
                }
            }
            rows.extend(published::rows(chart));
            chart.kind
        }
        Chart::Rows(chart) => {
            let names = named_rows(of, wanted, figure, chart);
            for (row, (label, mark)) in chart.rows.iter().zip(names) {
                let name = called(&row.key, label, mark);
                let n = row.estimate.map_or(0, |e| e.n);
                let part = match (&row.note, row.verdict) {
                    (Some(note), _) => Cell::Text(note.clone()),
                    (None, verdict) => Cell::Word(verdict.map_or("", |v| v.word).into()),
                };
                rows.push(over_seeds(&name, None, n, bounds(row.estimate), part));
                for value in &row.seeds {
                    rows.push(of_seed(&name, String::new(), None, *value, "seed"));
                }
            }
            chart.kind
        }
    };
    if let Some(at) = &figure.at {
        rows.extend(at_budget(at, own));
    }
    let of_one = match &figure.chart {
        Chart::Curves(chart) => all(chart).any(|curve| chart.is_enveloped(curve)),
        Chart::Rows(_) => false,
    };
    let failed = Mark::Unsuccessful.to_string();
    let is_failed = |row: &Vec<Cell>| matches!(&row[2], Cell::Word(mark) if *mark == failed);
    Sheet {
        word: figure.name.word(),
        title: figure.title.clone(),
        said: figure.caption.join(" "),
        note: if of_one { NOTE_OF_ONE } else { NOTE },
        head: head(&HEAD),
        unsuccessful: rows.iter().map(is_failed).collect(),
        rows,
        kind,
        along: Some(ALONG),
    }
}

/// A mean with its interval.
fn bounds(of: Option<Estimate>) -> [Option<f64>; 3] {
    let interval = of.and_then(|e| e.interval);
    [
        of.map(|e| e.mean),
        interval.map(|i| i.low),
        interval.map(|i| i.high),
    ]
}

#[cfg(test)]
pub(super) fn csv(of: &Material, wanted: &Wanted, figure: &Figure, carried: &Carried) -> String {
    sheet(of, wanted, figure).csv(carried)
}

/// Each arm's value at the budget that was asked for, at its own true cost, and its difference.
fn at_budget(at: &AtBudget, called: impl Fn(&str) -> Called) -> Vec<Vec<Cell>> {
    let row = |of: Filed<'_>| {
        let n = of.value.map_or(0, |e| e.n);
        let name = called(of.arm);
        over_seeds(&name, of.cost, n, bounds(of.value), Cell::said(&of.part))
    };
    at.filed().into_iter().map(row).collect()
}
