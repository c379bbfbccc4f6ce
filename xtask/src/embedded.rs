//! The server's own embedded Postgres, included as it is: one implementation.
//! (A dependency on the server would need a database to build from.)
#![allow(dead_code, reason = "xtask needs only a part of it")]

#[path = "../../src/embedded/account.rs"]
pub mod account;
#[path = "../../src/embedded/bundle.rs"]
pub mod bundle;
#[path = "../../src/embedded/cluster.rs"]
pub mod cluster;
#[path = "../../src/embedded/folder.rs"]
mod folder;
#[path = "../../src/embedded/process.rs"]
mod process;
