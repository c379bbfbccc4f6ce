//! The pool, its migrations, and the only way to begin a transaction.

use crate::Result;
use sqlx::migrate::Migrator;
use sqlx::postgres::PgPoolOptions;
use sqlx::{PgPool, Postgres, Transaction};

const MIGRATION_LOCK: i64 = 0x6173_7361_7901;

/// A pool of at most `max` connections. Statements stop after 30 s, forgotten
/// transactions after 15 s.
///
/// # Errors
/// `Database` where the server cannot be reached.
pub async fn connect(url: &str, max: u32) -> Result<PgPool> {
    let options = url
        .parse::<sqlx::postgres::PgConnectOptions>()?
        .application_name("assay")
        .options([
            ("statement_timeout", "30s"),
            ("idle_in_transaction_session_timeout", "15s"),
            // Queries here are small and prepared; compiling them costs more than it saves.
            ("jit", "off"),
        ]);
    Ok(PgPoolOptions::new()
        .max_connections(max)
        .connect_with(options)
        .await?)
}

/// Brings the schema up to date. Safe with several servers starting at once.
///
/// # Errors
/// `Database` where a migration fails or the schema is newer than this binary.
pub async fn migrate(pool: &PgPool) -> Result<()> {
    // All of it in one transaction, under a lock that ends with it: sqlx's own is a
    // session's, which a pooler in between would hand to somebody else.
    let migrator = Migrator {
        locking: false,
        ..sqlx::migrate!("../../migrations")
    };
    let mut tx = begin(pool).await?;
    sqlx::query!("select pg_advisory_xact_lock($1)", MIGRATION_LOCK)
        .execute(&mut *tx)
        .await?;
    migrator
        .run_direct(None, &mut *tx, false)
        .await
        .map_err(sqlx::Error::from)?;
    Ok(tx.commit().await?)
}

/// Begins a transaction. Runs in a task of its own: with sqlx 0.9.0 a `begin`
/// that is cancelled half-way returns its connection inside an open transaction.
///
/// # Errors
/// `Database` where no connection is to be had.
pub async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>> {
    let pool = pool.clone();
    let task = tokio::spawn(async move {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place; not cancelled, because the task runs to its end"
        )]
        pool.begin().await
    });
    match task.await {
        Ok(begun) => Ok(begun?),
        Err(stopped) => Err(sqlx::Error::Io(std::io::Error::other(stopped)).into()),
    }
}
