//! As `watch_chaos.rs`, with `idspool-ox` and a stand-in OX server: at the end snapshots and server have
//! what the directory has.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod watching;

use idspool_tests::SessionLog;
use watching::site::{Plan, run, settings};

#[test]
fn ox_ends_up_with_what_the_directory_holds() {
    let (operations, seed) = settings(200);
    let plan = Plan { log: SessionLog::Changes(200), groups_from: "search", ox: true };
    run(plan, operations, seed);
}
