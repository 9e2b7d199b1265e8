//! The settings of a client.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use idspool_http::Limits;

use super::{CallInfo, Client, Inner, Observer};
use crate::error::Error;
use crate::transport::Transport;
use crate::workspace::Workspaces;

/// Longer than a connection takes on any network that still works.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Creating a context makes OX build a database schema, which takes a minute on a busy server.
const CALL_TIMEOUT: Duration = Duration::from_secs(120);
/// `listGroupsForUser` sends 31 bytes for each user of the context, so this is enough for two
/// million.
const ANSWER_LIMIT: u64 = 64 << 20;

/// Settings of a [`Client`].
pub struct ClientBuilder {
    base_url: String,
    connect_timeout: Duration,
    call_timeout: Duration,
    answer_limit: u64,
    ca_certificates: Option<PathBuf>,
    ca_bundle: Option<PathBuf>,
    observer: Option<Box<Observer>>,
}

impl ClientBuilder {
    /// Longest time to make a connection, TLS included. Default: 10 s.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Longest time of a whole call. Default: 120 s.
    #[must_use]
    pub fn call_timeout(mut self, timeout: Duration) -> Self {
        self.call_timeout = timeout;
        self
    }

    /// Largest answer in bytes. Default: 64 MiB. Lists are read as they come in and may have 64 times
    /// as much, as long as what is taken from them stays below the limit.
    #[must_use]
    pub fn answer_limit(mut self, bytes: u64) -> Self {
        self.answer_limit = bytes;
        self
    }

    /// A directory of `*.pem` files with certificates that are trusted beside the system's CA
    /// certificates. The system's place is found as OpenSSL finds it, `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` included. A directory that does not exist holds none. Read once, by
    /// [`Self::build`], for `https` only.
    ///
    /// A file may hold the certificate of a CA, or that of the server itself, which then need not
    /// be signed by anyone else. The host name must be in its subjectAltName either way.
    #[must_use]
    pub fn ca_certificates(mut self, directory: Option<PathBuf>) -> Self {
        self.ca_certificates = directory;
        self
    }

    /// A file of certificates that are trusted as those of the directory (`REQUESTS_CA_BUNDLE`).
    #[must_use]
    pub fn ca_bundle(mut self, file: Option<PathBuf>) -> Self {
        self.ca_bundle = file;
        self
    }

    /// A function that is told about each call, on the thread of the call.
    #[must_use]
    pub fn observer(mut self, observer: impl Fn(&CallInfo) + Send + Sync + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Checks the settings. Makes no connection.
    ///
    /// # Errors
    /// [`Error::BaseUrl`], [`Error::CaCertificates`].
    pub fn build(self) -> Result<Client, Error> {
        let transport = Transport::new(
            &self.base_url,
            Limits { connect: self.connect_timeout, call: self.call_timeout },
            self.ca_certificates,
            self.ca_bundle,
        )?;
        let inner = Inner {
            transport,
            workspaces: Workspaces::default(),
            answer_limit: self.answer_limit,
            observer: self.observer,
        };
        Ok(Client { inner: Arc::new(inner) })
    }
}

impl Client {
    /// Begins the settings of a client of the server at `base_url` (`OX_SOAP_SERVER`): scheme,
    /// host, optional port.
    pub fn builder(base_url: impl Into<String>) -> ClientBuilder {
        ClientBuilder {
            base_url: base_url.into(),
            connect_timeout: CONNECT_TIMEOUT,
            call_timeout: CALL_TIMEOUT,
            answer_limit: ANSWER_LIMIT,
            ca_certificates: None,
            ca_bundle: None,
            observer: None,
        }
    }
}
