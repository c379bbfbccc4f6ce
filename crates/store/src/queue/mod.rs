//! The queue: jobs, leases, fences.

mod cancel;
mod claim;
mod finish;
mod jobs;
mod lease;
mod retry;

pub use cancel::{cancel_experiment, cancel_run};
pub use claim::claim;
pub use finish::finish;
pub use jobs::{JobView, NeededBy, Waiting, list_jobs};
pub use lease::{heartbeat, reap_expired};
pub use retry::retry_failed;
