//! Assay's server and command line: HTTP in; JSON, HTML and SVG out. No SQL, no tensors.

pub mod api;
pub mod artifacts;
pub mod auth;
pub mod background;
pub mod body;
pub mod charts;
pub mod cli;
pub mod config;
pub mod description;
pub mod embedded;
pub mod entering;
pub mod etag;
pub mod live;
pub mod number;
pub mod pages;
pub mod presets;
pub mod problem;
pub mod requests;
pub mod routes;
pub mod rules;
pub mod server;
pub mod snapshots;
pub mod sse;
pub mod state;
pub mod worker_api;
