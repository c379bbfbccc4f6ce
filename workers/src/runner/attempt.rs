//! One attempt, seen from outside: start the child, pass its records on, keep
//! the lease, report the end. What the child says is kept until the server has
//! it (files on disk, records in memory), so that a server that is away for
//! minutes loses nothing.

use super::client::{Client, ClientError};
use super::load::Latest;
use super::spool::Spool;
use crate::child::{ENVIRONMENT, Job};
use crate::recorder::STOP;
use assay_core::ids::{AttemptRef, WorkerId};
use assay_core::tail::Tail;
use assay_core::wire::{
    ArtifactRef, Claim, FailureClass, FinishRequest, HEARTBEAT_SECONDS, Outcome,
};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

#[derive(Debug, Clone)]
pub struct Setup {
    pub client: Client,
    pub worker: WorkerId,
    pub device: String,
    pub work: PathBuf,
    pub data: Option<PathBuf>,
    /// A child that sends no record for so long is taken to hang.
    pub stall_limit: Duration,
    /// How busy the machine is.
    pub load: Latest,
}

/// How long the child may go on while the server is away.
const AWAY_LIMIT: Duration = Duration::from_secs(600);
/// Between a polite signal and a final one.
const GRACE: Duration = Duration::from_secs(20);

/// What the threads of one attempt share.
#[derive(Debug, Default)]
struct Shared {
    /// Step of the latest record.
    step: AtomicU64,
    /// The server gave the stage to somebody else.
    fenced: AtomicBool,
    /// Nobody needs the stage any more.
    cancelled: AtomicBool,
    /// The child has ended.
    over: AtomicBool,
    /// What the child prints, and what the supervisor has to say of it.
    log: Mutex<Tail>,
}

impl Shared {
    fn tail(&self) -> MutexGuard<'_, Tail> {
        self.log
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn log(&self) -> Vec<String> {
        self.tail().lines()
    }
}

pub fn run(setup: &Setup, claim: Claim) {
    let attempt = AttemptRef {
        stage: claim.stage,
        number: claim.attempt,
    };
    let folder = setup
        .work
        .join(format!("{}-{}", attempt.stage, attempt.number));
    eprintln!("{attempt}: {} started", claim.spec.job.kind());
    match supervise(setup, &claim, attempt, &folder) {
        Ok(outcome) => eprintln!("{attempt}: {}", describe(&outcome)),
        Err(error) => eprintln!("{attempt}: given up: {error}"),
    }
    let _ = std::fs::remove_dir_all(&folder);
}

fn describe(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Succeeded => "succeeded".into(),
        Outcome::Preempted => "stopped, progress saved".into(),
        Outcome::Cancelled => "cancelled".into(),
        Outcome::Failed { class, message, .. } => format!("failed ({}): {message}", class.word()),
    }
}

fn supervise(
    setup: &Setup,
    claim: &Claim,
    attempt: AttemptRef,
    folder: &Path,
) -> Result<Outcome, ClientError> {
    let shared = Arc::new(Shared::default());
    shared.tail().push(&format!(
        "attempt {}: {} begins",
        attempt.number,
        claim.spec.job.kind()
    ));
    let io = |e: std::io::Error| ClientError::Away(e.to_string());
    std::fs::create_dir_all(folder).map_err(io)?;
    let beat = {
        let (shared, setup) = (shared.clone(), setup.clone());
        std::thread::spawn(move || heartbeats(&shared, &setup, attempt))
    };
    let started = prepare(setup, claim, folder).and_then(|()| start(folder).map_err(io));
    let result = match started {
        Ok(child) => follow(setup, attempt, folder, child, &shared),
        Err(error) => {
            // Inputs that cannot be had are this machine's misfortune, not the job's end.
            let outcome = crash(format!("the attempt could not start: {error}"), vec![]);
            report(setup, attempt, 0, outcome, &shared)
        }
    };
    shared.over.store(true, Ordering::Relaxed);
    let _ = beat.join();
    result
}

