//! What can go wrong with a call, and whose fault it is. The words are in `message`.
//!
//! A message names service, operation, object and context, says what went wrong, and what the
//! administrator can do. It never holds a password or an object's data. [`Error::problem`] and
//! [`Error::remedy`] give the two halves separately, for a state file that keeps them apart.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use idspool_http::TlsProblem;

use crate::fault::{Fault, FaultKind};
use crate::id::ContextId;
use crate::service::Operation;

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
pub struct CallSite {
    /// Service name, e.g. `OXUserService`.
    pub service: &'static str,
    /// Operation name, e.g. `change`.
    pub operation: &'static str,
    /// The context the call is about.
    pub context: Option<ContextId>,
    /// The context that the object is copied to.
    pub destination: Option<ContextId>,
    /// The object the call is about, e.g. `user "anna" (id 3)`.
    pub object: Option<String>,
    /// Scheme, host and port of the server.
    pub server: String,
    /// Whether the call carries the credentials of the master administrator.
    pub is_master: bool,
}

impl CallSite {
    pub(crate) fn new(operation: &Operation, target: &Target<'_>, server: &str) -> Self {
        Self {
            service: operation.service.as_str(),
            operation: operation.name,
            context: target.context,
            destination: target.destination,
            object: target.object(),
            server: server.to_owned(),
            is_master: operation.service.is_master(),
        }
    }
}

impl CallSite {
    /// Whether the call's own object is a user, rather than one that refers to users.
    pub(crate) fn is_about_a_user(&self) -> bool {
        self.object.as_ref().is_none_or(|object| object.starts_with("user "))
    }
}

impl fmt::Display for CallSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.service, self.operation)?;
        if let Some(object) = &self.object {
            write!(f, " of {object}")?;
        }
        match (self.context, &self.object) {
            (Some(context), Some(_)) => write!(f, " in context {context}")?,
            (Some(context), None) => write!(f, " of context {context}")?,
            (None, _) => {}
        }
        match self.destination {
            Some(destination) => write!(f, " to context {destination}"),
            None => Ok(()),
        }
    }
}

/// The object of a call, borrowed: made into a [`CallSite`] only when something goes wrong.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Target<'a> {
    pub(crate) context: Option<ContextId>,
    pub(crate) destination: Option<ContextId>,
    pub(crate) kind: &'static str,
    pub(crate) id: Option<i32>,
    pub(crate) name: Option<&'a str>,
}

impl Target<'_> {
    fn object(&self) -> Option<String> {
        let name = self.name.map(|name| idspool_http::one_line(name, 120));
        match (name, self.id) {
            (Some(name), Some(id)) => Some(format!("{} {name:?} (id {id})", self.kind)),
            (Some(name), None) => Some(format!("{} {name:?}", self.kind)),
            (None, Some(id)) => Some(format!("{} {id}", self.kind)),
            (None, None) => None,
        }
    }
}

