//! One cluster in one data folder: made once, locked, started, stopped.
//!
//! ```text
//! DATA/lock                exclusive while a server uses the folder
//! DATA/postgres/           the cluster's files
//! DATA/postgres.bin        the folder of the binaries that it uses
//! DATA/postgres.log        what Postgres says
//! DATA/postgres.password   of the role `assay`, 0600
//! DATA/run/                its socket, 0700
//! ```

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};

use super::account::Account;
use super::bundle::{self, Bundle, BundleError};
use super::folder::{
    fill_random, free_port, make_folder, new_password, percent_encoded, take_folder,
};
use super::process::{self, Plan, Stopped};

const DATABASE: &str = "assay";
const ROLE: &str = "assay";
const THROWAWAY: &str = "assay-pg-";
/// The kernel's limit is 108 bytes with the file's name in the folder.
const SOCKET_PATH_LIMIT: usize = 100;

#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    #[error(
        "{0} is in use by another assay server: stop that one, or name another folder with --data"
    )]
    InUse(PathBuf),
    #[error(
        "Postgres needs a user to run as, other than root: add a user `postgres` (useradd --system postgres), or set DATABASE_URL"
    )]
    NoAccount,
    #[error(
        "Postgres would run as `{account}`, who may not enter {folder}: name another folder with --data, for instance /var/lib/assay"
    )]
    OutOfReach { account: String, folder: PathBuf },
    #[error(
        "{0} is on a network file system, where Postgres' files are not safe: name a local folder with --data, or set DATABASE_URL"
    )]
    Network(PathBuf),
    #[error(
        "{0} has no PG_VERSION file: restore it from a backup, or name another folder with --data"
    )]
    Damaged(PathBuf),
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error("cannot {what}: {source}")]
    Io { what: String, source: io::Error },
    #[error("cannot make the cluster: {0}")]
    Init(String),
    #[error("{0}")]
    Process(String),
}

/// A running private Postgres. Dropping it stops it, as [`Embedded::stop`] does.
#[derive(Debug)]
pub struct Embedded {
    url: String,
    tcp_url: String,
    bundle: Bundle,
    first_pid: u32,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<Stopped>>,
    throwaway: Option<PathBuf>,
    /// Released last: after Postgres is gone.
    _lock: Flock<File>,
}

/// A cluster for keeps: every commit is on disk before it is acknowledged.
pub fn start(data: &Path) -> Result<Embedded, EmbeddedError> {
    start_with(data, true)
}

/// A cluster for tests and checks, in a temporary folder that is removed at its
/// end. Not durable, therefore fast.
pub fn start_throwaway() -> Result<Embedded, EmbeddedError> {
    remove_abandoned();
    let mut random = [0; 6];
    fill_random(&mut random).map_err(|e| io_error("read /dev/urandom", e))?;
    let data = std::env::temp_dir().join(format!("{THROWAWAY}{}", hex::encode(random)));
    match start_with(&data, false) {
        Ok(mut embedded) => {
            embedded.throwaway = Some(data);
            Ok(embedded)
        }
        Err(error) => {
            let _ = fs::remove_dir_all(&data);
            Err(error)
        }
    }
}

