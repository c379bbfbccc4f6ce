//! `cargo xtask …`: everything that is done to this repository, each command in its file.

mod bench;
mod browser;
mod compose;
mod demo;
mod embedded;
mod libtorch;
mod postgres;
mod screenshot;
mod screenshots;
mod seeded;
mod shell;
mod sqlx;
mod standin;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Builds, tests and shows Assay")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build everything, run the built-in experiment, serve its pages until Ctrl-C
    Demo(demo::Args),
    /// Format check, clippy with warnings denied, all tests, those in a browser among them
    Test(test::Args),
    /// Measure speeds, side by side with others
    Bench(bench::Args),
    /// Find or install libtorch, and make the CPU view that cargo links against
    Libtorch(libtorch::Args),
    /// Bring the compose stack up on stand-in images, run an experiment on it, take it down
    ComposeTest(compose::Args),
    /// A page of a running server as a PNG file
    Screenshot(screenshot::Args),
    /// The main pages as PNG files, light and dark, wide and narrow, into docs/img
    Screenshots(screenshots::Args),
    /// Write .sqlx/ anew from the migrations and the queries of crates/store
    Sqlx,
    /// Serve an empty or migrated throwaway Postgres until Ctrl-C
    Postgres(postgres::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Demo(args) => demo::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Libtorch(args) => libtorch::run(&args),
        Command::ComposeTest(args) => compose::run(&args),
        Command::Screenshot(args) => screenshot::run(&args),
        Command::Screenshots(args) => screenshots::run(&args),
        Command::Sqlx => sqlx::run(),
        Command::Postgres(args) => postgres::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
