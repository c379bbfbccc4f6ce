//! Running programs, telling how long they took, and stopping when asked to.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, kill, sigaction};
use nix::unistd::Pid;

/// The repository's root: xtask is built inside it.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_path_buf)
        .unwrap_or_default()
}

/// The cargo that runs us, in the repository's root, linking against the view of libtorch.
pub fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(root())
        .env("LIBTORCH", root().join(".libtorch"));
    // Queries are checked against the committed .sqlx/, whatever the caller's database is.
    cargo.env("SQLX_OFFLINE", "true").env_remove("DATABASE_URL");
    cargo
}

/// Where cargo puts what it builds.
pub fn target_folder() -> Result<PathBuf> {
    let told = cargo()
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .context("cannot run cargo metadata")?;
    let metadata: serde_json::Value =
        serde_json::from_slice(&told.stdout).context("cargo metadata gave no JSON")?;
    let folder = metadata["target_directory"]
        .as_str()
        .context("cargo metadata names no target folder")?;
    Ok(PathBuf::from(folder))
}

/// One phase of a longer command: says what it does and, at its end, how long it took.
pub fn phase(name: &str, command: &mut Command) -> Result<()> {
    eprintln!("==> {name}");
    let begun = Instant::now();
    let status = command
        .status()
        .with_context(|| format!("cannot run {}", command.get_program().to_string_lossy()))?;
    if !status.success() {
        bail!(
            "{name} failed ({status}) after {:.1} s",
            begun.elapsed().as_secs_f64()
        );
    }
    eprintln!("    {name}: {:.1} s", begun.elapsed().as_secs_f64());
    Ok(())
}

/// The text that a program prints, or why it failed, in one line.
pub fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let done = command
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    if !done.status.success() {
        let text = String::from_utf8_lossy(&done.stderr).into_owned();
        let line = text
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty())
            .unwrap_or("no reason given");
        bail!("{program} failed ({}): {}", done.status, line.trim());
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

/// Does a program by this name start?
pub fn is_there(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .output()
        .is_ok_and(|done| done.status.success())
}

static STOPPED: AtomicBool = AtomicBool::new(false);

extern "C" fn note_stop(_: i32) {
    STOPPED.store(true, Ordering::SeqCst);
}

/// From now on Ctrl-C and SIGTERM are noted instead of ending us at once.
pub fn catch_stop() -> Result<()> {
    let action = SigAction::new(
        SigHandler::Handler(note_stop),
        SaFlags::SA_RESTART,
        SigSet::empty(),
    );
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        // SAFETY: the handler only stores into an atomic.
        unsafe { sigaction(signal, &action) }.context("cannot catch signals")?;
    }
    Ok(())
}

pub fn stopped() -> bool {
    STOPPED.load(Ordering::SeqCst)
}

/// Waits until the child ends (`Some`) or we are told to stop (`None`).
pub fn wait_or_stop(child: &mut Child) -> Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if stopped() {
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Asks a child to end, and makes it end when it does not within `limit`.
pub fn end(child: &mut Child, limit: Duration) {
    let pid = Pid::from_raw(child.id().cast_signed());
    if matches!(child.try_wait(), Ok(Some(_))) {
        return;
    }
    let _ = kill(pid, Signal::SIGTERM);
    let deadline = Instant::now() + limit;
    while Instant::now() < deadline {
        if matches!(child.try_wait(), Ok(Some(_))) {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// The status that a plain `GET` is answered with.
pub fn http_status(host_and_port: &str, path: &str) -> Option<u16> {
    http(host_and_port, "GET", path, &[], "").map(|(status, _)| status)
}

/// One HTTP/1.0 request, without a client library: status and body.
pub fn http(
    host_and_port: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Option<(u16, String)> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(host_and_port).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .ok()?;
    let mut request = format!("{method} {path} HTTP/1.0\r\nHost: {host_and_port}\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let text = String::from_utf8_lossy(&answer);
    let status = text.split_whitespace().nth(1)?.parse().ok()?;
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Some((status, body.to_owned()))
}
