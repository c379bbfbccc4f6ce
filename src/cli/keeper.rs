//! Keeps a worker process running beside the server: starts it, starts it again
//! when it dies, stops it when the server stops.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A worker that lived so long was healthy: the next pause is short again.
const HEALTHY: Duration = Duration::from_secs(60);
/// Enough for its attempts to finish a step and save.
const GRACE: Duration = Duration::from_secs(45);

#[derive(Debug, Clone)]
pub(crate) struct WorkerCommand {
    pub(crate) program: PathBuf,
    pub(crate) server: String,
    pub(crate) token_file: PathBuf,
    pub(crate) threads: usize,
}

/// `ASSAY_WORKER`, else beside this program, else on the PATH.
pub(crate) fn find_worker() -> Option<PathBuf> {
    const NAME: &str = "assay-worker";
    if let Some(given) = std::env::var_os("ASSAY_WORKER").filter(|value| !value.is_empty()) {
        return Some(given.into());
    }
    let beside = std::env::current_exe()
        .ok()
        .and_then(|own| Some(own.parent()?.join(NAME)));
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    beside
        .into_iter()
        .chain(std::env::split_paths(&on_path).map(|folder| folder.join(NAME)))
        .find(|candidate| is_program(candidate))
}

fn is_program(path: &Path) -> bool {
    path.is_file() && nix::unistd::access(path, nix::unistd::AccessFlags::X_OK).is_ok()
}

#[derive(Debug, Default)]
struct Shared {
    stopping: bool,
    /// Set between the start of the worker and its end.
    pid: Option<Pid>,
}

#[derive(Debug)]
pub(crate) struct Keeper {
    shared: Arc<(Mutex<Shared>, Condvar)>,
    thread: JoinHandle<()>,
}

impl Keeper {
    /// The worker's own thread: the kernel ends a child with the *thread* that
    /// made it (PDEATHSIG), so that thread stays.
    pub(crate) fn start(command: WorkerCommand) -> std::io::Result<Self> {
        let shared = Arc::new((Mutex::new(Shared::default()), Condvar::new()));
        let own = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("worker-keeper".into())
            .spawn(move || keep(&command, &own.0, &own.1))?;
        Ok(Self { shared, thread })
    }

    /// SIGTERM, time to save, then SIGKILL. Blocks.
    pub(crate) fn stop(self) {
        let (state, changed) = &*self.shared;
        let mut shared = lock(state);
        shared.stopping = true;
        changed.notify_all();
        if let Some(pid) = shared.pid {
            let _ = kill(pid, Signal::SIGTERM);
        }
        let waited = changed
            .wait_timeout_while(shared, GRACE, |shared| shared.pid.is_some())
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(pid) = waited.0.pid {
            tracing::warn!("the worker did not end by itself; killing it");
            let _ = kill(pid, Signal::SIGKILL);
        }
        drop(waited);
        let _ = self.thread.join();
    }
}

fn lock(state: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn keep(command: &WorkerCommand, state: &Mutex<Shared>, changed: &Condvar) {
    let mut pause = FIRST_PAUSE;
    loop {
        let begun = Instant::now();
        let started = {
            let mut shared = lock(state);
            if shared.stopping {
                return;
            }
            let started = spawn(command);
            if let Ok(child) = &started {
                shared.pid = Some(Pid::from_raw(child.id().cast_signed()));
            }
            started
        };
        let end = started.and_then(|mut child| wait(&mut child, state, changed));
        if begun.elapsed() > HEALTHY {
            pause = FIRST_PAUSE;
        }
        let shared = lock(state);
        if shared.stopping {
            return;
        }
        match end {
            Ok(status) => {
                tracing::warn!(%status, "the worker ended; starting it again in {pause:?}");
            }
            Err(error) => {
                let program = command.program.display();
                tracing::warn!(%error, %program, "cannot start the worker; trying again in {pause:?}");
            }
        }
        let waited = changed
            .wait_timeout_while(shared, pause, |shared| !shared.stopping)
            .unwrap_or_else(PoisonError::into_inner);
        drop(waited);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Learns of the end without reaping, so that the pid is nobody else's while
/// `stop` may still signal it.
fn wait(
    child: &mut Child,
    state: &Mutex<Shared>,
    changed: &Condvar,
) -> std::io::Result<std::process::ExitStatus> {
    use nix::sys::wait::{Id, WaitPidFlag, waitid};
    let pid = Pid::from_raw(child.id().cast_signed());
    while waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT)
        == Err(nix::errno::Errno::EINTR)
    {}
    let mut shared = lock(state);
    shared.pid = None;
    let status = child.wait();
    changed.notify_all();
    status
}

fn spawn(worker: &WorkerCommand) -> std::io::Result<Child> {
    let mut command = Command::new(&worker.program);
    command
        .arg("run")
        .args(["--server", &worker.server])
        .arg("--token-file")
        .arg(&worker.token_file)
        .args(["--threads", &worker.threads.to_string()])
        // Ctrl-C in the terminal is for us to pass on.
        .process_group(0)
        .stdin(std::process::Stdio::null());
    // SAFETY: prctl is async-signal-safe and touches nothing of ours.
    unsafe {
        command.pre_exec(|| {
            nix::sys::prctl::set_pdeathsig(Signal::SIGTERM).map_err(std::io::Error::from)
        });
    }
    command.spawn()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A worker that notes each start in the token file's place and then obeys `body`.
    fn worker(folder: &Path, body: &str) -> WorkerCommand {
        use std::os::unix::fs::PermissionsExt;
        let program = folder.join("worker");
        let starts = folder.join("starts");
        std::fs::write(
            &program,
            format!("#!/bin/sh\necho x >> {}\n{body}\n", starts.display()),
        )
        .unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        WorkerCommand {
            program,
            server: "http://127.0.0.1:1".into(),
            token_file: "t".into(),
            threads: 1,
        }
    }

    fn folder() -> PathBuf {
        let folder = std::env::temp_dir().join(format!("assay-keeper-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn wait_for_starts(folder: &Path, n: usize) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let starts = || {
            std::fs::read_to_string(folder.join("starts"))
                .unwrap_or_default()
                .lines()
                .count()
        };
        while starts() < n {
            assert!(Instant::now() < deadline, "{} of {n} starts", starts());
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_worker_that_dies_is_started_again() {
        let folder = folder();
        let keeper = Keeper::start(worker(&folder, "exit 3")).unwrap();
        wait_for_starts(&folder, 2);
        keeper.stop();
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn stopping_ends_the_worker_and_waits_for_it() {
        let folder = folder();
        let body = "trap 'exit 0' TERM\nwhile :; do sleep 0.05; done";
        let keeper = Keeper::start(worker(&folder, body)).unwrap();
        wait_for_starts(&folder, 1);
        let pid = lock(&keeper.shared.0).pid.unwrap();
        keeper.stop();
        assert_eq!(kill(pid, None), Err(nix::errno::Errno::ESRCH));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
