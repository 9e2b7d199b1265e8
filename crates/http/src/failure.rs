//! Why there is no answer, as far as it matters to whoever asks again.

use std::io;

use ureq::Timeout;

use crate::line::one_line;
use crate::tls::{self, TlsProblem};

/// Why there is no answer.
#[derive(Clone, Debug)]
pub enum TransportError {
    /// No connection: refused, no route. What the system says.
    Connect(String),
    /// The connection ended before the answer was complete. Where.
    Disconnected(String),
    /// Not HTTP, or HTTP that cannot be understood.
    Protocol(String),
    /// The server's name has no address.
    Resolve,
    /// A limit of time passed.
    Timeout {
        /// Whether it is that for making the connection.
        while_connecting: bool,
    },
    /// No trusted connection.
    Tls {
        /// What is wrong.
        problem: TlsProblem,
        /// What the TLS library says.
        reason: String,
    },
    /// The answer is larger than this limit in bytes.
    TooLarge(u64),
}

/// Carries the limit through the interfaces of I/O.
#[derive(Debug, thiserror::Error)]
#[error("larger than {0} bytes")]
pub(crate) struct TooLarge(pub(crate) u64);

impl TransportError {
    /// The cause inside an error of reading a body.
    pub fn of_io(error: &io::Error) -> Self {
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

    pub(crate) fn of(error: &ureq::Error) -> Self {
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
