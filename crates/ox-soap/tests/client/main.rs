//! The client against real HTTP servers.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper of a test fails the test"
)]

mod answers;
mod examples;
mod examples_of_objects;
mod lists;
mod pki;
mod sandbox;
mod self_signed;
mod server;
mod tls;
mod trouble;
