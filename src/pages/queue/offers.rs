//! Runs that the forms of the queue offer, and how many there are that they do not.

use super::RUNS;
use crate::number;
use crate::pages::words;
use assay_store::{JobState, RequeueView, RunJob, RunJobs};

#[derive(Debug, Default)]
pub(super) struct Offer {
    /// Id, and what stands beside it.
    pub runs: Vec<(String, String)>,
    /// What is not offered, where anything is not.
    pub more: Option<String>,
}

impl Offer {
    /// Each with where it stands.
    pub fn of_runs(of: &RunJobs) -> Self {
        let runs = of.runs.iter().take(RUNS);
        let runs: Vec<(String, String)> = runs.map(|r| (r.run.to_string(), label(r))).collect();
        Self {
            more: more(of.all - runs.len() as i64),
            runs,
        }
    }

    /// Runs with failed stages, each once, with what queueing them again does. `is_cut`: not
    /// every failed stage was looked at.
    pub fn of_crashed(of: &[RequeueView], is_cut: bool) -> Self {
        let mut runs: Vec<(String, String)> = vec![];
        for s in of.iter().filter(|s| s.state == JobState::Failed) {
            let id = s.run.to_string();
            let does = format!("{} {}, {}", s.name, words::going_on(s), s.discards());
            match runs.iter_mut().find(|(known, _)| *known == id) {
                Some((_, said)) => *said += &format!("; {does}"),
                None => runs.push((id, format!("{}, seed {}: {does}", s.arm_key, s.seed))),
            }
        }
        let left_out = runs.len().saturating_sub(RUNS);
        runs.truncate(RUNS);
        let more = match (more(left_out as i64), is_cut) {
            (more, false) => more,
            (more, true) => Some(format!(
                "{}Only the latest stages that have failed were looked at.",
                more.map_or(String::new(), |text| format!("{text} "))
            )),
        };
        Self { runs, more }
    }
}

fn more(left_out: i64) -> Option<String> {
    (left_out > 0).then(|| format!("Not in this list: {}.", number::counted(left_out, "run")))
}

fn label(of: &RunJob) -> String {
    let stands = match of.state {
        JobState::Running => format!("at step {}", number::integer(of.step)),
        JobState::Queued
        | JobState::Blocked
        | JobState::Succeeded
        | JobState::Failed
        | JobState::Cancelled => of.state.word().into(),
    };
    format!(
        "{}, seed {}: {} {stands} ({})",
        of.arm_key, of.seed, of.name, of.experiment_name
    )
}
