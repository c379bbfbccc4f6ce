//! Black box over HTTP: every test has a server on a port of its own and a
//! database of its own on `ASSAY_TEST_DATABASE_URL`.

mod amending;
mod app;
mod bad_input;
mod commands;
mod doors;
mod exclusions;
mod importing;
mod journey;
mod queue;
mod requeueing;
mod submitting;
mod training;
mod wire;
mod worker;
