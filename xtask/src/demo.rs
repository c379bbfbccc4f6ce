//! `cargo xtask demo`: from a clone to a comparison page.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;

use crate::{libtorch, shell};

const START_LIMIT: Duration = Duration::from_secs(120);
const STOP_LIMIT: Duration = Duration::from_secs(90);

#[derive(clap::Args)]
pub struct Args {
    /// End when the experiment is done; fail if a run failed
    #[arg(long)]
    exit: bool,
    /// Serve on 127.0.0.1 at this port
    #[arg(long, default_value_t = 8337)]
    port: u16,
    /// Data folder [default: the one of `assay up`]
    #[arg(long)]
    data: Option<PathBuf>,
    /// The experiment: a file, or `preset:NAME`
    #[arg(long, default_value = "preset:r1-miniature")]
    experiment: String,
    /// The small experiment of three arms: two to four minutes
    #[arg(long, conflicts_with_all = ["experiment", "full"])]
    quick: bool,
    /// The preset at the size that results are published from: hours
    #[arg(long)]
    full: bool,
}

pub fn run(args: &Args) -> Result<()> {
    shell::catch_stop()?;
    let address = format!("127.0.0.1:{}", args.port);
    if TcpListener::bind(&address).is_err() {
        bail!("{address} is taken: end what listens there, or choose another port with --port");
    }
    eprintln!("{}", libtorch::ensure(false)?);
    shell::phase(
        "cargo build --workspace",
        shell::cargo().args(["build", "--workspace"]),
    )?;
    let target = shell::target_folder()?;
    let assay = target.join("debug/assay");
    let log = target.join("assay-demo.log");

    let mut server = start(&assay, args, &address, &log)?;
    let shown = show(&assay, args, &address, &log, &mut server);
    shell::end(&mut server, STOP_LIMIT);
    shown
}

fn start(assay: &Path, args: &Args, address: &str, log: &Path) -> Result<Child> {
    let output = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let mut up = Command::new(assay);
    up.args(["up", "--listen", address]);
    if let Some(data) = &args.data {
        up.arg("--data").arg(data);
    }
    // Its own group: a Ctrl-C in the terminal reaches it through us alone.
    up.process_group(0).stdin(Stdio::null());
    up.stdout(output.try_clone()?).stderr(output);
    // SAFETY: one system call between fork and exec.
    unsafe {
        up.pre_exec(|| Ok(set_pdeathsig(Signal::SIGTERM)?));
    }
    up.spawn()
        .with_context(|| format!("cannot start {}", assay.display()))
}

fn show(assay: &Path, args: &Args, address: &str, log: &Path, server: &mut Child) -> Result<()> {
    wait_until_healthy(address, log, server)?;
    let url = format!("http://{address}");
    println!("Assay: {url}/    (log: {})", log.display());

    let submit = shell::output(
        Command::new(assay)
            .args(submission(args))
            .args(["--server", &url]),
    )
    .context("assay submit")?;
    let page = submit
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default()
        .trim();
    let Some(id) = page
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .filter(|id| !id.is_empty())
    else {
        bail!("`assay submit` named no experiment: {submit}");
    };
    println!("Experiment: {page}");

    let mut watch = Command::new(assay)
        .args(["watch", id, "--exit", "--server", &url])
        .spawn()?;
    let watched = loop {
        if let Some(status) = watch.try_wait()? {
            break status;
        }
        if shell::stopped() {
            shell::end(&mut watch, Duration::from_secs(5));
            bail!("stopped before the experiment was done");
        }
        if let Some(status) = server.try_wait()? {
            shell::end(&mut watch, Duration::from_secs(5));
            bail!("the server ended ({status}): {}", last_line(log));
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    if shell::stopped() {
        bail!("stopped before the experiment was done");
    }
    let compared = Command::new(assay)
        .args(["compare", id, "--server", &url])
        .status()?;
    if args.exit {
        if !watched.success() {
            bail!(
                "not every run succeeded: see `assay watch`'s lines above and {}",
                log.display()
            );
        }
        if !compared.success() {
            bail!("`assay compare {id}` failed ({compared})");
        }
        return Ok(());
    }
    println!("Serving {page} until Ctrl-C");
    match shell::wait_or_stop(server)? {
        Some(status) => bail!("the server ended ({status}): {}", last_line(log)),
        None => Ok(()),
    }
}

fn submission(args: &Args) -> Vec<&str> {
    let experiment = if args.quick {
        "preset:quick"
    } else {
        &args.experiment
    };
    let mut submit = vec!["submit", experiment];
    if args.full {
        submit.push("--full");
    }
    submit
}

fn wait_until_healthy(address: &str, log: &Path, server: &mut Child) -> Result<()> {
    let deadline = Instant::now() + START_LIMIT;
    loop {
        if shell::http_status(address, "/healthz") == Some(200) {
            return Ok(());
        }
        if let Some(status) = server.try_wait()? {
            bail!("`assay up` ended ({status}): {}", last_line(log));
        }
        if shell::stopped() {
            bail!("stopped before the server was up");
        }
        if Instant::now() > deadline {
            bail!(
                "{address}/healthz did not answer within {START_LIMIT:?}: see {}",
                log.display()
            );
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn last_line(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let line = text.lines().rev().find(|line| !line.trim().is_empty());
    line.map_or_else(|| format!("see {}", log.display()), str::to_owned)
}
