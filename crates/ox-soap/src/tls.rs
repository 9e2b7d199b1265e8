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
        // One damaged file among the system's hundreds does not hurt; a connection that needs it
        // says so.
        tracing::warn!("cannot read some of the system's CA certificates: {error}");
    }
    trusted.extend(system.certs.iter().map(|c| Certificate::from_der(c.as_ref()).to_owned()));
    if let Some(directory) = ca_certificates {
        for file in pem_files(directory)? {
            trusted.extend(read(&file, Unusable::Refuse)?);
        }
    }
    if let Some(file) = ca_bundle {
        trusted.extend(read(file, Unusable::LeaveOut)?);
    }
    tracing::debug!(count = trusted.len(), "loaded CA certificates");
    Ok(TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::Specific(Arc::new(trusted)))
        .build())
}

/// The `*.pem` files of a directory. One that does not exist holds none: the directory is there for
/// administrators to make.
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

/// What to do with a certificate that the TLS library cannot use.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unusable {
    /// Of the hundreds in a system's bundle, one of an old form is no reason not to start.
    LeaveOut,
    /// A file that an administrator put there was meant to count.
    Refuse,
}

fn read(file: &Path, unusable: Unusable) -> Result<Vec<Certificate<'static>>, Error> {
    let fail = |reason: String| Error::CaCertificates { path: file.to_owned(), reason };
    let mut trusted = Vec::new();
    // The TLS library would leave out what it cannot use without a word.
    let mut check = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|e| fail(e.to_string()))? {
        let certificate = certificate.map_err(|error| fail(error.to_string()))?;
        match check.add(certificate.clone()) {
            Ok(()) => trusted.push(Certificate::from_der(certificate.as_ref()).to_owned()),
            Err(error) if unusable == Unusable::Refuse => return Err(fail(error.to_string())),
            Err(error) => {
                tracing::warn!("left out a CA certificate of {}: {error}", file.display());
            }
        }
    }
    if trusted.is_empty() {
        return Err(fail("it holds no certificate that can be used".into()));
    }
    Ok(trusted)
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
            // webpki's error comes wrapped, without a type that is ours to name.
            CertificateError::Other(other)
                if format!("{other:?}").contains("CaUsedAsEndEntity") =>
            {
                TlsProblem::IsCa
            }
            _ => TlsProblem::Other,
        },
        _ => TlsProblem::Other,
    }
}
