//! The server's life: open everything, listen, and stop in the right order.

use crate::artifacts::ArtifactStore;
use crate::auth::Auth;
use crate::auth::hosts::Hosts;
use crate::auth::sessions::Sessions;
use crate::auth::tokens::{TokenError, TokenFiles};
use crate::config::Config;
use crate::live::Hub;
use crate::requests::Requests;
use crate::state::AppState;
use crate::{background, etag, routes};
use actix_web::dev::ServerHandle;
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App, HttpServer, web::Data};
use assay_store as store;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot use the database: {0}; is Postgres running, and is DATABASE_URL right?")]
    Database(String),
    #[error("cannot use the data folder {path}: {source}; choose another one with --data DIR")]
    Data {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(transparent)]
    Tokens(#[from] TokenError),
    #[error("cannot listen on {address}: {source}; choose another address with --listen HOST:PORT")]
    Listen {
        address: SocketAddr,
        source: std::io::Error,
    },
}

/// A server that answers.
#[derive(Debug)]
pub struct Server {
    pub address: SocketAddr,
    pub state: Arc<AppState>,
    handle: ServerHandle,
    serving: JoinHandle<std::io::Result<()>>,
    tasks: Vec<JoinHandle<()>>,
}

/// Migrates the database and starts to serve.
///
/// # Errors
/// Each is one line that says what to do.
pub async fn start(config: Config) -> Result<Server, StartError> {
    let data_error = |source| StartError::Data {
        path: config.data.clone(),
        source,
    };
    std::fs::create_dir_all(&config.data).map_err(data_error)?;
    let tokens = TokenFiles::of(&config.data).load(&config.data)?;
    let artifacts =
        ArtifactStore::open(&config.data, config.max_artifact_bytes).map_err(data_error)?;
    let database = |e: assay_store::StoreError| StartError::Database(e.to_string());
    let pool = store::connect(&config.database_url, config.connections)
        .await
        .map_err(database)?;
    store::migrate(&pool).await.map_err(database)?;
    let auth = Auth {
        tokens,
        sessions: Sessions::default(),
        hosts: Hosts::new(config.listen, &config.public_hosts),
        required: !config.listen.ip().is_loopback(),
    };
    let listen = config.listen;
    let state = Arc::new(AppState {
        pool,
        artifacts,
        live: Hub::default(),
        auth,
        requests: Requests::default(),
        runtime: tokio::runtime::Handle::current(),
        config,
    });
    let data = Data::from(Arc::clone(&state));
    let refused = |source| StartError::Listen {
        address: listen,
        source,
    };
    let http = HttpServer::new(move || {
        App::new()
            .app_data(data.clone())
            .configure(routes::configure)
            .wrap(from_fn(etag::tag))
            .wrap(from_fn(routes::gate))
            .wrap(Compress::default())
    })
    .workers(2)
    .client_request_timeout(Duration::from_secs(5))
    .keep_alive(Duration::from_secs(75))
    .shutdown_timeout(5)
    .disable_signals()
    .bind(listen)
    .map_err(refused)?;
    let address = http.addrs().first().copied().unwrap_or(listen);
    let server = http.run();
    let handle = server.handle();
    let serving = tokio::spawn(server);
    let tasks = vec![
        tokio::spawn(listen_to_postgres(Arc::clone(&state))),
        tokio::spawn(background::reap(Arc::clone(&state))),
        tokio::spawn(background::sweep(Arc::clone(&state))),
        tokio::spawn(background::look(Arc::clone(&state))),
    ];
    Ok(Server {
        address,
        state,
        handle,
        serving,
        tasks,
    })
}

async fn listen_to_postgres(state: Arc<AppState>) {
    state.live.listen(&state.config.database_url).await;
}

impl Server {
    /// Under which a browser on this machine reaches it.
    pub fn url(&self) -> String {
        url_of(self.address)
    }

    /// Lets open requests end, then closes the database's connections.
    pub async fn stop(self) {
        self.state.live.close();
        self.handle.stop(true).await;
        for task in &self.tasks {
            task.abort();
        }
        match self.serving.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the HTTP server ended badly"),
            Err(error) => tracing::error!(%error, "the HTTP server ended badly"),
        }
        let closed = tokio::time::timeout(Duration::from_secs(5), self.state.pool.close()).await;
        if closed.is_err() {
            tracing::warn!("database connections were still in use at the end");
        }
    }
}

/// An address that listens everywhere is reached by localhost.
pub fn url_of(address: SocketAddr) -> String {
    match address.ip() {
        ip if ip.is_unspecified() => format!("http://127.0.0.1:{}", address.port()),
        _ => format!("http://{address}"),
    }
}
