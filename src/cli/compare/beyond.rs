//! What the table cannot claim by itself: other questions than those that were asked, and the
//! best of many looked at again.

use super::{columns, of_planned};
use crate::api::experiments::SplitComparison;
use assay_core::beyond::{Beyond, Over, Spread};
use assay_core::stats::Interval;

/// After the table of a split; nothing where no arm has been measured.
pub(super) fn said(split: &SplitComparison, metric: &str, planned: usize) -> String {
    let mut out = split
        .beyond
        .as_ref()
        .map_or(String::new(), |of| table(of, planned));
    for of in split.selection.iter().filter(|of| of.metric == metric) {
        out += &format!("{}\n", of.said(&format!("{:.3}", of.shrinkage)));
    }
    out
}

fn table(of: &Beyond, planned: usize) -> String {
    let out = format!(
        "{} beyond these {} questions; {}\n",
        of.metric,
        of.questions,
        of.basis()
    );
    let mut head = ["arm", "n", "mean"].map(String::from).to_vec();
    head.extend(Over::ALL.map(|over| format!("over {over}")));
    head.extend(["difference", "over both"].map(String::from));
    let mut rows = vec![head];
    for row in &of.rows {
        let value = &row.value;
        let mut cells = vec![
            row.arm.clone(),
            of_planned(value.n, planned),
            format!("{:.3}", value.mean),
        ];
        cells.extend(Over::ALL.map(|over| half(value.interval(over))));
        cells.extend(match &row.difference {
            Some(d) => [format!("{:+.3}", d.mean), both(d)],
            None if row.arm == of.baseline => ["baseline".into(), String::new()],
            None => ["-".into(), "-".into()],
        });
        rows.push(cells);
    }
    out + &columns(&rows)
}

fn half(of: Option<Interval>) -> String {
    of.map_or("-".into(), |i| format!("+-{:.3}", (i.high - i.low) / 2.0))
}

fn both(of: &Spread) -> String {
    of.over_seeds_and_questions
        .map_or("-".into(), |i| format!("[{:+.3}, {:+.3}]", i.low, i.high))
}
