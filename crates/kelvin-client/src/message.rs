//! The words of errors: what was being done, at which server, what went wrong, and what the administrator can
//! do.

use std::fmt;
use std::path::Path;

use idspool_http::TlsProblem;

use crate::error::{Error, Obstacle, RefusalKind};

impl Error {
    /// What was being done and what went wrong, without the remedy.
    #[must_use]
    pub fn problem(&self) -> String {
        let what = match self {
            Self::Settings(problem) => return problem.clone(),
            Self::NoAnswer { obstacle, reason, .. } => match obstacle {
                Obstacle::Connect => format!("no connection: {reason}"),
                Obstacle::Lost => {
                    format!("the connection ended without a complete answer: {reason}")
                }
                Obstacle::Name => "no address found for the server".into(),
                Obstacle::Time { limit, while_connecting: true } => {
                    format!("no connection within {} s", limit.as_secs_f64())
                }
                Obstacle::Time { limit, .. } => {
                    format!("no complete answer within {} s", limit.as_secs_f64())
                }
                Obstacle::Tls { .. } => format!("no trusted connection: {reason}"),
            },
            Self::Unauthorized { reason, .. } => format!("not authorized: {reason}"),
            Self::Trouble { status, text, .. } => format!("status {status}: {text}"),
            Self::Refused { refusal, .. } => {
                format!("refused with status {}: {}", refusal.status, refusal.text)
            }
            Self::Malformed { reason, .. } => format!("this is no answer of Kelvin: {reason}"),
            Self::Unsendable { reason, .. } => reason.clone(),
        };
        match self.call() {
            Some(call) => format!("{call}: {what}"),
            None => what,
        }
    }

    /// What the administrator can do.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Settings(_) => "correct the file of the school authority".into(),
            Self::NoAnswer { obstacle, .. } => obstacle_remedy(obstacle),
            Self::Unauthorized { reason, .. } => unauthorized_remedy(reason).into(),
            Self::Trouble { status, .. } => trouble_remedy(*status).into(),
            Self::Refused { refusal, .. } => refusal_remedy(&refusal.kind).into(),
            Self::Malformed { .. } => {
                "check that the url of the school authority leads to Kelvin itself, without a redirect, and not to \
                 a login or error page"
                    .into()
            }
            Self::Unsendable { .. } => "correct the name in the directory".into(),
        }
    }
}

fn obstacle_remedy(obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::Connect => {
            "check that the Kelvin server runs and that the url of the school authority names it; the call is \
             repeated"
                .into()
        }
        Obstacle::Lost => {
            "check the logs of the Kelvin server and of a proxy before it; the call is repeated".into()
        }
        Obstacle::Name => "check the url of the school authority and the name service".into(),
        Obstacle::Time { while_connecting: true, .. } => {
            "check that the Kelvin server runs and that no firewall is in between; the call is repeated".into()
        }
        Obstacle::Time { .. } => {
            "check the load of the Kelvin server, or raise kelvin.call_timeout; the call is repeated".into()
        }
        Obstacle::Tls { problem, ca_certificates } => {
            tls_remedy(*problem, ca_certificates.as_deref())
        }
    }
}

fn tls_remedy(problem: TlsProblem, ca_certificates: Option<&Path>) -> String {
    match problem {
        TlsProblem::ClientCertificate => {
            "give this client a certificate and key that the server trusts, in the ssl_context of the school \
             authority"
                .into()
        }
        TlsProblem::Date => "renew the server's certificate, or set this host's clock right".into(),
        TlsProblem::Name | TlsProblem::NoName => {
            "use a name of the certificate (subjectAltName) in the url of the school authority, give the server one \
             for the name there, or set check_hostname to false in its ssl_context"
                .into()
        }
        TlsProblem::NotTls => "use another port in the url of the school authority".into(),
        TlsProblem::SelfSigned => match ca_certificates {
            Some(folder) => format!(
                "copy the certificate that the server has now as a *.pem file into {}",
                folder.display()
            ),
            None => "name a folder with the certificate that the server has now, as a *.pem file, in \
                     kelvin.ca_certificates"
                .into(),
        },
        TlsProblem::UnknownCa => match ca_certificates {
            Some(folder) => format!(
                "put the certificate of the CA that signed the server's certificate as a *.pem file into {}",
                folder.display()
            ),
            None => "name a folder with the certificate of the CA that signed the server's certificate, as a *.pem \
                     file, in kelvin.ca_certificates"
                .into(),
        },
        TlsProblem::Other => "check the TLS settings of the server".into(),
    }
}

fn unauthorized_remedy(reason: &str) -> &'static str {
    match reason {
        "Incorrect username or password" => {
            "correct username and password in the file of the school authority; the call is repeated"
        }
        "Could not validate credentials" => {
            "check at the server that the account still exists and that its clock is right; the call is repeated"
        }
        "Inactive user" => "enable the account at the server; the call is repeated",
        _ => {
            "make the account a member of ucsschool-kelvin-rest-api-admins at the server; the call is repeated"
        }
    }
}

fn trouble_remedy(status: u16) -> &'static str {
    match status {
        500 => "see the log of the Kelvin server for the cause; the call is repeated",
        429 => "the server is asked again when it allows it",
        _ => "check that the Kelvin server runs behind its proxy; the call is repeated",
    }
}

fn refusal_remedy(kind: &RefusalKind) -> &'static str {
    match kind {
        RefusalKind::NoObject => {
            "check at the server whether it was removed by hand; provision the object anew"
        }
        RefusalKind::NoReference(_) => {
            "create what the object refers to at the server, or let its item go first"
        }
        RefusalKind::Taken => {
            "rename or remove the object of that name or identity at the server, or rename ours"
        }
        RefusalKind::NoRelation => "provision the guardian or ward to the server first",
        RefusalKind::Invalid => {
            "correct the object in the directory, the mapping of the school authority, or the settings of the \
             server that refuse it"
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.problem(), self.remedy())
    }
}

// No source: the message holds what the cause says.
impl std::error::Error for Error {}
