//! The comparison for other programs: every metric, both splits, all digits.

use super::Material;
use assay_core::compare::{Basis, Comparison, Reached, compare};
use assay_core::metric;
use assay_core::stats::Estimate;
use serde_json::{Value, json};

fn comparisons(of: &Material) -> Vec<(&'static str, Comparison)> {
    [("test", &of.test), ("ood", &of.ood)]
        .into_iter()
        .flat_map(|(split, arms)| {
            metric::FINAL.iter().map(move |metric| {
                (
                    split,
                    compare(of.basis(), &of.view.spec.baseline, metric, arms),
                )
            })
        })
        .collect()
}

pub(super) fn json(of: &Material) -> Value {
    let list: Vec<Value> = comparisons(of)
        .into_iter()
        .map(|(split, comparison)| json!({ "split": split, "comparison": comparison }))
        .collect();
    json!({
        "experiment": of.view.id,
        "name": of.view.name,
        "question": of.view.question,
        "version": of.view.version,
        "spec_sha256": of.view.sha256,
        "basis": of.basis(),
        "basis_text": of.basis().to_string(),
        "interval": "95 %, Student's t over seeds; differences paired by seed; unadjusted",
        "comparisons": list,
    })
}

const HEAD: [&str; 21] = [
    "arm",
    "label",
    "baseline",
    "split",
    "metric",
    "basis",
    "unit",
    "budget",
    "planned_seeds",
    "n",
    "mean",
    "ci95_low",
    "ci95_high",
    "difference_n",
    "difference",
    "difference_ci95_low",
    "difference_ci95_high",
    "charged_mean",
    "reached",
    "reached_share",
    "seeds",
];

pub(super) fn csv(of: &Material) -> String {
    let Basis::EqualCompute { unit, budget } = of.basis();
    let mut out = HEAD.join(",") + "\r\n";
    for (split, comparison) in comparisons(of) {
        for row in &comparison.rows {
            let (reached, share) = match row.reached {
                Reached::Budget => ("budget", String::new()),
                Reached::Under { share } => ("under", share.to_string()),
                Reached::NoTraining => ("no_training", String::new()),
                Reached::Nothing => ("nothing", String::new()),
            };
            let [n, mean, low, high] = estimate(row.value.as_ref());
            let [dn, difference, dlow, dhigh] = estimate(row.difference.as_ref());
            let seeds: Vec<String> = row.seeds.iter().map(|(s, v)| format!("{s}:{v}")).collect();
            let cells = [
                text(&row.arm),
                text(&row.label),
                row.is_baseline.to_string(),
                split.into(),
                row.metric.clone(),
                "equal_compute".into(),
                unit.word().into(),
                budget.to_string(),
                row.planned_seeds.to_string(),
                n,
                mean,
                low,
                high,
                dn,
                difference,
                dlow,
                dhigh,
                row.charged_mean.map_or(String::new(), |c| c.to_string()),
                reached.into(),
                share,
                seeds.join(" "),
            ];
            out += &cells.join(",");
            out += "\r\n";
        }
    }
    out
}

fn estimate(of: Option<&Estimate>) -> [String; 4] {
    let Some(e) = of else {
        return Default::default();
    };
    let bound = |b: Option<f64>| b.map_or(String::new(), |v| v.to_string());
    [
        e.n.to_string(),
        e.mean.to_string(),
        bound(e.interval.map(|i| i.low)),
        bound(e.interval.map(|i| i.high)),
    ]
}

/// Quoted; a spreadsheet shall not take it for a formula.
fn text(of: &str) -> String {
    let guard = if of.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        "'"
    } else {
        ""
    };
    format!("\"{guard}{}\"", of.replace('"', "\"\""))
}
