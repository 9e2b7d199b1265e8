//! Starting and stopping the server.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::calls::{Call, Count};
use super::engine::Engine;
use super::options::{Failure, Options};
use super::site::OxSite;
use super::world::World;
use super::{Error, view};
use crate::http::{Host, host};

/// Starts the server; it runs until [`Server::stop`] or until the handle is dropped.
///
/// # Errors
///
/// When the address cannot be listened on, the TLS files cannot be used, or a failure on purpose
/// names an unknown operation.
pub fn serve(options: Options) -> Result<Server, Error> {
    let (listen, tls) = (options.listen, options.tls.clone());
    let engine = Engine::new(options)?;
    let host = host(listen, tls.as_ref(), |scheme, address| {
        Ok::<_, Error>(OxSite { engine, scheme, address: address.to_string() })
    })?;
    Ok(Server { host })
}

/// A running server.
pub struct Server {
    host: Host<OxSite>,
}

impl Server {
    /// Where it listens; the port is the real one, also when port 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.host.address()
    }

    /// Scheme, host and port, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        self.host.url()
    }

    /// Looks at the state between two calls.
    pub fn inspect<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&self.host.site().engine.state().world)
    }

    /// The calls after number `since`, in the order in which they took effect.
    #[must_use]
    pub fn calls(&self, since: u64) -> Vec<Call> {
        self.host.site().engine.state().calls.since(since).cloned().collect()
    }

    /// Calls per operation, by `Service.operation`.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, Count> {
        self.host.site().engine.state().calls.counts()
    }

    /// The same as `GET /state`.
    #[must_use]
    pub fn dump(&self) -> serde_json::Value {
        serde_json::from_slice(&view::json::state(&self.host.site().engine, None))
            .unwrap_or_default()
    }

    /// Adds a failure on purpose; calls are counted from now.
    ///
    /// # Errors
    ///
    /// When no service has such an operation.
    pub fn fail(&self, failure: Failure) -> Result<(), Error> {
        self.host.site().engine.add_failures(vec![failure])
    }

    /// Back to the state of the start.
    pub fn reset(&self) {
        self.host.site().engine.reset();
    }

    /// Blocks until the server is stopped from elsewhere.
    pub fn wait(self) {
        self.host.wait();
    }

    /// Stops at once; open connections are closed, also in the middle of an answer.
    pub fn stop(self) {
        drop(self);
    }
}
