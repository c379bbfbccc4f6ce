//! The comparison as CSV, all digits.

use super::table::Compared;
use assay_core::questions::Tally;
use assay_core::stats::Estimate;

const HEAD: &str = "experiment,arm,run,label,added_by_policy,metric,basis,budget,unit,charged_mean,planned_seeds,n,mean,ci95_low,ci95_high,difference_n,difference,difference_ci95_low,difference_ci95_high,verdict,wins,losses,ties,no_difference,collapsed\r\n";

/// A line a column.
pub(super) fn lines(of: &Compared, collapsed: &[String]) -> String {
    let mut out = HEAD.to_string();
    let maybe = |v: Option<f64>| v.map_or(String::new(), |v| v.to_string());
    for line in &of.lines {
        let (value, difference) = (line.value, line.difference);
        let interval = |e: Option<Estimate>| e.and_then(|e| e.interval);
        let count = |pick: fn(&Tally) -> usize| {
            line.questions
                .as_ref()
                .map_or(String::new(), |t| pick(t).to_string())
        };
        let cells = [
            line.experiment.clone(),
            line.arm.clone(),
            line.run.clone().unwrap_or_default(),
            quoted(&line.label),
            line.added_by_policy.to_string(),
            of.metric.clone(),
            quoted(&of.basis_text),
            line.budget.to_string(),
            line.unit.to_string(),
            maybe(line.charged_mean),
            line.planned_seeds.to_string(),
            value.map_or(0, |v| v.n).to_string(),
            maybe(value.map(|v| v.mean)),
            maybe(interval(value).map(|i| i.low)),
            maybe(interval(value).map(|i| i.high)),
            difference.map_or(0, |v| v.n).to_string(),
            maybe(difference.map(|v| v.mean)),
            maybe(interval(difference).map(|i| i.low)),
            maybe(interval(difference).map(|i| i.high)),
            line.verdict
                .map_or(String::new(), |v| quoted(&v.to_string())),
            count(|t| t.wins),
            count(|t| t.losses),
            count(|t| t.ties),
            quoted(line.no_difference.as_deref().unwrap_or_default()),
            quoted(&collapsed.join("; ")),
        ];
        out += &cells.join(",");
        out += "\r\n";
    }
    out
}

/// Quoted; a spreadsheet shall not take it for a formula.
fn quoted(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        "'"
    } else {
        ""
    };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}
