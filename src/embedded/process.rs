//! The `postgres` process: started as a direct child from a thread that lives as
//! long as we do, ended by the kernel (a clean shutdown) if we are killed.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpid, getppid};

use super::account::Account;

const START_LIMIT: Duration = Duration::from_secs(120);
const STOP_LIMIT: Duration = Duration::from_secs(60);
const LEFTOVER_LIMIT: Duration = Duration::from_secs(30);
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// Everything needed to start `postgres` again.
pub(super) struct Plan {
    pub program: PathBuf,
    pub pgdata: PathBuf,
    pub socket_folder: PathBuf,
    pub log: PathBuf,
    pub settings: Vec<(&'static str, String)>,
    pub account: Account,
}

pub(super) type Started = Result<u32, String>;
pub(super) type Stopped = Result<(), String>;

/// A command that runs as the account, without our environment, in no terminal's group.
pub(super) fn command(program: &Path, account: &Account) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("LC_ALL", "C")
        .env("TZ", "UTC");
    command.current_dir("/").process_group(0);
    if account.switch {
        command.uid(account.uid).gid(account.gid);
    }
    command
}

/// The life of the supervising thread. Reports the first start, then keeps
/// Postgres running until `stop` says a word or is dropped.
pub(super) fn supervise(plan: &Plan, first: &Sender<Started>, stop: &Receiver<()>) -> Stopped {
    let mut child = match start(plan) {
        Ok(child) => {
            let _ = first.send(Ok(child.id()));
            child
        }
        Err(error) => {
            let _ = first.send(Err(error));
            return Ok(());
        }
    };
    loop {
        match stop.recv_timeout(Duration::from_millis(200)) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return end(&mut child),
        }
        let Ok(Some(status)) = child.try_wait() else {
            continue;
        };
        eprintln!(
            "Postgres ended by itself ({status}); starting it again, see {}",
            plan.log.display()
        );
        child = loop {
            match start(plan) {
                Ok(child) => break child,
                Err(error) => eprintln!("Postgres did not start again: {error}"),
            }
            match stop.recv_timeout(RESTART_PAUSE) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        };
    }
}

