//! `cargo xtask postgres`: a throwaway cluster to try queries on.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::embedded::cluster::{self, Embedded};
use crate::shell;

#[derive(clap::Args)]
pub struct Args {
    /// Apply migrations/ first
    #[arg(long)]
    migrate: bool,
}

pub fn run(args: &Args) -> Result<()> {
    shell::catch_stop()?;
    let embedded = cluster::start_throwaway()?;
    if args.migrate {
        migrate(&embedded)?;
    }
    println!("{}", embedded.url());
    while !shell::stopped() {
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(embedded.stop()?)
}

/// Applies migrations/*.sql in order, each in one transaction, with the `psql`
/// that lies beside the server's binaries.
pub fn migrate(embedded: &Embedded) -> Result<()> {
    let folder = shell::root().join("migrations");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .collect();
    files.sort();
    for file in files {
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        psql(embedded, &file).with_context(|| format!("migrations/{name}"))?;
    }
    Ok(())
}

fn psql(embedded: &Embedded, file: &Path) -> Result<()> {
    let mut psql = Command::new(embedded.bundle().program("psql"));
    psql.args([
        "--no-psqlrc",
        "--quiet",
        "--single-transaction",
        "--set=ON_ERROR_STOP=1",
    ]);
    psql.arg("--file").arg(file).arg(embedded.tcp_url());
    psql.env("PGOPTIONS", "-c client_min_messages=warning");
    shell::output(&mut psql).map(drop)
}
