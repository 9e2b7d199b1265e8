//! The certificates in the files that an administrator named: what each of them may be used for.

use std::ops::RangeInclusive;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::{CertificateError, Error};
use x509_parser::prelude::{FromDer, X509Certificate, X509Version};

use super::verifier::Refusal;

/// A certificate that a server may show as its own because a file holds the very same bytes.
#[derive(Debug)]
pub(super) struct Listed {
    der: CertificateDer<'static>,
    /// In seconds since 1970.
    valid: RangeInclusive<u64>,
    is_for_servers: bool,
}

/// What a certificate of a file is beside a certificate of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It may sign others.
    Ca,
    /// It says that it is no CA's. That somebody trusts one server does not make that server's key
    /// one that vouches for others.
    Server,
}

impl Listed {
    /// What a certificate is good for. One that cannot be understood remains what all certificates
    /// of the files are by tradition, a CA's.
    pub(super) fn read(der: CertificateDer<'static>) -> (Standing, Option<Self>) {
        let Some((standing, valid, is_for_servers)) = facts(&der) else {
            return (Standing::Ca, None);
        };
        (standing, Some(Self { der, valid, is_for_servers }))
    }

    pub(super) fn is(&self, shown: &CertificateDer<'_>) -> bool {
        self.der.as_ref() == shown.as_ref()
    }

    /// Checks what a certificate says of its own use; its names are checked elsewhere.
    pub(super) fn check(&self, now: UnixTime) -> Result<(), Error> {
        let (not_before, not_after) = (*self.valid.start(), *self.valid.end());
        if now.as_secs() < not_before {
            let not_before = UnixTime::since_unix_epoch(Duration::from_secs(not_before));
            return Err(CertificateError::NotValidYetContext { time: now, not_before }.into());
        }
        if now.as_secs() > not_after {
            let not_after = UnixTime::since_unix_epoch(Duration::from_secs(not_after));
            return Err(CertificateError::ExpiredContext { time: now, not_after }.into());
        }
        if !self.is_for_servers {
            return Err(Refusal::Purpose.into());
        }
        Ok(())
    }
}

fn facts(der: &[u8]) -> Option<(Standing, RangeInclusive<u64>, bool)> {
    let (rest, certificate) = X509Certificate::from_der(der).ok()?;
    if !rest.is_empty() {
        return None;
    }
    // As OpenSSL decides it: certificates of version 1 have no place to say it, and of those that do
    // not say it in the usual place keyUsage tells.
    let signs = if certificate.version() != X509Version::V3 {
        true
    } else if let Some(constraints) = certificate.basic_constraints().ok()? {
        constraints.value.ca
    } else {
        certificate.key_usage().ok()?.is_some_and(|usage| usage.value.key_cert_sign())
    };
    let standing = if signs { Standing::Ca } else { Standing::Server };
    let seconds = |time: x509_parser::time::ASN1Time| u64::try_from(time.timestamp()).unwrap_or(0);
    let valid =
        seconds(certificate.validity().not_before)..=seconds(certificate.validity().not_after);
    let purposes = certificate.extended_key_usage().ok()?;
    // As for other certificates, `anyExtendedKeyUsage` is not enough.
    let is_for_servers = purposes.is_none_or(|purposes| purposes.value.server_auth);
    Some((standing, valid, is_for_servers))
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::pem::PemObject;

    use super::*;

    const BEGIN: u64 = 1_893_456_000;
    const END: u64 = 1_924_992_000;

    /// Certificates valid in the year 2030.
    fn read(pem: &str) -> (Standing, Listed) {
        let (standing, listed) =
            Listed::read(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap());
        (standing, listed.unwrap())
    }

    fn at(seconds: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    /// Checked here although the TLS library checks it too: that it does so before it finds a CA
    /// is nothing to build on.
    #[test]
    fn its_time_counts() {
        let (standing, ca) = read(include_str!("../../tests/data/certificates/ca.pem"));
        assert_eq!(standing, Standing::Ca);
        let early = ca.check(at(BEGIN - 1)).unwrap_err().to_string();
        assert!(early.contains("not valid yet"), "{early}");
        ca.check(at(BEGIN)).unwrap();
        ca.check(at(END)).unwrap();
        let late = ca.check(at(END + 1)).unwrap_err().to_string();
        assert!(late.contains("expired"), "{late}");
    }

    #[test]
    fn its_purpose_counts() {
        let (_, client) = read(include_str!("../../tests/data/certificates/client.pem"));
        let error = client.check(at(BEGIN)).unwrap_err().to_string();
        assert!(error.contains("Purpose"), "{error}");
    }

    #[test]
    fn one_that_is_no_ca() {
        let (standing, server) = read(include_str!("../../tests/data/certificates/server.pem"));
        assert_eq!(standing, Standing::Server);
        server.check(at(BEGIN)).unwrap();
    }

    #[test]
    fn what_cannot_be_understood_remains_a_ca() {
        let pem = include_str!("../../tests/data/certificates/server.pem");
        let mut der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec();
        der.push(0);
        let (standing, listed) = Listed::read(der.into());
        assert!(standing == Standing::Ca && listed.is_none());
    }
}
