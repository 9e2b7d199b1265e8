//! Every case of `docs/troubleshooting.md`, brought about with real servers and processes: the message
//! names the remedy, and `idspool explain` tells the case in words.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod directory;
mod file;
mod object;
mod ox;
mod procedure;
mod world;
