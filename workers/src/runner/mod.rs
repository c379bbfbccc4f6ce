//! The supervisor: claims stages for its cores, runs each in a child process,
//! and keeps the server informed. It computes nothing itself.

mod attempt;
mod client;
mod load;
mod spool;

use crate::recorder::{STOP, stop_on_signals};
use anyhow::Context;
use assay_core::wire::{Host, HostFacts, PROTOCOL, Register};
use client::{Client, ClientError};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;

#[derive(Debug, Clone, clap::Args)]
pub struct RunArgs {
    /// The server's address
    #[arg(long, env = "ASSAY_SERVER", default_value = "http://127.0.0.1:8337")]
    server: String,
    /// File with the worker token, which every server asks for
    #[arg(long, env = "ASSAY_WORKER_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// Cores to use; a stage takes as many as its `threads` says, and one that needs more is
    /// never given to this worker [default: all cores; 1 on a GPU]
    #[arg(long)]
    threads: Option<u32>,
    /// Shown on the queue page
    #[arg(long)]
    name: Option<String>,
    /// cpu, cuda, cuda:N or auto
    #[arg(long, default_value = "auto")]
    device: String,
    /// Folder for attempts in progress and for downloaded inputs [default: assay-worker-PID in
    /// the system's temporary folder]
    #[arg(long)]
    work: Option<PathBuf>,
    /// Folder of checkpoints and files of questions; without it, stages that name some fail
    #[arg(long, env = "ASSAY_WORKER_DATA")]
    data: Option<PathBuf>,
    /// An attempt that sends no record for so many seconds is ended as hung: more than
    /// the longest measurement takes, which sends none before its end
    #[arg(long, env = "ASSAY_STALL_LIMIT", value_name = "SECONDS", default_value_t = 900,
        value_parser = clap::value_parser!(u64).range(1..))]
    stall_limit: u64,
}

/// How long one request for work may wait at the server: also how long a stop may
/// take, and how late a core that has become free is offered.
const WAIT_SECONDS: u64 = 2;

pub fn run(args: &RunArgs) -> anyhow::Result<i32> {
    stop_on_signals();
    let token = match &args.token_file {
        Some(path) => std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the token file {}", path.display()))?,
        None => String::new(),
    };
    let facts = probe(&args.device)?;
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
    let threads = args
        .threads
        .unwrap_or(if facts.device == "cuda" { 1 } else { cores })
        .max(1);
    let name = args
        .name
        .clone()
        .unwrap_or_else(|| format!("{}-{}", hostname(), std::process::id()));
    let work = args.work.clone().unwrap_or_else(|| {
        std::env::temp_dir().join(format!("assay-worker-{}", std::process::id()))
    });
    std::fs::create_dir_all(&work).with_context(|| format!("cannot create {}", work.display()))?;
    let client = Client::new(&args.server, token.trim());
    let register = Register {
        protocol: PROTOCOL,
        name: name.clone(),
        threads,
        host: Host {
            device: facts.device.clone(),
            device_name: device_name(&facts),
            libtorch: facts.libtorch.clone(),
            worker_version: env!("CARGO_PKG_VERSION").into(),
        },
    };
    eprintln!(
        "worker {name}: {threads} thread(s) on {}, libtorch {}, server {}",
        facts.device, facts.libtorch, args.server
    );
    let Some(worker) = until_stopped("register", || client.register(&register))? else {
        return Ok(0);
    };
    let gpu = load::gpu_index(&args.device).filter(|_| facts.device == "cuda");
    let setup = attempt::Setup {
        client: client.clone(),
        worker,
        device: match args.device.as_str() {
            "auto" => facts.device,
            named => named.to_string(),
        },
        work,
        data: args.data.clone(),
        stall_limit: Duration::from_secs(args.stall_limit),
        load: load::watch(gpu),
    };
    let (done, finished) = mpsc::channel::<u32>();
    let mut free = threads;
    let mut pause = Duration::from_millis(200);
    while !STOP.load(Ordering::Relaxed) {
        while let Ok(threads) = finished.try_recv() {
            free += threads;
        }
        if free == 0 {
            if let Ok(threads) = finished.recv_timeout(Duration::from_millis(200)) {
                free += threads;
            }
            continue;
        }
        match client.claim(worker, free, WAIT_SECONDS, setup.load.take()) {
            Ok(Some(claim)) => {
                pause = Duration::from_millis(200);
                free -= claim.spec.threads.min(free);
                let (setup, done) = (setup.clone(), done.clone());
                std::thread::spawn(move || {
                    let threads = claim.spec.threads;
                    attempt::run(&setup, claim);
                    let _ = done.send(threads);
                });
            }
            Ok(None) => pause = Duration::from_millis(200),
            Err(error) => {
                eprintln!(
                    "worker {name}: no answer from the server ({error}), trying again in {pause:?}"
                );
                std::thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_secs(10));
            }
        }
    }
    // Children have had the signal's word through their attempts; wait for each to save and report.
    while free < threads {
        match finished.recv_timeout(Duration::from_secs(60)) {
            Ok(threads) => free += threads,
            Err(_) => break,
        }
    }
    Ok(0)
}

