//! `/queue`: what runs now, what waits and for what, who works, and in which order.

mod deeds;
mod files;
mod rows;

use super::filed::{Links, OF_TABLE};
use super::query::Asked;
use super::{Shell, filters, html, words};
use crate::number;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use assay_core::estimate::{Clearing, KindBasis, clearing};
use assay_core::ids::StageId;
use assay_core::spending::KindSpeed;
use assay_core::wire::LEASE_SECONDS;
use assay_store::{self as store, JobState, JobView, RequeueView, Sign, WorkerView};
pub use deeds::{cancel, move_job, retry};
pub use files::get as file;
use rows::{JobRow, WorkerRow, is_live, is_open};
use time::OffsetDateTime;

#[derive(Template)]
#[template(path = "queue.html")]
struct QueuePage {
    shell: Shell,
    counts: Vec<String>,
    /// Threads at work, of those of all live workers.
    busy: Option<String>,
    workers: Vec<WorkerRow>,
    /// For how long a silent worker is listed, and its jobs are its own.
    forgotten: String,
    lease: String,
    jobs: Vec<JobRow>,
    /// The two tables as files.
    workers_files: Links,
    jobs_files: Links,
    /// Somebody has changed the order.
    moved: bool,
    /// More jobs wait than are listed.
    full: bool,
    /// When it would all be done, and on what that rests.
    clearing: Option<String>,
    /// Runs that can be cancelled: id and what that would discard.
    cancel: Vec<(String, String)>,
    /// Runs that can be tried again.
    retry: Vec<(String, String)>,
    /// Crashed runs that can go on: id, and from where and what that would discard.
    requeue: Vec<(String, String)>,
}

/// What the page is made from.
#[derive(Debug, Default)]
struct Material {
    jobs: Vec<JobView>,
    workers: Vec<WorkerView>,
    /// What still waits or runs, by kind.
    open: Vec<(String, i64)>,
    speeds: Vec<KindSpeed>,
    /// What silent workers hold, and what has failed.
    requeue: Vec<RequeueView>,
}

impl Material {
    /// What may have to be queued again.
    fn doubtful(&self) -> Vec<StageId> {
        let silent = self
            .workers
            .iter()
            .filter(|w| w.seconds_since_seen > LEASE_SECONDS as f64);
        let held = silent.flat_map(|w| w.running.iter().map(|r| r.stage));
        let failed = self.jobs.iter().filter(|j| j.state == JobState::Failed);
        held.chain(failed.map(|j| j.stage)).collect()
    }

    /// Those that are at work, or were seen lately.
    fn known(&self) -> impl Iterator<Item = &WorkerView> {
        self.workers
            .iter()
            .filter(|w| w.seconds_since_seen < FORGOTTEN_SECONDS || !w.running.is_empty())
    }

    /// Of all workers that are there.
    fn threads(&self) -> u32 {
        let live = self.workers.iter().filter(|w| is_live(w));
        live.map(|w| w.threads.unsigned_abs()).sum()
    }
}

const JOBS: i64 = 200;
/// Of the jobs that have ended, the latest.
const FINISHED: usize = 25;
/// Runs that a form offers.
const RUNS: usize = 200;
/// Workers that have been silent for this long are left out.
const FORGOTTEN_SECONDS: f64 = 600.0;

impl QueuePage {
    fn new(shell: Shell, of: &Material, now: OffsetDateTime) -> Self {
        let jobs = &of.jobs;
        let counts = JobState::ALL
            .iter()
            .filter(|state| is_open(**state))
            .map(|state| (state, jobs.iter().filter(|j| j.state == *state).count()))
            .filter(|(_, n)| *n > 0)
            .map(|(state, n)| format!("{} {state}", number::integer(n as i64)))
            .collect();
        let first_done = jobs
            .iter()
            .position(|j| !is_open(j.state))
            .unwrap_or(jobs.len());
        let waits = jobs.iter().any(|j| is_open(j.state));
        let threads = of.threads();
        let working = of.workers.iter().filter(|w| is_live(w));
        let busy: u32 = working.map(rows::busy).sum();
        let mut listed = rows::jobs(of, now);
        listed.truncate(first_done + FINISHED);
        Self {
            clearing: waits
                .then(|| clearing_said(clearing(&of.open, &of.speeds, threads).as_ref())),
            cancel: runs(jobs, |j| is_open(j.state)),
            retry: runs(jobs, |j| {
                matches!(j.state, JobState::Failed | JobState::Cancelled)
            }),
            requeue: crashed(&of.requeue),
            shell,
            counts,
            busy: (threads > 0).then(|| rows::part_of(busy, threads)),
            workers: of.known().map(|w| rows::worker(w, &of.requeue)).collect(),
            workers_files: Links::new(files::WORKERS, &OF_TABLE, ""),
            jobs_files: Links::new(files::JOBS, &OF_TABLE, ""),
            forgotten: number::lasting(FORGOTTEN_SECONDS as i64),
            lease: number::lasting(LEASE_SECONDS as i64),
            moved: jobs
                .iter()
                .any(|j| j.state == JobState::Queued && j.priority != 0),
            full: first_done as i64 >= JOBS,
            jobs: listed,
        }
    }
}