fn start(plan: &Plan) -> Result<Child, String> {
    clear_leftovers(plan)?;
    let log =
        open_log(&plan.log).map_err(|e| format!("cannot write {}: {e}", plan.log.display()))?;
    let log_start = log.metadata().map_or(0, |meta| meta.len());
    let mut command = command(&plan.program, &plan.account);
    command.arg("-D").arg(&plan.pgdata);
    for (name, value) in &plan.settings {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(|e| e.to_string())?)
        .stderr(log);
    let parent = getpid();
    // SAFETY: between fork and exec only system calls are made: no allocation, no lock.
    unsafe {
        // std changes the uid before this runs, which matters: the kernel clears
        // the death signal on such a change.
        command.pre_exec(move || {
            set_pdeathsig(Signal::SIGINT)?;
            if getppid() != parent {
                return Err(io::Error::other("the parent is gone"));
            }
            Ok(())
        });
    }
    let mut child = command
        .spawn()
        .map_err(|e| format!("cannot start {}: {e}", plan.program.display()))?;
    let deadline = Instant::now() + START_LIMIT;
    loop {
        if ready(&plan.pgdata, child.id()) {
            return Ok(child);
        }
        if let Ok(Some(status)) = child.try_wait() {
            return Err(format!(
                "Postgres ended at its start ({status}): {}",
                reason(&plan.log, log_start)
            ));
        }
        if Instant::now() > deadline {
            let _ = end(&mut child);
            return Err(format!(
                "Postgres was not ready in {START_LIMIT:?}: see {}",
                plan.log.display()
            ));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Postgres writes its state into the last line of its pid file.
fn ready(pgdata: &Path, pid: u32) -> bool {
    fs::read_to_string(pgdata.join("postmaster.pid")).is_ok_and(|text| {
        let mut lines = text.lines();
        lines.next().and_then(|line| line.trim().parse().ok()) == Some(pid)
            && lines.nth(6).is_some_and(|line| line.trim() == "ready")
    })
}

/// A fast shutdown, then an immediate one (the log is replayed at the next start).
fn end(child: &mut Child) -> Stopped {
    for (signal, limit) in [
        (Signal::SIGINT, STOP_LIMIT),
        (Signal::SIGQUIT, Duration::from_secs(10)),
        (Signal::SIGKILL, Duration::from_secs(10)),
    ] {
        let _ = kill(Pid::from_raw(child.id().cast_signed()), signal);
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if let Ok(Some(_)) = child.try_wait() {
                return match signal {
                    Signal::SIGINT => Ok(()),
                    other => Err(format!("Postgres had to be ended by {other}")),
                };
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    Err("Postgres could not be ended".to_owned())
}

/// We hold the folder's lock, so whatever still works in it is left over from a
/// process that was killed: usually a Postgres that is just shutting down.
fn clear_leftovers(plan: &Plan) -> Result<(), String> {
    let pgdata = &plan.pgdata;
    let begun = Instant::now();
    let mut asked = false;
    loop {
        let left = processes_in(pgdata);
        let Some(&first) = left.first() else { break };
        if begun.elapsed() > LEFTOVER_LIMIT {
            return Err(format!(
                "process {first} of an earlier start still works in {}: end it, then start again",
                pgdata.display()
            ));
        }
        if !asked && begun.elapsed() > Duration::from_secs(2) {
            asked = true;
            if let Some(pid) =
                first_number(&pgdata.join("postmaster.pid")).filter(|pid| left.contains(pid))
            {
                let _ = kill(Pid::from_raw(pid), Signal::SIGINT);
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    // Their number may belong to somebody else by now, or to a zombie that nobody
    // reaps; Postgres itself clears only what belongs to no process at all.
    let sockets = fs::read_dir(&plan.socket_folder)
        .into_iter()
        .flatten()
        .flatten();
    let locks = sockets
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "lock"));
    for file in locks.chain([pgdata.join("postmaster.pid")]) {
        if first_number(&file).is_some_and(|pid| kill(Pid::from_raw(pid), None).is_ok()) {
            fs::remove_file(&file)
                .map_err(|e| format!("cannot remove the stale {}: {e}", file.display()))?;
        }
    }
    Ok(())
}

/// Pid and lock files begin with a process's number.
fn first_number(file: &Path) -> Option<i32> {
    fs::read_to_string(file)
        .ok()?
        .lines()
        .next()?
        .trim()
        .parse()
        .ok()
}

/// Every process of a cluster has the cluster's folder as its working folder.
/// (A zombie has none; somebody's shell is not a `postgres`.)
fn processes_in(pgdata: &Path) -> Vec<i32> {
    let own = std::process::id();
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == pgdata))
        .filter(|entry| {
            fs::read_to_string(entry.path().join("comm"))
                .is_ok_and(|name| name.starts_with("postgres"))
        })
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|&pid: &i32| pid.cast_unsigned() != own)
        .collect()
}

fn open_log(path: &Path) -> io::Result<File> {
    const KEEP: u64 = 16 << 20;
    let long = fs::metadata(path).is_ok_and(|meta| meta.len() > KEEP);
    if long {
        fs::rename(path, path.with_extension("log.1"))?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

/// The line of the log, written since `from`, that tells most.
fn reason(log: &Path, from: u64) -> String {
    let text = fs::read(log).unwrap_or_default();
    let new = String::from_utf8_lossy(
        text.get(usize::try_from(from).unwrap_or(0)..)
            .unwrap_or(&[]),
    )
    .into_owned();
    let telling = new
        .lines()
        .rfind(|line| line.contains("FATAL:") || line.contains("PANIC:"));
    match telling.or_else(|| new.lines().last()) {
        Some(line) => format!("{line} ({})", log.display()),
        None => format!("see {}", log.display()),
    }
}
