//! `cargo xtask sqlx`: the committed descriptions of all queries, so that a
//! build needs no database. What sqlx-cli's `prepare` does, without it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use anyhow::{Context, Result, bail};

use crate::embedded::cluster;
use crate::{postgres, shell};

pub fn run() -> Result<()> {
    let begun = Instant::now();
    let store = shell::root().join("crates/store");
    let kept = shell::root().join(".sqlx");
    // The macros write here; .sqlx/ is touched only when every query was understood.
    let fresh = shell::target_folder()?.join("sqlx-fresh");
    let _ = fs::remove_dir_all(&fresh);
    fs::create_dir_all(&fresh).with_context(|| format!("cannot make {}", fresh.display()))?;

    let embedded = cluster::start_throwaway()?;
    postgres::migrate(&embedded)?;
    touch_sources(&store)?;
    let checked = shell::phase(
        "cargo check -p assay-store, against the migrated database",
        shell::cargo()
            .args(["check", "--package", "assay-store", "--all-targets"])
            .env("DATABASE_URL", embedded.url())
            .env("SQLX_OFFLINE", "false")
            .env("SQLX_OFFLINE_DIR", &fresh),
    );
    embedded.stop()?;
    if checked.is_err() {
        bail!("a query of crates/store does not fit migrations/ (see above); .sqlx/ is as it was");
    }

    let (old, new) = (queries_in(&kept)?, queries_in(&fresh)?);
    fs::create_dir_all(&kept).context("cannot make .sqlx")?;
    for name in &new {
        fs::copy(fresh.join(name), kept.join(name))
            .with_context(|| format!("cannot write .sqlx/{name}"))?;
    }
    for name in old.difference(&new) {
        fs::remove_file(kept.join(name)).with_context(|| format!("cannot remove .sqlx/{name}"))?;
    }
    // What was just built was checked against a database that is gone.
    touch_sources(&store)?;
    println!(
        ".sqlx/: {} queries, {} new, {} gone, in {:.1} s",
        new.len(),
        new.difference(&old).count(),
        old.difference(&new).count(),
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}

fn queries_in(folder: &Path) -> Result<BTreeSet<String>> {
    if !folder.exists() {
        return Ok(BTreeSet::new());
    }
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    Ok(entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.starts_with("query-") && name.ends_with(".json"))
        .collect())
}

/// cargo compiles a crate again, and so runs its macros, when a source is newer.
fn touch_sources(folder: &Path) -> Result<()> {
    for path in sources_under(folder)? {
        fs::File::options()
            .append(true)
            .open(&path)
            .and_then(|file| file.set_modified(SystemTime::now()))
            .with_context(|| format!("cannot touch {}", path.display()))?;
    }
    Ok(())
}

fn sources_under(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(sources_under(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}
