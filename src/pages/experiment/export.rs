//! The comparison for other programs: every metric, both splits, all digits.

use super::carried::Carried;
use super::{Material, excluded, settings};
use crate::pages::sheet::Carries;
use crate::pages::text::visible;
use assay_core::compare::{Basis, Comparison, Reached, compare};
use assay_core::decoders::{DecoderGroup, by_policy};
use assay_core::metric;
use assay_core::stats::Estimate;
use assay_core::supervision::{
    DEMONSTRATIONS, ORACLE_STEP_LABELS, VERIFIER_CALLS, more_than_comparators,
};
use serde_json::{Value, json};

/// Empty of an experiment of decoders alone.
fn comparisons(of: &Material) -> Vec<(&'static str, Comparison)> {
    let spec = &of.view.spec;
    [("test", &of.test), ("ood", &of.ood)]
        .into_iter()
        .filter(|(_, arms)| !arms.is_empty())
        .flat_map(|(split, arms)| {
            metric::FINAL
                .iter()
                .map(move |metric| (split, compare(&spec.budget, &spec.baseline, metric, arms)))
        })
        .collect()
}

/// On the test split every decoder has its place; elsewhere those that answered there.
fn decoders(of: &Material) -> Vec<(&'static str, Vec<DecoderGroup>)> {
    [("test", &of.decoders), ("ood", &of.decoders_ood)]
        .into_iter()
        .filter(|(split, figures)| *split == "test" || figures.iter().any(|f| !f.runs.is_empty()))
        .map(|(split, figures)| (split, by_policy(&of.view.spec, figures)))
        .filter(|(_, groups)| !groups.is_empty())
        .collect()
}

pub(super) fn json(of: &Material) -> Value {
    let list: Vec<Value> = comparisons(of)
        .into_iter()
        .map(|(split, comparison)| json!({ "split": split, "comparison": comparison }))
        .collect();
    let decoders: Vec<Value> = decoders(of)
        .into_iter()
        .map(|(split, policies)| json!({ "split": split, "policies": policies }))
        .collect();
    let supervision: Vec<Value> = of
        .supervision
        .iter()
        .map(|arm| {
            let more = more_than_comparators(&of.view.spec, &arm.arm, &of.supervision);
            json!({ "arm": arm.arm, "runs": arm.runs, "counts": arm.counts, "more": more })
        })
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
        "decoders": decoders,
        "outcome": of.outcome,
        "outcome_with_all_runs": of
            .exclusions
            .iter()
            .any(|e| e.is_in_force())
            .then(|| excluded::all_runs(of)),
        "denominator": of.denominator(0),
        "exclusions": of.exclusions,
        "supervision": supervision,
        "charged": of.ledger.arms,
    })
}

/// The same with what every file says of itself. What is said only here is no part of the state
/// that a snapshot's hash is of.
pub(super) fn whole(of: &Material, carried: &Carried) -> Value {
    let mut value = json(of);
    value["denominator"] = json!(carried.denominator);
    value["settings_tried"] = settings::json(of);
    value["ignored"] = json!(carried.ignored);
    value["snapshot"] = json!(carried.snapshot);
    value
}

const HEAD: [&str; 41] = [
    // `arm` at equal compute, `decoder` at equal inference, or a registered `contrast`.
    "row",
    "arm",
    "label",
    "baseline",
    "split",
    "metric",
    "basis",
    "unit",
    "budget",
    "planned_seeds",
    // Of the arm's runs, whatever the line is about.
    "done",
    "crashed",
    "excluded",
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
    // Of decoders: whose policy, and the mean cost of a question.
    "policy",
    "tokens_per_question",
    "flops_per_question",
    // Means over the arm's finished runs.
    "demonstrations",
    "verifier_calls",
    "oracle_step_labels",
    // Before the arm's recipe was frozen, where that is stated.
    "settings_tried",
    // Of contrasts; `seeds` are then the seeds' differences.
    "against",
    "m",
    "adjusted_level",
    "adjusted_low",
    "adjusted_high",
    "p",
    "p_holm",
    "verdict",
    // Of other lines, the gravest of the arm's contrasts.
    "mark",
];

/// One line of the file; what is not set stays empty.
struct Line([String; HEAD.len()]);

impl Line {
    fn new(row: &str, of: &Material, arm: &str, split: &str, metric: &str) -> Self {
        let mut line = Self(std::array::from_fn(|_| String::new()));
        line.set("row", row);
        line.set("arm", text(arm));
        line.set("label", text(&visible(&of.name(arm))));
        line.set("baseline", arm == of.view.spec.baseline);
        line.set("split", split);
        line.set("metric", metric);
        let runs = of.denominator_of(arm);
        line.set("done", runs.done);
        line.set("crashed", runs.crashed);
        line.set("excluded", runs.excluded);
        line.maybe("mark", of.mark(arm));
        line.maybe("settings_tried", settings::tried(of, arm));
        if let Some(own) = of.supervision.iter().find(|s| s.arm == arm && s.runs > 0) {
            for kind in [DEMONSTRATIONS, VERIFIER_CALLS, ORACLE_STEP_LABELS] {
                line.set(kind, own.count(kind));
            }
        }
        line
    }

