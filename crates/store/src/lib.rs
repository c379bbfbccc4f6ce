//! What Assay remembers: all of its SQL. One query is one function; every
//! function takes `&mut PgConnection` first, so that it works inside and outside
//! a transaction. Everything is exported at the root.
//!
//! Notifications: channel [`JOB_CHANNEL`] when a job becomes queued, channel
//! [`STAGE_CHANNEL`] with the stage's id when its records arrive or its state changes.

mod amendments;
mod artifacts;
mod code;
mod completions;
mod contests;
mod db;
mod decoders;
mod dollars;
mod error;
mod evals;
mod events;
mod exclusions;
mod experiments;
mod failures;
mod figures;
mod idempotency;
mod ledger;
mod logs;
mod notes;
mod numbers;
mod prices;
mod progress;
mod queue;
mod records;
mod rule_alarms;
mod runs;
mod samples;
mod searching;
mod series;
mod signs;
mod snapshots;
mod spending;
mod supervision;
mod warm;
mod words;
mod workers;

pub use amendments::*;
pub use artifacts::*;
pub use code::*;
pub use completions::*;
pub use contests::*;
pub use db::*;
pub use decoders::*;
pub use dollars::*;
pub use error::*;
pub use evals::*;
pub use events::*;
pub use exclusions::*;
pub use experiments::*;
pub use failures::*;
pub use figures::*;
pub use idempotency::*;
pub use ledger::*;
pub use logs::*;
pub use notes::*;
pub use prices::*;
pub use progress::*;
pub use queue::*;
pub use records::*;
pub use rule_alarms::*;
pub use runs::*;
pub use samples::*;
pub use series::*;
pub use signs::*;
pub use snapshots::*;
pub use spending::*;
pub use supervision::*;
pub use words::*;
pub use workers::*;

/// Some job has become queued; no payload.
pub const JOB_CHANNEL: &str = "assay_job";
/// Payload: the id of a stage that changed.
pub const STAGE_CHANNEL: &str = "assay_stage";
