//! Which servers are trusted.

/// Why a TLS connection is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
