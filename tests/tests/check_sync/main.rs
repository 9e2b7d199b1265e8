//! What differs between directory, snapshots and OX: each side altered behind the back of the others.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod answer;
mod findings;
mod resync;
mod world;
