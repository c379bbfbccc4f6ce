//! The server with made-up experiments (tests/browser/seeded.rs), on a throwaway Postgres
//! unless there is one already. It ends when this value is dropped.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::embedded::cluster::{self, Embedded};
use crate::shell;
use crate::test::TEST_DATABASE;

pub struct Seeded {
    server: Child,
    // Dropped after the server, which drops its database first.
    _own: Option<Embedded>,
    /// What the server says of itself: its address, its experiments and runs.
    pub site: Value,
}

/// Builds it, together with everything else, so that no feature differs.
pub fn build() -> Result<()> {
    let mut build = shell::cargo();
    build.args(["build", "--workspace", "--example", "seeded"]);
    shell::phase("cargo build of the seeded server", &mut build)
}

/// Starts what `build` has made; `arguments` say what it shall hold.
pub fn start(arguments: &[&str]) -> Result<Seeded> {
    let own = match std::env::var_os(TEST_DATABASE) {
        Some(_) => None,
        None => Some(cluster::start_throwaway()?),
    };
    let program = shell::target_folder()?.join("debug/examples/seeded");
    let mut command = Command::new(&program);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    if let Some(embedded) = &own {
        command.env(TEST_DATABASE, embedded.url());
    }
    let begun = Instant::now();
    eprintln!("==> seeding");
    let mut server = command
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let mut line = String::new();
    if let Some(output) = server.stdout.take() {
        BufReader::new(output).read_line(&mut line)?;
    }
    let Ok(site) = serde_json::from_str(&line) else {
        shell::end(&mut server, Duration::from_secs(5));
        bail!("the seeded server did not come up: see its words above");
    };
    eprintln!("    seeding: {:.1} s", begun.elapsed().as_secs_f64());
    Ok(Seeded {
        server,
        _own: own,
        site,
    })
}

impl Seeded {
    pub fn url(&self) -> &str {
        self.site["url"].as_str().unwrap_or_default()
    }

    pub fn experiment(&self, name: &str) -> &str {
        self.site["experiments"][name].as_str().unwrap_or_default()
    }
}

impl Drop for Seeded {
    fn drop(&mut self) {
        // Its input's end is what it waits for; then it drops its database.
        drop(self.server.stdin.take());
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline && matches!(self.server.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        shell::end(&mut self.server, Duration::from_secs(1));
    }
}
