//! `assay-worker`: computes stages. `run` is a supervisor that asks a server for
//! work and starts one `attempt` process for each; `train` needs no server.

mod child;
mod engine;
mod recorder;
mod runner;
mod torch;
mod train;

use clap::{Parser, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Parser)]
#[command(version, about = "Computes the stages of Assay's experiments")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Ask a server for work until told to stop
    Run(runner::RunArgs),
    /// Compute one arm at one seed, a whole experiment, or one stage, into a folder
    Train(train::TrainArgs),
    /// Print what an experiment file says of a folder with a pretrained model
    Checkpoint { folder: PathBuf },
    /// One attempt (started by `run`)
    #[command(hide = true)]
    Attempt { folder: PathBuf },
    /// One stage of a `train` that runs several side by side
    #[command(hide = true)]
    Stage { task: PathBuf },
    /// Print the device and libtorch that attempts would use
    Probe {
        #[arg(long, default_value = "auto")]
        device: String,
    },
}

fn main() {
    let code = match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("assay-worker: {error:#}");
            1
        }
    };
    std::process::exit(code);
}

fn run(command: Command) -> anyhow::Result<i32> {
    match command {
        Command::Run(args) => runner::run(&args),
        Command::Checkpoint { folder } => {
            print!("{}", engine::pretrained::describe(&folder)?);
            Ok(0)
        }
        Command::Attempt { folder } => child::attempt(&folder),
        Command::Stage { task } => train::stage(&task),
        Command::Train(args) => {
            in_environment()?;
            train::train(&args)
        }
        Command::Probe { device } => {
            let device = torch::device(&device).map_err(anyhow::Error::msg)?;
            println!("{}", serde_json::to_string(&torch::host_facts(device))?);
            Ok(0)
        }
    }
}

/// OpenMP and malloc read the environment before `main`: start again with it set.
fn in_environment() -> anyhow::Result<()> {
    use std::os::unix::process::CommandExt;
    if std::env::var_os("ASSAY_CHILD").is_some() {
        return Ok(());
    }
    let mut again = std::process::Command::new(std::env::current_exe()?);
    again
        .args(std::env::args_os().skip(1))
        .envs(child::ENVIRONMENT);
    Err(again.exec().into())
}
