//! `assay up`: everything on one machine, with nothing to set up.

use super::keeper::{Keeper, WorkerCommand, find_worker};
use super::serve::{Place, StopSignals, database_url};
use super::{Done, Stop, runtime, start_log};
use crate::auth::tokens::TokenFiles;
use crate::embedded;
use crate::server::{self, Server};

#[derive(Debug, clap::Args)]
pub(crate) struct Up {
    #[command(flatten)]
    place: Place,
    /// Threads of the worker [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Start no worker
    #[arg(long)]
    no_worker: bool,
}

impl Up {
    pub(crate) fn run(self) -> Done {
        start_log();
        let runtime = runtime()?;
        runtime.block_on(self.serve())
    }

    /// Starts Postgres, server, worker; stops them in the opposite order.
    async fn serve(self) -> Done {
        let mut asked = StopSignals::new()?;
        let data = self.place.data();
        let postgres = match database_url() {
            Some(_) => None,
            None => {
                std::fs::create_dir_all(&data).map_err(|e| {
                    Stop::new(format!(
                        "cannot make {}: {e}; choose a folder with --data",
                        data.display()
                    ))
                })?;
                Some(embedded::start(&data).await.map_err(Stop::new)?)
            }
        };
        let url = match &postgres {
            Some(postgres) => postgres.url().to_string(),
            None => database_url().unwrap_or_default(),
        };
        let served = self.serve_on(url, &mut asked).await;
        if let Some(postgres) = postgres {
            let stopped = embedded::stop(postgres).await.map_err(Stop::new);
            return served.and(stopped);
        }
        served
    }

    async fn serve_on(&self, database_url: String, asked: &mut StopSignals) -> Done {
        let config = self.place.config(database_url)?;
        let server = server::start(config).await.map_err(Stop::new)?;
        let keeper = self.start_worker(&server);
        println!("{}", server.url());
        asked.wait().await;
        // A second signal during the stop is taken as impatience by nobody.
        if let Some(keeper) = keeper {
            let stopped = tokio::task::spawn_blocking(|| keeper.stop()).await;
            if let Err(error) = stopped {
                tracing::error!(%error, "stopping the worker");
            }
        }
        server.stop().await;
        Ok(())
    }

    /// Without a worker everything else still serves.
    fn start_worker(&self, server: &Server) -> Option<Keeper> {
        if self.no_worker {
            return None;
        }
        let Some(program) = find_worker() else {
            tracing::warn!(
                "no assay-worker found, so nothing will train: build it with `cargo xtask libtorch && cargo build -p assay-worker`, or set ASSAY_WORKER"
            );
            return None;
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let command = WorkerCommand {
            program,
            server: server.url(),
            token_file: TokenFiles::of(&server.state.config.data).worker,
            threads: self.threads.map_or(cores, usize::from),
        };
        Keeper::start(command)
            .inspect_err(|error| tracing::error!(%error, "cannot start the worker's thread"))
            .ok()
    }
}
