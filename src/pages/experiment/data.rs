//! What a figure draws, in numbers: a row an arm, below the picture.

use super::axis::Cost;
use super::decoders;
use super::figure::{Chart, Figure, Name};
use super::numbers::all;
use crate::number;
use crate::pages::figure_data::{FigureData, caption, charged, lines, seeds};

/// Nothing of figures whose numbers stand in a table of the page.
pub(super) fn data(figure: &Figure) -> Option<FigureData> {
    match figure.name {
        Name::Milestones | Name::Forest | Name::Passk | Name::Contrasts => return None,
        Name::Frontier | Name::Training | Name::Seeds | Name::Decoders(_) => {}
    }
    let (head, (rows, every)) = match &figure.chart {
        Chart::Curves(chart) => (
            format!("{} at {}", chart.y_title, chart.x_title),
            lines(chart, all(chart), |x| place(figure, x)),
        ),
        Chart::Rows(chart) => {
            let rows = chart.rows.iter();
            let rows = rows.map(|row| (row.label.clone(), seeds(row, chart.kind)));
            (chart.x_title.clone(), (rows.collect(), 1))
        }
    };
    Some(FigureData {
        id: figure.name.word(),
        title: figure.title.clone(),
        caption: caption("arms", every),
        file: None,
        of: "Arm",
        head,
        rows,
    })
}

/// In the unit that the head names.
fn place(figure: &Figure, x: f64) -> String {
    match (figure.name, figure.cost) {
        (Name::Decoders(_), _) => decoders::samples(x),
        (_, Some(Cost::Device | Cost::Wall | Cost::Usd)) if x != 0.0 => number::significant(x),
        (_, Some(Cost::Device | Cost::Wall | Cost::Usd | Cost::Flops | Cost::Tokens) | None) => {
            charged(x)
        }
    }
}
