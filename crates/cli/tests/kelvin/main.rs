//! `idspool kelvin`, as a process.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod adopt;
mod authorities;
mod place;
mod schedule;
