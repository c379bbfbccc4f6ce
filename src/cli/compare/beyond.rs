//! What the table cannot claim by itself: other questions than those that were asked, and the
//! best of many looked at again.

use super::{columns, of_planned};
use crate::api::experiments::SplitComparison;
use crate::number;
use assay_core::beyond::{Beyond, Over, Spread};
use assay_core::over_questions::{ALIKE, Method};
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
        cells.extend(Over::ALL.map(|over| width(value, over)));
        cells.extend(match &row.difference {
            Some(d) => [format!("{:+.3}", d.mean), both(d)],
            None if row.arm == of.baseline => ["baseline".into(), String::new()],
            None => ["-".into(), "-".into()],
        });
        rows.push(cells);
    }
    out + &columns(&rows)
}

/// What an interval over questions is of stands beside it.
fn width(of: &Spread, over: Over) -> String {
    let said = match (of.interval(over), over) {
        (Some(i), Over::Questions) if of.over_questions_by == Method::Wilson => {
            format!("[{:.3}, {:.3}] (Wilson)", i.low, i.high)
        }
        (Some(i), Over::Seeds | Over::Questions | Over::SeedsAndQuestions) => half(&i),
        (None, _) => of.without(over).unwrap_or_else(|| "-".into()),
    };
    match over {
        // A server of old does not tell.
        Over::Questions if of.questions > 0 => {
            let asked = number::counted(of.questions as i64, "question");
            format!("{said}; {asked}")
        }
        Over::Seeds | Over::Questions | Over::SeedsAndQuestions => said,
    }
}

fn half(of: &Interval) -> String {
    let half = (of.high - of.low) / 2.0;
    // What has a width is not printed as if it had none.
    match half > ALIKE && half < 0.0005 {
        true => format!("+-{half:.1e}"),
        false => format!("+-{half:.3}"),
    }
}

fn both(of: &Spread) -> String {
    let Some(i) = of.over_seeds_and_questions else {
        let why = of.without(Over::SeedsAndQuestions);
        return why.unwrap_or_else(|| "-".into());
    };
    let bound = |v: f64| format!("{v:+.3}");
    match bound(i.low) == bound(i.high) {
        true => half(&i),
        false => format!("[{}, {}]", bound(i.low), bound(i.high)),
    }
}
