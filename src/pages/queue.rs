//! `/queue`: what runs now, what waits and for what, who works, and in which order.

mod deeds;
mod files;
mod offers;
mod rows;

use super::filed::{Links, OF_TABLE};
use super::query::Asked;
use super::{Shell, filters, html, text};
use crate::number;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use assay_core::device::{Device, Threads};
use assay_core::estimate::{Clearing, KindBasis, clearing};
use assay_core::ids::StageId;
use assay_core::spending::KindSpeed;
use assay_core::wire::LEASE_SECONDS;
use assay_store::{self as store, JobState, JobView, RequeueView, RunJobs, Sign, WorkerView};
pub use deeds::{cancel, move_job, retry};
pub use files::get as file;
use offers::Offer;
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
    /// How many run or wait that are not listed.
    unlisted: Option<String>,
    /// When it would all be done, and on what that rests.
    clearing: Option<String>,
    /// Runs that can be cancelled, with what that would discard.
    cancel: Offer,
    /// Runs that can be tried again.
    retry: Offer,
    /// Crashed runs that can go on, from where, and what that would discard.
    requeue: Offer,
}

/// What the page is made from.
#[derive(Debug, Default)]
struct Material {
    /// No more than the page lists.
    jobs: Vec<JobView>,
    workers: Vec<WorkerView>,
    /// What still waits or runs, all of it, by state.
    counts: Vec<(JobState, i64)>,
    /// The same by kind.
    open: Vec<(String, i64)>,
    speeds: Vec<KindSpeed>,
    /// Runs with work that is open.
    cancel: RunJobs,
    /// Runs with work that has failed or was cancelled.
    retry: RunJobs,
    /// The latest stages that have failed.
    failed: Vec<StageId>,
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
        held.chain(self.failed.iter().copied()).collect()
    }

    fn count(&self, state: JobState) -> i64 {
        let found = self.counts.iter().find(|(own, _)| *own == state);
        found.map_or(0, |(_, n)| *n)
    }

    /// Jobs that run or wait and are not listed; none where the list is not full.
    fn unlisted(&self) -> i64 {
        if (self.jobs.len() as i64) < JOBS {
            return 0;
        }
        let listed = self.jobs.iter().filter(|j| is_open(j.state)).count();
        let all: i64 = self.counts.iter().map(|(_, n)| n).sum();
        (all - listed as i64).max(0)
    }

    /// Those that are at work, or were seen lately.
    fn known(&self) -> impl Iterator<Item = &WorkerView> {
        self.workers
            .iter()
            .filter(|w| w.seconds_since_seen < FORGOTTEN_SECONDS || !w.running.is_empty())
    }

    /// Of all workers that are there.
    fn threads(&self) -> u32 {
        self.by_device().iter().map(|of| of.count).sum()
    }

    /// The same, by their device.
    fn by_device(&self) -> Vec<Threads> {
        let live = self.workers.iter().filter(|w| is_live(w));
        Threads::sum(live.map(|w| (Device::of(&w.host).name, w.threads.unsigned_abs())))
    }
}

const OPEN: [JobState; 3] = [JobState::Running, JobState::Queued, JobState::Blocked];
/// What is done anew when a run is tried again.
const ENDED: [JobState; 2] = [JobState::Failed, JobState::Cancelled];
const JOBS: i64 = 200;
/// Of the jobs that have ended, the latest.
const FINISHED: usize = 25;
/// Runs that a form offers.
const RUNS: usize = 200;
/// Failed stages that are looked at, for whether they can go on.
const FAILED: usize = 500;
/// Workers that have been silent for this long are left out.
const FORGOTTEN_SECONDS: f64 = 600.0;

impl QueuePage {
    fn new(shell: Shell, of: &Material, now: OffsetDateTime) -> Self {
        let jobs = &of.jobs;
        let counts = OPEN
            .iter()
            .map(|state| (state, of.count(*state)))
            .filter(|(_, n)| *n > 0)
            .map(|(state, n)| format!("{} {state}", number::integer(n)))
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
                .then(|| clearing_said(clearing(&of.open, &of.speeds, &of.by_device()).as_ref())),
            cancel: Offer::of_runs(&of.cancel),
            retry: Offer::of_runs(&of.retry),
            requeue: Offer::of_crashed(&of.requeue, of.failed.len() >= FAILED),
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
            unlisted: unlisted(of),
            jobs: listed,
        }
    }
}

fn unlisted(of: &Material) -> Option<String> {
    let left_out = of.unlisted();
    (left_out > 0).then(|| {
        format!(
            "{} more of those that run or wait are not listed",
            number::integer(left_out)
        )
    })
}

fn clearing_said(of: Option<&Clearing>) -> String {
    let Some(of) = of else {
        return "No estimate of when it is cleared: no worker is there, or none of the latest stages of these kinds was run on its device alone.".into();
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
        "Estimated clearing time: {} (each stage as long as half of its kind were) to {} (as nine in ten were), by past stages on {}: {}.",
        number::duration(of.half_ms),
        number::duration(of.most_ms),
        devices(&of.devices),
        kinds(&of.basis, true)
    );
    if !of.without.is_empty() {
        text += &format!(
            " Not in it, for want of a past: {}.",
            kinds(&of.without, false)
        );
    }
    if !of.idle.is_empty() {
        text += &format!(
            " The threads of {} are not counted: no stage of these kinds has been run there.",
            devices(&of.idle)
        );
    }
    text
}

/// As workers call them, each at no great length.
fn devices(names: &[String]) -> String {
    let said: Vec<String> = names.iter().map(|name| text::start(name, 60)).collect();
    said.join(" and ")
}

async fn material(state: &AppState) -> Result<(Material, Sign), Problem> {
    let mut conn = state.conn().await?;
    let runs = RUNS as i64;
    let mut of = Material {
        jobs: store::list_jobs(&mut conn, JOBS).await?,
        workers: store::list_workers(&mut conn).await?,
        counts: store::count_jobs(&mut conn).await?,
        open: store::count_open(&mut conn).await?,
        speeds: store::list_speeds(&mut conn).await?,
        cancel: store::list_run_jobs(&mut conn, &OPEN, runs).await?,
        retry: store::list_run_jobs(&mut conn, &ENDED, runs).await?,
        failed: store::list_failed_stages(&mut conn, FAILED as i64).await?,
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
