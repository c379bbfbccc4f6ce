//! What a figure draws, in numbers: a row an arm, below the picture.

use super::axis::Cost;
use super::figure::{Chart, Figure, Name};
use super::numbers::all;
use crate::charts::{Bin, Curves, Row};
use crate::number;

/// Places of one line; the CSV file has every one.
const MOST: usize = 12;

#[derive(Debug)]
pub(super) struct Data {
    pub caption: String,
    /// What stands in a row.
    pub head: String,
    /// An arm's label, and its numbers.
    pub rows: Vec<(String, String)>,
}

/// Nothing of figures whose numbers stand in a table of the page.
pub(super) fn data(figure: &Figure) -> Option<Data> {
    match figure.name {
        Name::Milestones | Name::Forest | Name::Passk | Name::Contrasts => return None,
        Name::Frontier | Name::Training | Name::Seeds | Name::Decoders(_) => {}
    }
    let (head, rows, cut) = match &figure.chart {
        Chart::Curves(chart) => {
            let longest = all(chart).map(|c| c.bins.len()).max().unwrap_or(0);
            let every = longest.div_ceil(MOST).max(1);
            let rows = all(chart).map(|c| (c.label.clone(), line(figure, chart, &c.bins, every)));
            let head = format!("{} at {}", chart.y_title, chart.x_title);
            (head, rows.collect(), every)
        }
        Chart::Rows(chart) => {
            let rows = chart.rows.iter();
            let rows = rows.map(|row| (row.label.clone(), seeds(row, chart.kind)));
            (chart.x_title.clone(), rows.collect(), 1)
        }
    };
    Some(Data {
        caption: match cut {
            1 => "The arms that are drawn, with every value that is drawn of their means.".into(),
            n => format!(
                "The arms that are drawn. One place in {n} of each line, the last among them."
            ),
        },
        head,
        rows,
    })
}

fn line(figure: &Figure, chart: &Curves, bins: &[Bin], every: usize) -> String {
    let mut shown: Vec<&Bin> = bins.iter().rev().step_by(every).collect();
    shown.reverse();
    let said = |bin: &&Bin| {
        let mean = number::value(chart.kind, bin.mean);
        let band = chart.shaded(bin);
        let band = band.map_or(String::new(), |b| {
            format!(" {}", number::interval(chart.kind, &b))
        });
        format!("{}: {mean}{band}, n = {}", place(figure, bin.x), bin.n)
    };
    let said: Vec<String> = shown.iter().map(said).collect();
    match said.is_empty() {
        true => "no data yet".into(),
        false => said.join("; "),
    }
}

/// In the unit that the head names.
fn place(figure: &Figure, x: f64) -> String {
    match (figure.name, figure.cost) {
        (Name::Decoders(_), _) => number::counted(x.round() as i64, "sample"),
        (_, _) if x == 0.0 => "0".into(),
        (_, Some(Cost::Device | Cost::Wall | Cost::Usd)) => number::significant(x),
        (_, Some(Cost::Flops | Cost::Tokens) | None) => number::prefixed(x),
    }
}

fn seeds(row: &Row, kind: number::Kind) -> String {
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
