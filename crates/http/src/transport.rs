//! HTTP: one request, and the beginning of its answer, within limits of time and size.
//!
//! Connections are kept and used again. The library checks before it uses one that the server has
//! not closed it; the moment between that check and the arrival of the request remains.
//!
//! No redirect is followed: it would carry an administrator's password to an address nobody
//! configured. Proxies of the environment (`HTTPS_PROXY` …) are not used for the same reason;
//! recipients are servers of one's own.

use std::time::Duration;

use ureq::http::Request;
use ureq::unversioned::transport::{Connector, TcpConnector};
use ureq::{Agent, AsSendBody};

use crate::failure::TransportError;
use crate::reply::Reply;
use crate::resolver::RememberingResolver;
use crate::tls::{Tls, TlsConnector};

/// Shorter than the 5 s after which Apache, the usual proxy before a recipient, closes an idle connection:
/// so it is rarely closed in the moment in which we use it.
const IDLE_LIMIT: Duration = Duration::from_secs(4);
/// One for each worker of a provisioner.
const IDLE_COUNT: usize = 32;
/// Recipients send a few hundred bytes.
const HEADER_LIMIT: usize = 64 << 10;
/// Requests have some 4 kB, answers 15 kB; the buffers grow for none.
const BUFFER_SIZE: usize = 32 << 10;

/// Limits of time.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// To make a connection, TLS included.
    pub connect: Duration,
    /// For a whole call.
    pub call: Duration,
}

/// Connections to one server. May be used from several threads at once.
#[derive(Debug)]
pub struct Http {
    agent: Agent,
    resolver: RememberingResolver,
    limits: Limits,
}

impl Http {
    /// Without TLS settings, `https` is refused.
    pub fn new(limits: Limits, tls: Option<Tls>) -> Self {
        let config = Agent::config_builder()
            .proxy(None)
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_resolve(Some(limits.connect))
            .timeout_connect(Some(limits.connect))
            .timeout_global(Some(limits.call))
            .max_idle_age(IDLE_LIMIT)
            .max_idle_connections(IDLE_COUNT)
            .max_idle_connections_per_host(IDLE_COUNT)
            .max_response_header_size(HEADER_LIMIT)
            .input_buffer_size(BUFFER_SIZE)
            .output_buffer_size(BUFFER_SIZE)
            .user_agent(concat!("idspool/", env!("CARGO_PKG_VERSION")));
        let connector = ().chain(TcpConnector::default()).chain(TlsConnector(tls));
        let resolver = RememberingResolver::default();
        let agent = Agent::with_parts(config.build(), connector, resolver.clone());
        Self { agent, resolver, limits }
    }

    /// The limits of time that passed when [`TransportError::Timeout`] says so.
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// Closes all connections, also those in use, and opens no new ones: requests under way end with
    /// [`TransportError::Disconnected`]. What is resolving a name or making a connection ends by its limit of time,
    /// before anything is sent.
    pub fn shutdown(&self) {
        self.agent.clone().shutdown();
    }

    /// Sends a request and waits for the beginning of the answer, whatever its status.
    ///
    /// # Errors
    /// There is no answer.
    pub fn send(&self, request: Request<impl AsSendBody>) -> Result<Reply, TransportError> {
        match self.agent.run(request) {
            Ok(response) => {
                let (head, body) = response.into_parts();
                Ok(Reply::new(head.status.as_u16(), head.headers, body))
            }
            Err(error) => {
                let error = TransportError::of(&error);
                if !matches!(error, TransportError::Disconnected(_)) {
                    self.resolver.forget();
                }
                Err(error)
            }
        }
    }
}
