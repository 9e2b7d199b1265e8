//! Groups, resources, functional accounts and deputy permissions on the whole way: real slapd, real processes, the
//! strict stand-in OX server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod accounts_and_resources;
mod deputies;
mod groups;
mod names;
mod world;
