//! What can go wrong below HTTP.

/// Errors of every function of this crate.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing has this id; the word says what was looked for.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The attempt is no longer the current one, or not this worker's: its
    /// worker has to stop, and nothing it sends is taken.
    #[error("the lease is lost: another attempt may be running")]
    LeaseLost,
    /// Records are missing; `last` is the highest sequence number that is here.
    #[error("records are missing after number {last}")]
    Gap { last: u64 },
    /// What was sent contradicts what is stored.
    #[error("{0}")]
    Conflict(String),
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
}

pub type Result<T, E = StoreError> = std::result::Result<T, E>;

impl StoreError {
    /// A value that is stored but cannot be read: a bug, never an input's fault.
    pub(crate) fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Database(sqlx::Error::Decode(Box::new(error)))
    }
}
