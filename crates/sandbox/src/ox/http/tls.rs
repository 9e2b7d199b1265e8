//! HTTPS.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::ox::{Error, Tls};

/// Reads certificate and key.
pub(crate) fn config(tls: &Tls) -> Result<Arc<ServerConfig>, Error> {
    let wrong = |file: &Path, what: String| Error::Tls { file: file.to_owned(), what };
    let certificates = CertificateDer::pem_file_iter(&tls.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(&tls.certificate, error.to_string()))?;
    if certificates.is_empty() {
        return Err(wrong(&tls.certificate, "no certificate in it".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(&tls.key)
        .map_err(|error| wrong(&tls.key, error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&tls.certificate, error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|error| wrong(&tls.certificate, error.to_string()))?;
    Ok(Arc::new(config))
}
