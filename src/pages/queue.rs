//! `/queue`: what runs now, what waits and for what, and who works.

use super::query::Asked;
use super::{Shell, html, words};
use crate::number;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use assay_core::wire::{LEASE_SECONDS, PROTOCOL};
use assay_store::{self as store, JobState, JobView, WorkerView};
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
/// Workers that have been silent for this long are left out.
const FORGOTTEN_SECONDS: f64 = 600.0;

impl QueuePage {
    fn new(shell: Shell, jobs: &[JobView], workers: &[WorkerView], now: OffsetDateTime) -> Self {
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
        Self {
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
    drop(conn);
    let mut shell = Shell::new(&state, &request, "Queue and workers").crumb("/", "Experiments");
    shell.ignored = asked.ignored();
    html(&QueuePage::new(
        shell,
        &jobs,
        &workers,
        OffsetDateTime::now_utc(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::ids::{ExperimentId, RunId, StageId};
    use assay_store::{NeededBy, Waiting};

    fn sample(state: JobState, waiting: Option<Waiting>) -> JobView {
        JobView {
            stage: StageId(uuid::Uuid::nil()),
            kind: "grpo".into(),
            state,
            waiting,
            threads: 1,
            attempts: 2,
            failures: 1,
            step: 1_200,
            worker_name: Some("<b>w</b>".into()),
            queued_at: OffsetDateTime::UNIX_EPOCH,
            finished_at: None,
            needed_by: (0..5)
                .map(|seed| NeededBy {
                    experiment: ExperimentId(uuid::Uuid::nil()),
                    experiment_name: "e".into(),
                    run: RunId(uuid::Uuid::nil()),
                    arm_key: "grpo".into(),
                    seed,
                    name: "base".into(),
                })
                .collect(),
        }
    }

    #[test]
    fn every_waiting_job_says_why() {
        let jobs = [
            sample(JobState::Running, None),
            sample(JobState::Queued, Some(Waiting::Turn { ahead: 0 })),
            sample(JobState::Queued, Some(Waiting::Worker { threads: 4 })),
            sample(JobState::Blocked, Some(Waiting::Inputs { unfinished: 2 })),
        ];
        let page = QueuePage::new(
            Shell::plain("Queue"),
            &jobs,
            &[],
            OffsetDateTime::UNIX_EPOCH,
        );
        let text = page.render().unwrap();
        for words in [
            "step 1,200 on ",
            "next",
            "no worker with 4 threads",
            "waits for 2 inputs",
            "and 2 other runs",
            "1 running",
            "2 queued",
            "assay-worker",
        ] {
            assert!(text.contains(words), "{words}");
        }
        crate::pages::tests::assert_is_clean(&text);
    }
}
