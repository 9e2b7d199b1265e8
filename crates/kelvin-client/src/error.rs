//! What can go wrong with a call, and whose fault it is (kelvin-api 4).

use std::fmt;
use std::time::Duration;

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
    /// What the server said, in one line, bounded, without values of the request.
    pub text: String,
}

/// Why a call failed, or was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server's address or the TLS settings cannot be used. Fault of the configuration.
    #[error("{0}")]
    Settings(String),
    /// No answer: refused, no route, no TLS, time-out, connection lost. `is_open`: the server may have done the
    /// work all the same.
    #[error("{call}: {reason}")]
    NoAnswer {
        /// The call.
        call: Box<Call>,
        /// What went wrong.
        reason: String,
        /// Whether the outcome is not known.
        is_open: bool,
    },
    /// User name or password, or the rights of the account, are wrong (401).
    #[error("{call}: {reason}")]
    Unauthorized {
        /// The call.
        call: Box<Call>,
        /// What the server said.
        reason: String,
    },
    /// The server is busy or broken (429, 500, 502, 503, 504). A 500 may have done part of the work.
    #[error("{call}: status {status}: {text}")]
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
    #[error("{call}: status {}: {}", refusal.status, refusal.text)]
    Refused {
        /// The call.
        call: Box<Call>,
        /// Why.
        refusal: Refusal,
    },
    /// The answer is no answer of Kelvin.
    #[error("{call}: {reason}")]
    Malformed {
        /// The call.
        call: Box<Call>,
        /// What is wrong with it.
        reason: String,
    },
}

impl Error {
    /// What is to be done about it.
    pub fn class(&self) -> FaultClass {
        match self {
            Self::Refused { .. } => FaultClass::Permanent,
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
}
