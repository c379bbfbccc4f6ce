//! The worker's program as a black box: folders in, records out.

mod attempts;
mod kinds;
mod resuming;
mod support;
mod training;
