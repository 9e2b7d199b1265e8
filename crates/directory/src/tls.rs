//! Which server certificates are trusted, and what to say about those that are not.

use std::path::Path;
use std::sync::Arc;

use rustls::{CertificateError, ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::Error;

/// Longest certificate file that is read; bundles of all public authorities have about 250 kB.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// A client configuration that trusts the system's certificates and those in `extra`.
pub(crate) fn client_config(extra: Option<&Path>) -> Result<Arc<ClientConfig>, Error> {
    let mut roots = RootCertStore::empty();
    // A system certificate that cannot be read is no reason to refuse the others.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(folder) = extra {
        add_folder(&mut roots, folder)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Runtime { source: std::io::Error::other(error) })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn add_folder(roots: &mut RootCertStore, folder: &Path) -> Result<(), Error> {
    let problem =
        |path: &Path, problem: String| Error::Certificates { path: path.to_owned(), problem };
    let listing = std::fs::read_dir(folder).map_err(|error| problem(folder, error.to_string()))?;
    for file in listing {
        let path = file.map_err(|error| problem(folder, error.to_string()))?.path();
        if path.extension().is_none_or(|extension| extension != "pem") {
            continue;
        }
        let length = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
        if length > MAX_FILE {
            return Err(problem(&path, format!("it is larger than {MAX_FILE} bytes")));
        }
        let content = std::fs::read(&path).map_err(|error| problem(&path, error.to_string()))?;
        let mut found = false;
        for certificate in CertificateDer::pem_slice_iter(&content) {
            let certificate =
                certificate.map_err(|error| problem(&path, format!("not PEM: {error}")))?;
            roots.add(certificate).map_err(|error| problem(&path, error.to_string()))?;
            found = true;
        }
        if !found {
            return Err(problem(&path, "it holds no certificate".to_owned()));
        }
    }
    Ok(())
}

/// Problem and remedy, if a failed handshake is about the server's certificate.
pub(crate) fn certificate_problem(error: &std::io::Error) -> Option<(String, &'static str)> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    let rustls::Error::InvalidCertificate(problem) = error else { return None };
    let remedy = match problem {
        CertificateError::UnknownIssuer => {
            "put the certificate of the authority that signed it as a *.pem file into the folder that directory.ca_certificates names"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "name the server in directory.url by a host name that its certificate has"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "renew the server's certificate, or correct the clock"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "correct the clock here or at the server"
        }
        _ => "replace the server's certificate",
    };
    Some((problem.to_string(), remedy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unusable_certificate_folders_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        let error = client_config(Some(&missing)).unwrap_err().to_string();
        assert!(error.contains("missing") && error.contains("ca_certificates"), "{error}");

        std::fs::write(folder.path().join("note.txt"), "not looked at").unwrap();
        client_config(Some(folder.path())).unwrap();
        std::fs::write(folder.path().join("broken.pem"), "no certificate").unwrap();
        let error = client_config(Some(folder.path())).unwrap_err().to_string();
        assert!(error.contains("broken.pem") && error.contains("no certificate"), "{error}");
    }
}
