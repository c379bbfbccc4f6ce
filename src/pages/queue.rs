//! `/queue`: what runs now, what waits and for what, and who works.

use super::query::Asked;
use super::{Shell, filters, html, words};
use crate::number;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::http::header;
use actix_web::web::{Data, Form};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use assay_core::estimate::{Clearing, KindBasis, clearing};
use assay_core::ids::RunId;
use assay_core::wire::{LEASE_SECONDS, PROTOCOL};
use assay_store::{self as store, JobState, JobView, Waiting, WorkerView};
use serde::Deserialize;
use time::OffsetDateTime;

#[derive(Template)]
#[template(path = "queue.html")]
struct QueuePage {
    shell: Shell,
    counts: Vec<String>,
    workers: Vec<WorkerRow>,
    jobs: Vec<JobRow>,
    /// More jobs wait than are listed.
    full: bool,
    /// When it would all be done, and on what that rests.
    clearing: Option<String>,
    /// Runs that can be cancelled: id and what that would discard.
    cancel: Vec<(String, String)>,
    /// Runs that can be tried again.
    retry: Vec<(String, String)>,
}

struct WorkerRow {
    name: String,
    threads: i32,
    device: String,
    seen: String,
    silent: bool,
    drained: bool,
    running: Vec<String>,
}

struct JobRow {
    /// Its place among those that wait for a worker.
    place: Option<String>,
    kind: String,
    state: &'static str,
    why: String,
    threads: i32,
    attempts: String,
    links: Vec<(String, String)>,
    others: Option<String>,
}

const JOBS: i64 = 200;
/// Of the jobs that have ended, the latest.
const FINISHED: usize = 25;
const LINKS: usize = 3;
/// Runs that a form offers.
const RUNS: usize = 200;
/// Workers that have been silent for this long are left out.
const FORGOTTEN_SECONDS: f64 = 600.0;

impl QueuePage {
    fn new(
        shell: Shell,
        jobs: &[JobView],
        workers: &[WorkerView],
        clearing: Option<Clearing>,
        now: OffsetDateTime,
    ) -> Self {
        let open = |state: JobState| match state {
            JobState::Running | JobState::Queued | JobState::Blocked => true,
            JobState::Succeeded | JobState::Failed | JobState::Cancelled => false,
        };
        let counts = JobState::ALL
            .iter()
            .filter(|state| open(**state))
            .map(|state| (state, jobs.iter().filter(|j| j.state == *state).count()))
            .filter(|(_, n)| *n > 0)
            .map(|(state, n)| format!("{} {state}", number::integer(n as i64)))
            .collect();
        let first_done = jobs
            .iter()
            .position(|j| !open(j.state))
            .unwrap_or(jobs.len());
        let shown = &jobs[..jobs.len().min(first_done + FINISHED)];
        let waits = jobs.iter().any(|j| open(j.state));
        Self {
            clearing: waits.then(|| clearing_said(clearing.as_ref())),
            cancel: runs(jobs, |j| open(j.state)),
            retry: runs(jobs, |j| {
                matches!(j.state, JobState::Failed | JobState::Cancelled)
            }),
            shell,
            counts,
            workers: workers
                .iter()
                .filter(|w| w.seconds_since_seen < FORGOTTEN_SECONDS || !w.running.is_empty())
                .map(worker)
                .collect(),
            full: first_done as i64 >= JOBS,
            jobs: shown.iter().map(|j| job(j, now)).collect(),
        }
    }
}

