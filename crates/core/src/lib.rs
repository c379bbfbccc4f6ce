//! What the rooms of Assay agree on: specs and their hashes, tasks and their
//! verifiers, the statistics, the ledger and the worker protocol.
//! No HTTP, no SQL, no tensors.

pub mod amendment;
pub mod at_budget;
pub mod beyond;
pub mod calibration;
pub mod canonical;
pub mod compare;
pub mod config;
pub mod decoders;
pub mod denominator;
pub mod detectable;
pub mod device;
pub mod estimate;
pub mod failure;
pub mod frontier;
pub mod ground;
pub mod health;
pub mod ids;
pub mod judged;
pub mod ledger;
pub mod load;
pub mod metric;
pub mod note;
pub mod outcome;
pub mod over_questions;
pub mod progress;
pub mod questions;
pub mod recipe;
pub mod reference;
pub mod rng;
pub mod selection;
pub mod spec;
pub mod spending;
pub mod starts;
pub mod stats;
pub mod supervision;
pub mod tail;
pub mod task;
pub mod trees;
pub mod tries;
pub mod unseen;
pub mod violation;
pub mod wire;
