//! How to reach the server, checked before the first connection.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use idspool_service::{ConfigError, Directory};

use crate::Error;

/// How to reach the server and how much to ask at once.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `ldap://HOST[:PORT]`, `ldaps://HOST[:PORT]` or `ldapi://%2Fpath%2Fto%2Fsocket`.
    pub url: String,
    /// Whether an `ldap://` connection is switched to TLS before the bind.
    pub start_tls: bool,
    /// Folder of `*.pem` files trusted beside the system's certificates.
    pub ca_certificates: Option<PathBuf>,
    /// Who to bind as; `None`: anonymous.
    pub credentials: Option<Credentials>,
    /// DN below which everything is looked up.
    pub base_dn: String,
    /// Limit for connect, TLS handshake and bind together, and for the silence between two
    /// messages of an answer.
    pub timeout: Duration,
    /// Objects looked up with one search. A filter with many terms costs the server terms times
    /// candidates, so more is not always faster; 64 to 128 is a good range.
    pub batch_size: usize,
    /// Bytes that the operating system takes from the server ahead of us; `None`: it decides. A long
    /// answer that is handled more slowly than it comes needs that much memory, and a few times more
    /// once decoded.
    pub receive_buffer: Option<usize>,
}

impl Settings {
    /// Settings for `url` and `base_dn` with everything else at its default.
    pub fn new(url: impl Into<String>, base_dn: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            start_tls: false,
            ca_certificates: None,
            credentials: None,
            base_dn: base_dn.into(),
            timeout: Duration::from_secs(15),
            batch_size: 100,
            receive_buffer: None,
        }
    }

    /// The settings of a configuration. The password is read at each connect.
    ///
    /// # Errors
    /// There is no password, or its file cannot be read.
    pub fn of_config(config: &Directory) -> Result<Self, ConfigError> {
        let mut settings = Self::new(&config.url, &config.base_dn);
        settings.start_tls = config.start_tls;
        settings.ca_certificates.clone_from(&config.ca_certificates);
        settings.timeout = config.timeout();
        settings.batch_size = config.batch_size;
        // Names what is wrong with the file before anything is tried.
        config.bind_password()?;
        if let Some(dn) = &config.bind_dn {
            let config = config.clone();
            settings.credentials = Some(Credentials::from_source(dn, move || {
                let password = config.bind_password().map_err(|error| error.to_string())?;
                Ok(password.unwrap_or_default().expose().to_owned())
            }));
        }
        Ok(settings)
    }
}

/// Bind DN and password. The password is never printed.
#[derive(Clone)]
pub struct Credentials {
    /// DN to bind as.
    pub dn: String,
    password: Password,
}

#[derive(Clone)]
enum Password {
    Text(String),
    Source(Arc<PasswordSource>),
}

/// Answers the password, or what is wrong with where it is kept.
type PasswordSource = dyn Fn() -> Result<String, String> + Send + Sync;

impl Credentials {
    /// Bind DN and password.
    pub fn new(dn: impl Into<String>, password: impl Into<String>) -> Self {
        Self { dn: dn.into(), password: Password::Text(password.into()) }
    }

    /// Bind DN, and who knows the password. It is asked at each connect, so that a password that was
    /// changed needs no restart.
    pub fn from_source(
        dn: impl Into<String>,
        source: impl Fn() -> Result<String, String> + Send + Sync + 'static,
    ) -> Self {
        Self { dn: dn.into(), password: Password::Source(Arc::new(source)) }
    }

    /// The password, which is not empty: that would be an anonymous bind in disguise.
    pub(crate) fn password(&self) -> Result<String, Error> {
        let password = match &self.password {
            Password::Text(text) => text.clone(),
            Password::Source(source) => {
                source().map_err(|problem| Error::PasswordFile { dn: self.dn.clone(), problem })?
            }
        };
        if password.is_empty() {
            return Err(Error::EmptyPassword { dn: self.dn.clone() });
        }
        Ok(password)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("dn", &self.dn).finish_non_exhaustive()
    }
}

