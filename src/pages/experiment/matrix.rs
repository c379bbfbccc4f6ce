//! The configuration of every arm side by side: the keys whose values differ.

use super::Material;
use crate::pages::{compare, text};
use assay_core::config::{Differs, Flat, Row, of_arm, side_by_side};
use assay_core::ids::RunId;
use std::collections::BTreeSet;

#[derive(Debug)]
pub(super) struct Matrix {
    /// Key and label of each arm.
    pub columns: Vec<(String, String)>,
    pub rows: Vec<MatrixRow>,
    /// Keys with the same value wherever they are.
    pub same: usize,
    /// Keys that other recipes do not have.
    pub elsewhere: usize,
    /// Links to every key, of as many arms at once as a comparison has room for: what each is
    /// called, and its arms as the address has them.
    pub every: Vec<(String, String)>,
}

#[derive(Debug)]
pub(super) struct MatrixRow {
    pub key: String,
    pub cells: Vec<String>,
}

/// Values longer than this are cut; the whole specification has them.
const CUT: usize = 60;

pub(super) fn matrix(of: &Material) -> Matrix {
    let spec = &of.view.spec;
    let rows = keys(of);
    let count = |wanted: Differs| rows.iter().filter(|r| r.differs == wanted).count();
    Matrix {
        columns: spec
            .arms
            .iter()
            .map(|arm| (arm.id.clone(), of.name(&arm.id)))
            .collect(),
        same: count(Differs::Nowhere),
        elsewhere: count(Differs::InPresence),
        every: every(of),
        rows: rows
            .into_iter()
            .filter(|row| row.differs == Differs::InValue)
            .map(|row| MatrixRow {
                key: row.key,
                cells: row.values.into_iter().map(shown).collect(),
            })
            .collect(),
    }
}

/// Every resolved key of the arms, data by their hashes before the rest; before them all what
/// the arms were computed with, where that is known of two and not the same.
pub(super) fn keys(of: &Material) -> Vec<Row> {
    let spec = &of.view.spec;
    let columns: Vec<Flat> = spec.arms.iter().map(|arm| of_arm(spec, arm)).collect();
    let mut rows = side_by_side(&columns);
    if let Some(code) = code(of) {
        rows.insert(0, code);
    }
    rows
}

fn code(of: &Material) -> Option<Row> {
    let arms = of.view.spec.arms.iter();
    let values: Vec<Option<String>> = arms.map(|arm| built_from(of, &arm.id)).collect();
    let known: BTreeSet<&String> = values.iter().flatten().collect();
    if known.len() < 2 {
        return None;
    }
    let said = |value: Option<String>| value.unwrap_or_else(|| "not recorded".into());
    Some(Row {
        key: "code".into(),
        values: values.into_iter().map(said).map(Some).collect(),
        differs: Differs::InValue,
    })
}

/// What the workers of an arm's runs were built from, of those that count; nothing where no
/// worker has said it.
fn built_from(of: &Material, arm: &str) -> Option<String> {
    let is_out = |run: RunId| {
        let mut all = of.exclusions.iter();
        all.any(|e| e.run == run && e.is_in_force())
    };
    let runs = of.runs.iter();
    let runs = runs.filter(|run| run.arm.key == arm && !is_out(run.id));
    let code = runs.filter_map(|run| of.code.get(&run.id)).flatten();
    let code: BTreeSet<String> = code.map(|code| text::visible(code)).collect();
    (!code.is_empty()).then(|| Vec::from_iter(code).join("; "))
}

fn every(of: &Material) -> Vec<(String, String)> {
    let arms = &of.view.spec.arms;
    let links = arms.chunks(compare::MOST).enumerate().map(|(i, some)| {
        let first = i * compare::MOST + 1;
        let last = first + some.len() - 1;
        let name = match (arms.len() > compare::MOST, some.len()) {
            (false, _) => "Every key of every arm".to_string(),
            (true, 1) => format!("Every key of arm {first}"),
            (true, _) => format!("Every key of arms {first} to {last}"),
        };
        let words = some.iter().map(|arm| format!("{}/{}", of.view.id, arm.id));
        (name, Vec::from_iter(words).join(","))
    });
    links.collect()
}

fn shown(value: Option<String>) -> String {
    let Some(value) = value else {
        return String::new();
    };
    if value.chars().count() <= CUT {
        return value;
    }
    value.chars().take(CUT).chain(['…']).collect()
}
