//! Which servers are trusted: those with a certificate of a CA of the system or of the configuration's
//! files, and those that show a certificate which is itself in such a file.

mod connector;
mod listed;
mod problem;
mod verifier;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

pub(crate) use connector::TlsConnector;
use listed::{Listed, Standing};
pub use problem::TlsProblem;
pub(crate) use problem::explain;
use verifier::Verifier;

/// A file of certificates, or a directory of such files, cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read certificates from {}: {reason}", path.display())]
pub struct CertificateError {
    /// File or directory.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// Which servers are trusted beside those that the system trusts, and what a server is shown.
#[derive(Clone, Debug)]
pub struct TlsOptions {
    /// A directory of `*.pem` files. One that does not exist holds none. Each certificate in it has to be usable.
    pub ca_certificates: Option<PathBuf>,
    /// A file of certificates. What of it cannot be used is left out.
    pub ca_bundle: Option<PathBuf>,
    /// How much of a server's certificate is checked.
    pub check: Check,
    /// What a server is shown that asks for a certificate.
    pub client: Option<ClientFiles>,
}

impl Default for TlsOptions {
    fn default() -> Self {
        Self { ca_certificates: None, ca_bundle: None, check: Check::Everything, client: None }
    }
}

/// How much of a server's certificate is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// All of it.
    Everything,
    /// All but whether it is for the server's name.
    AllButName,
    /// Nothing: the connection is with anyone. The files of trusted certificates are not read.
    Nothing,
}

/// Files in PEM form; both may be the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientFiles {
    /// The client's certificate, and those that lead from it to its CA.
    pub certificate: PathBuf,
    /// Its key, without a password.
    pub key: PathBuf,
}

impl ClientFiles {
    fn read(
        &self,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), CertificateError> {
        let fail = |path: &Path, reason: String| CertificateError { path: path.to_owned(), reason };
        let chain = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| fail(&self.certificate, error.to_string()))?;
        if chain.is_empty() {
            return Err(fail(&self.certificate, "it holds no certificate".into()));
        }
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|error| match error {
            pem::Error::NoItemsFound => {
                fail(&self.key, "it holds no private key, or one with a password".into())
            }
            error => fail(&self.key, error.to_string()),
        })?;
        Ok((chain, key))
    }
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
    let trust = match options.check {
        Check::Everything | Check::AllButName => trust(options)?,
        Check::Nothing => Trust::default(),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    #[expect(clippy::expect_used, reason = "ring has cipher suites for both versions of TLS")]
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring knows TLS 1.2 and 1.3");
    let verifier = Verifier::new(trust, options.check, algorithms);
    // "Dangerous" is what rustls calls any verifier but its own; ours says what it adds.
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    let config = match &options.client {
        None => builder.with_no_client_auth(),
        Some(files) => {
            let (chain, key) = files.read()?;
            let fail = |error: rustls::Error| {
                let reason = match error {
                    rustls::Error::InconsistentKeys(_) => {
                        format!(
                            "it is not the key of the certificate in {}",
                            files.certificate.display()
                        )
                    }
                    error => error.to_string(),
                };
                CertificateError { path: files.key.clone(), reason }
            };
            builder.with_client_auth_cert(chain, key).map_err(fail)?
        }
    };
    Ok(Arc::new(config))
}

fn trust(options: &TlsOptions) -> Result<Trust, CertificateError> {
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
    Ok(trust)
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
