//! The runs of an experiment: where they stand, and what is missing.

use super::Material;
use crate::charts::sparkline;
use crate::number;
use crate::pages::words;
use assay_core::wire::LEASE_SECONDS;
use assay_store::{JobState, RunState, RunView};

/// One arm's runs, seed by seed.
#[derive(Debug)]
pub(super) struct ArmRuns {
    pub arm: String,
    pub runs: Vec<RunCell>,
}

#[derive(Debug)]
pub(super) struct RunCell {
    pub id: String,
    pub seed: u64,
    pub state: &'static str,
    pub now: String,
    pub spark: Option<String>,
    pub last: String,
    /// `heartbeat 8 s ago`, of one that works.
    pub heartbeat: Option<String>,
    /// No heartbeat for longer than a lease.
    pub silent: bool,
    /// `2 alarms`; empty where there are none.
    pub alarms: String,
    pub open: bool,
    /// Why it does not count.
    pub excluded: Option<String>,
}

pub(super) fn by_arm(of: &Material) -> Vec<ArmRuns> {
    of.view
        .arms
        .iter()
        .map(|arm| ArmRuns {
            arm: arm.label.clone(),
            runs: of
                .runs
                .iter()
                .filter(|run| run.arm.key == arm.key)
                .map(|run| cell(of, run))
                .collect(),
        })
        .collect()
}

fn cell(of: &Material, run: &RunView) -> RunCell {
    let open = words::is_open(run.state);
    let sign = of.signs.iter().find(|s| s.run == run.id);
    let heard = sign.and_then(|s| s.silent_seconds).filter(|_| open);
    let alarms = sign.map_or(0, |s| s.alarms);
    let curve: Vec<f64> = of
        .milestones
        .iter()
        .filter(|p| p.run == run.id)
        .map(|p| p.pass_at_1)
        .collect();
    let last = curve.last().map_or(String::new(), |v| number::fixed(*v, 3));
    RunCell {
        id: run.id.to_string(),
        seed: run.seed,
        state: run.state.word(),
        now: now(run),
        spark: (curve.len() > 1).then(|| {
            let title = format!("validation pass@1, {} measured, now {last}", curve.len());
            sparkline(&curve, (0.0, 1.0), &title)
        }),
        heartbeat: heard.map(|s| format!("heartbeat {} ago", number::lasting(s as i64))),
        silent: heard.is_some_and(|s| s > LEASE_SECONDS as f64),
        alarms: match alarms {
            0 => String::new(),
            n => number::counted(n, "alarm"),
        },
        open,
        excluded: of
            .exclusions
            .iter()
            .find(|e| e.run == run.id && e.is_in_force())
            .map(|e| e.reason.clone()),
        last,
    }
}

/// What a run is doing, or why it does not.
pub(super) fn now(run: &RunView) -> String {
    let done = run
        .stages
        .iter()
        .filter(|s| s.state == JobState::Succeeded)
        .count();
    let all = run.stages.len();
    match run.state {
        RunState::Succeeded => String::new(),
        RunState::Cancelled => String::new(),
        RunState::Failed => {
            let failed = run.stages.iter().find(|s| s.state == JobState::Failed);
            failed.map_or(String::new(), |s| {
                let class = s.failure.as_ref().map_or("failed", |f| f.class.as_str());
                format!("{}: {class} at step {}", s.name, number::integer(s.step))
            })
        }
        RunState::Running | RunState::Waiting => {
            let running = run.stages.iter().find(|s| s.state == JobState::Running);
            match (
                running,
                run.stages.iter().find(|s| s.state != JobState::Succeeded),
            ) {
                (Some(s), _) => format!(
                    "{} at step {}, stage {} of {all}",
                    s.name,
                    number::integer(s.step),
                    done + 1
                ),
                (None, Some(s)) if !s.waits_for.is_empty() => {
                    format!("{} waits for {}", s.name, s.waits_for.join(", "))
                }
                (None, Some(s)) => format!("{} is {}", s.name, s.state),
                (None, None) => String::new(),
            }
        }
    }
}

/// What the comparison still lacks, one line an arm.
pub(super) fn missing(of: &Material) -> Vec<String> {
    let trained = of.test.iter().map(|arm| {
        let left_out = of.denominator_of(&arm.id).excluded;
        let planned = arm.planned_seeds.saturating_sub(left_out);
        (&arm.id, &arm.label, arm.counted().count(), planned)
    });
    let decoders = of.decoders.iter().map(|arm| {
        let left_out = of.denominator_of(&arm.id).excluded;
        let planned = arm.planned_seeds.saturating_sub(left_out);
        (&arm.id, &arm.label, arm.finished(), planned)
    });
    trained
        .chain(decoders)
        .filter(|(_, _, done, planned)| done < planned)
        .map(|(id, label, done, planned)| {
            let of_arm = || of.runs.iter().filter(|r| r.arm.key == *id);
            let count = |state: RunState| of_arm().filter(|r| r.state == state).count();
            let mut rest = vec![];
            for state in [
                RunState::Running,
                RunState::Waiting,
                RunState::Failed,
                RunState::Cancelled,
            ] {
                let n = count(state);
                if n > 0 {
                    rest.push(format!("{n} {state}"));
                }
            }
            let rest = if rest.is_empty() {
                String::new()
            } else {
                format!(" ({})", rest.join(", "))
            };
            let why = match done {
                0 => "no figures yet",
                1 => "1 seed, no interval",
                2 => "not enough seeds for an interval",
                _ => "the interval is over those",
            };
            format!("{label}: {done} of {planned} seeds finished{rest}; {why}.")
        })
        .collect()
}
