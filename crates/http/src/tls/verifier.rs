//! Decides whether the certificate of a server is trusted.
//!
//! Everything goes the ordinary way of the TLS library (webpki), with one addition: it asks of every
//! certificate of a server that it is no CA's and that a CA signed it. A certificate that an
//! administrator laid into the directory of trusted ones is trusted for what it is, so who signed
//! it, and whether it might sign others, does not matter. `openssl req -x509` makes such
//! certificates, and the manual has them laid there.
//!
//! What such a certificate does not get around: names, dates, the purpose (extendedKeyUsage), the
//! form, and the proof that the server has the key.
//!
//! The configuration may leave out the name, or all of it.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};

use super::{Check, Trust};

#[derive(Debug)]
pub(super) struct Verifier {
    trust: Trust,
    check: Check,
    algorithms: WebPkiSupportedAlgorithms,
}

/// Why a certificate is refused, where the TLS library has no words or none for administrators.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("it is the certificate of a CA, and no file of trusted certificates holds it")]
    CaOfItsOwn,
    #[error("it is of an old form (X.509 version 1) that has no subjectAltName")]
    OldForm,
    #[error("the server does not have the key of the certificate that it shows")]
    OtherKey,
    #[error("its extendedKeyUsage does not have serverAuth")]
    Purpose,
    #[error("it is signed by itself, and no file of trusted certificates holds it")]
    SelfSigned,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        CertificateError::Other(OtherError(Arc::new(refusal))).into()
    }
}

impl Verifier {
    pub(super) const fn new(
        trust: Trust,
        check: Check,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        Self { trust, check, algorithms }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.check == Check::Nothing {
            return Ok(ServerCertVerified::assertion());
        }
        let certificate =
            ParsedCertificate::try_from(shown).map_err(|error| match webpki(&error) {
                Some(webpki::Error::UnsupportedCertVersion) => Refusal::OldForm.into(),
                _ => error,
            })?;
        let check = |intermediates| {
            let (anchors, algorithms) = (&self.trust.anchors, self.algorithms.all);
            verify_server_cert_signed_by_trust_anchor(
                &certificate,
                anchors,
                intermediates,
                now,
                algorithms,
            )
        };
        if let Err(error) = check(intermediates) {
            match self.trust.listed.iter().find(|listed| listed.is(shown)) {
                // Without the intermediates, what is wrong is wrong with this certificate.
                Some(listed) => match check(&[]) {
                    Err(error) if !is_about_signer(&error) => return Err(error),
                    _ => listed.check(now)?,
                },
                None if is_about_signer(&error) => return Err(name_self_signed(error, shown)),
                None => return Err(error),
            }
        }
        if self.check == Check::Everything {
            verify_server_name(&certificate, name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.check == Check::Nothing {
            // Also certificates of a form that the library cannot read a key from.
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls12_signature(message, shown, signature, &self.algorithms).map_err(name_other_key)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.check == Check::Nothing {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls13_signature(message, shown, signature, &self.algorithms).map_err(name_other_key)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Whether all that is wrong is who signed the certificate and how, or that it is a CA's. Only this
/// is forgiven to a certificate that a file holds. Whatever the library may find beside it, now or
/// in a later version, stands.
fn is_about_signer(error: &Error) -> bool {
    let Error::InvalidCertificate(error) = error else { return false };
    match error {
        CertificateError::BadSignature
        | CertificateError::UnknownIssuer
        | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => true,
        CertificateError::Other(other) => {
            matches!(other.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
        }
        _ => false,
    }
}

fn webpki(error: &Error) -> Option<&webpki::Error> {
    match error {
        Error::InvalidCertificate(CertificateError::Other(other)) => other.0.downcast_ref(),
        _ => None,
    }
}

/// The remedy for a certificate without a CA is another than for an unknown CA.
fn name_self_signed(error: Error, shown: &CertificateDer<'_>) -> Error {
    let is_self_signed = webpki::EndEntityCert::try_from(shown)
        .is_ok_and(|certificate| certificate.subject() == certificate.issuer());
    if is_self_signed {
        Refusal::SelfSigned.into()
    } else if matches!(webpki(&error), Some(webpki::Error::CaUsedAsEndEntity)) {
        Refusal::CaOfItsOwn.into()
    } else {
        error
    }
}

/// The library's words would blame the CA.
fn name_other_key(error: Error) -> Error {
    match error {
        Error::InvalidCertificate(CertificateError::BadSignature) => Refusal::OtherKey.into(),
        other => other,
    }
}