/// Fetches input files and writes the child's job.
fn prepare(setup: &Setup, claim: &Claim, folder: &Path) -> Result<(), ClientError> {
    let cache = setup.work.join("inputs");
    std::fs::create_dir_all(&cache).map_err(|e| ClientError::Away(e.to_string()))?;
    let fetch = |artifact: &ArtifactRef| {
        let path = cache.join(&artifact.sha256);
        if !path.exists() {
            with_patience(|| setup.client.download(&artifact.sha256, &path))?;
        }
        Ok::<_, ClientError>(path)
    };
    let job = Job {
        spec: claim.spec.clone(),
        device: setup.device.clone(),
        inputs: claim
            .inputs
            .iter()
            .map(|(role, a)| Ok((*role, fetch(a)?)))
            .collect::<Result<_, ClientError>>()?,
        resume: claim.resume.as_ref().map(fetch).transpose()?,
        data: setup.data.clone(),
    };
    let text = serde_json::to_vec(&job).map_err(|e| ClientError::Away(e.to_string()))?;
    std::fs::write(folder.join("job.json"), text).map_err(|e| ClientError::Away(e.to_string()))
}

fn start(folder: &Path) -> std::io::Result<Child> {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("attempt")
        .arg(folder)
        .envs(ENVIRONMENT)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // A group of its own: a Ctrl-C at the terminal reaches the supervisor alone, which passes it on once.
    command.process_group(0);
    // SAFETY: prctl is async-signal-safe. The thread that forks lives until the child has ended.
    unsafe {
        command.pre_exec(|| {
            nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).map_err(std::io::Error::from)
        });
    }
    command.spawn()
}

/// Passes records on until the child has ended and everything has arrived, then reports.
fn follow(
    setup: &Setup,
    attempt: AttemptRef,
    folder: &Path,
    mut child: Child,
    shared: &Arc<Shared>,
) -> Result<Outcome, ClientError> {
    let pid = Pid::from_raw(child.id() as i32);
    let (lines, incoming) = std::sync::mpsc::channel::<String>();
    let out = child.stdout.take().map(|out| {
        std::thread::spawn(move || {
            BufReader::new(out)
                .lines()
                .map_while(Result::ok)
                .for_each(|l| drop(lines.send(l)));
        })
    });
    let err = child.stderr.take().map(|err| {
        let shared = shared.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(err).lines().map_while(Result::ok) {
                shared.tail().push(&line);
            }
        })
    });
    let mut spool = Spool::new(setup, attempt, folder);
    let mut asked: Option<Instant> = None;
    let mut status = None;
    let mut drained = false;
    let mut hung = None;
    let refused = loop {
        match incoming.recv_timeout(Duration::from_millis(200)) {
            Ok(line) => take(&mut spool, &line, shared),
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => drained = true,
        }
        while let Ok(line) = incoming.try_recv() {
            take(&mut spool, &line, shared);
        }
        // Before sending, which may take minutes: all that the child has said is taken.
        if status.is_none() && asked.is_none() && spool.heard.elapsed() > setup.stall_limit {
            hung = Some(setup.stall_limit);
            let _ = child.kill();
        }
        match spool.send() {
            Err(ClientError::LeaseLost) => shared.fenced.store(true, Ordering::Relaxed),
            Err(error @ ClientError::Refused { .. }) => break Some(error),
            Err(ClientError::Away(_)) | Ok(()) => {}
        }
        if shared.fenced.load(Ordering::Relaxed) || spool.reached.elapsed() > AWAY_LIMIT {
            let _ = child.kill();
            let _ = child.wait();
            return Err(ClientError::LeaseLost);
        }
        if STOP.load(Ordering::Relaxed) || shared.cancelled.load(Ordering::Relaxed) {
            let since = *asked.get_or_insert_with(|| {
                // Once waited for, its number may be another process's.
                if status.is_none() {
                    let _ = kill(pid, Signal::SIGTERM);
                }
                Instant::now()
            });
            if since.elapsed() > GRACE {
                let _ = child.kill();
            }
        }
        if status.is_none() {
            status = child.try_wait().ok().flatten();
        }
        if drained && status.is_some() && spool.is_empty() {
            break None;
        }
        if drained && status.is_some() {
            // Only the server is missing; do not ask it more than a few times a second.
            std::thread::sleep(Duration::from_millis(200));
        }
    };
    if refused.is_some() {
        // What follows these records can never arrive.
        let _ = child.kill();
        let _ = child.wait();
    }
    for thread in [out, err].into_iter().flatten() {
        let _ = thread.join();
    }
    let outcome = match refused {
        Some(error) => crash(error.to_string(), shared.log()),
        None => outcome(folder, status, hung, shared),
    };
    report(setup, attempt, spool.last_seq(), outcome, shared)
}

