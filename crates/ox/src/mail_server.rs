//! `OX_IMAP_SERVER` and `OX_SMTP_SERVER`: scheme, host and port of the default mail servers.

/// A mail server URL, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailServer {
    /// Scheme with its separator, as OX takes it: `imap://`.
    pub scheme: String,
    /// Host in lower case; an IPv6 address keeps its brackets.
    pub host: String,
    /// Port; `None` when the URL has none, and then none is sent.
    pub port: Option<u16>,
}

/// Why a text is not the URL of a mail server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{url}' is not a URL of the form scheme://host[:port]: {reason}")]
pub struct BadServer {
    url: String,
    reason: &'static str,
}

impl std::str::FromStr for MailServer {
    type Err = BadServer;

    fn from_str(text: &str) -> Result<Self, BadServer> {
        let url = text.trim();
        let bad = |reason| BadServer { url: url.to_owned(), reason };
        let (scheme, rest) = url.split_once("://").ok_or_else(|| bad("'://' is missing"))?;
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        if !is_scheme {
            return Err(bad("the scheme has to be letters and digits"));
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(bad("it must not hold a login"));
        }
        let (host, port) = match authority.rsplit_once(':') {
            // A colon inside the brackets belongs to an IPv6 address.
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (authority, None),
        };
        if host.is_empty() || host.contains(char::is_whitespace) {
            return Err(bad("the host is missing"));
        }
        if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
            return Err(bad("an IPv6 address has to stand in brackets"));
        }
        let port = match port {
            None | Some("") => None,
            Some(port) => Some(port.parse().map_err(|_| bad("the port is not a number"))?),
        };
        Ok(Self {
            scheme: format!("{}://", scheme.to_ascii_lowercase()),
            host: host.to_lowercase(),
            port,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s6_2_takes_a_url_apart() {
        for (url, scheme, host, port) in [
            ("imap://localhost:143", "imap://", "localhost", Some(143)),
            ("smtps://Mail.Example.ORG", "smtps://", "mail.example.org", None),
            ("IMAP://mail:", "imap://", "mail", None),
            ("imap://[2001:DB8::1]:993/", "imap://", "[2001:db8::1]", Some(993)),
            ("imap://[::1]", "imap://", "[::1]", None),
        ] {
            let expected = MailServer { scheme: scheme.into(), host: host.into(), port };
            assert_eq!(url.parse::<MailServer>().unwrap(), expected, "{url}");
        }
    }

    #[test]
    fn refuses_what_is_no_url() {
        for url in [
            "",
            "localhost",
            "://x",
            "imap://",
            "imap://:143",
            "imap://h:x",
            "imap://u@h",
            "imap://::1",
        ] {
            let error = url.parse::<MailServer>().unwrap_err().to_string();
            assert!(error.contains("scheme://host[:port]"), "{error}");
        }
    }
}
