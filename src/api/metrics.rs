//! `/metrics`: what a Prometheus server asks for, in its text format.

use crate::problem::Problem;
use crate::state::AppState;
use actix_web::HttpResponse;
use actix_web::web::Data;
use assay_core::wire::{LEASE_SECONDS, PROTOCOL};
use assay_store::{self as store, JobState, WorkerView};
use std::fmt::Write;

/// Everything that is told, at one moment.
struct Told {
    jobs: Vec<(JobState, i64)>,
    running_attempts: usize,
    /// Seen within the last lease and of this protocol, and their threads.
    workers: usize,
    threads: i64,
    busy_threads: i64,
    requests: [u64; 5],
    /// Connections: open, idle, at most.
    pool: (u32, usize, u32),
}

/// A measure with its values; labels are written by us and need no escaping.
fn family(out: &mut String, name: &str, kind: &str, help: &str, values: &[(String, String)]) {
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "# HELP assay_{name} {help}\n# TYPE assay_{name} {kind}"
    );
    for (labels, value) in values {
        let _ = writeln!(out, "assay_{name}{labels} {value}");
    }
}

fn text(of: &Told) -> String {
    let one = |value: String| vec![(String::new(), value)];
    let jobs: Vec<(String, String)> = of
        .jobs
        .iter()
        .map(|(state, n)| (format!("{{state=\"{state}\"}}"), n.to_string()))
        .collect();
    let requests: Vec<(String, String)> = (1..)
        .zip(of.requests)
        .map(|(class, n)| (format!("{{status=\"{class}xx\"}}"), n.to_string()))
        .collect();
    let (open, idle, most) = of.pool;
    let version = format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    let mut out = String::new();
    family(
        &mut out,
        "build_info",
        "gauge",
        "The server's version.",
        &[(version, "1".into())],
    );
    family(
        &mut out,
        "jobs",
        "gauge",
        "Jobs that wait or run, by state.",
        &jobs,
    );
    let running = one(of.running_attempts.to_string());
    family(
        &mut out,
        "attempts_running",
        "gauge",
        "Attempts that workers hold.",
        &running,
    );
    let workers = one(of.workers.to_string());
    family(
        &mut out,
        "workers",
        "gauge",
        "Workers seen within the last lease.",
        &workers,
    );
    let threads = one(of.threads.to_string());
    family(
        &mut out,
        "worker_threads",
        "gauge",
        "Threads of those workers.",
        &threads,
    );
    let busy = one(of.busy_threads.to_string());
    family(
        &mut out,
        "worker_threads_busy",
        "gauge",
        "Threads of theirs at work.",
        &busy,
    );
    let help = "Requests answered since the start, by class of status.";
    family(&mut out, "http_requests_total", "counter", help, &requests);
    let connections = [
        ("{state=\"idle\"}".to_string(), idle.to_string()),
        (
            "{state=\"used\"}".to_string(),
            (open as usize).saturating_sub(idle).to_string(),
        ),
    ];
    family(
        &mut out,
        "db_connections",
        "gauge",
        "Connections to the database.",
        &connections,
    );
    let most = one(most.to_string());
    family(
        &mut out,
        "db_connections_max",
        "gauge",
        "Connections at most.",
        &most,
    );
    out
}

pub async fn metrics(state: Data<AppState>) -> Result<HttpResponse, Problem> {
    let mut conn = state.conn().await?;
    let counted = store::count_jobs(&mut conn).await?;
    let workers = store::list_workers(&mut conn).await?;
    drop(conn);
    let is_live = |w: &&WorkerView| {
        w.seconds_since_seen <= LEASE_SECONDS as f64 && w.protocol == PROTOCOL as i32
    };
    let live: Vec<&WorkerView> = workers.iter().filter(is_live).collect();
    let busy = live.iter().flat_map(|w| &w.running);
    let told = Told {
        // Every state is told, those without a job too.
        jobs: [JobState::Blocked, JobState::Queued, JobState::Running]
            .map(|state| {
                let found = counted.iter().find(|(own, _)| *own == state);
                (state, found.map_or(0, |(_, n)| *n))
            })
            .to_vec(),
        running_attempts: workers.iter().map(|w| w.running.len()).sum(),
        workers: live.len(),
        threads: live.iter().map(|w| i64::from(w.threads)).sum(),
        busy_threads: busy.map(|r| i64::from(r.threads)).sum(),
        requests: state.requests.all(),
        pool: (
            state.pool.size(),
            state.pool.num_idle(),
            state.pool.options().get_max_connections(),
        ),
    };
    Ok(HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(text(&told)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_comment_or_a_name_with_labels_and_a_number() {
        let told = Told {
            jobs: vec![(JobState::Queued, 14), (JobState::Running, 3)],
            running_attempts: 3,
            workers: 2,
            threads: 8,
            busy_threads: 3,
            requests: [0, 70, 2, 1, 0],
            pool: (4, 1, 16),
        };
        let text = text(&told);
        for line in [
            "assay_jobs{state=\"queued\"} 14",
            "assay_attempts_running 3",
            "assay_worker_threads_busy 3",
            "assay_http_requests_total{status=\"2xx\"} 70",
            "assay_http_requests_total{status=\"4xx\"} 1",
            "assay_db_connections{state=\"used\"} 3",
            "assay_db_connections_max 16",
            "# TYPE assay_http_requests_total counter",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
        for line in text.lines().filter(|l| !l.starts_with("# ")) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(
                name.starts_with("assay_") && value.parse::<f64>().is_ok(),
                "{line}"
            );
        }
        assert!(text.ends_with('\n'));
    }
}
