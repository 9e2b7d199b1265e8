//! What can go wrong with a call, and whose fault it is.
//!
//! A message names service, operation, object and context, says what went wrong, and what the administrator can do. It
//! never holds a password or an object's data. [`Error::problem`] and [`Error::remedy`] give the two
//! halves separately, for a state file that keeps them apart.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

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
#[non_exhaustive]
pub struct CallSite {
    /// Service name, e.g. `OXUserService`.
    pub service: &'static str,
    /// Operation name, e.g. `change`.
    pub operation: &'static str,
    /// The context the call is about.
    pub context: Option<ContextId>,
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
            object: target.object(),
            server: server.to_owned(),
            is_master: operation.service.is_master(),
        }
    }
}

impl fmt::Display for CallSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.service, self.operation)?;
        if let Some(object) = &self.object {
            write!(f, " of {object}")?;
        }
        match (self.context, &self.object) {
            (Some(context), Some(_)) => write!(f, " in context {context}"),
            (Some(context), None) => write!(f, " of context {context}"),
            (None, _) => Ok(()),
        }
    }
}

/// The object of a call, borrowed: made into a [`CallSite`] only when something goes wrong.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Target<'a> {
    pub(crate) context: Option<ContextId>,
    pub(crate) kind: &'static str,
    pub(crate) id: Option<i32>,
    pub(crate) name: Option<&'a str>,
}

impl Target<'_> {
    fn object(&self) -> Option<String> {
        let name = self.name.map(|name| crate::fault::one_line(name, 120));
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
    /// The connection ended before the answer was complete. Whether OX did the work is not known. Fault of server
    /// or network.
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
    /// A SOAP answer that is not the one to this call. Fault of ours: OX speaks differently from what we know.
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

/// Why a TLS connection is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsProblem {
    /// Expired or not yet valid.
    Date,
    /// Issued for other names.
    Name,
    /// The other side does not speak TLS.
    NotTls,
    /// Anything else.
    Other,
    /// Signed by a CA that is not trusted.
    UnknownCa,
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
    /// What hits every call alike (server, network, proxy, certificates) is transient, so that no item is
    /// blamed for it. What depends on the data of the call is permanent.
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

    /// What was being done and what went wrong, without the remedy.
    #[must_use]
    pub fn problem(&self) -> String {
        let what = match self {
            Self::BaseUrl { url, reason } => {
                return format!("cannot use {url:?} as address of the OX server: {reason}");
            }
            Self::CaCertificates { path, reason } => {
                return format!("cannot read CA certificates from {}: {reason}", path.display());
            }
            Self::Connect { site, reason } => format!("no connection to {}: {reason}", site.server),
            Self::Disconnected { site, reason } => {
                format!("connection to {} ended without a complete answer: {reason}", site.server)
            }
            Self::Fault { fault, .. } => match &fault.exception_id {
                Some(id) => format!("{}: {} (exceptionId {id})", fault.kind, fault.text),
                None => format!("{}: {}", fault.kind, fault.text),
            },
            Self::Malformed { site, reason } => {
                format!("answer of {} is not SOAP: {reason}", site.server)
            }
            Self::Resolve { site } => format!("no address found for {}", site.server),
            Self::Status { site, status, location, excerpt } => {
                let mut text =
                    format!("{} answered HTTP status {status} without SOAP", site.server);
                if let Some(location) = location {
                    text.push_str(&format!(", redirecting to {location}"));
                } else if !excerpt.is_empty() {
                    text.push_str(&format!(": {excerpt}"));
                }
                text
            }
            Self::Timeout { site, limit, while_connecting: true } => {
                format!("no connection to {} within {} s", site.server, limit.as_secs_f64())
            }
            Self::Timeout { site, limit, .. } => {
                format!("no complete answer of {} within {} s", site.server, limit.as_secs_f64())
            }
            Self::Tls { site, reason, .. } => {
                format!("no trusted connection to {}: {reason}", site.server)
            }
            Self::TooLarge { site, limit } => {
                format!("answer of {} is larger than {limit} bytes", site.server)
            }
            Self::Unexpected { site, reason } => {
                format!("answer of {} not understood: {reason}", site.server)
            }
            Self::Value { field, problem, .. } => format!("value of {field:?}: {problem}"),
        };
        match self.site() {
            Some(site) => format!("{site}: {what}"),
            None => what,
        }
    }

    /// What the administrator can do.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::BaseUrl { .. } => {
                "set OX_SOAP_SERVER to scheme, host and optional port, like https://ox.example.org"
                    .into()
            }
            Self::CaCertificates { .. } => {
                "make it readable and leave only CA certificates in PEM form in it".into()
            }
            Self::Connect { .. } => {
                "check that OX runs and that OX_SOAP_SERVER names it; the call is repeated".into()
            }
            Self::Disconnected { .. } => {
                "check the logs of OX and of a proxy before it; the call is repeated".into()
            }
            Self::Fault { site, fault } => fault_remedy(site, fault),
            Self::Malformed { .. } => {
                "check that OX_SOAP_SERVER leads to OX itself and not to a login or error page"
                    .into()
            }
            Self::Resolve { .. } => "check OX_SOAP_SERVER and the name service".into(),
            Self::Status { status, .. } => status_remedy(*status).into(),
            Self::Timeout { while_connecting: true, .. } => {
                "check that OX runs and that no firewall is in between; the call is repeated".into()
            }
            Self::Timeout { .. } => {
                "check the load of OX and its database; the call is repeated".into()
            }
            Self::Tls { problem, ca_certificates, .. } => {
                tls_remedy(*problem, ca_certificates.as_ref())
            }
            Self::TooLarge { .. } => "raise the limit for answers, or divide the context".into(),
            Self::Unexpected { .. } => {
                "check that the version of OX is supported; report this message as a bug".into()
            }
            Self::Value { problem: ValueProblem::NotTaken { .. }, .. } => {
                "report this message as a bug".into()
            }
            Self::Value { .. } => "correct the value in the directory".into(),
        }
    }
}

