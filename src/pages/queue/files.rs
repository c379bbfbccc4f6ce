//! Workers and jobs as files.

use super::{Material, material, rows};
use crate::number;
use crate::pages::filed::{self, About};
use crate::pages::query::Asked;
use crate::pages::sheet::{Cell, Sheet};
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::wire::{LEASE_SECONDS, PROTOCOL};
use assay_store::{JobView, Waiting, WorkerView};
use time::OffsetDateTime;

/// Addresses without their endings.
pub(super) const WORKERS: &str = "/queue/workers";
pub(super) const JOBS: &str = "/queue/jobs";

fn bytes(of: Option<u64>) -> Cell {
    Cell::Place(of.map(|b| b as f64))
}

fn at(of: Option<OffsetDateTime>) -> Cell {
    Cell::Word(of.map_or(String::new(), number::moment))
}

/// A row a worker that the page lists.
pub(super) fn workers(of: &Material) -> Sheet {
    let names = [
        "worker",
        "device",
        "device_name",
        "threads_at_work",
        "threads",
        "heartbeat_s_ago",
        "silent",
        "gets_jobs",
        "libtorch",
        "version",
        "registered",
        "cpu_percent",
        "memory_bytes",
        "memory_total_bytes",
        "gpu_percent",
        "gpu_memory_bytes",
        "gpu_memory_total_bytes",
        "load_s_ago",
        "runs_now",
    ];
    let mut sheet = Sheet::plain("workers", "Workers", &names);
    for w in of.known() {
        sheet.push(worker(w));
    }
    sheet
}

fn worker(of: &WorkerView) -> Vec<Cell> {
    let running = of.running.iter().map(|r| {
        let step = number::integer(r.step);
        format!("{}, attempt {}, step {step}", r.kind, r.number)
    });
    let load = of.load.unwrap_or_default();
    vec![
        Cell::said(&of.name),
        Cell::said(&of.host.device),
        Cell::said(&of.host.device_name),
        Cell::Count(rows::busy(of) as usize),
        Cell::count(of.threads),
        Cell::Place(Some(of.seconds_since_seen)),
        Cell::yes_no(of.seconds_since_seen > LEASE_SECONDS as f64),
        Cell::yes_no(of.protocol == PROTOCOL as i32),
        Cell::said(&of.host.libtorch),
        Cell::said(&of.host.worker_version),
        at(Some(of.registered_at)),
        Cell::Place(load.cpu_percent),
        bytes(load.memory_bytes),
        bytes(load.memory_total_bytes),
        Cell::Place(load.gpu_percent),
        bytes(load.gpu_memory_bytes),
        bytes(load.gpu_memory_total_bytes),
        Cell::Place(of.seconds_since_load),
        Cell::said(&running.collect::<Vec<_>>().join("; ")),
    ]
}

/// A row a job, in the order of the page, with every run that needs it.
pub(super) fn jobs(of: &Material, now: OffsetDateTime) -> Sheet {
    let names = [
        "state",
        "kind",
        "place",
        "stands",
        "priority",
        "threads",
        "attempts",
        "failed",
        "step",
        "worker",
        "queued",
        "started",
        "finished",
        "needed_by",
        "stage",
    ];
    let mut sheet = Sheet::plain("jobs", "Jobs", &names);
    sheet.said = "Running, then in the order in which they will be taken, then waiting for inputs, then the latest finished. A start is an estimate from past stages of the same kinds on the same device.".into();
    if let Some(text) = super::unlisted(of) {
        sheet.said += &format!(" {text}.");
    }
    for (job, row) in of.jobs.iter().zip(rows::jobs(of, now)) {
        sheet.push(self::job(job, &row.why));
    }
    sheet
}

fn job(of: &JobView, stands: &str) -> Vec<Cell> {
    let place = match of.waiting {
        Some(Waiting::Turn { ahead }) => Some((ahead + 1) as f64),
        Some(Waiting::Inputs { .. } | Waiting::Retry { .. } | Waiting::Worker { .. }) | None => {
            None
        }
    };
    let needs = of.needed_by.iter().map(|need| {
        format!(
            "{}, seed {}: {} ({})",
            need.arm_key, need.seed, need.name, need.experiment_name
        )
    });
    vec![
        Cell::Word(of.state.word().into()),
        Cell::said(&of.kind),
        Cell::Place(place),
        Cell::said(stands),
        Cell::Place(Some(f64::from(of.priority))),
        Cell::count(of.threads),
        Cell::count(of.attempts),
        Cell::count(of.failures),
        Cell::Count(of.step.unsigned_abs() as usize),
        Cell::said(of.worker_name.as_deref().unwrap_or("")),
        at(Some(of.queued_at)),
        at(of.started_at),
        at(of.finished_at),
        Cell::said(&needs.collect::<Vec<_>>().join("; ")),
        Cell::Word(of.stage.to_string()),
    ]
}

/// `/queue/workers.csv` and `/queue/jobs.csv`, with their kinds.
pub async fn get(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (word, ending) = path.into_inner();
    let (of, sign) = material(&state).await?;
    let sheet = match word.as_str() {
        "workers" => workers(&of),
        "jobs" => jobs(&of, OffsetDateTime::now_utc()),
        _ => return Err(Problem::not_found("table")),
    };
    let to = sign.at.map(|at| format!("Data to {}", number::moment(at)));
    let ignored = Asked::read(request.query_string()).ignored();
    let about = About::new("Queue and workers", &Vec::from_iter(to), &sheet).ignoring(ignored);
    filed::answer(&sheet, None, &about, &format!("queue-{word}"), &ending).await
}
