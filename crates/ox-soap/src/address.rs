//! The server's address: checked once, resolved when a connection is needed.
//!
//! The HTTP library asks for the server's addresses at every call, also when it then uses a
//! connection that it has, and starts a thread for it. This resolver remembers the answer for a
//! while, which takes the name service out of the way of ordinary calls.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::error::Error;

/// As long as a name service's own short times to live. A failed connection ends it at once.
const REMEMBERED: Duration = Duration::from_secs(30);

/// Scheme, host, optional port and path of the server.
#[derive(Debug)]
pub(crate) struct BaseUrl {
    /// With the path, without a slash at the end.
    pub(crate) url: String,
    /// Scheme, host and port, for messages.
    pub(crate) server: String,
    pub(crate) is_https: bool,
}

impl BaseUrl {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let refuse = |reason: &str| {
            // Whatever stands before an @ may be a password.
            let shown = text.rsplit_once('@').map_or(text, |(_, host)| host);
            let url = crate::fault::one_line(shown, 200);
            Err(Error::BaseUrl { url, reason: reason.into() })
        };
        let uri: Uri = match text.parse() {
            Ok(uri) => uri,
            Err(_) => return refuse("it is not a URL"),
        };
        let scheme = match uri.scheme_str() {
            Some(scheme @ ("http" | "https")) => scheme,
            Some(_) => return refuse("its scheme is neither https nor http"),
            None => return refuse("it does not begin with https:// or http://"),
        };
        let Some(authority) = uri.authority().filter(|authority| !authority.host().is_empty())
        else {
            return refuse("it names no host");
        };
        if authority.as_str().contains('@') {
            return refuse("it holds a user name; OX takes none there");
        }
        let has_port = authority.as_str().len() > authority.host().len();
        if has_port && authority.port_u16().is_none_or(|port| port == 0) {
            return refuse("its port is not a number from 1 to 65535");
        }
        if uri.query().is_some() || text.contains('#') {
            return refuse("it has a query or a fragment");
        }
        let path = uri.path().trim_end_matches('/');
        if path.ends_with("/webservices") {
            return refuse("it ends with /webservices, which is added to it");
        }
        let server = format!("{scheme}://{authority}");
        Ok(Self { url: format!("{server}{path}"), server, is_https: scheme == "https" })
    }
}

/// A resolver that remembers. Clones share what they remember.
#[derive(Clone, Debug, Default)]
pub(crate) struct RememberingResolver {
    known: Arc<Mutex<Option<Known>>>,
    system: Arc<DefaultResolver>,
}

#[derive(Debug)]
struct Known {
    host: String,
    addresses: Vec<SocketAddr>,
    until: Instant,
}

impl RememberingResolver {
    /// Forgets: a connection failed, so the server may have moved.
    pub(crate) fn forget(&self) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn remembered(&self, host: &str) -> Option<Vec<SocketAddr>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.as_ref().filter(|k| k.host == host && Instant::now() < k.until)?;
        Some(known.addresses.clone())
    }
}

impl Resolver for RememberingResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(ureq::Error::HostNotFound);
        };
        let host =
            DefaultResolver::host_and_port(scheme, authority).ok_or(ureq::Error::HostNotFound)?;
        let mut addresses = self.empty();
        if let Some(address) = literal(&host) {
            addresses.push(address);
            return Ok(addresses);
        }
        if let Some(known) = self.remembered(&host) {
            known.into_iter().for_each(|address| addresses.push(address));
            return Ok(addresses);
        }
        let addresses = match self.system.resolve(uri, config, timeout) {
            Err(timeout @ ureq::Error::Timeout(_)) => return Err(timeout),
            // The system's errors for names have no kind of their own to be told by later.
            Err(_) => return Err(ureq::Error::HostNotFound),
            Ok(addresses) => addresses,
        };
        let known = Known {
            host,
            addresses: addresses.iter().copied().collect(),
            until: Instant::now() + REMEMBERED,
        };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
        Ok(addresses)
    }
}

/// The address that a host is when it is one.
fn literal(host_and_port: &str) -> Option<SocketAddr> {
    let (host, port) = host_and_port.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let host: IpAddr = host.parse().ok()?;
    Some(SocketAddr::new(host, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_can_be_used() {
        for (text, url, server) in [
            ("https://ox.example.org", "https://ox.example.org", "https://ox.example.org"),
            (
                " http://ox.example.org:8009/ ",
                "http://ox.example.org:8009",
                "http://ox.example.org:8009",
            ),
            ("https://[::1]:8443", "https://[::1]:8443", "https://[::1]:8443"),
            ("https://proxy/ox/", "https://proxy/ox", "https://proxy"),
        ] {
            let parsed = BaseUrl::parse(text).unwrap();
            assert_eq!((parsed.url.as_str(), parsed.server.as_str()), (url, server));
            assert_eq!(parsed.is_https, url.starts_with("https"));
        }
    }

    #[test]
    fn addresses_that_cannot() {
        for (text, reason) in [
            ("", "not a URL"),
            ("ox.example.org", "https://"),
            ("/webservices", "https://"),
            ("ftp://ox.example.org", "scheme"),
            ("https://", "not a URL"),
            ("https://ox.example.org:0", "port"),
            ("https://ox.example.org:99999", "port"),
            ("https://ox.example.org/?a=b", "query"),
            ("https://ox.example.org/#a", "fragment"),
            ("https://ox.example.org/webservices/", "/webservices"),
            ("https://ox example.org", "not a URL"),
        ] {
            let message = BaseUrl::parse(text).unwrap_err().to_string();
            assert!(message.contains(reason), "{text:?}: {message}");
            assert!(message.contains("OX_SOAP_SERVER"), "{message}");
        }
    }

    #[test]
    fn a_password_in_the_address_is_not_shown() {
        let message =
            BaseUrl::parse("https://admin:s3cret@ox.example.org").unwrap_err().to_string();
        assert!(message.contains("user name") && !message.contains("s3cret"), "{message}");
    }

    #[test]
    fn literal_addresses_need_no_name_service() {
        assert_eq!(literal("127.0.0.1:80"), "127.0.0.1:80".parse().ok());
        assert_eq!(literal("[::1]:443"), "[::1]:443".parse().ok());
        assert_eq!(literal("localhost:80"), None);
    }
}
