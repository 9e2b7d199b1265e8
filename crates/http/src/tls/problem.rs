//! What a TLS error means for an administrator.

use super::verifier::Refusal;

/// Why a TLS connection is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsProblem {
    /// The server wants another certificate of the client, or one at all.
    ClientCertificate,
    /// Expired or not yet valid.
    Date,
    /// Issued for other names.
    Name,
    /// Issued for no name: without subjectAltName. Its common name does not count.
    NoName,
    /// The other side does not speak TLS.
    NotTls,
    /// Anything else.
    Other,
    /// Signed by itself or a CA's own, and not one of those in the directory or bundle of trusted
    /// certificates.
    SelfSigned,
    /// Signed by a CA that is not trusted.
    UnknownCa,
}

/// What a TLS error means for the administrator, and its words.
pub(crate) fn explain(error: &rustls::Error) -> (TlsProblem, String) {
    use rustls::{AlertDescription as Alert, CertificateError, Error as Tls};
    let words = error.to_string();
    let problem = match error {
        Tls::AlertReceived(
            Alert::AccessDenied
            | Alert::BadCertificate
            | Alert::CertificateExpired
            | Alert::CertificateRequired
            | Alert::CertificateRevoked
            | Alert::CertificateUnknown
            | Alert::NoCertificate
            | Alert::UnknownCA
            | Alert::UnsupportedCertificate,
        ) => TlsProblem::ClientCertificate,
        Tls::InvalidMessage(_) => TlsProblem::NotTls,
        Tls::InvalidCertificate(certificate) => match certificate {
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => TlsProblem::Date,
            CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
                TlsProblem::NoName
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                TlsProblem::Name
            }
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                TlsProblem::UnknownCa
            }
            CertificateError::Other(other) => {
                // Its own words are those for programmers.
                let words = format!("invalid peer certificate: {other}");
                let problem = match other.0.downcast_ref::<Refusal>() {
                    Some(Refusal::CaOfItsOwn | Refusal::SelfSigned) => TlsProblem::SelfSigned,
                    Some(Refusal::OldForm) => TlsProblem::NoName,
                    Some(Refusal::OtherKey | Refusal::Purpose) | None => TlsProblem::Other,
                };
                return (problem, words);
            }
            _ => TlsProblem::Other,
        },
        _ => TlsProblem::Other,
    };
    (problem, words)
}
