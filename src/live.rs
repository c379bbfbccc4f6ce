//! What has just changed, as Postgres tells it: wakes long polls for jobs and
//! feeds the live pages. A lost connection loses news, never data: everyone is
//! then told to look again.

use assay_core::ids::StageId;
use assay_store::{JOB_CHANNEL, STAGE_CHANNEL};
use sqlx::postgres::PgListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, broadcast, watch};

/// News kept for a reader that is behind; past it the reader is told to look again.
const BACKLOG: usize = 1_024;
const MAX_SUBSCRIBERS: usize = 2_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Stage(StageId),
    /// Some job can be claimed: something was submitted or released.
    Queue,
    /// News may have been lost.
    Anything,
}

#[derive(Debug)]
pub struct Hub {
    jobs: Notify,
    changes: broadcast::Sender<Change>,
    closing: watch::Sender<bool>,
    subscribers: AtomicUsize,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            jobs: Notify::new(),
            changes: broadcast::channel(BACKLOG).0,
            closing: watch::channel(false).0,
            subscribers: AtomicUsize::new(0),
        }
    }
}

/// A place among the live readers; given back when dropped.
pub struct Subscription<'a> {
    hub: &'a Hub,
    pub changes: broadcast::Receiver<Change>,
    pub closing: watch::Receiver<bool>,
}

impl Drop for Subscription<'_> {
    fn drop(&mut self) {
        self.hub.subscribers.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Hub {
    /// `None` while there are too many readers already.
    pub fn subscribe(&self) -> Option<Subscription<'_>> {
        if self.subscribers.fetch_add(1, Ordering::Relaxed) >= MAX_SUBSCRIBERS {
            self.subscribers.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Subscription {
            hub: self,
            changes: self.changes.subscribe(),
            closing: self.closing.subscribe(),
        })
    }

    /// Ends at the next queued job, or when the server stops. Enable it, then
    /// look at the queue, then wait: so no news falls between.
    pub fn job_or_closing(&self) -> tokio::sync::futures::Notified<'_> {
        self.jobs.notified()
    }

    pub fn is_closing(&self) -> bool {
        *self.closing.borrow()
    }

    /// Lets go of everyone who waits, so that the server can stop.
    pub fn close(&self) {
        self.closing.send_replace(true);
        self.jobs.notify_waiters();
    }

    fn tell(&self, channel: &str, payload: &str) {
        if channel == JOB_CHANNEL {
            self.jobs.notify_waiters();
            let _ = self.changes.send(Change::Queue);
            return;
        }
        // No reader is no error.
        let _ = self
            .changes
            .send(payload.parse().map_or(Change::Anything, Change::Stage));
    }

    /// Listens for ever; connects again when the connection is lost.
    pub async fn listen(&self, database_url: &str) {
        loop {
            if let Err(error) = self.listen_once(database_url).await {
                tracing::warn!(%error, "no live updates: cannot listen to Postgres; trying again");
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    async fn listen_once(&self, database_url: &str) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect(database_url).await?;
        listener.listen_all([JOB_CHANNEL, STAGE_CHANNEL]).await?;
        self.look_again();
        loop {
            match listener.try_recv().await? {
                Some(news) => self.tell(news.channel(), news.payload()),
                // The connection was lost and is being made again.
                None => self.look_again(),
            }
        }
    }

    fn look_again(&self) {
        self.jobs.notify_waiters();
        let _ = self.changes.send(Change::Anything);
    }
}
