//! HTTP for the clients of recipients: which servers are trusted, connections that are kept, limits of
//! time and size, and what it means when a call fails on its way.

mod secret;
mod tls;

pub use secret::Secret;
pub use tls::TlsProblem;
