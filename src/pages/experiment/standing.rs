//! How an arm stands: how far its runs are, or how they ended. An accident is named as one and
//! is never a finding.

use super::axis::Places;
use super::figure::end;
use super::material::Material;
use crate::charts::End;
use crate::number;
use assay_core::stats;
use assay_store::{JobState, RunState, RunView};

fn runs<'a>(of: &'a Material, arm: &'a str) -> impl Iterator<Item = &'a RunView> {
    of.runs.iter().filter(move |run| run.arm.key == arm)
}

/// Of every arm of which there is something to say, for charts.
pub(super) fn all(of: &Material) -> Vec<(String, String)> {
    let arms = of.view.arms.iter();
    arms.map(|arm| (arm.key.clone(), said(of, &arm.key)))
        .filter(|(_, words)| !words.is_empty())
        .collect()
}

/// Empty where every run has used what it was given.
pub(super) fn said(of: &Material, arm: &str) -> String {
    let all = |state: RunState| runs(of, arm).all(|run| run.state == state);
    let mut parts = vec![];
    match end(of, arm) {
        _ if runs(of, arm).next().is_none() => {}
        End::Running if all(RunState::Waiting) => parts.push("waiting".to_string()),
        End::Running => parts.push(format!("running, {}", number::percent(share(of, arm)))),
        End::Short => parts.extend(short(of, arm)),
        End::Crashed | End::Done if all(RunState::Cancelled) => parts.push("cancelled".into()),
        End::Crashed | End::Done => {}
    }
    parts.extend(crashed(of, arm));
    parts.join("; ")
}

/// The same in a table, where silence would be a gap.
pub(super) fn status(of: &Material, arm: &str) -> String {
    match said(of, arm) {
        words if words.is_empty() => "finished".into(),
        words => words,
    }
}

/// Of the work of an arm's runs, each as far as it was measured; those that have ended
/// otherwise have no part in it. What runs has not finished, whatever it has used.
fn share(of: &Material, arm: &str) -> f64 {
    let parts: Vec<f64> = runs(of, arm)
        .filter_map(|run| match run.state {
            RunState::Succeeded => Some(1.0),
            RunState::Running | RunState::Waiting => Some(so_far(of, run).min(0.99)),
            RunState::Failed | RunState::Cancelled => None,
        })
        .collect();
    match parts.is_empty() {
        true => 0.0,
        false => stats::mean(&parts),
    }
}

/// The part of its budget that a run has used; of one that spends none, of its stages.
fn so_far(of: &Material, run: &RunView) -> f64 {
    if !run.arm.trains {
        let done = run.stages.iter().filter(|s| s.state == JobState::Succeeded);
        return done.count() as f64 / run.stages.len().max(1) as f64;
    }
    let budget = &of.view.spec.budget;
    let milestones = of.milestones.iter().filter(|p| p.run == run.id);
    let counts = of.places == Places::Cost && of.along == budget.unit.into();
    let series = of.series.iter().filter(|s| counts && s.run == run.id);
    let points = series.filter_map(|s| s.points.last()).map(|p| p.x);
    let used = milestones.map(|p| p.x).chain(points);
    used.filter(|x| x.is_finite()).fold(0.0, f64::max) / budget.amount
}

/// `short: 2.90 k of 4.00 k`: of the run that used the least.
fn short(of: &Material, arm: &str) -> Option<String> {
    let figures = of.test.iter().find(|a| a.id == arm && a.trains)?;
    let charged = figures.runs.iter().map(|run| run.charged);
    Some(format!(
        "short: {} of {}",
        number::prefixed(charged.fold(f64::INFINITY, f64::min)),
        number::prefixed(of.view.spec.budget.amount)
    ))
}

/// `crashed at 412: OOM`, `2 of 5 crashed at 412: OOM`: where the first of them did.
pub(super) fn crashed(of: &Material, arm: &str) -> Option<String> {
    let failed: Vec<&RunView> = runs(of, arm)
        .filter(|run| run.state == RunState::Failed)
        .collect();
    let how = accident(failed.first()?);
    let all = runs(of, arm).count();
    Some(match failed.len() == all {
        true => format!("crashed{how}"),
        false => format!("{} of {all} crashed{how}", failed.len()),
    })
}

/// ` at 412: OOM`; empty where no stage says more.
fn accident(run: &RunView) -> String {
    let Some(stage) = run.stages.iter().find(|s| s.state == JobState::Failed) else {
        return String::new();
    };
    let failure = stage.failure.as_ref();
    let step = failure.and_then(|f| f.step).unwrap_or(stage.step);
    let class = failure.map_or("no reason recorded", |f| class(&f.class));
    format!(" at {}: {class}", number::integer(step))
}

/// The word of a `FailureClass`, as people say it.
fn class(word: &str) -> &str {
    match word {
        "oom" => "OOM",
        "nan" => "NaN",
        "crash" => "process died",
        "bad_config" => "cannot be run",
        other => other,
    }
}
