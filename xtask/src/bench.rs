//! `cargo xtask bench …`: speeds, as ratios measured side by side in one run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::seeded::{self, Seeded};
use crate::{libtorch, shell};

const TRL: &str = "1.16.0";
/// What one step of benches/grpo-cpu.yaml generates: 16 prompts x 8 completions x 64 tokens.
const COMPLETION_TOKENS: f64 = 16.0 * 8.0 * 64.0;
/// The first steps of a process are not counted.
const WARM_UP: usize = 3;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(clap::Subcommand)]
enum Bench {
    /// GRPO steps on two CPU cores, against TRL at the same shapes
    GrpoCpu {
        /// Alternating rounds; the ratio is the median of theirs
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// Steps a round
        #[arg(long, default_value_t = 12)]
        steps: usize,
    },
    /// The warm experiment page of 12 arms on 5 seeds: what a reader waits for
    Page {
        /// Stored steps of every training stage
        #[arg(long, default_value_t = 10_000)]
        steps: u64,
        #[arg(long, default_value_t = 200)]
        requests: usize,
    },
    /// The warm page of one long run, whole and in part
    Run {
        /// Stored steps of the run, each with four metrics
        #[arg(long, default_value_t = 1_000_000)]
        steps: u64,
        #[arg(long, default_value_t = 50)]
        requests: usize,
    },
}

pub fn run(args: &Args) -> Result<()> {
    match args.bench {
        Bench::GrpoCpu { rounds, steps } => grpo_cpu(rounds, steps.max(WARM_UP + 1)),
        Bench::Page { steps, requests } => page(steps, requests.max(WARM_UP + 1)),
        Bench::Run { steps, requests } => long_run(steps, requests.max(WARM_UP + 1)),
    }
}

/// What 95 of 100 requests may take at most.
const PAGE_LIMIT: Duration = Duration::from_millis(150);

fn page(steps: u64, requests: usize) -> Result<()> {
    shell::catch_stop()?;
    seeded::build()?;
    let server = seeded::start(&["--twelve", "--steps", &steps.to_string()])?;
    let path = format!("/experiments/{}", server.experiment("twelve"));
    let times = times(&server, &path, requests)?;
    println!(
        "12 arms x 5 seeds x {steps} steps, {} requests, one after another: {}",
        times.len(),
        spread(&times)
    );
    if share(&times, 0.95) > PAGE_LIMIT {
        bail!("p95 is over {PAGE_LIMIT:?}");
    }
    Ok(())
}

/// What half of the requests for a long run may take at most.
const RUN_LIMIT: Duration = Duration::from_millis(100);

fn long_run(steps: u64, requests: usize) -> Result<()> {
    shell::catch_stop()?;
    seeded::build()?;
    let server = seeded::start(&["--lasting", &steps.to_string()])?;
    let runs = server.site["runs"]["lasting"].as_object();
    let of_arm = runs.and_then(|arms| arms.values().find_map(|seeds| seeds["0"].as_str()));
    let run = format!("/runs/{}", of_arm.context("a run")?);
    let (low, high) = (steps / 2, steps / 2 + 250);
    let mut too_slow = vec![];
    for (what, path) in [
        ("whole", run.clone()),
        ("250 of its steps", format!("{run}?x0={low}&x1={high}")),
        (
            "a tenth of it",
            format!("{run}?x0={low}&x1={}", low + steps / 10),
        ),
    ] {
        let times = times(&server, &path, requests)?;
        println!(
            "a run of {steps} steps, {what}, {} requests, one after another: {}",
            times.len(),
            spread(&times)
        );
        if share(&times, 0.5) > RUN_LIMIT {
            too_slow.push(what);
        }
    }
    if !too_slow.is_empty() {
        bail!("median over {RUN_LIMIT:?}: {}", too_slow.join(", "));
    }
    Ok(())
}

/// What a warm page takes, request by request, in ascending order.
fn times(server: &Seeded, path: &str, requests: usize) -> Result<Vec<Duration>> {
    let host = server.url().trim_start_matches("http://").to_owned();
    let headers = [("Accept", "text/html"), ("Accept-Encoding", "gzip")];
    let mut times = vec![];
    for _ in 0..requests {
        let begun = Instant::now();
        let answer = shell::http(&host, "GET", path, &headers, "");
        if !matches!(answer, Some((200, _))) {
            bail!("{path} was not answered with 200");
        }
        times.push(begun.elapsed());
    }
    let mut times = times.split_off(WARM_UP);
    times.sort();
    Ok(times)
}

/// What a share of the requests takes at most.
fn share(times: &[Duration], of: f64) -> Duration {
    times[((times.len() as f64 * of).ceil() as usize).max(1) - 1]
}