fn fault_remedy(site: &CallSite, fault: &Fault) -> String {
    let context = match site.context {
        Some(context) => format!("context {context}"),
        None => "the context".into(),
    };
    match &fault.kind {
        FaultKind::ContextExists => {
            "give the context another id or name, or remove the one that is there".into()
        }
        FaultKind::DatabaseUpdate => {
            "wait until OX has updated the context's database schema; the call is repeated".into()
        }
        FaultKind::InvalidCredentials if site.is_master => {
            "set OX_MASTER_ADMIN and OX_MASTER_PASSWORD to the master administrator of OX".into()
        }
        FaultKind::InvalidCredentials => format!(
            "correct the entry of {context} in contexts.json, and check that the context exists: OX gives \
             the same answer when it does not"
        ),
        FaultKind::InvalidData => {
            "correct the object in the directory or the settings of OX that refuse it".into()
        }
        FaultKind::NoSuchContext => format!("create {context} in OX"),
        FaultKind::NoSuchGroup
        | FaultKind::NoSuchObject
        | FaultKind::NoSuchResource
        | FaultKind::NoSuchUser => {
            "check in OX whether it was removed by hand; provision the object anew".into()
        }
        FaultKind::Other(_) => "see the log of OX for the exception".into(),
        FaultKind::Remote | FaultKind::Storage | FaultKind::Untyped => {
            "see the log of OX for the cause; the call is repeated".into()
        }
        FaultKind::Request => {
            "check that the version of OX is supported; report this message as a bug".into()
        }
        FaultKind::UserExists => {
            "rename or remove the user of that name in the destination context".into()
        }
    }
}

fn status_remedy(status: u16) -> &'static str {
    match status {
        300..=399 => "set OX_SOAP_SERVER to the address that needs no redirect",
        401 | 403 => "allow access to /webservices from this host in the proxy before OX",
        404 => {
            "check OX_SOAP_SERVER, and that OX has the package of this service installed (open-xchange-admin-soap; \
             for OXUserCopyService open-xchange-admin-user-copy)"
        }
        413 => {
            "raise the limit for request bodies in the proxy before OX, or make the image smaller"
        }
        500..=599 => "check that OX runs behind its proxy; the call is repeated",
        _ => "check that OX_SOAP_SERVER leads to OX itself",
    }
}

fn tls_remedy(problem: TlsProblem, ca_certificates: Option<&PathBuf>) -> String {
    match problem {
        TlsProblem::Date => "renew the server's certificate, or set this host's clock right".into(),
        TlsProblem::Name => "use the name in the certificate in OX_SOAP_SERVER".into(),
        TlsProblem::NotTls => "use http:// or another port in OX_SOAP_SERVER".into(),
        TlsProblem::Other => "check the TLS settings of the server".into(),
        TlsProblem::UnknownCa => match ca_certificates {
            Some(dir) => format!(
                "put the certificate of the CA that signed the server's certificate as a *.pem file into {} and start \
                 again",
                dir.display()
            ),
            None => "name a directory with the certificate of the CA that signed the server's certificate, as a *.pem \
                     file, in the setting ca_certificates, or a file in REQUESTS_CA_BUNDLE"
                .into(),
        },
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.problem(), self.remedy())
    }
}

// No source: the message holds what the cause says, so that a report that prints the chain says it once.
impl std::error::Error for Error {}
