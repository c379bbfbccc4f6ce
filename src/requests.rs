//! How many requests were answered, by the class of their status.

use actix_web::http::StatusCode;
use std::sync::atomic::{AtomicU64, Ordering};

/// `1xx` to `5xx`.
#[derive(Debug, Default)]
pub struct Requests([AtomicU64; 5]);

impl Requests {
    pub fn count(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(1, 5);
        self.0[class - 1].fetch_add(1, Ordering::Relaxed);
    }

    pub fn all(&self) -> [u64; 5] {
        self.0.each_ref().map(|n| n.load(Ordering::Relaxed))
    }
}
