//! `idspool-ox --dry-run` against real processes: what it announces is what a run then does, and until
//! then nothing has changed anywhere.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod announced;
mod foreseen;
mod process;
mod world;
