//! School authorities from end to end: real slapd, real processes, two stand-in Kelvin servers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod explain;
mod faults;
mod process;
mod scenarios;
mod world;
