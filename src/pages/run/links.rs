//! Ways from a run's page to what it has stored.

use super::material::Material;
use crate::number;
use crate::pages::Choice;
use crate::pages::query::link;
use crate::rules::POINTS;
use assay_core::wire::role;

/// Where the samples of a step are: the step follows.
pub(super) fn samples(of: &Material) -> String {
    let query = link([("stage", of.stage.as_deref().unwrap_or(""))]);
    let join = if query.len() > 1 { "&" } else { "" };
    format!("/runs/{}/samples{query}{join}step=", of.run.id)
}

/// Where the points of a curve are: its metric follows.
pub(super) fn series(of: &Material) -> String {
    let most = POINTS.to_string();
    let stage = of.stage.as_deref().unwrap_or("");
    let steps = of.steps_shown();
    let (from, to) = steps.map_or_else(Default::default, |(a, b)| (a.to_string(), b.to_string()));
    let query = link([
        ("stage", stage),
        ("max_points", most.as_str()),
        ("from", from.as_str()),
        ("to", to.as_str()),
    ]);
    format!("/api/v1/runs/{}/series{query}&metric=", of.run.id)
}

/// All steps of the stage, as they were measured.
pub(super) fn whole(of: &Material) -> String {
    let stage = of.stage.as_deref().unwrap_or("");
    let metrics = if of.all { "all" } else { "" };
    let query = link([("stage", stage), ("metrics", metrics)]);
    format!("/runs/{}{query}#panels", of.run.id)
}

/// Steps that a click on a curve can lead to.
const CLICKED: usize = 1_000;

/// Steps with samples, between spaces: those that the script looks among.
pub(super) fn stored(steps: &[i64]) -> String {
    let every = steps.len().div_ceil(CLICKED).max(1);
    let words = steps.iter().step_by(every).map(i64::to_string);
    words.collect::<Vec<_>>().join(" ")
}

/// Links to the samples of so many steps at most.
pub(super) const SAMPLED: usize = 24;

pub(super) fn sampled(steps: &[i64]) -> Vec<Choice> {
    let every = steps.len().div_ceil(SAMPLED).max(1);
    let last = steps.len().saturating_sub(1);
    let choice = |(_, step): (usize, &i64)| Choice {
        value: step.to_string(),
        label: number::integer(*step),
        chosen: false,
    };
    steps
        .iter()
        .enumerate()
        .filter(|(i, _)| i.is_multiple_of(every) || *i == last)
        .map(choice)
        .collect()
}

/// Pages that show what the run has stored.
pub(super) fn viewers(of: &Material) -> Vec<(&'static str, String)> {
    let has = |role: &str| of.files.iter().any(|(_, f)| f.role == role && !f.released);
    let to = |page: &str| format!("/runs/{}/{page}", of.run.id);
    let mut out = vec![];
    if !of.steps.is_empty() {
        out.push(("Samples", to("samples")));
    }
    if has(role::TREES) {
        out.push(("Search trees", to("trees")));
    }
    if has(role::JUDGED) {
        out.push(("Judged texts", to("prm")));
    }
    out
}
