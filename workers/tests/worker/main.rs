//! The worker's program as a black box: folders and claims in, records out.

mod attempts;
mod checkpoint;
mod folder;
mod kinds;
mod looking;
mod resuming;
mod running;
mod server;
mod support;
mod training;
