//! How attempts fail, as tables of text.

use super::{columns, estimate};
use assay_core::failure::{FailureTable, Scale};

pub(super) fn tables(all: &[FailureTable]) -> String {
    if all.is_empty() {
        return "Nothing was recorded that would tell how an attempt fails: no judges, labels or searches.\n".into();
    }
    all.iter().map(table).collect()
}

fn table(of: &FailureTable) -> String {
    let owner = match &of.arm {
        Some(arm) => format!("{arm}/{}", of.stage),
        None => format!("shared {}", of.stage),
    };
    let mut head = vec![of.rows_are.to_lowercase()];
    head.extend(of.columns.iter().map(|c| c.title.clone()));
    let mut rows = vec![head];
    for row in &of.rows {
        let mut cells = vec![row.label.clone()];
        cells.extend(
            row.cells
                .iter()
                .zip(&of.columns)
                .map(|(cell, column)| match column.scale {
                    Scale::Share => estimate(*cell, 3, false),
                    Scale::Change => estimate(*cell, 3, true),
                    Scale::Number | Scale::Percent => estimate(*cell, 1, false),
                }),
        );
        rows.push(cells);
    }
    format!("{}: {owner}\n{}{}\n\n", of.kind, columns(&rows), of.note)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::failure::{Measured, StageSeries, failures};

    #[test]
    fn a_table_names_its_stage_and_says_what_its_rows_are() {
        let series = |seed, metric: &str, value| StageSeries {
            arm: None,
            stage: "labels".into(),
            kind: "prm_label".into(),
            seed,
            metric: metric.into(),
            points: vec![(1, value)],
        };
        let all: Vec<StageSeries> = (0..3)
            .map(|seed| series(seed, "labels/false_positive_rate", 0.2 + 0.1 * seed as f64))
            .collect();
        let text = tables(&failures(&all, &[] as &[Measured]));
        assert!(
            text.starts_with("Error of the step labels: shared labels\n"),
            "{text}"
        );
        assert!(text.contains("all steps  0.300 [0.052, 0.548]"), "{text}");
        assert!(tables(&[]).contains("Nothing was recorded"));
    }
}
