//! What the server was told at its start.

use std::net::SocketAddr;
use std::path::PathBuf;

pub const DEFAULT_LISTEN: &str = "127.0.0.1:8337";
pub const DEFAULT_SERVER: &str = "http://127.0.0.1:8337";

/// Largest body of a REST request.
pub const MAX_JSON_BYTES: usize = 2 << 20;
/// Largest batch of records.
pub const MAX_RECORDS_BYTES: usize = 16 << 20;

#[derive(Debug, Clone)]
pub struct Config {
    pub database_url: String,
    /// Tokens and artifacts live below it.
    pub data: PathBuf,
    pub listen: SocketAddr,
    /// Names under which others reach this server, beside its address and localhost.
    pub public_hosts: Vec<String>,
    pub max_artifact_bytes: u64,
    /// Postgres connections of the server.
    pub connections: u32,
}

impl Config {
    /// The environment's share: `ASSAY_PUBLIC_HOSTS` (comma-separated) and
    /// `ASSAY_MAX_ARTIFACT_BYTES`.
    ///
    /// # Errors
    /// One line that names the variable.
    pub fn new(database_url: String, data: PathBuf, listen: SocketAddr) -> Result<Self, String> {
        let max_artifact_bytes = match std::env::var("ASSAY_MAX_ARTIFACT_BYTES") {
            Err(_) => 16 << 30,
            Ok(text) => text.parse().map_err(|_| {
                format!("ASSAY_MAX_ARTIFACT_BYTES must be a number of bytes, not {text:?}")
            })?,
        };
        Ok(Self {
            database_url,
            data,
            listen,
            public_hosts: split_hosts(&std::env::var("ASSAY_PUBLIC_HOSTS").unwrap_or_default()),
            max_artifact_bytes,
            connections: 8,
        })
    }
}

pub fn split_hosts(text: &str) -> Vec<String> {
    text.split(',')
        .map(|host| host.trim().to_ascii_lowercase())
        .filter(|host| !host.is_empty())
        .collect()
}

/// Root keeps its data where services do; everyone else at home.
pub fn default_data() -> PathBuf {
    if nix::unistd::geteuid().is_root() {
        return PathBuf::from("/var/lib/assay");
    }
    let base = std::env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share")));
    base.unwrap_or_else(|| PathBuf::from(".")).join("assay")
}