fn clearing_said(of: Option<&Clearing>) -> String {
    let Some(of) = of else {
        return "No estimate of when it is cleared: no worker is there, or no stage of these kinds has been run here.".into();
    };
    let kinds = |list: &[KindBasis], past: bool| {
        let said: Vec<String> = list
            .iter()
            .map(|k| {
                if past {
                    format!("{} {} ({} past)", k.to_come, k.kind, k.past)
                } else {
                    format!("{} {}", k.to_come, k.kind)
                }
            })
            .collect();
        said.join(", ")
    };
    let mut text = format!(
        "Estimated clearing time: {} (each stage as long as half of its kind were) to {} (as nine in ten were), by past stages: {}.",
        number::duration(of.half_ms),
        number::duration(of.most_ms),
        kinds(&of.basis, true)
    );
    if !of.without.is_empty() {
        text += &format!(
            " Not in it, for want of a past: {}.",
            kinds(&of.without, false)
        );
    }
    text
}

/// The runs that need such jobs, each once, with where they stand.
fn runs(jobs: &[JobView], is_wanted: impl Fn(&JobView) -> bool) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = vec![];
    for job in jobs.iter().filter(|j| is_wanted(j)) {
        for need in &job.needed_by {
            let id = need.run.to_string();
            if all.len() < RUNS && !all.iter().any(|(known, _)| *known == id) {
                let stands = match job.state {
                    JobState::Running => format!("at step {}", number::integer(job.step)),
                    JobState::Queued
                    | JobState::Blocked
                    | JobState::Succeeded
                    | JobState::Failed
                    | JobState::Cancelled => job.state.word().into(),
                };
                all.push((
                    id,
                    format!(
                        "{}, seed {}: {} {stands} ({})",
                        need.arm_key, need.seed, need.name, need.experiment_name
                    ),
                ));
            }
        }
    }
    all
}

/// Runs with failed stages, each once, with what queueing them again does.
fn crashed(of: &[RequeueView]) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = vec![];
    for s in of.iter().filter(|s| s.state == JobState::Failed) {
        let id = s.run.to_string();
        let does = format!("{} {}, {}", s.name, words::going_on(s), s.discards());
        if let Some((_, said)) = all.iter_mut().find(|(known, _)| *known == id) {
            *said += &format!("; {does}");
        } else if all.len() < RUNS {
            all.push((id, format!("{}, seed {}: {does}", s.arm_key, s.seed)));
        }
    }
    all
}

async fn material(state: &AppState) -> Result<(Material, Sign), Problem> {
    let mut conn = state.conn().await?;
    let mut of = Material {
        jobs: store::list_jobs(&mut conn, JOBS).await?,
        workers: store::list_workers(&mut conn).await?,
        open: store::count_open(&mut conn).await?,
        speeds: store::list_speeds(&mut conn).await?,
        requeue: vec![],
    };
    of.requeue = store::list_requeuable(&mut conn, &of.doubtful()).await?;
    Ok((of, store::last_change(&mut conn).await?))
}

pub async fn page(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let asked = Asked::read(request.query_string());
    let (of, sign) = material(&state).await?;
    let mut shell = Shell::new(&state, &request, "Queue and workers")
        .crumb("/", "Experiments")
        .signed(&sign);
    shell.live = Some("/live".into());
    shell.ignored = asked.ignored();
    html(&QueuePage::new(shell, &of, OffsetDateTime::now_utc()))
}

#[cfg(test)]
mod tests;
