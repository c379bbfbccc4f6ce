//! What every handler can reach.

use crate::artifacts::ArtifactStore;
use crate::auth::Auth;
use crate::config::Config;
use crate::live::Hub;
use crate::problem::Problem;
use crate::requests::Requests;
use assay_store as store;
use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres, Transaction};
use std::future::Future;
use std::time::Duration;
use tokio::runtime::Handle;

/// How long a request waits for the database before it answers 503.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub struct AppState {
    pub pool: PgPool,
    pub config: Config,
    pub artifacts: ArtifactStore,
    pub live: Hub,
    pub auth: Auth,
    pub requests: Requests,
    /// The runtime that outlives every connection.
    pub runtime: Handle,
}

impl AppState {
    /// A connection for reading.
    pub async fn conn(&self) -> Result<PoolConnection<Postgres>, Problem> {
        match tokio::time::timeout(PATIENCE, self.pool.acquire()).await {
            Ok(conn) => Ok(conn?),
            Err(_) => Err(Problem::unavailable("no connection within 2 s")),
        }
    }

    pub async fn begin(&self) -> Result<Transaction<'static, Postgres>, Problem> {
        match tokio::time::timeout(PATIENCE, store::begin(&self.pool)).await {
            Ok(tx) => Ok(tx?),
            Err(_) => Err(Problem::unavailable("no transaction within 2 s")),
        }
    }

    /// Runs something that writes to its end, also when the client hangs up
    /// half-way: a dropped handler never leaves half a write.
    pub async fn detached<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Problem>> + Send + 'static,
    ) -> Result<T, Problem> {
        match self.runtime.spawn(work).await {
            Ok(done) => done,
            Err(panic) => Err(Problem::internal(panic)),
        }
    }
}
