//! Starting and stopping the server.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::calls::{Call, Count};
use super::engine::Engine;
use super::failure::Failure;
use super::options::Options;
use super::site::KelvinSite;
use super::world::World;
use super::{Error, view};
use crate::http::{Host, host};

/// Starts the server; it runs until [`Server::stop`] or until the handle is dropped.
///
/// # Errors
///
/// When the address cannot be listened on, the TLS files cannot be used, or a school's name is none.
pub fn serve(options: Options) -> Result<Server, Error> {
    Engine::check(&options)?;
    let (listen, tls) = (options.listen, options.tls.clone());
    let host = host(listen, tls.as_ref(), |scheme, address| {
        Ok::<_, Error>(KelvinSite { engine: Engine::new(options, scheme, address.to_string())? })
    })?;
    Ok(Server { host })
}

/// A running server.
pub struct Server {
    host: Host<KelvinSite>,
}

impl Server {
    fn engine(&self) -> &Engine {
        &self.host.site().engine
    }

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

    /// Looks at the state between two requests.
    pub fn inspect<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&self.engine().state().world)
    }

    /// The requests after number `since`, in the order in which they took effect.
    #[must_use]
    pub fn calls(&self, since: u64) -> Vec<Call> {
        self.engine().state().calls.since(since).cloned().collect()
    }

    /// Requests per method and resource: `PATCH users/{name}`.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, Count> {
        self.engine().state().calls.counts()
    }

    /// The same as `GET /state`.
    #[must_use]
    pub fn dump(&self) -> serde_json::Value {
        serde_json::from_slice(&view::json::state(self.engine())).unwrap_or_default()
    }

    /// Adds a failure on purpose; requests are counted from now.
    pub fn fail(&self, failure: Failure) {
        self.engine().add_failures(vec![failure]);
    }

    /// Makes all tokens invalid that were issued so far. Tells whether the system had random numbers for
    /// the key of new ones; if not, nothing has changed.
    pub fn revoke_tokens(&self) -> bool {
        self.engine().revoke()
    }

    /// Takes a school away, as nobody can over the API; what is in it stays. Tells whether it was
    /// there.
    pub fn remove_school(&self, name: &str) -> bool {
        self.engine().remove_school(name)
    }

    /// Back to the state of the start; tokens stay valid.
    pub fn reset(&self) {
        self.engine().reset();
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
