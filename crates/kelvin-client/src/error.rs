//! What can go wrong with a call, and whose fault it is (kelvin-api 4). The words are in `message`.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use idspool_http::TlsProblem;

/// What is to be done about an error. Retry policy depends on this alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultClass {
    /// The server, the network or their settings: the same call may succeed later.
    Transient,
    /// The data of the call: it will fail until a person changes something.
    Permanent,
    /// A bug of ours, or a server of a kind that we do not know.
    Ours,
}

/// Which call it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// `GET`, `POST`, …
    pub method: &'static str,
    /// Path and query, as sent.
    pub path: String,
    /// Scheme, host and port of the server.
    pub server: String,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} at {}", self.method, self.path, self.server)
    }
}

/// Why the server refused a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// The object of the path is missing.
    NoObject,
    /// Something that the body refers to is missing: a school, a role, a member. The name, where the answer
    /// tells it.
    NoReference(Option<String>),
    /// The name, or the identity of a user, is taken (409).
    Taken,
    /// A guardian or ward does not exist (400).
    NoRelation,
    /// The values are refused (400, 422).
    Invalid,
}

/// A call that the server understood and refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why, as far as the rules depend on it.
    pub kind: RefusalKind,
    /// HTTP status.
    pub status: u16,
    /// What the server said, in one line, bounded, without the secrets of the request.
    pub text: String,
}

/// What kept an answer from coming.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstacle {
    /// No connection: refused, no route.
    Connect,
    /// The connection ended before the answer was complete.
    Lost,
    /// The server's name has no address.
    Name,
    /// The limit of time passed.
    Time {
        /// It.
        limit: Duration,
        /// Whether it is the one for making the connection.
        while_connecting: bool,
    },
    /// No trusted connection.
    Tls {
        /// Why.
        problem: TlsProblem,
        /// The directory of additional CA certificates in use.
        ca_certificates: Option<PathBuf>,
    },
}

/// Why a call failed, or was not made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// The server's address or the TLS settings cannot be used. Fault of the configuration.
    Settings(String),
    /// No answer: refused, no route, no TLS, time-out, connection lost. `is_open`: the server may have done the
    /// work all the same.
    NoAnswer {
        /// The call.
        call: Box<Call>,
        /// What kept it from coming.
        obstacle: Obstacle,
        /// What the system says.
        reason: String,
        /// Whether the outcome is not known.
        is_open: bool,
    },
    /// User name or password, or the rights of the account, are wrong (401).
    Unauthorized {
        /// The call.
        call: Box<Call>,
        /// What the server said.
        reason: String,
    },
    /// The server is busy or broken (429, 500, 502, 503, 504). A 500 may have done part of the work.
    Trouble {
        /// The call.
        call: Box<Call>,
        /// HTTP status.
        status: u16,
        /// What the server said, in one line, bounded.
        text: String,
        /// What the server asked to wait.
        retry_after: Option<Duration>,
    },
    /// The server refused the call.
    Refused {
        /// The call.
        call: Box<Call>,
        /// Why.
        refusal: Refusal,
    },
    /// The answer is no answer of Kelvin.
    Malformed {
        /// The call.
        call: Box<Call>,
        /// What is wrong with it.
        reason: String,
    },
    /// The name of an object cannot stand in an address; nothing was sent. Fault of the item's data.
    Unsendable {
        /// The call.
        call: Box<Call>,
        /// What is wrong with the name.
        reason: String,
    },
}

impl Error {
    /// What is to be done about it.
    ///
    /// What hits every call alike (server, network, account) is transient, so that no item is blamed for it.
    pub fn class(&self) -> FaultClass {
        match self {
            Self::Refused { .. } | Self::Unsendable { .. } => FaultClass::Permanent,
            _ => FaultClass::Transient,
        }
    }

    /// Why the server refused the call; `None`: it did not.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused { refusal, .. } => Some(refusal),
            _ => None,
        }
    }

    /// Whether the server may have done the work, or a part of it, although the call failed.
    pub fn is_open(&self) -> bool {
        match self {
            Self::NoAnswer { is_open, .. } => *is_open,
            Self::Trouble { status, call, .. } => {
                // A proxy gives up waiting for a server that goes on.
                call.method != "GET" && matches!(status, 500 | 502 | 504)
            }
            Self::Malformed { call, .. } => call.method != "GET",
            _ => false,
        }
    }

    /// The call; `None` for errors of the configuration.
    pub fn call(&self) -> Option<&Call> {
        match self {
            Self::Settings(_) => None,
            Self::NoAnswer { call, .. }
            | Self::Unauthorized { call, .. }
            | Self::Trouble { call, .. }
            | Self::Refused { call, .. }
            | Self::Malformed { call, .. }
            | Self::Unsendable { call, .. } => Some(call),
        }
    }
}
