//! `cargo xtask test`: what must pass before anything lands.

use std::process::Command;

use anyhow::Result;

use crate::browser::{self, Browser};
use crate::embedded::cluster;
use crate::{libtorch, seeded, shell};

/// Tests find their Postgres here; each makes a database of its own on it.
pub const TEST_DATABASE: &str = "ASSAY_TEST_DATABASE_URL";

#[derive(clap::Args)]
pub struct Args {
    /// Without the tests whose name contains `slow_`, and without those in a browser
    #[arg(long)]
    fast: bool,
    /// Only those in a browser
    #[arg(long, conflicts_with = "fast")]
    browser: bool,
    /// Further arguments for `cargo nextest run`
    #[arg(last = true)]
    nextest: Vec<String>,
}

pub fn run(args: &Args) -> Result<()> {
    shell::catch_stop()?;
    // First, for what is missing cannot be waited for.
    let browser = (!args.fast).then(browser::ensure).transpose()?;
    if let (true, Some(browser)) = (args.browser, &browser) {
        seeded::build()?;
        return look(browser);
    }
    eprintln!("{}", libtorch::ensure(false)?);
    if !shell::is_there("cargo-nextest") {
        let mut install = shell::cargo();
        install.args(["install", "--locked", "cargo-nextest"]);
        shell::phase("cargo install cargo-nextest", &mut install)?;
    }
    shell::phase(
        "cargo fmt --check",
        shell::cargo().args(["fmt", "--all", "--check"]),
    )?;
    shell::phase(
        "cargo clippy, warnings denied",
        &mut clippy(&["--workspace"]),
    )?;
    // Assay's default features draw PNG files; without them nothing may be missing or unused.
    // With the whole workspace, so that what they build on is as it was, and not checked again.
    shell::phase(
        "cargo clippy without default features",
        &mut clippy(&["--workspace", "--no-default-features"]),
    )?;
    // The programs too: tests of whole journeys start them.
    shell::phase(
        "cargo build --workspace",
        shell::cargo().args(["build", "--workspace"]),
    )?;
    let mut build = shell::cargo();
    build.args(["nextest", "run", "--workspace", "--no-run"]);
    shell::phase("cargo build of all tests", &mut build)?;
    // nextest leaves them out: what must not compile is said there. After the build, and of the
    // whole workspace, so that nothing is built for them alone.
    shell::phase(
        "cargo test --doc",
        shell::cargo().args(["test", "--doc", "--workspace"]),
    )?;

    // Said again at the end, where it is seen.
    let seen = browser.as_ref().map_or(Ok(()), look);

    let own = match std::env::var_os(TEST_DATABASE) {
        Some(_) => None,
        None => Some(cluster::start_throwaway()?),
    };
    let mut nextest = shell::cargo();
    nextest.args(["nextest", "run", "--workspace"]);
    if args.fast {
        nextest.args(["--profile", "fast"]);
    }
    nextest.args(&args.nextest);
    if let Some(embedded) = &own {
        nextest.env(TEST_DATABASE, embedded.url());
    }
    // nextest's own summary stays the last thing that is said.
    eprintln!("==> cargo nextest run");
    let status = nextest.status();
    drop(own);
    seen?;
    std::process::exit(if status?.success() { 0 } else { 1 });
}

/// Every page as Chromium shows it, from a server with made-up experiments.
fn look(browser: &Browser) -> Result<()> {
    let server = seeded::start(&[])?;
    let mut pytest = browser.python(&server.site);
    pytest.args(["-m", "pytest", "--quiet", "-rs", "-p", "no:cacheprovider"]);
    shell::phase("tests in a browser", &mut pytest)
}

fn clippy(of: &[&str]) -> Command {
    let mut clippy = shell::cargo();
    clippy.arg("clippy").args(of);
    clippy.args(["--all-targets", "--", "--deny", "warnings"]);
    clippy
}
