//! The private Postgres of `assay up`: a real, durable cluster under the data
//! folder, run as a direct child of this process.
//!
//! The parts below know neither tokio nor SQL, so that `xtask` can include them
//! as they are; this file is the async door for the server.

pub mod account;
pub mod bundle;
pub mod cluster;
mod folder;
mod process;

use std::path::{Path, PathBuf};

pub use cluster::{Embedded, EmbeddedError};

/// Starts (and at the first start creates) the cluster in `data`.
///
/// # Errors
/// Each error is one line that says what to do.
pub async fn start(data: &Path) -> Result<Embedded, EmbeddedError> {
    let data: PathBuf = data.to_path_buf();
    match tokio::task::spawn_blocking(move || cluster::start(&data)).await {
        Ok(started) => started,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

/// Stops the cluster cleanly: open transactions are rolled back, everything
/// committed is on disk when this returns.
///
/// # Errors
/// When Postgres did not end by itself and had to be killed.
pub async fn stop(embedded: Embedded) -> Result<(), EmbeddedError> {
    match tokio::task::spawn_blocking(move || embedded.stop()).await {
        Ok(stopped) => stopped,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}