fn worker(of: &WorkerView) -> WorkerRow {
    let seconds = of.seconds_since_seen.max(0.0);
    let device = if of.host.device_name.is_empty() {
        &of.host.device
    } else {
        &of.host.device_name
    };
    WorkerRow {
        name: of.name.clone(),
        threads: of.threads,
        device: device.clone(),
        seen: format!("{} ago", number::duration(seconds.round() * 1e3)),
        silent: seconds > LEASE_SECONDS as f64,
        drained: of.protocol != PROTOCOL as i32,
        running: of
            .running
            .iter()
            .map(|r| {
                format!(
                    "{}, attempt {}, step {}",
                    r.kind,
                    r.number,
                    number::integer(r.step)
                )
            })
            .collect(),
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

fn job(of: &JobView, now: OffsetDateTime) -> JobRow {
    let why = match (&of.waiting, of.state) {
        (Some(waiting), _) => words::waiting(waiting),
        (None, JobState::Running) => {
            let who = of.worker_name.as_deref().unwrap_or("a worker");
            format!("step {} on {who}", number::integer(of.step))
        }
        (None, JobState::Queued) => format!("queued {}", number::age(of.queued_at, now)),
        (None, JobState::Blocked) => "waits for its inputs".into(),
        (None, JobState::Succeeded | JobState::Failed | JobState::Cancelled) => of
            .finished_at
            .map_or(String::new(), |at| number::age(at, now)),
    };
    let links = of
        .needed_by
        .iter()
        .take(LINKS)
        .map(|n| {
            (
                format!("/runs/{}", n.run),
                format!("{}, seed {}: {}", n.arm_key, n.seed, n.name),
            )
        })
        .collect();
    let others = of.needed_by.len().saturating_sub(LINKS);
    JobRow {
        place: match of.waiting {
            Some(Waiting::Turn { ahead }) => Some(format!("#{}", number::integer(ahead + 1))),
            Some(Waiting::Inputs { .. } | Waiting::Retry { .. } | Waiting::Worker { .. })
            | None => None,
        },
        kind: of.kind.clone(),
        state: of.state.word(),
        why,
        threads: of.threads,
        attempts: match of.failures {
            0 => of.attempts.to_string(),
            n => format!("{}, {n} failed", of.attempts),
        },
        links,
        others: (others > 0)
            .then(|| format!("and {}", number::counted(others as i64, "other run"))),
    }
}

pub async fn page(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let asked = Asked::read(request.query_string());
    let mut conn = state.conn().await?;
    let jobs = store::list_jobs(&mut conn, JOBS).await?;
    let workers = store::list_workers(&mut conn).await?;
    let open = store::count_open(&mut conn).await?;
    let speeds = store::list_speeds(&mut conn).await?;
    let sign = store::last_change(&mut conn).await?;
    drop(conn);
    let live = workers
        .iter()
        .filter(|w| w.seconds_since_seen <= LEASE_SECONDS as f64 && w.protocol == PROTOCOL as i32);
    let threads: u32 = live.map(|w| w.threads.unsigned_abs()).sum();
    let mut shell = Shell::new(&state, &request, "Queue and workers")
        .crumb("/", "Experiments")
        .signed(&sign);
    shell.live = Some("/live".into());
    shell.ignored = asked.ignored();
    html(&QueuePage::new(
        shell,
        &jobs,
        &workers,
        clearing(&open, &speeds, threads),
        OffsetDateTime::now_utc(),
    ))
}

#[derive(Debug, Deserialize)]
pub struct OfRun {
    run: RunId,
}

/// What a form asks to be done with a run.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Cancel,
    Retry,
}

pub async fn cancel(state: Data<AppState>, form: Form<OfRun>) -> Result<HttpResponse, Problem> {
    doing(&state, form.run, Deed::Cancel).await
}

pub async fn retry(state: Data<AppState>, form: Form<OfRun>) -> Result<HttpResponse, Problem> {
    doing(&state, form.run, Deed::Retry).await
}

async fn doing(state: &Data<AppState>, run: RunId, deed: Deed) -> Result<HttpResponse, Problem> {
    let state = state.clone().into_inner();
    let inner = state.clone();
    state
        .detached(async move {
            let mut tx = inner.begin().await?;
            match deed {
                Deed::Cancel => store::cancel_run(&mut tx, run).await?,
                Deed::Retry => match store::retry_failed(&mut tx, run).await? {
                    0 => return Err(Problem::conflict("no stage of this run has failed")),
                    n => n,
                },
            };
            tx.commit().await?;
            Ok(())
        })
        .await?;
    Ok(HttpResponse::SeeOther()
        .insert_header((header::LOCATION, "/queue"))
        .finish())
}

#[cfg(test)]
mod tests;
