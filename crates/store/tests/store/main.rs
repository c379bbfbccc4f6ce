//! The store against a real Postgres, one database a test.

mod alarms;
mod artifacts;
mod cancelling;
mod claiming;
mod counting;
mod db;
mod decoders;
mod figures;
mod finishing;
mod leases;
mod left_behind;
mod long;
mod ordering;
mod pages;
mod parts;
mod planning;
mod play;
mod records;
mod requeueing;
mod rollups;
mod samples;
mod short;
mod snapshots;
mod speed;
mod support;
mod twin;