fn spread(times: &[Duration]) -> String {
    format!(
        "fastest {:.1?}, median {:.1?}, p95 {:.1?}, longest {:.1?}",
        share(times, 0.0),
        share(times, 0.5),
        share(times, 0.95),
        share(times, 1.0)
    )
}

fn grpo_cpu(rounds: usize, steps: usize) -> Result<()> {
    libtorch::ensure(false)?;
    shell::phase(
        "cargo build --workspace",
        shell::cargo().args(["build", "--workspace"]),
    )?;
    let python = trl()?;
    println!("16 prompts x 8 completions x 64 new tokens, 4 layers x 128, one update; two cores");
    let mut ratios = vec![];
    for round in 1..=rounds {
        let ours = ours(steps)?;
        let theirs = theirs(&python, steps)?;
        ratios.push(ours / theirs);
        println!(
            "round {round}: assay {ours:.0} completion tokens/s, TRL {TRL} {theirs:.0}: {:.2}x",
            ours / theirs
        );
    }
    println!("median of {rounds} rounds: {:.2}x", median(&mut ratios));
    Ok(())
}

/// The stage of benches/grpo-cpu.yaml by the worker's own program.
fn ours(steps: usize) -> Result<f64> {
    let text = std::fs::read_to_string(shell::root().join("benches/grpo-cpu.yaml"))?;
    let folder = std::env::temp_dir().join(format!("assay-bench-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;
    let spec = folder.join("spec.yaml");
    std::fs::write(
        &spec,
        text.replace("max_steps: 20", &format!("max_steps: {steps}")),
    )?;
    let out = folder.join("out");
    let worker = shell::target_folder()?.join("debug/assay-worker");
    shell::output(
        Command::new(worker)
            .arg("train")
            .arg(&spec)
            .args(["--arm", "grpo", "--device", "cpu", "--out"])
            .arg(&out),
    )?;
    let mut speeds = vec![];
    for stage in std::fs::read_dir(out.join("stages"))?.flatten() {
        let records = std::fs::read_to_string(stage.path().join("records.jsonl"))?;
        for line in records.lines() {
            let record: serde_json::Value = serde_json::from_str(line)?;
            if record["metrics"]["perf/rollout_ms"].is_number() {
                speeds.push(
                    record["metrics"]["perf/tokens_per_second"]
                        .as_f64()
                        .context("a speed")?,
                );
            }
        }
    }
    std::fs::remove_dir_all(&folder)?;
    counted(speeds)
}

fn theirs(python: &Path, steps: usize) -> Result<f64> {
    let script = shell::root().join("benches/trl_grpo.py");
    let printed = shell::output(
        Command::new(python)
            .arg(script)
            .arg(steps.to_string())
            .envs([("OMP_NUM_THREADS", "2"), ("HF_HUB_OFFLINE", "1")]),
    )?;
    let line = printed
        .lines()
        .rev()
        .find(|l| l.starts_with('{'))
        .context("TRL printed no result")?;
    let result: serde_json::Value = serde_json::from_str(line)?;
    let seconds = result["seconds"]
        .as_array()
        .context("TRL printed no seconds")?;
    counted(
        seconds
            .iter()
            .filter_map(serde_json::Value::as_f64)
            .map(|s| COMPLETION_TOKENS / s)
            .collect(),
    )
}

/// Median after the warm-up.
fn counted(speeds: Vec<f64>) -> Result<f64> {
    let mut speeds: Vec<f64> = speeds.into_iter().skip(WARM_UP).collect();
    if speeds.is_empty() {
        bail!("no step was measured");
    }
    Ok(median(&mut speeds))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) {
        (values[middle - 1] + values[middle]) / 2.0
    } else {
        values[middle]
    }
}

/// A Python with TRL, in the cache: installed once (several gigabytes with its torch).
fn trl() -> Result<PathBuf> {
    let folder = libtorch::cache_folder()?.join(format!("trl-{TRL}"));
    let python = folder.join("bin/python");
    let ready = folder.join("ready");
    if !ready.exists() {
        println!(
            "installing TRL {TRL} into {} (several GB, minutes)",
            folder.display()
        );
        shell::phase(
            "make an environment",
            Command::new("python3").args(["-m", "venv"]).arg(&folder),
        )?;
        let wanted = [
            format!("trl=={TRL}"),
            format!("torch=={}", libtorch::VERSION),
        ];
        shell::phase(
            "install TRL",
            Command::new(&python)
                .args(["-m", "pip", "install", "--quiet"])
                .args(&wanted),
        )?;
        std::fs::write(&ready, "")?;
    }
    Ok(python)
}
