//! Which certificates are trusted: the system's, and those that the configuration adds.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

use crate::error::{Error, TlsProblem};

/// The TLS settings for a server.
pub(crate) fn settings(
    ca_certificates: Option<&Path>,
    ca_bundle: Option<&Path>,
) -> Result<TlsConfig, Error> {
    let mut trusted: Vec<Certificate<'static>> = Vec::new();
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        // One damaged file among the system's hundreds does not hurt; a connection that needs it says so.
        tracing::warn!("cannot read some of the system's CA certificates: {error}");
    }
    trusted.extend(system.certs.iter().map(|c| Certificate::from_der(c.as_ref()).to_owned()));
    if let Some(directory) = ca_certificates {
        for file in pem_files(directory)? {
            trusted.extend(read(&file)?);
        }
    }
    if let Some(file) = ca_bundle {
        trusted.extend(read(file)?);
    }
    tracing::debug!(count = trusted.len(), "loaded CA certificates");
    Ok(TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::Specific(Arc::new(trusted)))
        .build())
}

/// The `*.pem` files of a directory. One that does not exist holds none: the directory is there for administrators to
/// make.
fn pem_files(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let fail = |error: std::io::Error| Error::CaCertificates {
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

fn read(file: &Path) -> Result<Vec<Certificate<'static>>, Error> {
    let fail = |reason: String| Error::CaCertificates { path: file.to_owned(), reason };
    let certificates: Result<Vec<_>, _> = match CertificateDer::pem_file_iter(file) {
        Ok(certificates) => certificates.collect(),
        Err(error) => Err(error),
    };
    let certificates = certificates.map_err(|error| fail(error.to_string()))?;
    if certificates.is_empty() {
        return Err(fail("it holds no certificate".into()));
    }
    // The TLS library would leave out what it cannot use without a word.
    let mut check = RootCertStore::empty();
    for certificate in &certificates {
        check.add(certificate.clone()).map_err(|error| fail(error.to_string()))?;
    }
    Ok(certificates.iter().map(|c| Certificate::from_der(c.as_ref()).to_owned()).collect())
}

/// What a TLS error means for the administrator.
pub(crate) fn problem(error: &rustls::Error) -> TlsProblem {
    use rustls::{CertificateError, Error as Tls};
    match error {
        Tls::InvalidMessage(_) => TlsProblem::NotTls,
        Tls::InvalidCertificate(certificate) => match certificate {
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => TlsProblem::Date,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                TlsProblem::Name
            }
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                TlsProblem::UnknownCa
            }
            // A self-signed server certificate that is its own CA.
            CertificateError::Other(_) => TlsProblem::UnknownCa,
            _ => TlsProblem::Other,
        },
        _ => TlsProblem::Other,
    }
}
