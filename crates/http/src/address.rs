//! The server's address, checked once.

use ureq::http::Uri;

use crate::line::one_line;

/// Scheme, host, optional port and path of the server.
#[derive(Clone, Debug)]
pub struct BaseUrl {
    /// With the path, without a slash at the end.
    pub url: String,
    /// Scheme, host and port, for messages.
    pub server: String,
    /// Whether TLS is needed.
    pub is_https: bool,
}

/// An address cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot use {url:?} as address of a server: {reason}")]
pub struct AddressError {
    /// The address as given, without user information, bounded.
    pub url: String,
    /// What is wrong with it.
    pub reason: String,
}

impl AddressError {
    /// Refuses an address.
    pub fn new(text: &str, reason: impl Into<String>) -> Self {
        // Whatever stands before an @ may be a password.
        let shown = text.rsplit_once('@').map_or(text, |(_, host)| host);
        Self { url: one_line(shown.trim(), 200), reason: reason.into() }
    }
}

impl BaseUrl {
    /// Checks an address.
    ///
    /// # Errors
    /// It is no `http` or `https` URL, or has more than scheme, host, port and path.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let refuse = |reason: &str| Err(AddressError::new(text, reason));
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
            return refuse("it holds a user name, which is not taken from there");
        }
        let has_port = authority.as_str().len() > authority.host().len();
        if has_port && authority.port_u16().is_none_or(|port| port == 0) {
            return refuse("its port is not a number from 1 to 65535");
        }
        if uri.query().is_some() || text.contains('#') {
            return refuse("it has a query or a fragment");
        }
        let path = uri.path().trim_end_matches('/');
        let server = format!("{scheme}://{authority}");
        Ok(Self { url: format!("{server}{path}"), server, is_https: scheme == "https" })
    }
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
            ("https://ox example.org", "not a URL"),
        ] {
            let message = BaseUrl::parse(text).unwrap_err().to_string();
            assert!(message.contains(reason), "{text:?}: {message}");
        }
    }

    #[test]
    fn a_password_in_the_address_is_not_shown() {
        let message =
            BaseUrl::parse("https://admin:s3cret@ox.example.org").unwrap_err().to_string();
        assert!(message.contains("user name") && !message.contains("s3cret"), "{message}");
    }
}
