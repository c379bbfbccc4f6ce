//! The configuration of every arm side by side: the keys whose values differ.

use super::Material;
use assay_core::config::{Differs, Flat, of_arm, side_by_side};

#[derive(Debug)]
pub(super) struct Matrix {
    /// Key and label of each arm.
    pub columns: Vec<(String, String)>,
    pub rows: Vec<MatrixRow>,
    /// Keys with the same value wherever they are.
    pub same: usize,
    /// Keys that other recipes do not have.
    pub elsewhere: usize,
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
    let columns: Vec<Flat> = spec.arms.iter().map(|arm| of_arm(spec, arm)).collect();
    let rows = side_by_side(&columns);
    let count = |wanted: Differs| rows.iter().filter(|r| r.differs == wanted).count();
    Matrix {
        columns: spec
            .arms
            .iter()
            .map(|arm| (arm.id.clone(), of.name(&arm.id)))
            .collect(),
        same: count(Differs::Nowhere),
        elsewhere: count(Differs::InPresence),
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

fn shown(value: Option<String>) -> String {
    let Some(value) = value else {
        return String::new();
    };
    if value.chars().count() <= CUT {
        return value;
    }
    value.chars().take(CUT).chain(['…']).collect()
}
