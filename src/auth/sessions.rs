//! Browser sessions: random values in a cookie, their hashes in memory. They end
//! with the server or after a week.

use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

pub const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);
const MAX_SESSIONS: usize = 1_000;
/// Wrong tokens a minute before the door stays shut for the rest of it.
const MAX_FAILURES: u32 = 10;

#[derive(Debug, Default)]
pub struct Sessions {
    open: Mutex<HashMap<[u8; 32], Instant>>,
    failures: Mutex<Option<(Instant, u32)>>,
}

impl Sessions {
    /// The new session's cookie value; empty if the system has no random numbers,
    /// and an empty value is never a session.
    pub fn open(&self) -> String {
        let Ok(value) = super::tokens::random_token() else {
            return String::new();
        };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, since| since.elapsed() < LIFETIME);
        if open.len() >= MAX_SESSIONS
            && let Some(oldest) = open
                .iter()
                .min_by_key(|(_, since)| **since)
                .map(|(k, _)| *k)
        {
            open.remove(&oldest);
        }
        open.insert(hash(&value), Instant::now());
        value
    }

    pub fn contains(&self, value: &str) -> bool {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(&hash(value))
            .is_some_and(|since| since.elapsed() < LIFETIME)
    }

    pub fn close(&self, value: &str) {
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&hash(value));
    }

    /// False while there have been too many wrong tokens in this minute.
    pub fn may_try(&self) -> bool {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures
            .is_none_or(|(since, n)| n < MAX_FAILURES || since.elapsed() > Duration::from_secs(60))
    }

    pub fn failed(&self) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        *failures = match *failures {
            Some((since, n)) if since.elapsed() <= Duration::from_secs(60) => Some((since, n + 1)),
            Some(_) | None => Some((Instant::now(), 1)),
        };
    }
}

fn hash(value: &str) -> [u8; 32] {
    Sha256::digest(value.as_bytes()).into()
}
