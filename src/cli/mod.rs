//! The command line, one file per command. Every error is one line that says what to do.

mod amend;
mod cancel;
mod client;
mod compare;
mod export;
mod import;
mod keeper;
mod migrate;
mod preset;
mod price;
mod reference;
mod requeue;
mod serve;
mod submit;
mod task;
mod token;
mod up;
mod watch;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// A self-hosted experiment platform for reasoning-RL recipes.
#[derive(Debug, Parser)]
#[command(name = "assay", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server and a worker on this machine, and Postgres where DATABASE_URL names none
    Up(up::Up),
    /// Start the server alone; DATABASE_URL says where Postgres is
    Serve(serve::Serve),
    /// Bring the database of DATABASE_URL up to date
    Migrate,
    /// Say where the tokens are; make them if they are not there yet
    Token(token::Token),
    /// Submit an experiment file
    Submit(submit::Submit),
    /// List or show the experiments that come with the program
    #[command(subcommand)]
    Preset(preset::Preset),
    /// List or show kinds of problem
    #[command(subcommand)]
    Task(task::Task),
    /// List what an hour of a device costs, or enter it
    #[command(subcommand)]
    Price(price::Price),
    /// List what others have published, with source and version
    #[command(subcommand)]
    Reference(reference::Reference),
    /// Follow an experiment's runs
    Watch(watch::Watch),
    /// Print an experiment's comparison
    Compare(compare::Compare),
    /// Save an experiment's figures and tables into a folder
    Export(export::Export),
    /// Enter work that `assay-worker train` has done elsewhere
    ///
    /// This needs a token on every server, also on a loopback address. Without --token-file,
    /// ASSAY_TOKEN_FILE and ASSAY_TOKEN it reads `admin.token` of the data folder (ASSAY_DATA,
    /// else the default one) and nothing else.
    Import(import::Import),
    /// Say an experiment's question or hypothesis anew; the registered version stays
    Amend(amend::Amend),
    /// Cancel an experiment's unfinished runs
    Cancel(cancel::Cancel),
    /// Queue a run again that a silent worker holds or that has crashed, from its last checkpoint
    Requeue(requeue::Requeue),
}

/// Where the server is, and how to be let in.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Remote {
    /// The server's address [default: ASSAY_SERVER, else http://127.0.0.1:8337]
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// File with a token [default: ASSAY_TOKEN_FILE, else the token in ASSAY_TOKEN]
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

/// Why a command ended early.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) code: u8,
    pub(crate) message: String,
}

impl Stop {
    pub(crate) fn new(message: impl std::fmt::Display) -> Self {
        Self {
            code: 1,
            message: message.to_string(),
        }
    }

    /// What was given is wrong.
    pub(crate) fn usage(message: impl std::fmt::Display) -> Self {
        Self {
            code: 2,
            message: message.to_string(),
        }
    }
}

impl From<String> for Stop {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

pub(crate) type Done = Result<(), Stop>;

/// Parses the arguments and runs the command.
pub fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Up(up) => up.run(),
        Command::Serve(serve) => serve.run(),
        Command::Migrate => migrate::run(),
        Command::Token(token) => token.run(),
        Command::Submit(submit) => submit.run(),
        Command::Preset(preset) => preset.run(),
        Command::Task(task) => task.run(),
        Command::Price(price) => price.run(),
        Command::Reference(reference) => reference.run(),
        Command::Watch(watch) => watch.run(),
        Command::Compare(compare) => compare.run(),
        Command::Export(export) => export.run(),
        Command::Import(import) => import.run(),
        Command::Amend(amend) => amend.run(),
        Command::Cancel(cancel) => cancel.run(),
        Command::Requeue(requeue) => requeue.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => {
            if !stop.message.is_empty() {
                eprintln!("{}", stop.message);
            }
            ExitCode::from(stop.code)
        }
    }
}

/// The runtime of the commands that serve. Two threads are enough: the HTTP
/// server has its own.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Stop> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Stop::new(format!("cannot start: {e}")))
}

/// Log lines on stderr; `ASSAY_LOG` may be error, warn, info, debug or trace. Of
/// what others say, warnings are enough.
pub(crate) fn start_log() {
    use std::io::IsTerminal;
    use tracing_subscriber::filter::{LevelFilter, Targets};
    use tracing_subscriber::prelude::*;
    let own = std::env::var("ASSAY_LOG")
        .ok()
        .and_then(|word| word.parse().ok());
    let levels = Targets::new()
        .with_target("assay", own.unwrap_or(LevelFilter::INFO))
        .with_default(LevelFilter::WARN);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    tracing_subscriber::registry()
        .with(lines)
        .with(levels)
        .init();
}
