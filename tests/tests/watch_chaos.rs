//! Random changes while everything is killed at random; at the end consumers hold what the directory
//! holds, to the value.
//!
//! `IDSPOOL_CHAOS_OPERATIONS` sets how many changes are made, `IDSPOOL_CHAOS_SEED` which ones.

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
fn consumers_end_up_with_what_the_directory_holds() {
    let (operations, seed) = settings(400);
    let plan = Plan { log: SessionLog::Changes(200), groups_from: "search", ox: false };
    run(plan, operations / 2, seed);
    run(Plan { log: SessionLog::Without, ..plan }, operations / 2, seed + 1);
}

#[test]
fn consumers_end_up_with_what_the_overlay_says_of_members() {
    let (operations, seed) = settings(200);
    let plan = Plan { log: SessionLog::Changes(200), groups_from: "memberof", ox: false };
    run(plan, operations, seed);
}
