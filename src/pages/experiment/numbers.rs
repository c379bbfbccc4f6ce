//! A figure's numbers as CSV and JSON: what is drawn, and every seed behind it.

use super::Material;
use super::at_budget::AtBudget;
use super::carried::Carried;
use super::export::text;
use super::figure::{Chart, Figure, Line, Name};
use super::published;
use super::training;
use super::view::{SeedLines, Wanted};
use crate::charts::{Bin, Curve, Curves, Fate, Row, Shape, Stand};
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
            let row = |r: &Row| {
                json!({
                    "arm": r.key,
                    "label": row_name(of, figure, r),
                    "unsuccessful": r.fate == Fate::Unsuccessful,
                    "estimate": r.estimate,
                    "seeds": r.seeds,
                    "note": r.note,
                })
            };
            value["rows"] = chart.rows.iter().map(row).collect();
        }
    }
    if let Some(at) = &figure.at {
        value["at_budget"] = json!({
            "budget": at.budget,
            "unit": at.axis.word(),
            "rows": at.rows.iter().map(|row| json!({
                "arm": row.arm,
                "label": of.name(&row.arm),
                "estimate": row.value,
                "cost": row.cost,
                "remark": (!row.remark.is_empty()).then_some(&row.remark),
            })).collect::<Vec<_>>(),
        });
    }
    value
}

/// Contrasts of one arm are told apart by their comparators.
fn row_name(of: &Material, figure: &Figure, row: &Row) -> String {
    match figure.name == Name::Contrasts {
        true => row.label.clone(),
        false => of.name(&row.key),
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
            "standing": chart.standing(&c.key),
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
pub(super) fn all(chart: &Curves) -> impl Iterator<Item = &Curve> {
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

const HEAD: &str = "arm,label,mark,seed,x,n,value,low,high,part\r\n";

pub(super) fn csv(of: &Material, wanted: &Wanted, figure: &Figure, carried: &Carried) -> String {
    let mut out = carried.comments(&figure.title);
    out += &format!(
        "# {}\r\n",
        figure.caption.join(" ").replace(['\r', '\n'], " ")
    );
    out += HEAD;
    let number = |v: Option<f64>| v.map_or(String::new(), |v| v.to_string());
    let called = |arm: &str, label: &str| {
        let plain = figure.name == Name::Forest && wanted.is_exploratory();
        let mark = of.mark(arm).filter(|_| !plain);
        let mark = mark.map_or(String::new(), |m| m.to_string());
        format!("{},{},{mark}", text(arm), text(label))
    };
    let named = |arm: &str| called(arm, &of.name(arm));
    match &figure.chart {
        Chart::Curves(chart) => {
            for curve in all(chart) {
                let name = named(&curve.key);
                for bin in &curve.bins {
                    let band = chart.shaded(bin);
                    let part = match bin.stand {
                        Stand::All => "all",
                        Stand::Part => "part",
                        Stand::Thin => "few draws",
                    };
                    out += &format!(
                        "{name},,{},{},{},{},{},{part}\r\n",
                        bin.x,
                        bin.n,
                        bin.mean,
                        number(band.map(|b| b.low)),
                        number(band.map(|b| b.high))
                    );
                }
                for (seed, line) in seeds(of, wanted, figure, curve) {
                    for (x, y) in line {
                        out += &format!("{name},{seed},{x},1,{y},,,\r\n");
                    }
                }
            }
            out += &published::lines(chart, text);
        }
        Chart::Rows(chart) => {
            for row in &chart.rows {
                let name = called(&row.key, &row_name(of, figure, row));
                let e = row.estimate;
                let interval = e.and_then(|e| e.interval);
                out += &format!(
                    "{name},,,{},{},{},{},{}\r\n",
                    e.map_or(0, |e| e.n),
                    number(e.map(|e| e.mean)),
                    number(interval.map(|i| i.low)),
                    number(interval.map(|i| i.high)),
                    row.note.as_deref().map(text).unwrap_or_default()
                );
                for value in &row.seeds {
                    out += &format!("{name},,,1,{value},,,seed\r\n");
                }
            }
        }
    }
    if let Some(at) = &figure.at {
        out += &at_budget(at, named);
    }
    out
}

/// Each arm's value at the budget that was asked for, at its own true cost.
fn at_budget(at: &AtBudget, named: impl Fn(&str) -> String) -> String {
    let number = |v: Option<f64>| v.map_or(String::new(), |v| v.to_string());
    let mut out = String::new();
    for row in &at.rows {
        let interval = row.value.and_then(|e| e.interval);
        let part = match row.remark.as_str() {
            "" => format!("at {}", at.axis.amount(at.budget)),
            remark => format!("at {}: {remark}", at.axis.amount(at.budget)),
        };
        out += &format!(
            "{},,{},{},{},{},{},{}\r\n",
            named(&row.arm),
            number(row.cost),
            row.value.map_or(0, |e| e.n),
            number(row.value.map(|e| e.mean)),
            number(interval.map(|i| i.low)),
            number(interval.map(|i| i.high)),
            text(&part)
        );
    }
    out
}
