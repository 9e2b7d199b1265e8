//! HTTP as OX wants it: one POST to the address of a service.

use std::io;
use std::path::PathBuf;

use idspool_http::{
    BaseUrl, CertificateError, Http, Limits, Reply, Stream, Tls, TlsOptions, TransportError,
};
use ureq::http::{Request, header};

use crate::address;
use crate::error::{CallSite, Error};
use crate::service::{Operation, Service};
use crate::xml::Source;

pub(crate) struct Transport {
    http: Http,
    base: BaseUrl,
    urls: [String; Service::ALL.len()],
    ca_certificates: Option<PathBuf>,
}

impl Transport {
    pub(crate) fn new(
        base_url: &str,
        limits: Limits,
        ca_certificates: Option<PathBuf>,
        ca_bundle: Option<PathBuf>,
    ) -> Result<Self, Error> {
        let base = address::parse(base_url)?;
        let options = TlsOptions { ca_certificates, ca_bundle, ..TlsOptions::default() };
        let tls = if base.is_https { Some(Tls::load(&options)?) } else { None };
        let urls =
            Service::ALL.map(|service| format!("{}/webservices/{}", base.url, service.as_str()));
        let ca_certificates = options.ca_certificates;
        Ok(Self { http: Http::new(limits, tls), base, urls, ca_certificates })
    }

    /// Scheme, host and port, for messages.
    pub(crate) fn server(&self) -> &str {
        &self.base.server
    }

    /// Sends a request and waits for the beginning of the answer.
    pub(crate) fn post(
        &self,
        operation: &Operation,
        request: &[u8],
    ) -> Result<Reply, TransportError> {
        let url = self.urls.get(operation.service as usize).map_or("", String::as_str);
        let request = Request::post(url)
            .header(header::CONTENT_TYPE, "text/xml; charset=utf-8")
            .header("SOAPAction", operation.soap_action)
            .body(request)
            .map_err(|error| TransportError::Protocol(error.to_string()))?;
        self.http.send(request)
    }

    /// The error of a call that came to nothing on its way.
    pub(crate) fn error(&self, error: TransportError, site: Box<CallSite>) -> Error {
        match error {
            TransportError::Connect(reason) => Error::Connect { site, reason },
            TransportError::Disconnected(reason) => Error::Disconnected { site, reason },
            TransportError::Protocol(reason) => Error::Malformed { site, reason },
            TransportError::Resolve => Error::Resolve { site },
            TransportError::Timeout { while_connecting } => {
                let limits = self.http.limits();
                let limit = if while_connecting { limits.connect } else { limits.call };
                Error::Timeout { site, limit, while_connecting }
            }
            TransportError::Tls { problem, reason } => {
                let ca_certificates = self.ca_certificates.clone();
                Error::Tls { site, problem, reason, ca_certificates }
            }
            TransportError::TooLarge(limit) => Error::TooLarge { site, limit },
        }
    }
}

impl From<CertificateError> for Error {
    fn from(CertificateError { path, reason }: CertificateError) -> Self {
        Self::CaCertificates { path, reason }
    }
}

impl Source for &mut Stream {
    fn begin_piece(&mut self) {
        Stream::begin_piece(self);
    }

    fn keep(&mut self, bytes: usize) -> io::Result<()> {
        Stream::keep(self, bytes)
    }
}
