//! REST v1, one file per resource. Thin: read, call the store, answer.

pub mod amendments;
pub mod exclusions;
pub mod experiments;
pub mod health;
pub mod imports;
pub mod metrics;
pub mod notes;
pub mod openapi;
pub mod prices;
pub mod progress;
pub mod queue;
pub mod references;
pub mod runs;
pub mod snapshots;
pub mod submission;