/// Tries again until it works; `None` once asked to stop. A refusal is an error at once.
fn until_stopped<T>(
    what: &str,
    mut each: impl FnMut() -> Result<T, ClientError>,
) -> anyhow::Result<Option<T>> {
    let mut pause = Duration::from_millis(200);
    while !STOP.load(Ordering::Relaxed) {
        match each() {
            Ok(value) => return Ok(Some(value)),
            Err(ClientError::Refused { status, detail }) => {
                anyhow::bail!("cannot {what}: the server answered {status}: {detail}")
            }
            Err(error) => {
                eprintln!("cannot {what} yet ({error}), trying again in {pause:?}");
                std::thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_secs(10));
            }
        }
    }
    Ok(None)
}

/// Asks a child what it would compute on: the supervisor itself touches no tensor.
fn probe(device: &str) -> anyhow::Result<HostFacts> {
    let output = std::process::Command::new(std::env::current_exe()?)
        .args(["probe", "--device", device])
        .output()?;
    if !output.status.success() {
        anyhow::bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "host".into(), |name| name.trim().to_string())
}

/// The first GPU that the driver names where the work is done on one, else the processor.
fn device_name(facts: &HostFacts) -> String {
    if facts.device != "cuda" {
        return facts.cpu_model.clone();
    }
    let folders = std::fs::read_dir("/proc/driver/nvidia/gpus");
    folders
        .into_iter()
        .flatten()
        .flatten()
        .find_map(|gpu| gpu_model(&std::fs::read_to_string(gpu.path().join("information")).ok()?))
        .unwrap_or_else(|| facts.device.clone())
}

/// From what the driver tells of one: `Model:  NVIDIA H200`.
fn gpu_model(information: &str) -> Option<String> {
    let mut lines = information.lines();
    let name = lines.find_map(|line| line.strip_prefix("Model:"))?.trim();
    (!name.is_empty()).then(|| name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gpu_is_called_what_its_driver_calls_it() {
        let told = "Model: \t\t NVIDIA H200\nIRQ:   \t\t 16\nGPU UUID: \t GPU-1\n";
        assert_eq!(gpu_model(told).as_deref(), Some("NVIDIA H200"));
        assert_eq!(gpu_model("Model: \n"), None);
        assert_eq!(gpu_model("IRQ: 16\n"), None);
        let facts = |device: &str| HostFacts {
            device: device.into(),
            libtorch: String::new(),
            cpu_model: "A processor".into(),
            code: String::new(),
        };
        assert_eq!(device_name(&facts("cpu")), "A processor");
        assert_ne!(device_name(&facts("cuda")), "A processor");
    }
}
