//! The queue in memory: what the database must do, without a database.

use assay_core::ids::{RunId, StageId, WorkerId};
use assay_core::wire::{FailureClass, Outcome};
use assay_store::JobState;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone)]
pub struct Job {
    hash: String,
    pub inputs: BTreeSet<StageId>,
    pub state: JobState,
    pub attempts: i32,
    pub failures: i32,
    pub cancel: bool,
    pub reusable: bool,
    threads: u32,
    pub paused: bool,
    /// Which operation queued it first.
    queued: u32,
    pub holder: Option<WorkerId>,
}

#[derive(Debug, Default)]
pub struct Twin {
    pub jobs: BTreeMap<StageId, Job>,
    pub runs: BTreeMap<RunId, (Vec<StageId>, bool)>,
    pub time: u32,
}

impl Twin {
    pub fn is_done(&self, stage: &StageId) -> bool {
        self.jobs[stage].state == JobState::Succeeded
    }

    /// New stages of a run, as the database names them; checks which were found.
    pub fn add(&mut self, run: RunId, stages: &[(StageId, String, u32, Vec<StageId>)]) {
        for (id, hash, threads, inputs) in stages {
            let found = self
                .jobs
                .iter()
                .find(|(_, job)| job.reusable && job.hash == *hash);
            if let Some((found, _)) = found {
                assert_eq!(found, id, "a reusable stage was not reused");
                continue;
            }
            assert!(!self.jobs.contains_key(id), "a dead stage was reused");
            let is_ready = inputs.iter().all(|input| self.is_done(input));
            self.jobs.insert(
                *id,
                Job {
                    hash: hash.clone(),
                    inputs: inputs.iter().copied().collect(),
                    state: if is_ready {
                        JobState::Queued
                    } else {
                        JobState::Blocked
                    },
                    attempts: 0,
                    failures: 0,
                    cancel: false,
                    reusable: true,
                    threads: *threads,
                    paused: false,
                    queued: self.time,
                    holder: None,
                },
            );
        }
        self.runs
            .insert(run, (stages.iter().map(|s| s.0).collect(), false));
    }

    pub fn head(&self, threads: u32, free: u32) -> Option<StageId> {
        self.jobs
            .iter()
            .filter(|(_, job)| {
                job.state == JobState::Queued && !job.paused && job.threads <= threads
            })
            .min_by_key(|(id, job)| (job.queued, **id))
            .filter(|(_, job)| job.threads <= free)
            .map(|(id, _)| *id)
    }

    fn end(&mut self, stage: StageId, state: JobState) {
        let job = self.jobs.get_mut(&stage).unwrap();
        job.state = state;
        job.holder = None;
        if state == JobState::Succeeded {
            return self.release(stage);
        }
        job.reusable = false;
        self.cascade(stage);
    }

    fn release(&mut self, parent: StageId) {
        let ready: Vec<StageId> = self
            .jobs
            .iter()
            .filter(|(_, job)| job.state == JobState::Blocked && job.inputs.contains(&parent))
            .filter(|(_, job)| job.inputs.iter().all(|input| self.is_done(input)))
            .map(|(id, _)| *id)
            .collect();
        for id in ready {
            let job = self.jobs.get_mut(&id).unwrap();
            job.state = JobState::Queued;
            job.queued = self.time;
        }
    }

    fn cascade(&mut self, parent: StageId) {
        let children: Vec<StageId> = self
            .jobs
            .iter()
            .filter(|(_, job)| job.state == JobState::Blocked && job.inputs.contains(&parent))
            .map(|(id, _)| *id)
            .collect();
        for child in children {
            self.end(child, JobState::Cancelled);
        }
    }

    pub fn back(&mut self, stage: StageId) {
        let job = self.jobs.get_mut(&stage).unwrap();
        job.holder = None;
        if job.cancel {
            return self.end(stage, JobState::Cancelled);
        }
        job.state = JobState::Queued;
    }

    pub fn finish(&mut self, stage: StageId, outcome: &Outcome) {
        match outcome {
            Outcome::Succeeded => self.end(stage, JobState::Succeeded),
            Outcome::Failed { class, .. } => {
                let job = self.jobs.get_mut(&stage).unwrap();
                job.failures += 1;
                let is_again =
                    matches!(class, FailureClass::Crash | FailureClass::Oom) && job.failures < 3;
                if is_again || job.cancel {
                    job.paused = true;
                    self.back(stage);
                } else {
                    self.end(stage, JobState::Failed);
                }
            }
            Outcome::Preempted | Outcome::Cancelled => self.back(stage),
        }
    }

    pub fn is_dead(&self, stage: &StageId) -> bool {
        matches!(
            self.jobs[stage].state,
            JobState::Failed | JobState::Cancelled
        )
    }

    pub fn cancel(&mut self, run: RunId) {
        self.runs.get_mut(&run).unwrap().1 = true;
        let needed: BTreeSet<StageId> = self
            .runs
            .values()
            .filter(|(stages, cancelled)| !cancelled && !stages.iter().any(|s| self.is_dead(s)))
            .flat_map(|(stages, _)| stages.clone())
            .collect();
        for stage in self.runs[&run].0.clone() {
            let job = self.jobs.get_mut(&stage).unwrap();
            if needed.contains(&stage) || job.cancel {
                continue;
            }
            match job.state {
                JobState::Running => {
                    job.cancel = true;
                    job.reusable = false;
                    self.cascade(stage);
                }
                JobState::Blocked | JobState::Queued => {
                    job.cancel = true;
                    self.end(stage, JobState::Cancelled);
                }
                JobState::Succeeded | JobState::Failed | JobState::Cancelled => {}
            }
        }
    }
}
