//! HTTP: one POST, its status and its body, within limits of time and size.
//!
//! Connections are kept and used again. The library checks before it uses one that the server has
//! not closed it; the moment between that check and the arrival of the request remains (see
//! `Client::call`).
//!
//! No redirect is followed: it would carry an administrator's password to an address nobody
//! configured. Proxies of the environment (`HTTPS_PROXY` …) are not used for the same reason; OX is
//! a server of one's own.

use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;
use std::time::Duration;

use ureq::http::header;
use ureq::unversioned::transport::{Connector, TcpConnector};
use ureq::{Agent, Body, Timeout};

use crate::address::{BaseUrl, RememberingResolver};
use crate::error::{CallSite, Error, TlsProblem};
use crate::fault::one_line;
use crate::service::{Operation, Service};
use crate::tls::{self, TlsConnector};
use crate::xml::Source;

/// Shorter than the 5 s after which Apache, the usual proxy before OX, closes an idle connection:
/// so it is rarely closed in the moment in which we use it.
const IDLE_LIMIT: Duration = Duration::from_secs(4);
/// One for each worker of a provisioner.
const IDLE_COUNT: usize = 32;
/// OX sends a few hundred bytes.
const HEADER_LIMIT: usize = 64 << 10;
/// Requests have some 4 kB, answers 15 kB; the buffers grow for none.
const BUFFER_SIZE: usize = 32 << 10;
/// What may stand after the envelope for the connection to be used again.
const TAIL_LIMIT: u64 = 4096;

pub(crate) struct Transport {
    agent: Agent,
    resolver: RememberingResolver,
    base: BaseUrl,
    urls: [String; Service::ALL.len()],
    connect_timeout: Duration,
    call_timeout: Duration,
    ca_certificates: Option<PathBuf>,
}

/// The beginning of an answer.
pub(crate) struct Reply {
    pub(crate) status: u16,
    location: Option<String>,
    body: Body,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum TransportError {
    Connect(String),
    Disconnected(String),
    /// Not HTTP, or HTTP that cannot be understood.
    Protocol(String),
    Resolve,
    Timeout {
        while_connecting: bool,
    },
    Tls {
        problem: TlsProblem,
        reason: String,
    },
    TooLarge(u64),
}

impl Transport {
    pub(crate) fn new(
        base_url: &str,
        connect_timeout: Duration,
        call_timeout: Duration,
        ca_certificates: Option<PathBuf>,
        ca_bundle: Option<PathBuf>,
    ) -> Result<Self, Error> {
        let base = BaseUrl::parse(base_url)?;
        let config = Agent::config_builder()
            .proxy(None)
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_resolve(Some(connect_timeout))
            .timeout_connect(Some(connect_timeout))
            .timeout_global(Some(call_timeout))
            .max_idle_age(IDLE_LIMIT)
            .max_idle_connections(IDLE_COUNT)
            .max_idle_connections_per_host(IDLE_COUNT)
            .max_response_header_size(HEADER_LIMIT)
            .input_buffer_size(BUFFER_SIZE)
            .output_buffer_size(BUFFER_SIZE)
            .user_agent(concat!("idspool/", env!("CARGO_PKG_VERSION")));
        let tls = if base.is_https {
            Some(tls::settings(ca_certificates.as_deref(), ca_bundle.as_deref())?)
        } else {
            None
        };
        let connector = ().chain(TcpConnector::default()).chain(TlsConnector(tls));
        let resolver = RememberingResolver::default();
        let agent = Agent::with_parts(config.build(), connector, resolver.clone());
        let urls =
            Service::ALL.map(|service| format!("{}/webservices/{}", base.url, service.as_str()));
        Ok(Self { agent, resolver, base, urls, connect_timeout, call_timeout, ca_certificates })
    }

    /// Scheme, host and port, for messages.
    pub(crate) fn server(&self) -> &str {
        &self.base.server
    }

