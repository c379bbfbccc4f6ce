//! The two tokens: made at the first start as 0600 files in the data folder, or
//! given by files that the environment names.

use rand::TryRng;
use sha2::{Digest, Sha256};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use subtle::ConstantTimeEq;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Admin,
    Worker,
}

/// Hashes alone are kept in memory.
#[derive(Clone)]
pub struct Tokens {
    admin: [u8; 32],
    worker: [u8; 32],
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(..)")
    }
}

impl Tokens {
    pub fn new(admin: &str, worker: &str) -> Self {
        Self {
            admin: hash(admin),
            worker: hash(worker),
        }
    }

    pub fn role(&self, token: &str) -> Option<Role> {
        let given = hash(token);
        // Both are compared whatever the first says.
        let admin: bool = given.ct_eq(&self.admin).into();
        let worker: bool = given.ct_eq(&self.worker).into();
        match (admin, worker) {
            (true, _) => Some(Role::Admin),
            (false, true) => Some(Role::Worker),
            (false, false) => None,
        }
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("cannot read the token file {path}: {source}")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("cannot write the token file {path}: {source}; is the data folder yours (--data DIR)?")]
    Write {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(
        "the token in {0} is shorter than 16 characters; delete the file to have a new one made"
    )]
    Short(PathBuf),
    #[error("no random numbers from the system: {0}")]
    Random(String),
}

/// Where the tokens stand.
#[derive(Debug, Clone)]
pub struct TokenFiles {
    pub admin: PathBuf,
    pub worker: PathBuf,
}

impl TokenFiles {
    pub fn of(data: &Path) -> Self {
        let file = |variable: &str, name: &str| {
            std::env::var_os(variable)
                .filter(|value| !value.is_empty())
                .map_or_else(|| data.join(name), PathBuf::from)
        };
        Self {
            admin: file("ASSAY_ADMIN_TOKEN_FILE", "admin.token"),
            worker: file("ASSAY_WORKER_TOKEN_FILE", "worker.token"),
        }
    }

    /// Reads both, and makes in the data folder what is not there yet.
    ///
    /// # Errors
    /// One line that names the file.
    pub fn load(&self, data: &Path) -> Result<Tokens, TokenError> {
        let token = |path: &Path| {
            if path.starts_with(data) {
                read_or_make(path)
            } else {
                read(path)
            }
        };
        Ok(Tokens::new(&token(&self.admin)?, &token(&self.worker)?))
    }
}

pub fn read(path: &Path) -> Result<String, TokenError> {
    let fail = |source| TokenError::Read {
        path: path.into(),
        source,
    };
    let mut text = String::new();
    std::fs::File::open(path)
        .map_err(fail)?
        .take(4096)
        .read_to_string(&mut text)
        .map_err(fail)?;
    let token = text.trim();
    if token.len() < 16 {
        return Err(TokenError::Short(path.into()));
    }
    Ok(token.into())
}

/// Two servers that start at once agree: the file appears whole or not at all.
fn read_or_make(path: &Path) -> Result<String, TokenError> {
    if path.exists() {
        return read(path);
    }
    let fail = |source| TokenError::Write {
        path: path.into(),
        source,
    };
    let token = random_token()?;
    let draft = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)
        .map_err(fail)?;
    let written = file
        .write_all(format!("{token}\n").as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::hard_link(&draft, path));
    let _ = std::fs::remove_file(&draft);
    match written {
        Ok(()) => Ok(token),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => read(path),
        Err(e) => Err(fail(e)),
    }
}

/// 256 random bits from the system, as hex.
pub fn random_token() -> Result<String, TokenError> {
    let mut bytes = [0_u8; 32];
    rand::rngs::SysRng
        .try_fill_bytes(&mut bytes)
        .map_err(|e| TokenError::Random(e.to_string()))?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn tokens_are_made_once_and_kept_private() {
        let dir = std::env::temp_dir().join(format!("assay-tokens-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&dir).unwrap();
        let files = TokenFiles {
            admin: dir.join("admin.token"),
            worker: dir.join("worker.token"),
        };
        files.load(&dir).unwrap();
        let admin = read(&files.admin).unwrap();
        let mode = std::fs::metadata(&files.admin)
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = files.load(&dir).unwrap();
        assert_eq!(again.role(&admin), Some(Role::Admin));
        assert_eq!(
            again.role(&read(&files.worker).unwrap()),
            Some(Role::Worker)
        );
        assert_eq!(again.role(""), None);
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
