//! The queue: jobs, leases, fences.

mod cancel;
mod claim;
mod finish;
pub(crate) mod graph;
mod jobs;
mod lease;
mod offers;
mod order;
pub(crate) mod place;
mod requeue;
mod retry;

pub use cancel::{cancel_experiment, cancel_run};
pub use claim::claim;
pub(crate) use claim::lock_attempt;
pub use finish::{MAX_FAILURES, finish};
pub use jobs::{JobView, NeededBy, Waiting, find_waiting, list_jobs};
pub use lease::{MAX_ATTEMPTS, heartbeat, reap_expired};
pub use offers::{RunJob, RunJobs, list_failed_stages, list_run_jobs};
pub use order::{Way, move_job};
pub use requeue::{RequeueView, find_requeuable, list_requeuable, plan_requeue, requeue_run};
pub use retry::retry_failed;