    fn set(&mut self, column: &str, value: impl ToString) {
        if let Some(at) = HEAD.iter().position(|c| *c == column) {
            self.0[at] = value.to_string();
        }
    }

    fn maybe(&mut self, column: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.set(column, value);
        }
    }

    fn basis(&mut self, of: &Basis) {
        match of {
            Basis::EqualCompute { unit, budget } => {
                self.set("basis", "equal_compute");
                self.set("unit", unit.word());
                self.set("budget", budget);
            }
            Basis::EqualInference { policy, level } => {
                self.set("basis", "equal_inference");
                self.set("unit", "samples");
                self.set("budget", level);
                self.set("policy", text(policy));
            }
        }
    }

    fn value(&mut self, of: Option<&Estimate>) {
        self.maybe("n", of.map(|e| e.n));
        self.maybe("mean", of.map(|e| e.mean));
        self.maybe("ci95_low", of.and_then(|e| e.interval).map(|i| i.low));
        self.maybe("ci95_high", of.and_then(|e| e.interval).map(|i| i.high));
    }

    fn difference(&mut self, of: Option<&Estimate>) {
        let interval = of.and_then(|e| e.interval);
        self.maybe("difference_n", of.map(|e| e.n));
        self.maybe("difference", of.map(|e| e.mean));
        self.maybe("difference_ci95_low", interval.map(|i| i.low));
        self.maybe("difference_ci95_high", interval.map(|i| i.high));
    }

    fn seeds(&mut self, of: &[(u64, f64)]) {
        let seeds: Vec<String> = of.iter().map(|(s, v)| format!("{s}:{v}")).collect();
        self.set("seeds", seeds.join(" "));
    }
}

/// The lines, under what every file carries.
pub(super) fn file(of: &Material, carried: &Carried) -> String {
    carried.comments("every figure and split") + &csv(of)
}

pub(super) fn csv(of: &Material) -> String {
    let lines = trained(of).chain(decoded(of)).chain(contrasts(of));
    let mut out = HEAD.join(",") + "\r\n";
    for line in lines {
        out += &line.0.join(",");
        out += "\r\n";
    }
    out
}

fn trained(of: &Material) -> impl Iterator<Item = Line> {
    comparisons(of)
        .into_iter()
        .flat_map(move |(split, comparison)| {
            let basis = comparison.basis().clone();
            comparison.rows.into_iter().map(move |row| {
                let mut line = Line::new("arm", of, &row.arm, split, &row.metric);
                line.basis(&basis);
                line.set("planned_seeds", row.planned_seeds);
                line.value(row.value.as_ref());
                line.difference(row.difference.as_ref());
                line.maybe("charged_mean", row.charged_mean);
                line.set(
                    "reached",
                    match row.reached {
                        Reached::Budget => "budget",
                        Reached::Under { .. } => "under",
                        Reached::NoTraining => "no_training",
                        Reached::Nothing => "nothing",
                    },
                );
                if let Reached::Under { share } = row.reached {
                    line.set("reached_share", share);
                }
                line.seeds(&row.seeds);
                line
            })
        })
}

fn decoded(of: &Material) -> impl Iterator<Item = Line> {
    decoders(of).into_iter().flat_map(move |(split, groups)| {
        let rows = groups.into_iter().flat_map(|group| group.rows);
        rows.flat_map(move |row| {
            let planned = row.cells.into_iter().filter(|cell| cell.planned);
            planned.map(move |cell| {
                let mut line = Line::new("decoder", of, &row.arm, split, metric::PASS_AT_1);
                line.basis(cell.basis());
                line.set("planned_seeds", row.planned_seeds);
                line.value(cell.value.as_ref());
                line.maybe("charged_mean", row.training);
                line.maybe("tokens_per_question", cell.tokens);
                line.maybe("flops_per_question", cell.flops);
                line.seeds(&cell.seeds);
                line
            })
        })
    })
}

fn contrasts(of: &Material) -> impl Iterator<Item = Line> {
    of.outcome.contrasts.iter().map(move |c| {
        let mut line = Line::new("contrast", of, &c.arm, "test", &c.metric);
        line.basis(c.basis());
        line.set("planned_seeds", c.planned_seeds);
        line.difference(c.difference.as_ref());
        line.seeds(&c.seeds);
        line.set("against", text(&c.against));
        line.set("m", of.outcome.m);
        line.set("adjusted_level", c.adjusted_level);
        line.maybe("adjusted_low", c.adjusted.map(|i| i.low));
        line.maybe("adjusted_high", c.adjusted.map(|i| i.high));
        line.maybe("p", c.p);
        line.maybe("p_holm", c.p_holm);
        // Commas stand in some verdicts.
        line.set("verdict", text(&c.said()));
        line.set("mark", c.mark.map_or(String::new(), |m| m.to_string()));
        line
    })
}

/// Quoted; a spreadsheet shall not take it for a formula.
pub(in crate::pages) fn text(of: &str) -> String {
    let guard = if of.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        "'"
    } else {
        ""
    };
    let line = of.replace(['\r', '\n'], " ");
    format!("\"{guard}{}\"", line.replace('"', "\"\""))
}
