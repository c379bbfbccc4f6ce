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
    let own: Vec<&RunView> = runs(of, arm).collect();
    let figures = of.test.iter().filter(|a| a.id == arm && a.trains);
    let charged = figures.flat_map(|a| &a.runs).map(|run| run.charged);
    let budget = of.view.spec.budget.amount;
    let used = |run: &RunView| used(of, run);
    of_runs(&own, end(of, arm), charged, budget, used)
}

/// The same of any runs of one arm: `charged` to those that have finished, where they train;
/// `used` so far by one that does, in the budget's unit.
pub(in crate::pages) fn of_runs(
    runs: &[&RunView],
    end: End,
    charged: impl Iterator<Item = f64>,
    budget: f64,
    used: impl Fn(&RunView) -> f64,
) -> String {
    let all = |state: RunState| runs.iter().all(|run| run.state == state);
    let mut parts = vec![];
    match end {
        _ if runs.is_empty() => {}
        End::Running if all(RunState::Waiting) => parts.push("waiting".to_string()),
        End::Running => {
            let share = share(runs, budget, used);
            parts.push(format!("running, {}", number::percent(share)));
        }
        End::Short => parts.push(short(charged, budget)),
        End::Crashed | End::Done if all(RunState::Cancelled) => parts.push("cancelled".into()),
        End::Crashed | End::Done => {}
    }
    parts.extend(accidents(runs));
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
fn share(runs: &[&RunView], budget: f64, used: impl Fn(&RunView) -> f64) -> f64 {
    let parts: Vec<f64> = runs
        .iter()
        .filter_map(|run| match run.state {
            RunState::Succeeded => Some(1.0),
            RunState::Running | RunState::Waiting => Some(so_far(run, budget, &used).min(0.99)),
            RunState::Failed | RunState::Cancelled => None,
        })
        .collect();
    match parts.is_empty() {
        true => 0.0,
        false => stats::mean(&parts),
    }
}

/// The part of its budget that a run has used; of one that spends none, of its stages.
fn so_far(run: &RunView, budget: f64, used: impl Fn(&RunView) -> f64) -> f64 {
    if !run.arm.trains {
        let done = run.stages.iter().filter(|s| s.state == JobState::Succeeded);
        return done.count() as f64 / run.stages.len().max(1) as f64;
    }
    used(run) / budget
}

/// As far as it was measured, in the budget's unit.
fn used(of: &Material, run: &RunView) -> f64 {
    let budget = &of.view.spec.budget;
    let milestones = of.milestones.iter().filter(|p| p.run == run.id);
    let counts = of.places == Places::Cost && of.along == budget.unit.into();
    let series = of.series.iter().filter(|s| counts && s.run == run.id);
    let points = series.filter_map(|s| s.points.last()).map(|p| p.x);
    let used = milestones.map(|p| p.x).chain(points);
    used.filter(|x| x.is_finite()).fold(0.0, f64::max)
}

/// `short: 2.90 k of 4.00 k`: of the run that used the least.
fn short(charged: impl Iterator<Item = f64>, budget: f64) -> String {
    format!(
        "short: {} of {}",
        number::prefixed(charged.fold(f64::INFINITY, f64::min)),
        number::prefixed(budget)
    )
}

/// `crashed at 412: OOM`, `2 of 5 crashed at 412: OOM`: where the first of them did.
pub(super) fn crashed(of: &Material, arm: &str) -> Option<String> {
    accidents(&runs(of, arm).collect::<Vec<_>>())
}

fn accidents(runs: &[&RunView]) -> Option<String> {
    let failed: Vec<&RunView> = runs
        .iter()
        .copied()
        .filter(|run| run.state == RunState::Failed)
        .collect();
    let how = accident(failed.first()?);
    let all = runs.len();
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
