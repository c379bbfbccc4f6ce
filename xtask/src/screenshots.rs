//! `cargo xtask screenshots`: the main pages, light and dark, wide and narrow, for the README.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::json;

use crate::{browser, seeded, shell};

#[derive(clap::Args)]
pub struct Args {
    /// A running server instead of one with made-up numbers
    #[arg(long)]
    url: Option<String>,
    /// With --url: the experiment to show [default: the newest]
    #[arg(long, requires = "url")]
    experiment: Option<String>,
    #[arg(long, default_value = "docs/img")]
    out: PathBuf,
}

pub fn run(args: &Args) -> Result<()> {
    shell::catch_stop()?;
    let browser = browser::ensure()?;
    let out = shell::root().join(&args.out);
    std::fs::create_dir_all(&out)?;
    let take = |site: &serde_json::Value| {
        let mut python = browser.python(site);
        python.arg("screenshots.py").arg(&out);
        shell::phase("screenshots", &mut python)
    };
    match &args.url {
        Some(url) => take(&json!({
            "url": url.trim_end_matches('/'),
            "experiment": args.experiment,
        })),
        None => {
            seeded::build()?;
            let server = seeded::start(&[])?;
            take(&server.site)
        }
    }
}