/// Takes a line of the child's; what is worth a line goes to the log too.
fn take(spool: &mut Spool<'_>, line: &str, shared: &Shared) {
    if let Some(said) = spool.take(line, &shared.step) {
        shared.tail().push(&said);
    }
}

/// The child's last word, or what its death says.
fn outcome(
    folder: &Path,
    status: Option<std::process::ExitStatus>,
    hung: Option<Duration>,
    shared: &Shared,
) -> Outcome {
    if shared.cancelled.load(Ordering::Relaxed) {
        return Outcome::Cancelled;
    }
    let log = shared.log();
    let said = std::fs::read(folder.join("outcome.json"))
        .ok()
        .and_then(|b| serde_json::from_slice(&b).ok());
    match said {
        Some(Outcome::Failed {
            class,
            message,
            step,
            metric,
            ..
        }) => Outcome::Failed {
            class,
            message,
            step,
            metric,
            log,
        },
        Some(outcome) => outcome,
        None => {
            let status = status.map_or_else(|| "without a status".into(), |s| s.to_string());
            crash(
                match hung {
                    None => format!("the process ended without a result ({status})"),
                    Some(limit) => format!(
                        "the process hung: it sent no record for {} s (the worker's --stall-limit)",
                        limit.as_secs()
                    ),
                },
                log,
            )
        }
    }
}

fn crash(message: String, log: Vec<String>) -> Outcome {
    Outcome::Failed {
        class: FailureClass::Crash,
        message,
        step: None,
        metric: None,
        log,
    }
}

fn report(
    setup: &Setup,
    attempt: AttemptRef,
    last_seq: u64,
    outcome: Outcome,
    shared: &Shared,
) -> Result<Outcome, ClientError> {
    if shared.fenced.load(Ordering::Relaxed) {
        return Err(ClientError::LeaseLost);
    }
    // A failure brings its log along; of other ends the last lines go before it, if they can.
    let is_failure = matches!(outcome, Outcome::Failed { .. });
    if let Some(log) = shared.tail().news().filter(|_| !is_failure) {
        let step = Some(shared.step.load(Ordering::Relaxed));
        let _ = setup
            .client
            .heartbeat(setup.worker, attempt, step, Some(log), None);
    }
    let request = FinishRequest {
        worker: setup.worker,
        last_seq,
        outcome: outcome.clone(),
    };
    with_patience(|| setup.client.finish(attempt, &request))?;
    Ok(outcome)
}

/// Repeats what fails because the server is away, up to the limit.
fn with_patience<T>(mut each: impl FnMut() -> Result<T, ClientError>) -> Result<T, ClientError> {
    let started = Instant::now();
    let mut pause = Duration::from_millis(200);
    loop {
        match each() {
            Err(ClientError::Away(_)) if started.elapsed() < AWAY_LIMIT => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_secs(5));
            }
            other => return other,
        }
    }
}

/// Renews the lease every ten seconds until the child has ended; what it has printed since
/// goes along.
fn heartbeats(shared: &Shared, setup: &Setup, attempt: AttemptRef) {
    let mut due = Instant::now() + Duration::from_secs(HEARTBEAT_SECONDS);
    while !shared.over.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(100));
        if Instant::now() < due {
            continue;
        }
        due = Instant::now() + Duration::from_secs(HEARTBEAT_SECONDS);
        let step = Some(shared.step.load(Ordering::Relaxed));
        let log = shared.tail().news();
        let is_news = log.is_some();
        let load = setup.load.take();
        match setup
            .client
            .heartbeat(setup.worker, attempt, step, log, load)
        {
            Ok(answer) if answer.cancel => shared.cancelled.store(true, Ordering::Relaxed),
            Ok(_) => {}
            Err(ClientError::Away(_)) => {
                if is_news {
                    shared.tail().unsaid();
                }
            }
            Err(ClientError::LeaseLost | ClientError::Refused { .. }) => {
                shared.fenced.store(true, Ordering::Relaxed);
            }
        }
    }
}