/// Why a call failed, or was not made.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The server's address cannot be used. Fault of the configuration.
    BaseUrl {
        /// The address as given, without user information.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// CA certificates cannot be read. Fault of the configuration.
    CaCertificates {
        /// File or directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No connection: refused, no route, reset during the handshake. Fault of server or network.
    Connect {
        /// The call.
        site: Box<CallSite>,
        /// What the system says.
        reason: String,
    },
    /// The connection ended before the answer was complete. Whether OX did the work is not known.
    /// Fault of server or network.
    Disconnected {
        /// The call.
        site: Box<CallSite>,
        /// Where it ended.
        reason: String,
    },
    /// OX refused the call.
    Fault {
        /// The call.
        site: Box<CallSite>,
        /// What OX says.
        fault: Box<Fault>,
    },
    /// What came back is no SOAP answer: a page of a proxy, garbage.
    Malformed {
        /// The call.
        site: Box<CallSite>,
        /// What is wrong with it, and where.
        reason: String,
    },
    /// The server's name has no address. Fault of the name service or the configuration.
    Resolve {
        /// The call.
        site: Box<CallSite>,
    },
    /// A status other than 200 without a SOAP fault: the answer of a proxy, not of OX.
    Status {
        /// The call.
        site: Box<CallSite>,
        /// HTTP status.
        status: u16,
        /// Where a redirect points to.
        location: Option<String>,
        /// How the body begins.
        excerpt: String,
    },
    /// No answer in time. Whether OX did the work is not known.
    Timeout {
        /// The call.
        site: Box<CallSite>,
        /// The limit that passed.
        limit: Duration,
        /// Whether the limit is that for making the connection.
        while_connecting: bool,
    },
    /// No trusted connection.
    Tls {
        /// The call.
        site: Box<CallSite>,
        /// What is wrong.
        problem: TlsProblem,
        /// What the TLS library says.
        reason: String,
        /// The directory of additional CA certificates in use.
        ca_certificates: Option<PathBuf>,
    },
    /// The answer is larger than the limit.
    TooLarge {
        /// The call.
        site: Box<CallSite>,
        /// The limit in bytes.
        limit: u64,
    },
    /// A SOAP answer that is not the one to this call. Fault of ours: OX speaks differently from
    /// what we know.
    Unexpected {
        /// The call.
        site: Box<CallSite>,
        /// What was expected and what came.
        reason: String,
    },
    /// A value that cannot be sent; nothing was sent. Fault of the item's data.
    Value {
        /// The call.
        site: Box<CallSite>,
        /// The field or parameter.
        field: &'static str,
        /// What is wrong with the value.
        problem: ValueProblem,
    },
}

/// Why a value cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueProblem {
    /// XML 1.0 has no way to write the character.
    #[error("the character U+{code_point:04X} at place {place} cannot be sent in XML")]
    Character {
        /// The character.
        code_point: u32,
        /// The number of characters before it, plus one.
        place: usize,
    },
    /// The value does not fit the field's type.
    #[error("expected {expected}, found {found}")]
    Type {
        /// What the field takes.
        expected: &'static str,
        /// What kind of value it was; never the value itself.
        found: &'static str,
    },
    /// The service does not know the field.
    #[error("{service} does not take this field")]
    NotTaken {
        /// The service.
        service: &'static str,
    },
}

impl Error {
    /// What is to be done about it.
    ///
    /// What hits every call alike (server, network, proxy, certificates) is transient, so that no
    /// item is blamed for it. What depends on the data of the call is permanent.
    #[must_use]
    pub fn fault_class(&self) -> FaultClass {
        match self {
            Self::Connect { .. }
            | Self::Disconnected { .. }
            | Self::Malformed { .. }
            | Self::Resolve { .. }
            | Self::Timeout { .. }
            | Self::Tls { .. } => FaultClass::Transient,
            Self::Unexpected { .. }
            | Self::Value { problem: ValueProblem::NotTaken { .. }, .. } => FaultClass::Ours,
            Self::BaseUrl { .. }
            | Self::CaCertificates { .. }
            | Self::TooLarge { .. }
            | Self::Value { .. } => FaultClass::Permanent,
            Self::Fault { fault, .. } => fault.kind.fault_class(),
            Self::Status { status, .. } => match status {
                // The proxy's limit for bodies: only an item with less in it passes.
                413 => FaultClass::Permanent,
                _ => FaultClass::Transient,
            },
        }
    }

    /// Whether OX says that what the call is about does not exist: one of the `NoSuch…` faults, or
    /// a fault without type whose text says so.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.fault_kind().is_some_and(FaultKind::is_not_found)
    }

    /// The fault, when OX answered one.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Fault { fault, .. } => Some(fault),
            _ => None,
        }
    }

    /// The kind of the fault, when OX answered one.
    #[must_use]
    pub fn fault_kind(&self) -> Option<&FaultKind> {
        self.fault().map(|fault| &fault.kind)
    }

    /// The call; `None` for errors of the configuration.
    #[must_use]
    pub fn site(&self) -> Option<&CallSite> {
        match self {
            Self::BaseUrl { .. } | Self::CaCertificates { .. } => None,
            Self::Connect { site, .. }
            | Self::Disconnected { site, .. }
            | Self::Fault { site, .. }
            | Self::Malformed { site, .. }
            | Self::Resolve { site }
            | Self::Status { site, .. }
            | Self::Timeout { site, .. }
            | Self::Tls { site, .. }
            | Self::TooLarge { site, .. }
            | Self::Unexpected { site, .. }
            | Self::Value { site, .. } => Some(site),
        }
    }
}