    /// Sends a request and waits for the beginning of the answer.
    pub(crate) fn post(
        &self,
        operation: &Operation,
        request: &[u8],
    ) -> Result<Reply, TransportError> {
        let url = self.urls.get(operation.service as usize).map_or("", String::as_str);
        let result = self
            .agent
            .post(url)
            .header(header::CONTENT_TYPE, "text/xml; charset=utf-8")
            .header("SOAPAction", operation.soap_action)
            .send(request);
        match result {
            Ok(response) => {
                let (head, body) = response.into_parts();
                let location = head.headers.get(header::LOCATION).map(|location| {
                    let location = String::from_utf8_lossy(location.as_bytes());
                    // A query may hold what is not for the log.
                    one_line(location.split('?').next().unwrap_or_default(), 300)
                });
                Ok(Reply { status: head.status.as_u16(), location, body })
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

impl Reply {
    /// Reads the body into an emptied buffer; gives status and redirection.
    pub(crate) fn read_to(
        self,
        space: &mut Vec<u8>,
        limit: u64,
    ) -> Result<(u16, Option<String>), TransportError> {
        space.clear();
        let mut source = self.body.into_reader().take(limit.saturating_add(1));
        source.read_to_end(space).map_err(|error| TransportError::of_io(&error))?;
        if u64::try_from(space.len()).is_ok_and(|length| length > limit) {
            return Err(TransportError::TooLarge(limit));
        }
        Ok((self.status, self.location))
    }

    /// The body as it comes in, with limits for the whole and for what is in memory at a time.
    pub(crate) fn into_stream(self, limit: u64, memory_limit: u64) -> Stream {
        let source = self.body.into_reader().take(limit.saturating_add(1));
        let source = BufReader::with_capacity(BUFFER_SIZE, source);
        Stream { source, limit, memory_limit, piece: 0, kept: 0 }
    }
}

/// A body as it comes in.
pub(crate) struct Stream {
    source: BufReader<io::Take<ureq::BodyReader<'static>>>,
    limit: u64,
    /// For one piece, and for what is kept of all of them.
    memory_limit: u64,
    /// Bytes since the piece began.
    piece: u64,
    /// Bytes that the reader keeps.
    kept: u64,
}

impl Read for Stream {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(space)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Stream {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.source.get_ref().limit() == 0 && self.source.buffer().is_empty() {
            return Err(io::Error::other(TooLarge(self.limit)));
        }
        if self.piece > self.memory_limit {
            return Err(io::Error::other(TooLarge(self.memory_limit)));
        }
        self.source.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.piece = self.piece.saturating_add(count.try_into().unwrap_or(u64::MAX));
        self.source.consume(count);
    }
}

impl Source for &mut Stream {
    fn begin_piece(&mut self) {
        self.piece = 0;
    }

    fn keep(&mut self, bytes: usize) -> io::Result<()> {
        self.kept = self.kept.saturating_add(bytes.try_into().unwrap_or(u64::MAX));
        if self.kept > self.memory_limit {
            return Err(io::Error::other(TooLarge(self.memory_limit)));
        }
        Ok(())
    }
}

/// Carries the limit through the interfaces of I/O.
#[derive(Debug, thiserror::Error)]
#[error("larger than {0} bytes")]
struct TooLarge(u64);

impl Stream {
    /// Reads what may follow the envelope, so that the connection can be used again.
    pub(crate) fn finish(self) {
        // What is longer or fails costs the connection, not the answer.
        let _ = io::copy(&mut self.source.take(TAIL_LIMIT), &mut io::sink());
    }
}

impl TransportError {
    pub(crate) fn at(self, site: Box<CallSite>, transport: &Transport) -> Error {
        match self {
            Self::Connect(reason) => Error::Connect { site, reason },
            Self::Disconnected(reason) => Error::Disconnected { site, reason },
            Self::Protocol(reason) => Error::Malformed { site, reason },
            Self::Resolve => Error::Resolve { site },
            Self::Timeout { while_connecting } => {
                let limit = if while_connecting {
                    transport.connect_timeout
                } else {
                    transport.call_timeout
                };
                Error::Timeout { site, limit, while_connecting }
            }
            Self::Tls { problem, reason } => {
                let ca_certificates = transport.ca_certificates.clone();
                Error::Tls { site, problem, reason, ca_certificates }
            }
            Self::TooLarge(limit) => Error::TooLarge { site, limit },
        }
    }

    pub(crate) fn of_io(error: &io::Error) -> Self {
        use io::ErrorKind as Kind;
        let inner = error.get_ref();
        if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
            return Self::of(error);
        }
        if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return Self::of_tls(error);
        }
        if let Some(TooLarge(limit)) = inner.and_then(|inner| inner.downcast_ref()) {
            return Self::TooLarge(*limit);
        }
        let reason = one_line(&error.to_string(), 200);
        match error.kind() {
            Kind::ConnectionRefused
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::NetworkDown
            | Kind::AddrNotAvailable => Self::Connect(reason),
            Kind::TimedOut | Kind::WouldBlock => Self::Timeout { while_connecting: false },
            _ => Self::Disconnected(reason),
        }
    }

    fn of(error: &ureq::Error) -> Self {
        match error {
            ureq::Error::Io(error) => Self::of_io(error),
            ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
                Self::Timeout { while_connecting: true }
            }
            ureq::Error::Timeout(_) => Self::Timeout { while_connecting: false },
            ureq::Error::HostNotFound => Self::Resolve,
            ureq::Error::ConnectionFailed => Self::Connect("connection failed".into()),
            ureq::Error::Rustls(error) => Self::of_tls(error),
            ureq::Error::Tls(reason) => {
                Self::Tls { problem: TlsProblem::Other, reason: (*reason).into() }
            }
            other => Self::Protocol(one_line(&other.to_string(), 200)),
        }
    }

    fn of_tls(error: &rustls::Error) -> Self {
        let (problem, reason) = tls::explain(error);
        Self::Tls { problem, reason: one_line(&reason, 300) }
    }
}
