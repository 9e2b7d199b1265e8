//! The server's addresses: resolved when a connection is needed.
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

/// As long as a name service's own short times to live. A failed connection ends it at once.
const REMEMBERED: Duration = Duration::from_secs(30);

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
    fn literal_addresses_need_no_name_service() {
        assert_eq!(literal("127.0.0.1:80"), "127.0.0.1:80".parse().ok());
        assert_eq!(literal("[::1]:443"), "[::1]:443".parse().ok());
        assert_eq!(literal("localhost:80"), None);
    }
}
