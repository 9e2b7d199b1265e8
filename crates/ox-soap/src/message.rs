//! The words of errors: what was being done, to what, what went wrong, and what the administrator can
//! do. Names of settings are those of the manual.

use std::fmt;
use std::path::Path;

use idspool_http::TlsProblem;

use crate::error::{CallSite, Error, ValueProblem};
use crate::fault::{Fault, FaultKind};

impl Error {
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
                "make it readable and leave only certificates in PEM form in it".into()
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
                tls_remedy(*problem, ca_certificates.as_deref())
            }
            Self::TooLarge { .. } => {
                "look in OX for what makes the answer so large, such as the images of users; report this message \
                 as a bug when there is nothing like that"
                    .into()
            }
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
    let context = match (site.context, site.destination) {
        (Some(context), Some(destination)) => format!("context {context} or {destination}"),
        (Some(context), None) => format!("context {context}"),
        (None, _) => "the context".into(),
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
        // A group or an account names users that have to be there.
        FaultKind::NoSuchUser if !site.is_about_a_user() => format!(
            "find the user of it that {context} does not have (any more) in OX, and provision that user \
             anew"
        ),
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
             for OXUserCopyService open-xchange-admin-user-copy); OXDeputyPermissionsService comes with release 8 \
             of OX, so switch OX_ENABLE_DEPUTY_PERMISSIONS off for an older one"
        }
        413 => {
            "raise the limit for request bodies in the proxy before OX, or make the image or the group smaller"
        }
        500..=599 => "check that OX runs behind its proxy; the call is repeated",
        _ => "check that OX_SOAP_SERVER leads to OX itself",
    }
}

fn tls_remedy(problem: TlsProblem, ca_certificates: Option<&Path>) -> String {
    match problem {
        TlsProblem::Date => "renew the server's certificate, or set this host's clock right".into(),
        TlsProblem::Name => {
            "use a name of the certificate in OX_SOAP_SERVER, or give the server one for the name there"
                .into()
        }
        TlsProblem::NoName => {
            "give the server a certificate whose subjectAltName has the name in OX_SOAP_SERVER; the common name \
             (CN) does not count"
                .into()
        }
        TlsProblem::NotTls => "use http:// or another port in OX_SOAP_SERVER".into(),
        TlsProblem::ClientCertificate | TlsProblem::Other => "check the TLS settings of the server".into(),
        TlsProblem::SelfSigned => match ca_certificates {
            Some(dir) => format!(
                "copy the certificate that the server has now as a *.pem file into {} and start again",
                dir.display()
            ),
            None => "name a directory with the certificate that the server has now, as a *.pem file, in the setting \
                     ca_certificates, or a file in REQUESTS_CA_BUNDLE"
                .into(),
        },
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

// No source: the message holds what the cause says, so that a report that prints the chain says it
// once.
impl std::error::Error for Error {}
