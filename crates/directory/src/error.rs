//! What can go wrong between us and the directory, and whose business it is.

use std::path::PathBuf;
use std::time::Duration;

/// The problem of an answer that the protocol library cannot digest.
pub(crate) const NOT_LDAP: &str = "it does not have the form of an LDAP message";

/// A look-up or connection that failed.
///
/// Nothing here is about a single object: an object that is not there is an answer, not an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Configuration: the URL cannot be used.
    #[error("use the LDAP URL '{url}': {problem}; correct directory.url")]
    Url {
        /// As configured.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Configuration: extra CA certificates cannot be read.
    #[error("read CA certificates from {}: {problem}; correct directory.ca_certificates or the files in it", path.display())]
    Certificates {
        /// Folder or file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Configuration: a bind DN without a password would be an anonymous bind in disguise.
    #[error(
        "bind as {dn}: the password is empty; write it into the file that directory.bind_password_file names"
    )]
    EmptyPassword {
        /// Bind DN.
        dn: String,
    },
    /// Configuration: the bind password cannot be had.
    #[error("find the password of {dn}: {problem}; check directory.bind_password_file")]
    PasswordFile {
        /// Bind DN.
        dn: String,
        /// What is wrong with the file.
        problem: String,
    },
    /// The runtime of the connection could not be made (no file descriptors, no threads).
    #[error("start the LDAP client: {source}")]
    Runtime {
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Server or network: no connection.
    #[error(
        "connect to {url}: {source}; check that the LDAP server runs and that directory.url is right"
    )]
    Unreachable {
        /// As configured.
        url: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Server or network: the connection ended in the middle of work.
    #[error("{doing} at {url}: the connection was closed; it is opened again by itself")]
    Closed {
        /// What was being done.
        doing: &'static str,
        /// As configured.
        url: String,
    },
    /// Server or network: no answer in time.
    #[error("{doing} at {url}: no answer within {} s; check the load of the LDAP server, or raise directory.timeout", limit.as_secs_f32())]
    Timeout {
        /// What was being done.
        doing: &'static str,
        /// As configured.
        url: String,
        /// The limit that was passed.
        limit: Duration,
    },
    /// Server or configuration: its certificate is not trusted.
    #[error("connect to {url}: the server's certificate is not accepted ({problem}); {remedy}")]
    Untrusted {
        /// As configured.
        url: String,
        /// What the TLS library said.
        problem: String,
        /// What the administrator can do.
        remedy: &'static str,
    },
    /// Server: it does not offer StartTLS.
    #[error(
        "switch the connection to {url} to TLS: the server refused StartTLS (result {code}); enable TLS there, use an ldaps:// URL, or set directory.start_tls = false"
    )]
    StartTls {
        /// As configured.
        url: String,
        /// LDAP result code.
        code: u32,
    },
    /// Configuration: wrong bind DN or password.
    #[error(
        "bind as {dn} at {url}: wrong bind password or bind DN (result 49); check directory.bind_dn and the content of directory.bind_password_file"
    )]
    InvalidCredentials {
        /// Bind DN.
        dn: String,
        /// As configured.
        url: String,
    },
    /// Configuration: the base entry is missing, or not visible to us.
    #[error(
        "search below '{base}' at {url}: no such object (result 32); check directory.base_dn, and that the bind DN may read there (an anonymous bind often may not)"
    )]
    MissingBase {
        /// Search base.
        base: String,
        /// As configured.
        url: String,
    },
    /// Server: we may not do that.
    #[error(
        "{doing} at {url}: insufficient access (result {code}); give the bind DN read access to the whole tree, or require no more than the configured connection offers"
    )]
    InsufficientAccess {
        /// What was being done.
        doing: &'static str,
        /// As configured.
        url: String,
        /// LDAP result code.
        code: u32,
    },
    /// Server: a size or time limit of the server cuts answers short.
    #[error(
        "{doing} at {url}: the answer was cut short by a limit of the server (result {code}); raise its size and time limits for the bind DN (slapd: 'limits dn.exact=… size=unlimited time=unlimited')"
    )]
    LimitExceeded {
        /// What was being done.
        doing: &'static str,
        /// As configured.
        url: String,
        /// LDAP result code.
        code: u32,
    },
    /// Server: any other refusal.
    #[error("{doing} at {url}: the server answered with result {code} ({text})")]
    Refused {
        /// What was being done.
        doing: &'static str,
        /// As configured.
        url: String,
        /// LDAP result code.
        code: u32,
        /// The server's diagnostic message.
        text: String,
    },
    /// Server: it does not speak LDAP, or answers more than was asked for.
    #[error(
        "{doing} at {url}: the answer is not usable ({problem}); check that directory.url leads to an LDAP server"
    )]
    Malformed {
        /// What was being done.
        doing: &'static str,
        /// As configured.
        url: String,
        /// What was expected and found.
        problem: &'static str,
    },
    /// Server: it does not offer content synchronisation for this base.
    #[error(
        "follow the directory at {url}: the server does not offer content synchronisation here (result 12); load the module syncprov and add 'overlay syncprov' to this database of the server (with indexes 'entryCSN,entryUUID eq'), or report changes with 'idspool-listener hook'"
    )]
    NoSynchronisation {
        /// As configured.
        url: String,
    },
    /// Server: it cannot go on from where we were.
    #[error(
        "follow the directory at {url}: the server cannot go on from the last known state (result {code}: {text}); it may be behind (a replica, or restored from a backup)"
    )]
    CookieRefused {
        /// As configured.
        url: String,
        /// LDAP result code.
        code: u32,
        /// The server's diagnostic message.
        text: String,
    },
    /// Us: [`crate::Interrupt::interrupt`] was called.
    #[error("{doing} at {url}: interrupted by the shutdown")]
    Interrupted {
        /// What was being done.
        doing: &'static str,
        /// As configured.
        url: String,
    },
}

impl Error {
    /// Whether trying again later can help without anybody changing the configuration.
    ///
    /// A wrong password is not among these, and still worth asking again with long pauses: it may be
    /// the server's side that gets corrected.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Closed { .. }
            | Self::Timeout { .. }
            | Self::Malformed { .. }
            | Self::Runtime { .. }
            | Self::CookieRefused { .. }
            | Self::Interrupted { .. } => true,
            // busy, unavailable, other
            Self::Refused { code, .. } => matches!(code, 51 | 52 | 80),
            _ => false,
        }
    }

    /// Whether the configuration has to be corrected before a connection can even be tried.
    pub fn is_configuration(&self) -> bool {
        matches!(
            self,
            Self::Url { .. }
                | Self::Certificates { .. }
                | Self::EmptyPassword { .. }
                | Self::PasswordFile { .. }
        )
    }

    /// Whether the connection is unusable after this.
    pub(crate) fn breaks_connection(&self) -> bool {
        matches!(
            self,
            Self::Closed { .. }
                | Self::Timeout { .. }
                | Self::Malformed { .. }
                | Self::Interrupted { .. }
        )
    }
}