/// Where the URL leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// TCP: host (IPv6 without brackets), port, TLS from the first byte.
    Tcp { host: String, port: u16, is_tls: bool },
    /// A Unix socket.
    Unix { path: PathBuf },
}

impl Endpoint {
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        let invalid = |problem: &'static str| Error::Url { url: url.to_owned(), problem };
        let (scheme, rest) = url.split_once("://").ok_or_else(|| invalid("it has no scheme"))?;
        let is_tls = match scheme {
            "ldap" => false,
            "ldaps" => true,
            "ldapi" if rest.is_empty() => return Err(invalid("it names no socket")),
            "ldapi" => {
                let path = socket_path(rest.trim_end_matches('/'));
                return path.map(|path| Self::Unix { path }).ok_or_else(|| {
                    invalid("its socket is not a path with '%2F' in place of each '/'")
                });
            }
            _ => return Err(invalid("its scheme is not ldap, ldaps or ldapi")),
        };
        let authority = rest.trim_end_matches('/');
        if authority.contains(['/', '?', '@']) {
            return Err(invalid("it has more than scheme, host and port"));
        }
        let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
            let (host, after) =
                rest.split_once(']').ok_or_else(|| invalid("its bracket is not closed"))?;
            (host, after.strip_prefix(':'))
        } else {
            match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            }
        };
        if host.is_empty() {
            return Err(invalid("it names no host"));
        }
        let port = match port {
            None if is_tls => 636,
            None => 389,
            Some(text) => text.parse().map_err(|_| invalid("its port is not a number"))?,
        };
        Ok(Self::Tcp { host: host.to_owned(), port, is_tls })
    }
}

/// The path that the host part of an `ldapi` URL stands for.
fn socket_path(encoded: &str) -> Option<PathBuf> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? << 4 | digit()?).ok()?
            }
            b'/' | b'?' | 0 => return None,
            byte => byte,
        });
    }
    (!bytes.is_empty() && !bytes.contains(&0)).then(|| OsString::from_vec(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16, is_tls: bool) -> Endpoint {
        Endpoint::Tcp { host: host.into(), port, is_tls }
    }

    #[test]
    fn urls_lead_to_host_and_port() {
        for (url, expected) in [
            ("ldap://ldap.example.org", tcp("ldap.example.org", 389, false)),
            ("ldap://127.0.0.1:7389/", tcp("127.0.0.1", 7389, false)),
            ("ldaps://ldap.example.org", tcp("ldap.example.org", 636, true)),
            ("ldaps://[::1]:1636", tcp("::1", 1636, true)),
            ("ldapi://%2Frun%2fslapd%2Fldapi/", Endpoint::Unix { path: "/run/slapd/ldapi".into() }),
        ] {
            assert_eq!(Endpoint::parse(url).unwrap(), expected, "{url}");
        }
    }

    #[test]
    fn unusable_urls_are_refused_with_the_reason() {
        for (url, reason) in [
            ("ldap.example.org", "no scheme"),
            ("http://ldap.example.org", "scheme is not"),
            ("ldap://", "no host"),
            ("ldap://host:many", "not a number"),
            ("ldap://host/dc=example", "more than"),
            ("ldap://[::1", "not closed"),
            ("ldapi://", "no socket"),
            ("ldapi:///run/ldapi", "%2F"),
            ("ldapi://%2", "%2F"),
            ("ldapi://%00", "%2F"),
        ] {
            let error = Endpoint::parse(url).unwrap_err().to_string();
            assert!(error.contains(reason) && error.contains("directory.url"), "{error}");
        }
    }

    #[test]
    fn the_password_is_never_printed() {
        let mut settings = Settings::new("ldap://localhost", "dc=example,dc=org");
        settings.credentials = Some(Credentials::new("cn=admin", "hunter2"));
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}
