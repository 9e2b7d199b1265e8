//! The client against servers that do what each test says.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper of a test fails the test"
)]

mod answers;
mod calls;
mod hostile;
mod pki;
mod sandbox;
mod server;
mod tls;
mod tokens;
mod trouble;
