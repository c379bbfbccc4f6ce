//! The worker's program as a black box: folders in, records out.

mod attempts;
mod resuming;
mod support;
mod training;
