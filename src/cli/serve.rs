//! `assay serve`, and what it shares with `assay up`.

use super::{Done, Stop, runtime, start_log};
use crate::config::{Config, DEFAULT_LISTEN, default_data, split_hosts};
use crate::server;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};

/// Where to listen and where to keep things.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Place {
    /// Folder of tokens and artifacts (and of `up`'s Postgres) [default: ~/.local/share/assay; as root /var/lib/assay]
    #[arg(long, value_name = "DIR", env = "ASSAY_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// Address to listen on; outside loopback every request needs a token
    #[arg(long, value_name = "HOST:PORT", default_value = DEFAULT_LISTEN)]
    listen: SocketAddr,
    /// Further names under which the server is reached (with ASSAY_PUBLIC_HOSTS)
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    public_host: Vec<String>,
}

impl Place {
    pub(crate) fn data(&self) -> PathBuf {
        let data = self.data.clone().unwrap_or_else(default_data);
        std::path::absolute(&data).unwrap_or(data)
    }

    pub(crate) fn config(&self, database_url: String) -> Result<Config, Stop> {
        let mut config = Config::new(database_url, self.data(), self.listen)?;
        config
            .public_hosts
            .extend(split_hosts(&self.public_host.join(",")));
        Ok(config)
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    place: Place,
}

impl Serve {
    pub(crate) fn run(self) -> Done {
        let url = database_url().ok_or_else(|| {
            Stop::usage(
                "`assay serve` needs DATABASE_URL=postgres://…; `assay up` brings its own Postgres",
            )
        })?;
        start_log();
        let config = self.place.config(url)?;
        let runtime = runtime()?;
        runtime.block_on(async {
            let mut asked = StopSignals::new()?;
            let server = server::start(config).await.map_err(Stop::new)?;
            println!("{}", server.url());
            asked.wait().await;
            server.stop().await;
            Ok(())
        })
    }
}

pub(crate) fn database_url() -> Option<String> {
    std::env::var("DATABASE_URL")
        .ok()
        .filter(|url| !url.is_empty())
}

/// SIGTERM and Ctrl-C.
pub(crate) struct StopSignals {
    term: tokio::signal::unix::Signal,
    int: tokio::signal::unix::Signal,
}

impl StopSignals {
    pub(crate) fn new() -> Result<Self, Stop> {
        let on = |kind| signal(kind).map_err(|e| Stop::new(format!("cannot watch signals: {e}")));
        Ok(Self {
            term: on(SignalKind::terminate())?,
            int: on(SignalKind::interrupt())?,
        })
    }

    pub(crate) async fn wait(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.int.recv() => {}
        }
    }
}
