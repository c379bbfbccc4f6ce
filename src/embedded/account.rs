//! Whom Postgres runs as. It refuses uid 0, so a server started as root gives
//! it an unprivileged account; that account must be able to reach its files.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::{Uid, User, geteuid};

/// The account that Postgres runs under.
#[derive(Debug, Clone)]
pub struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    /// We are root and must change to this account before exec.
    pub switch: bool,
}

impl Account {
    /// Ourselves; or, as root, `postgres` if the system has it, else `nobody`.
    /// (A uid without a passwd entry is refused by Postgres.)
    pub fn find() -> Option<Account> {
        let euid = geteuid();
        let switch = euid.is_root();
        let user = if switch {
            ["postgres", "nobody"]
                .iter()
                .find_map(|name| User::from_name(name).ok().flatten())
                .filter(|user| user.uid != Uid::from_raw(0))
        } else {
            User::from_uid(euid).ok().flatten()
        }?;
        Some(Account {
            name: user.name,
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
            switch,
        })
    }

    /// The first folder on the way to `path` (itself included) that this account
    /// may not enter. No folder is ever made more open to change that.
    pub fn barred_from(&self, path: &Path) -> Option<PathBuf> {
        if !self.switch {
            return None;
        }
        let mut way: Vec<&Path> = path.ancestors().collect();
        way.reverse();
        way.into_iter()
            .find(|folder| {
                std::fs::metadata(folder).is_ok_and(|meta| {
                    let mode = meta.permissions().mode();
                    let bit = if meta.uid() == self.uid {
                        0o100
                    } else if meta.gid() == self.gid {
                        0o010
                    } else {
                        0o001
                    };
                    meta.is_dir() && mode & bit == 0
                })
            })
            .map(Path::to_path_buf)
    }

    /// Gives a file or folder of ours to this account.
    pub fn own(&self, path: &Path) -> std::io::Result<()> {
        if self.switch {
            std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid))?;
        }
        Ok(())
    }
}

/// Where programs that we fetched are kept. As root not in the home folder,
/// which the Postgres account may not enter.
pub fn cache_folder() -> PathBuf {
    if let Some(named) = std::env::var_os("ASSAY_CACHE").filter(|value| !value.is_empty()) {
        return PathBuf::from(named);
    }
    if geteuid().is_root() {
        return PathBuf::from("/var/cache/assay");
    }
    home_folder("XDG_CACHE_HOME", ".cache").join("assay")
}

fn home_folder(variable: &str, below_home: &str) -> PathBuf {
    match std::env::var_os(variable).filter(|value| !value.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => std::env::home_dir()
            .unwrap_or_else(std::env::temp_dir)
            .join(below_home),
    }
}
