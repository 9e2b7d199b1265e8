//! A small HTTP/1.1 server: one thread per connection, keep-alive, everything bounded.

mod connection;
mod message;
mod response;
mod server;
mod tls;

pub(crate) use message::Request;
pub(crate) use response::{JSON, Reaction, Response};
pub(crate) use server::{Host, Site, host};
pub use tls::Tls;

/// Why a stand-in server cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address is taken, not ours, or needs a privilege.
    #[error("listen on {address}; choose another address with --listen")]
    Listen {
        /// Address that was asked for.
        address: std::net::SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A thread could not be started.
    #[error("start a thread")]
    Thread(#[source] std::io::Error),
    /// Certificate or key cannot be used.
    #[error("use {file} for TLS: {what}; expected PEM")]
    Tls {
        /// The file at fault.
        file: std::path::PathBuf,
        /// What is wrong with it.
        what: String,
    },
}
