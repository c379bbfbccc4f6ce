//! pass@k: what several tries at a question would give.

use super::Material;
use crate::number::{self, Kind};
use assay_core::stats;

#[derive(Debug)]
pub(super) struct Tries {
    /// k = 1, 2, 4, …
    pub columns: Vec<u32>,
    pub rows: Vec<TriesRow>,
}

#[derive(Debug)]
pub(super) struct TriesRow {
    pub arm: String,
    pub label: String,
    pub n: usize,
    /// Mean over seeds and its interval, a cell a column.
    pub cells: Vec<(String, String)>,
}

/// Arms in their order; arms without a finished run have empty cells.
pub(super) fn tries(of: &Material) -> Tries {
    let mut columns: Vec<u32> = of
        .pass_at_k
        .iter()
        .flat_map(|run| run.values.iter().map(|v| v.0))
        .collect();
    columns.sort_unstable();
    columns.dedup();
    let rows = of
        .view
        .arms
        .iter()
        .filter(|arm| !of.is_decoder(&arm.key))
        .map(|arm| {
            let runs: Vec<_> = of
                .pass_at_k
                .iter()
                .filter(|run| run.arm_key == arm.key)
                .collect();
            let cell = |k: &u32| {
                let values: Vec<f64> = runs
                    .iter()
                    .filter_map(|run| run.values.iter().find(|v| v.0 == *k).map(|v| v.1))
                    .collect();
                stats::estimate(&values).map_or_else(Default::default, |estimate| {
                    let interval = estimate
                        .interval
                        .as_ref()
                        .map(|i| number::interval(Kind::Share, i));
                    (
                        number::value(Kind::Share, estimate.mean),
                        interval.unwrap_or_default(),
                    )
                })
            };
            TriesRow {
                arm: arm.key.clone(),
                label: arm.label.clone(),
                n: runs.len(),
                cells: columns.iter().map(cell).collect(),
            }
        })
        .collect();
    Tries { columns, rows }
}
