//! The settings of a client.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use idspool_http::{CertificateError, Check, ClientFiles, Http, Limits, Tls, TlsOptions};

use super::Client;
use super::pause::Pause;
use super::wire::Inner;
use crate::address::Addresses;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::token::Tokens;

/// Longer than a connection takes on any network that still works.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A write takes a second on a server that is not busy (kelvin-api 1).
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// Which resources are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApiVersion {
    /// `/v1/`.
    #[default]
    V1,
    /// `/v2/`, since 4.0.0: what it reads lags behind by seconds.
    V2,
}

/// Settings of a [`Client`].
#[derive(Debug)]
pub struct ClientBuilder {
    url: String,
    credentials: Credentials,
    version: ApiVersion,
    connect_timeout: Duration,
    call_timeout: Duration,
    ca_certificates: Option<PathBuf>,
    ca_bundle: Option<PathBuf>,
    check_hostname: bool,
    verify: bool,
    client_certificate: Option<(PathBuf, PathBuf)>,
}

impl ClientBuilder {
    /// Which resources are used. Default: `/v1/`.
    #[must_use]
    pub fn version(mut self, version: ApiVersion) -> Self {
        self.version = version;
        self
    }

    /// Longest time to make a connection, TLS included. Default: 10 s.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Longest time of a whole request. Default: 60 s.
    #[must_use]
    pub fn call_timeout(mut self, timeout: Duration) -> Self {
        self.call_timeout = timeout;
        self
    }

    /// A directory of `*.pem` files with certificates that are trusted beside the system's CA
    /// certificates: those of CAs, or of the server itself. One that does not exist holds none. Read once,
    /// by [`Self::build`], for `https` only.
    #[must_use]
    pub fn ca_certificates(mut self, directory: Option<PathBuf>) -> Self {
        self.ca_certificates = directory;
        self
    }

    /// A file of certificates that are trusted as those of the directory.
    #[must_use]
    pub fn ca_bundle(mut self, file: Option<PathBuf>) -> Self {
        self.ca_bundle = file;
        self
    }

    /// Whether the server's certificate must be for its name. Default: yes.
    #[must_use]
    pub fn check_hostname(mut self, check: bool) -> Self {
        self.check_hostname = check;
        self
    }

    /// Whether the server's certificate is checked at all. Default: yes.
    #[must_use]
    pub fn verify(mut self, verify: bool) -> Self {
        self.verify = verify;
        self
    }

    /// Files in PEM form with the certificate that the client shows, those that lead from it to its CA, and its
    /// key; both may be the same. Default: none.
    #[must_use]
    pub fn client_certificate(mut self, certificate: PathBuf, key: PathBuf) -> Self {
        self.client_certificate = Some((certificate, key));
        self
    }

    /// Checks the settings. Makes no connection.
    ///
    /// # Errors
    /// [`Error::Settings`].
    pub fn build(self) -> Result<Client, Error> {
        let addresses = Addresses::parse(&self.url, self.version)
            .map_err(|error| Error::Settings(error.to_string()))?;
        let (server, ca_certificates) = (addresses.server.clone(), self.ca_certificates.clone());
        let tls = if addresses.is_https {
            Some(self.tls().map_err(|error| Error::Settings(format!("{server}: {error}")))?)
        } else {
            None
        };
        let limits = Limits { connect: self.connect_timeout, call: self.call_timeout };
        let http = Http::new(limits, tls);
        let (tokens, pause) = (Tokens::default(), Pause::default());
        let credentials = self.credentials;
        let inner = Inner { addresses, credentials, http, tokens, pause, ca_certificates };
        Ok(Client { inner: Arc::new(inner) })
    }

    fn tls(&self) -> Result<Tls, CertificateError> {
        // The words of the ID Connector (id-connector 5.2), as administrators look for them.
        if !self.check_hostname {
            tracing::info!("Applying to SSL context: 'check_hostname'=False");
        }
        if !self.verify {
            tracing::info!("Applying to SSL context: 'verify_mode'=0");
        }
        let check = match (self.verify, self.check_hostname) {
            (true, true) => Check::Everything,
            (true, false) => Check::AllButName,
            (false, _) => Check::Nothing,
        };
        let client = self.client_certificate.clone();
        Tls::load(&TlsOptions {
            ca_certificates: self.ca_certificates.clone(),
            ca_bundle: self.ca_bundle.clone(),
            check,
            client: client.map(|(certificate, key)| ClientFiles { certificate, key }),
        })
    }
}

impl Client {
    /// Begins the settings of a client of the server at `url`, as an authority's file has it:
    /// `https://HOST[:PORT]/ucsschool/kelvin`, whatever follows.
    pub fn builder(url: impl Into<String>, credentials: Credentials) -> ClientBuilder {
        ClientBuilder {
            url: url.into(),
            credentials,
            version: ApiVersion::default(),
            connect_timeout: CONNECT_TIMEOUT,
            call_timeout: CALL_TIMEOUT,
            ca_certificates: None,
            ca_bundle: None,
            check_hostname: true,
            verify: true,
            client_certificate: None,
        }
    }
}
