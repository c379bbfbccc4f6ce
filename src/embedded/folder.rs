//! The data folder: whose it is, its lock, and the small files beside the cluster.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};

use super::account::Account;
use super::cluster::{EmbeddedError, io_error};

/// Makes or recognises the data folder and locks it for this process.
pub(super) fn take_folder(
    data: &Path,
    account: &Account,
) -> Result<(PathBuf, Flock<File>), EmbeddedError> {
    let empty = fs::read_dir(data).map_or(true, |mut entries| entries.next().is_none());
    fs::create_dir_all(data).map_err(|e| {
        io_error(
            &format!("make {} (name another folder with --data)", data.display()),
            e,
        )
    })?;
    let data =
        fs::canonicalize(data).map_err(|e| io_error(&format!("find {}", data.display()), e))?;
    if empty {
        // Ours from now on. A folder with other things in it keeps owner and mode.
        account
            .own(&data)
            .map_err(|e| io_error(&format!("give away {}", data.display()), e))?;
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(&data, private)
            .map_err(|e| io_error(&format!("close {}", data.display()), e))?;
    }
    if let Some(folder) = account.barred_from(&data) {
        return Err(EmbeddedError::OutOfReach {
            account: account.name.clone(),
            folder,
        });
    }
    check_file_system(&data)?;
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(data.join("lock"))
        .map_err(|e| {
            io_error(
                &format!(
                    "write in {} (name another folder with --data)",
                    data.display()
                ),
                e,
            )
        })?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok((data, lock)),
        Err((_, nix::errno::Errno::EWOULDBLOCK)) => Err(EmbeddedError::InUse(data)),
        Err((_, errno)) => Err(io_error(&format!("lock {}", data.display()), errno.into())),
    }
}

fn check_file_system(data: &Path) -> Result<(), EmbeddedError> {
    use nix::sys::statfs::{NFS_SUPER_MAGIC, statfs};
    match statfs(data) {
        Ok(found) if found.filesystem_type() == NFS_SUPER_MAGIC => {
            Err(EmbeddedError::Network(data.to_path_buf()))
        }
        _ => Ok(()),
    }
}

/// The port of the last start if it is free, so that a noted address stays good.
pub(super) fn free_port(data: &Path) -> io::Result<u16> {
    let record = data.join("postgres.port");
    let last = fs::read_to_string(&record)
        .ok()
        .and_then(|text| text.trim().parse().ok());
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let listener = last.map_or_else(|| bind(0), |port| bind(port).or_else(|_| bind(0)))?;
    let port = listener.local_addr()?.port();
    fs::write(record, format!("{port}\n"))?;
    Ok(port)
}

pub(super) fn new_password(file: &Path, account: &Account) -> Result<String, EmbeddedError> {
    let write = || -> io::Result<String> {
        let mut random = [0; 24];
        fill_random(&mut random)?;
        let password = hex::encode(random);
        let _ = fs::remove_file(file);
        let mut out = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(file)?;
        writeln!(out, "{password}")?;
        out.sync_all()?;
        account.own(file)?;
        Ok(password)
    };
    write().map_err(|e| io_error(&format!("write {}", file.display()), e))
}

pub(super) fn fill_random(bytes: &mut [u8]) -> io::Result<()> {
    File::open("/dev/urandom")?.read_exact(bytes)
}

/// A folder of the Postgres account alone.
pub(super) fn make_folder(folder: &Path, account: &Account) -> Result<(), EmbeddedError> {
    let make = || -> io::Result<()> {
        match fs::create_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        if fs::metadata(folder)?.uid() != account.uid {
            account.own(folder)?;
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
    };
    make().map_err(|e| io_error(&format!("make {}", folder.display()), e))
}

pub(super) fn percent_encoded(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    path.as_os_str()
        .as_bytes()
        .iter()
        .map(|&byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}
