//! Failure tables as they are shown.

use super::{Material, files};
use crate::number::{self, Kind};
use crate::pages::filed::{Links, OF_TABLE};
use assay_core::failure::{FailureTable, Scale};
use assay_core::stats::Estimate;

#[derive(Debug)]
pub(super) struct TableView {
    pub title: String,
    pub rows_are: String,
    pub columns: Vec<String>,
    pub rows: Vec<TableRow>,
    pub note: String,
    pub files: Links,
}

#[derive(Debug)]
pub(super) struct TableRow {
    pub label: String,
    /// Mean, and its interval or why there is none.
    pub cells: Vec<(String, String)>,
}

pub(super) fn of(of: &Material, wanted: impl Fn(&FailureTable) -> bool) -> Vec<TableView> {
    let named = files::words(&of.failures).into_iter().zip(&of.failures);
    let tables = named.filter(|(_, t)| wanted(t));
    tables.map(|(word, t)| view(of, &word, t)).collect()
}

pub(super) fn title(of: &Material, table: &FailureTable) -> String {
    let owner = match &table.arm {
        Some(arm) => format!("{}, stage {}", of.label(arm), table.stage),
        None => format!("shared stage {}", table.stage),
    };
    format!("{}: {owner}", table.kind)
}

fn view(of: &Material, word: &str, table: &FailureTable) -> TableView {
    TableView {
        title: title(of, table),
        files: files::links(of, table.arm.as_deref(), word, &OF_TABLE),
        rows_are: table.rows_are.clone(),
        columns: table.columns.iter().map(|c| c.title.clone()).collect(),
        rows: table
            .rows
            .iter()
            .map(|row| TableRow {
                label: row.label.clone(),
                cells: row
                    .cells
                    .iter()
                    .zip(&table.columns)
                    .map(|(cell_of, column)| cell(cell_of.as_ref(), column.scale))
                    .collect(),
            })
            .collect(),
        note: table.note.clone(),
    }
}

fn cell(of: Option<&Estimate>, scale: Scale) -> (String, String) {
    let Some(e) = of else {
        return (number::NONE.into(), String::new());
    };
    let (mean, interval) = match scale {
        Scale::Change => (
            number::signed(Kind::Share, e.mean),
            e.interval.map(|i| number::signed_interval(Kind::Share, &i)),
        ),
        Scale::Share => (
            number::value(Kind::Share, e.mean),
            e.interval.map(|i| number::interval(Kind::Share, &i)),
        ),
        Scale::Number | Scale::Percent => (
            number::value(Kind::Tokens, e.mean),
            e.interval.map(|i| number::interval(Kind::Tokens, &i)),
        ),
    };
    (mean, interval.unwrap_or_else(|| number::no_interval(e.n)))
}
