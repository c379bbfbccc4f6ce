//! Workers and jobs as the page lists them.

use crate::number;
use crate::pages::words;
use assay_core::device::Device;
use assay_core::load::Load;
use assay_core::starts::{InLine, Start, starts};
use assay_core::wire::{LEASE_SECONDS, PROTOCOL};
use assay_store::{JobState, JobView, NeededBy, RequeueView, RunningAttempt, Waiting, WorkerView};
use time::{Duration, OffsetDateTime};

use super::Material;

pub(super) struct WorkerRow {
    pub name: String,
    /// Threads at work, of all.
    pub busy: String,
    pub device: String,
    /// Empty where nothing, or nothing lately, was told.
    pub load: String,
    pub seen: String,
    pub silent: bool,
    pub drained: bool,
    pub running: Vec<RunningRow>,
}

pub(super) struct RunningRow {
    pub text: String,
    /// Where its worker is silent.
    pub requeue: Option<RequeueRow>,
}

/// A run that can be queued again.
pub(super) struct RequeueRow {
    pub run: String,
    pub label: String,
    pub discards: String,
}

pub(super) struct JobRow {
    pub id: String,
    /// Its place among those that wait for a worker.
    pub place: Option<String>,
    pub kind: String,
    pub state: &'static str,
    pub why: String,
    pub threads: i32,
    pub attempts: String,
    pub needs: Vec<Need>,
    pub others: Option<String>,
    pub moves: Option<Moves>,
}

/// A run that needs the job.
pub(super) struct Need {
    pub run: String,
    pub label: String,
    /// More is to come of it.
    pub may_cancel: bool,
}

/// Where a job can be moved.
pub(super) struct Moves {
    pub up: bool,
    pub down: bool,
    /// Somebody has changed the order around it.
    pub priority: i32,
}

const LINKS: usize = 3;
/// A start that is nearer is now.
const SOON_MS: f64 = 60_000.0;
/// A start that is further away has no clock time.
const FAR_MS: f64 = 1e12;

pub(super) fn is_open(state: JobState) -> bool {
    match state {
        JobState::Running | JobState::Queued | JobState::Blocked => true,
        JobState::Succeeded | JobState::Failed | JobState::Cancelled => false,
    }
}

/// Seen within the last lease, and speaks this server's protocol.
pub(super) fn is_live(of: &WorkerView) -> bool {
    of.seconds_since_seen <= LEASE_SECONDS as f64 && of.protocol == PROTOCOL as i32
}

pub(super) fn busy(of: &WorkerView) -> u32 {
    of.running.iter().map(|r| r.threads.unsigned_abs()).sum()
}

/// `3 of 4 (75 %)`.
pub(super) fn part_of(busy: u32, threads: u32) -> String {
    let share = f64::from(busy) / f64::from(threads.max(1));
    format!(
        "{} of {} ({})",
        number::integer(i64::from(busy)),
        number::integer(i64::from(threads)),
        number::percent(share)
    )
}

pub(super) fn worker(of: &WorkerView, requeue: &[RequeueView]) -> WorkerRow {
    let seconds = of.seconds_since_seen.max(0.0);
    let device = if of.host.device_name.is_empty() {
        &of.host.device
    } else {
        &of.host.device_name
    };
    WorkerRow {
        name: of.name.clone(),
        busy: part_of(busy(of), of.threads.unsigned_abs()),
        device: device.clone(),
        load: load_now(of).as_ref().map_or(String::new(), load),
        seen: format!("{} ago", number::duration(seconds.round() * 1e3)),
        silent: seconds > LEASE_SECONDS as f64,
        drained: of.protocol != PROTOCOL as i32,
        running: of.running.iter().map(|r| running(r, requeue)).collect(),
    }
}

/// Told within the last lease, by a worker that is there.
fn load_now(of: &WorkerView) -> Option<Load> {
    let is_fresh = |seconds: f64| seconds.max(of.seconds_since_seen) <= LEASE_SECONDS as f64;
    of.load
        .filter(|_| of.seconds_since_load.is_some_and(is_fresh))
}

/// `CPU 92 %, 3.1 of 24 GB`, and on a GPU the same of it first.
fn load(of: &Load) -> String {
    let gpu = part(
        "GPU",
        of.gpu_percent,
        of.gpu_memory_bytes,
        of.gpu_memory_total_bytes,
    );
    let cpu = part(
        "CPU",
        of.cpu_percent,
        of.memory_bytes,
        of.memory_total_bytes,
    );
    let all: Vec<String> = gpu.into_iter().chain(cpu).collect();
    all.join("; ")
}

