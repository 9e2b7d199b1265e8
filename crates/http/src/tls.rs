//! Which servers are trusted: those with a certificate of a CA of the system or of the configuration's
//! files, and those that show a certificate which is itself in such a file.

mod connector;
mod listed;
mod verifier;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

pub(crate) use connector::TlsConnector;
use listed::{Listed, Standing};
use verifier::{Refusal, Verifier};

/// Why a TLS connection is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsProblem {
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

/// A file of certificates, or a directory of such files, cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read certificates from {}: {reason}", path.display())]
pub struct CertificateError {
    /// File or directory.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// Which servers are trusted beside those that the system trusts.
#[derive(Clone, Debug, Default)]
pub struct TlsOptions {
    /// A directory of `*.pem` files. One that does not exist holds none. Each certificate in it has to be usable.
    pub ca_certificates: Option<PathBuf>,
    /// A file of certificates. What of it cannot be used is left out.
    pub ca_bundle: Option<PathBuf>,
}

/// How servers are spoken to over TLS.
#[derive(Clone, Debug)]
pub struct Tls(Arc<ClientConfig>);

impl Tls {
    /// Reads the certificates, once.
    ///
    /// # Errors
    /// A file of the options cannot be read or holds no certificate that can be used.
    pub fn load(options: &TlsOptions) -> Result<Self, CertificateError> {
        settings(options).map(Self)
    }
}

fn settings(options: &TlsOptions) -> Result<Arc<ClientConfig>, CertificateError> {
    let mut trust = Trust::default();
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        // One damaged file among the system's hundreds does not hurt; a connection that needs it
        // says so.
        tracing::warn!("cannot read some of the system's CA certificates: {error}");
    }
    trust.anchors.add_parsable_certificates(system.certs);
    if let Some(directory) = &options.ca_certificates {
        for file in pem_files(directory)? {
            trust.read(&file, Unusable::Refuse)?;
        }
    }
    if let Some(file) = &options.ca_bundle {
        trust.read(file, Unusable::LeaveOut)?;
    }
    let (anchors, listed) = (trust.anchors.len(), trust.listed.len());
    tracing::debug!(anchors, listed, "loaded trusted certificates");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    #[expect(clippy::expect_used, reason = "ring has cipher suites for both versions of TLS")]
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring knows TLS 1.2 and 1.3");
    // "Dangerous" is what rustls calls any verifier but its own; ours says what it adds.
    let config = builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier::new(trust, algorithms)))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Trusted certificates by what they are trusted for.
#[derive(Debug)]
struct Trust {
    /// To sign certificates of servers.
    anchors: RootCertStore,
    /// To be shown by a server.
    listed: Vec<Listed>,
}

impl Default for Trust {
    fn default() -> Self {
        Self { anchors: RootCertStore::empty(), listed: Vec::new() }
    }
}

impl Trust {
    /// Adds the certificates of a file that the configuration names.
    fn read(&mut self, file: &Path, unusable: Unusable) -> Result<(), CertificateError> {
        let fail = |reason: String| CertificateError { path: file.to_owned(), reason };
        let mut count = 0_usize;
        for certificate in CertificateDer::pem_file_iter(file).map_err(|e| fail(e.to_string()))? {
            let certificate = certificate.map_err(|error| fail(error.to_string()))?;
            match self.add(certificate) {
                Ok(Standing::Ca) => count += 1,
                Ok(Standing::Server) => {
                    count += 1;
                    tracing::info!(
                        "{}: a certificate that is no CA's is trusted for the server that shows it",
                        file.display()
                    );
                }
                Err(error) if unusable == Unusable::Refuse => return Err(fail(error.to_string())),
                Err(error) => {
                    tracing::warn!("left out a certificate of {}: {error}", file.display());
                }
            }
        }
        if count == 0 {
            return Err(fail("it holds no certificate that can be used".into()));
        }
        Ok(())
    }

    fn add(&mut self, certificate: CertificateDer<'static>) -> Result<Standing, rustls::Error> {
        // Also for one that is no CA's: here its form is checked.
        let mut anchor = RootCertStore::empty();
        anchor.add(certificate.clone())?;
        let (standing, listed) = Listed::read(certificate);
        self.listed.extend(listed);
        if standing == Standing::Ca {
            self.anchors.extend(anchor.roots);
        }
        Ok(standing)
    }
}

/// The `*.pem` files of a directory. One that does not exist holds none: the directory is there for
/// administrators to make.
fn pem_files(directory: &Path) -> Result<Vec<PathBuf>, CertificateError> {
    let fail = |error: std::io::Error| CertificateError {
        path: directory.to_owned(),
        reason: error.to_string(),
    };
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(fail)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(fail)?.path();
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("pem")) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// What to do with a certificate that the TLS library cannot use.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unusable {
    /// Of the hundreds in a system's bundle, one of an old form is no reason not to start.
    LeaveOut,
    /// A file that an administrator put there was meant to count.
    Refuse,
}

/// What a TLS error means for the administrator, and its words.
pub(crate) fn explain(error: &rustls::Error) -> (TlsProblem, String) {
    use rustls::{CertificateError, Error as Tls};
    let words = error.to_string();
    let problem = match error {
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