/// What killed processes left behind; who still uses a folder holds its lock.
fn remove_abandoned() {
    for entry in fs::read_dir(std::env::temp_dir())
        .into_iter()
        .flatten()
        .flatten()
    {
        if !entry.file_name().to_string_lossy().starts_with(THROWAWAY) {
            continue;
        }
        let Ok(lock) = File::options().write(true).open(entry.path().join("lock")) else {
            continue;
        };
        // Younger ones may be about to take their lock.
        let age = lock
            .metadata()
            .and_then(|meta| meta.modified())
            .map(|time| time.elapsed());
        let old = matches!(age, Ok(Ok(age)) if age > Duration::from_secs(60));
        if old && Flock::lock(lock, FlockArg::LockExclusiveNonblock).is_ok() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn start_with(data: &Path, durable: bool) -> Result<Embedded, EmbeddedError> {
    let account = Account::find().ok_or(EmbeddedError::NoAccount)?;
    let (data, lock) = take_folder(data, &account)?;
    let pgdata = data.join("postgres");
    let record = data.join("postgres.bin");

    let needed = match fs::read_to_string(pgdata.join("PG_VERSION")) {
        Ok(text) => Some(
            text.trim()
                .parse()
                .map_err(|_| EmbeddedError::Damaged(pgdata.clone()))?,
        ),
        Err(_) if pgdata.exists() => return Err(EmbeddedError::Damaged(pgdata)),
        Err(_) => None,
    };
    let recorded = fs::read_to_string(&record)
        .ok()
        .map(|text| PathBuf::from(text.trim()));
    let bundle = bundle::choose(&data, recorded.as_deref(), needed, &account)?;

    let password_file = data.join("postgres.password");
    let password = if needed.is_none() {
        let password = new_password(&password_file, &account)?;
        initialise(&pgdata, &bundle, &password_file, durable, &account)?;
        password
    } else {
        let text = fs::read_to_string(&password_file)
            .map_err(|e| io_error(&format!("read {}", password_file.display()), e))?;
        text.trim().to_owned()
    };
    if recorded.as_deref() != Some(&bundle.bin) {
        fs::write(&record, format!("{}\n", bundle.bin.display()))
            .map_err(|e| io_error(&format!("write {}", record.display()), e))?;
    }

    let port = free_port(&data).map_err(|e| io_error("find a free port on 127.0.0.1", e))?;
    let socket_folder = data.join("run");
    make_folder(&socket_folder, &account)?;
    let socket = Some(&socket_folder).filter(|folder| {
        folder.join(format!(".s.PGSQL.{port}")).as_os_str().len() <= SOCKET_PATH_LIMIT
    });
    let tcp_url = format!("postgres://{ROLE}:{password}@127.0.0.1:{port}/{DATABASE}");
    let url = match socket {
        Some(folder) => format!(
            "postgres://{ROLE}:{password}@localhost:{port}/{DATABASE}?host={}",
            percent_encoded(folder)
        ),
        None => tcp_url.clone(),
    };
    let plan = Plan {
        program: bundle.program("postgres"),
        pgdata,
        socket_folder: socket_folder.clone(),
        log: data.join("postgres.log"),
        settings: settings(port, socket.map(PathBuf::as_path), durable),
        account,
    };

    // Its own thread, because the kernel's death signal is bound to the thread that forks.
    let (first, started) = channel();
    let (stop, told_to_stop) = channel();
    let thread = std::thread::Builder::new()
        .name("postgres".to_owned())
        .spawn(move || process::supervise(&plan, &first, &told_to_stop))
        .map_err(|e| io_error("start a thread", e))?;
    let first_pid = started
        .recv()
        .unwrap_or_else(|_| Err("the thread that starts Postgres panicked".to_owned()))
        .map_err(EmbeddedError::Process)?;
    Ok(Embedded {
        url,
        tcp_url,
        bundle,
        first_pid,
        stop: Some(stop),
        thread: Some(thread),
        throwaway: None,
        _lock: lock,
    })
}

impl Embedded {
    /// Connects over the socket (over TCP where the socket's path would be too long).
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Connects over 127.0.0.1, for clients that know no sockets.
    pub fn tcp_url(&self) -> &str {
        &self.tcp_url
    }

    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// The process started first (it is started again if it ever ends by itself).
    pub fn pid(&self) -> u32 {
        self.first_pid
    }

    /// Ends Postgres cleanly and waits for its end. Blocks.
    pub fn stop(mut self) -> Result<(), EmbeddedError> {
        self.halt().map_err(EmbeddedError::Process)
    }

    fn halt(&mut self) -> Stopped {
        drop(self.stop.take());
        let ended = match self.thread.take() {
            Some(thread) => thread
                .join()
                .unwrap_or_else(|_| Err("Postgres' thread panicked".to_owned())),
            None => Ok(()),
        };
        if let Some(folder) = self.throwaway.take() {
            let _ = fs::remove_dir_all(folder);
        }
        ended
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        let _ = self.halt();
    }
}

/// `initdb` beside the final place, then one rename: an interrupted first start
/// leaves nothing that looks like a cluster.
fn initialise(
    pgdata: &Path,
    bundle: &Bundle,
    password_file: &Path,
    durable: bool,
    account: &Account,
) -> Result<(), EmbeddedError> {
    let fresh = pgdata.with_extension("new");
    if fresh.exists() {
        fs::remove_dir_all(&fresh)
            .map_err(|e| io_error(&format!("remove {}", fresh.display()), e))?;
    }
    make_folder(&fresh, account)?;
    let mut initdb = process::command(&bundle.program("initdb"), account);
    initdb
        .arg("-D")
        .arg(&fresh)
        .arg("--pwfile")
        .arg(password_file);
    initdb.args(["-U", ROLE, "--auth=scram-sha-256", "--data-checksums"]);
    initdb.args(["--encoding=UTF8", "--no-locale"]);
    if !durable {
        initdb.arg("--no-sync");
    }
    let done = initdb
        .stdin(Stdio::null())
        .output()
        .map_err(|e| io_error(&format!("start {}", bundle.program("initdb").display()), e))?;
    if !done.status.success() {
        return Err(EmbeddedError::Init(last_line(&done.stderr)));
    }
    create_database(&fresh, bundle, account)?;
    fs::rename(&fresh, pgdata)
        .and_then(|()| File::open(pgdata.parent().unwrap_or(pgdata))?.sync_all())
        .map_err(|e| io_error(&format!("place {}", pgdata.display()), e))
}

/// In single-user mode: no client is needed, and no server runs yet.
fn create_database(pgdata: &Path, bundle: &Bundle, account: &Account) -> Result<(), EmbeddedError> {
    let mut single = process::command(&bundle.program("postgres"), account);
    single.args(["--single", "-D"]).arg(pgdata).arg("postgres");
    let mut run = || -> io::Result<std::process::Output> {
        let mut child = single
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            writeln!(stdin, "create database {DATABASE}")?;
        }
        child.wait_with_output()
    };
    let done = run().map_err(|e| io_error("create the database", e))?;
    let told = String::from_utf8_lossy(&done.stderr);
    if !done.status.success() || told.contains("ERROR:") || told.contains("FATAL:") {
        return Err(EmbeddedError::Init(last_line(&done.stderr)));
    }
    Ok(())
}

fn settings(port: u16, socket: Option<&Path>, durable: bool) -> Vec<(&'static str, String)> {
    let on = if durable { "on" } else { "off" }.to_owned();
    let socket = socket.map_or(String::new(), |folder| {
        // The setting is a list; a name with a comma or a space is quoted.
        format!("\"{}\"", folder.display().to_string().replace('"', "\"\""))
    });
    vec![
        ("listen_addresses", "127.0.0.1".to_owned()),
        ("port", port.to_string()),
        ("unix_socket_directories", socket),
        ("unix_socket_permissions", "0700".to_owned()),
        ("fsync", on.clone()),
        ("synchronous_commit", on.clone()),
        ("full_page_writes", on),
        (
            "shared_buffers",
            if durable { "256MB" } else { "64MB" }.to_owned(),
        ),
        (
            "max_connections",
            if durable { "60" } else { "300" }.to_owned(),
        ),
        ("idle_in_transaction_session_timeout", "15s".to_owned()),
        ("log_lock_waits", "on".to_owned()),
        ("log_timezone", "UTC".to_owned()),
        ("timezone", "UTC".to_owned()),
    ]
}

fn last_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("no reason given")
        .to_owned()
}

pub(super) fn io_error(what: &str, source: io::Error) -> EmbeddedError {
    EmbeddedError::Io {
        what: what.to_owned(),
        source,
    }
}