fn part(name: &str, percent: Option<f64>, used: Option<u64>, total: Option<u64>) -> Option<String> {
    let share = percent.map(|p| number::percent(p / 100.0));
    let memory = used.zip(total).map(|(used, total)| {
        let (by, letter) = number::prefix(total as f64);
        let scaled = |bytes: u64| {
            let value = bytes as f64 / by;
            number::fixed(value, usize::from(value < 9.95))
        };
        format!("{} of {} {letter}B", scaled(used), scaled(total))
    });
    let said: Vec<String> = share.into_iter().chain(memory).collect();
    (!said.is_empty()).then(|| format!("{name} {}", said.join(", ")))
}

fn running(of: &RunningAttempt, requeue: &[RequeueView]) -> RunningRow {
    let step = number::integer(of.step);
    let due = requeue.iter().find(|s| s.stage == of.stage);
    RunningRow {
        text: format!("{}, attempt {}, step {step}", of.kind, of.number),
        requeue: due.map(|s| RequeueRow {
            run: s.run.to_string(),
            label: format!("run {}, seed {} {}", s.arm_key, s.seed, words::going_on(s)),
            discards: s.discards(),
        }),
    }
}

/// The listed jobs, each with its estimated start.
pub(super) fn jobs(of: &Material, now: OffsetDateTime) -> Vec<JobRow> {
    let in_line = |job: &JobView| InLine {
        kind: job.kind.clone(),
        threads: job.threads.unsigned_abs(),
        running_ms: job
            .started_at
            .filter(|_| job.state == JobState::Running)
            .map(|at| (now - at).as_seconds_f64().max(0.0) * 1e3),
        device: device(of, job),
    };
    // Who waits for a pause, for inputs or for a wider worker is not in the line.
    let stands = |job: &&JobView| {
        job.state == JobState::Running || matches!(job.waiting, Some(Waiting::Turn { .. }))
    };
    let line: Vec<InLine> = of.jobs.iter().filter(stands).map(in_line).collect();
    let mut begins = starts(&line, &of.speeds, &of.by_device()).into_iter();
    // More may be queued than are listed.
    let last = of.count(JobState::Queued);
    let mut place = 0;
    of.jobs
        .iter()
        .map(|job| {
            let start = if stands(&job) {
                begins.next().flatten()
            } else {
                None
            };
            let moves = (job.state == JobState::Queued).then(|| {
                place += 1;
                Moves {
                    up: place > 1,
                    down: place < last,
                    priority: job.priority,
                }
            });
            row(job, start, moves, now)
        })
        .collect()
}

/// Of the worker that is at a job.
fn device(of: &Material, job: &JobView) -> Option<String> {
    let is_at = |w: &&WorkerView| w.running.iter().any(|r| r.stage == job.stage);
    let worker = of.workers.iter().find(is_at)?;
    Some(Device::of(&worker.host).name)
}

fn row(of: &JobView, start: Option<Start>, moves: Option<Moves>, now: OffsetDateTime) -> JobRow {
    let mut why = match (&of.waiting, of.state) {
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
    if let Some(start) = start {
        why += &format!("; start {}", start_said(&start, now));
    }
    let others = of.needed_by.len().saturating_sub(LINKS);
    JobRow {
        id: of.stage.to_string(),
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
        needs: of
            .needed_by
            .iter()
            .take(LINKS)
            .map(|need| self::need(need, is_open(of.state)))
            .collect(),
        others: (others > 0)
            .then(|| format!("and {}", number::counted(others as i64, "other run"))),
        moves,
    }
}

fn need(of: &NeededBy, may_cancel: bool) -> Need {
    Need {
        run: of.run.to_string(),
        label: format!("{}, seed {}: {}", of.arm_key, of.seed, of.name),
        may_cancel,
    }
}

/// `about 14:40 UTC to 15:05 UTC`.
pub(super) fn start_said(of: &Start, now: OffsetDateTime) -> String {
    if of.most_ms < SOON_MS {
        return "within a minute".into();
    }
    if of.most_ms > FAR_MS {
        return "further off than can be said".into();
    }
    let at = |ms: f64| number::clock(now + Duration::milliseconds(ms as i64), now);
    let (from, to) = (at(of.half_ms), at(of.most_ms));
    if from == to {
        return format!("about {from}");
    }
    format!("about {from} to {to}")
}
