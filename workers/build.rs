//! Tells the binary where libtorch is, so that it starts without LD_LIBRARY_PATH, and what
//! it was built from. `.libtorch/env` is written by `cargo xtask libtorch`.

use std::path::Path;
use std::process::Command;

/// What decides what a worker computes.
const SOURCES: [&str; 5] = [
    "src",
    "build.rs",
    "Cargo.toml",
    "../crates/core",
    "../Cargo.lock",
];

fn main() {
    find_libraries();
    println!("cargo::rustc-env=ASSAY_COMMIT={}", commit());
}

fn find_libraries() {
    let env = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.libtorch/env");
    println!("cargo::rerun-if-changed={}", env.display());
    let Ok(text) = std::fs::read_to_string(&env) else {
        return;
    };
    let Some(folders) = text
        .lines()
        .find_map(|line| line.strip_prefix("LIBRARY_PATH="))
    else {
        return;
    };
    // RPATH, not RUNPATH: it also serves the libraries that libtorch itself needs.
    println!("cargo::rustc-link-arg=-Wl,--disable-new-dtags");
    for folder in folders.split(':').filter(|folder| !folder.is_empty()) {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{folder}");
    }
}

/// The last commit that changed the worker's sources, marked where they have changed since:
/// given from outside (an image is built without the repository), else asked of git. Empty
/// where nobody knows.
fn commit() -> String {
    println!("cargo::rerun-if-env-changed=ASSAY_COMMIT");
    if let Ok(given) = std::env::var("ASSAY_COMMIT")
        && !given.trim().is_empty()
    {
        return given.trim().into();
    }
    for path in SOURCES {
        println!("cargo::rerun-if-changed={path}");
    }
    // Written at every commit and checkout; of a worktree it lies elsewhere.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"])
        && Path::new(&log).exists()
    {
        println!("cargo::rerun-if-changed={log}");
    }
    let ask = |first: &[&str]| git(&[first, &["--"], &SOURCES].concat());
    let last = ask(&["log", "-1", "--format=%h", "--abbrev=12"]).unwrap_or_default();
    match ask(&["status", "--porcelain"]).as_deref() {
        _ if last.is_empty() => last,
        Some("") => last,
        Some(_) | None => format!("{last} with changes"),
    }
}

/// What git says in the package's folder, where cargo runs this program; `None` where it
/// says that it cannot.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_string())
}
