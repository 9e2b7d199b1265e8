//! The address of a Kelvin server (id-connector 3.1).

/// Whether a text begins as a URL does.
pub(super) fn has_scheme(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        let mut letters = scheme.chars();
        letters.next().is_some_and(|first| first.is_ascii_alphabetic())
            && letters.all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
            && !rest.is_empty()
    })
}

/// What an address says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KelvinUrl {
    /// Whether passwords travel in clear text.
    pub(super) is_plain: bool,
}

/// Reads `https://HOST[:PORT]/ucsschool/kelvin/vX[/…]`.
///
/// # Errors
/// What is wrong with it, without the address: there may be a password in it.
pub(super) fn parse(url: &str) -> Result<KelvinUrl, &'static str> {
    const FORM: &str = "it must have the form https://HOST[:PORT]/ucsschool/kelvin/v1/";
    if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("there is white space in it");
    }
    let (scheme, rest) = url.split_once("://").ok_or(FORM)?;
    let is_plain = match scheme.to_ascii_lowercase().as_str() {
        "https" => false,
        "http" => true,
        _ => return Err("it must begin with https://"),
    };
    let (host, path) = rest.split_once('/').ok_or(FORM)?;
    if host.contains('@') {
        return Err("user name and password do not belong into it");
    }
    if path.contains(['?', '#']) {
        return Err("there must be neither '?' nor '#' in it");
    }
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    if name.is_empty() || port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err(FORM);
    }
    let version = path.strip_prefix("ucsschool/kelvin/v").ok_or(FORM)?;
    if version.is_empty() || version.starts_with('/') {
        return Err(FORM);
    }
    Ok(KelvinUrl { is_plain })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_kelvin_are_known() {
        for url in [
            "https://kelvin.a.example/ucsschool/kelvin/v1/",
            "https://kelvin.a.example:8443/ucsschool/kelvin/v1",
            "HTTPS://[::1]:443/ucsschool/kelvin/v2/users/",
            "https://[::1]/ucsschool/kelvin/vanything",
        ] {
            assert_eq!(parse(url), Ok(KelvinUrl { is_plain: false }), "{url}");
        }
        let plain = parse("http://127.0.0.1:8000/ucsschool/kelvin/v1/");
        assert_eq!(plain, Ok(KelvinUrl { is_plain: true }));
        for url in [
            "",
            "kelvin.a.example",
            "https://kelvin.a.example",
            "https://kelvin.a.example/",
            "https://kelvin.a.example/ucsschool/kelvin/",
            "https://kelvin.a.example/ucsschool/kelvin/v/",
            "https://kelvin.a.example/other/v1/",
            "https:///ucsschool/kelvin/v1/",
            "https://h:x/ucsschool/kelvin/v1/",
            "https://h:/ucsschool/kelvin/v1/",
            "https://u:p@h/ucsschool/kelvin/v1/",
            "https://h/ucsschool/kelvin/v1/?x=1",
            "https://h /ucsschool/kelvin/v1/",
            "ftp://h/ucsschool/kelvin/v1/",
        ] {
            assert!(parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_scheme_is_needed() {
        assert!(has_scheme("ftp://x") && has_scheme("https://h"));
        for text in ["x", "://x", "1://x", "https:/x", "https://"] {
            assert!(!has_scheme(text), "{text}");
        }
    }
}
