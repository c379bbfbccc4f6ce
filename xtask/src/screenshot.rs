//! `cargo xtask screenshot URL FILE`: a page of a running server, for the README.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::shell;

#[derive(clap::Args)]
pub struct Args {
    url: String,
    /// A .png file
    file: PathBuf,
    #[arg(long, default_value_t = 1280)]
    width: u32,
    #[arg(long, default_value_t = 1240)]
    height: u32,
    /// As a reader with a dark desktop sees it
    #[arg(long)]
    dark: bool,
}

pub fn run(args: &Args) -> Result<()> {
    if !shell::is_there("chromium") {
        bail!("chromium is missing; install it: apt-get install chromium");
    }
    let scheme = if args.dark { 0 } else { 1 };
    shell::phase(
        "screenshot",
        Command::new("chromium")
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--no-first-run",
            ])
            .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
            .arg(format!("--window-size={},{}", args.width, args.height))
            .arg(format!("--screenshot={}", args.file.display()))
            .arg(&args.url),
    )
}
