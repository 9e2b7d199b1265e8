//! Rules for single values.

use std::net::{Ipv4Addr, Ipv6Addr};

use chrono::NaiveDate;
use serde_json::json;

use super::refusal::Item;

/// Longest URL that is read.
const MAX_URL: usize = 2083;

/// Whether a text is an address of an HTTP server with a name that has a dot, or an IP address.
pub(super) fn url(text: &str, loc: impl FnOnce() -> Vec<serde_json::Value>) -> Result<(), Item> {
    let wrong = |msg: &str, kind| Item::new(loc(), msg, kind);
    if text.chars().count() > MAX_URL {
        let msg = format!("ensure this value has at most {MAX_URL} characters");
        return Err(
            wrong(&msg, "value_error.any_str.max_length").with(json!({ "limit_value": MAX_URL }))
        );
    }
    let Some((scheme, rest)) = text.split_once("://").filter(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    }) else {
        return Err(wrong("invalid or missing URL scheme", "value_error.url.scheme"));
    };
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Err(wrong("URL scheme not permitted", "value_error.url.scheme")
            .with(json!({ "allowed_schemes": ["http", "https"] })));
    }
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            if port.parse::<u16>().is_err() {
                return Err(wrong(
                    "URL port invalid, port cannot exceed 65535",
                    "value_error.url.port",
                ));
            }
            host
        }
        _ => host,
    };
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    if let Some(address) = bracketed
        && address.parse::<Ipv6Addr>().is_ok()
    {
    } else if host.parse::<Ipv4Addr>().is_err() {
        let labels: Vec<&str> = host.trim_end_matches('.').split('.').collect();
        let is_name = labels.iter().all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
        });
        if !is_name {
            return Err(wrong("URL host invalid", "value_error.url.host"));
        }
        let has_top = labels.len() > 1
            && labels.last().is_some_and(|top| {
                top.starts_with("xn--")
                    || (top.chars().count() > 1 && top.chars().all(char::is_alphabetic))
            });
        if !has_top {
            return Err(wrong(
                "URL host invalid, top level domain required",
                "value_error.url.host",
            ));
        }
    }
    if let Some((_, extra)) = path.split_once(char::is_whitespace) {
        let msg = format!("URL invalid, extra characters found after valid URL: '{extra}'");
        return Err(wrong(&msg, "value_error.url.extra"));
    }
    Ok(())
}

/// The year of a `YYYY-MM-DD` that exists.
pub(super) fn year(text: &str) -> Option<i32> {
    let is_shaped = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse().ok();
    if !is_shaped {
        return None;
    }
    let year = number(0..4)?;
    let (month, day) = (number(5..7)?, number(8..10)?);
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    i32::try_from(year).ok()
}

/// Names that Windows keeps for devices, with or without an extension.
pub(super) fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().to_lowercase();
    let is_numbered = ["com", "lpt"].iter().any(|device| {
        stem.strip_prefix(device)
            .is_some_and(|number| number.len() == 1 && number.bytes().all(|b| b.is_ascii_digit()))
    });
    is_numbered || ["con", "prn", "aux", "nul"].contains(&stem.as_str())
}

/// Letters, umlauts included, digits, `.`, `-` and `_`; the first and last are letters or digits.
pub(super) fn is_user_name(name: &str) -> bool {
    let is_end = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    is_end(name.chars().next())
        && is_end(name.chars().last())
        && name.chars().all(|c| c.is_alphanumeric() || "._-".contains(c))
}

/// Letters, digits, `.`, `-`, `_` and spaces; the first and last are letters or digits. No umlauts.
pub(super) fn is_group_name(name: &str) -> bool {
    let is_end = |byte: Option<u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_end(name.bytes().next()) && is_end(name.bytes().last()) && name.bytes().all(is_group_byte)
}

fn is_group_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._- ".contains(&byte)
}

/// The name of a class in `school_classes`: what a name cannot have becomes `-`.
pub(super) fn class_name(name: &str) -> String {
    let byte = |c: char| u8::try_from(c).ok().filter(|byte| is_group_byte(*byte));
    name.chars().map(|c| byte(c).map_or('-', |_| c)).collect()
}

/// Letters, digits, `-` and `_` inside.
pub(super) fn is_school_name(name: &str) -> bool {
    let is_end = |byte: Option<u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric());
    is_end(name.bytes().next())
        && is_end(name.bytes().last())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_need_scheme_and_a_full_host_name() {
        for (text, msg) in [
            ("https://kelvin.example/x", ""),
            ("HTTP://10.0.0.1:8080/x", ""),
            ("https://[::1]:1/x", ""),
            ("https://kelvin.example./x", ""),
            ("https://a.kelvin.example/users/bär", ""),
            ("DEMOSCHOOL", "invalid or missing URL scheme"),
            ("", "invalid or missing URL scheme"),
            ("/ucsschool/kelvin", "invalid or missing URL scheme"),
            ("ftp://kelvin.example/x", "URL scheme not permitted"),
            ("https://kelvin/x", "URL host invalid, top level domain required"),
            ("https://localhost:1/x", "URL host invalid, top level domain required"),
            ("https://kelvin.1/x", "URL host invalid, top level domain required"),
            ("https:///x", "URL host invalid"),
            ("https://a..b/x", "URL host invalid"),
            ("https://kelvin.example:99999/x", "URL port invalid, port cannot exceed 65535"),
            (
                "https://kelvin.example/a b",
                "URL invalid, extra characters found after valid URL: 'b'",
            ),
        ] {
            let found = url(text, Vec::new).err().map(|item| format!("{item:?}"));
            match found {
                None => assert_eq!(msg, "", "{text}"),
                Some(found) => assert!(!msg.is_empty() && found.contains(msg), "{text}: {found}"),
            }
        }
    }

    #[test]
    fn dates_exist() {
        for (text, expected) in [
            ("2010-02-03", Some(2010)),
            ("2024-02-29", Some(2024)),
            ("2023-02-29", None),
            ("2010-2-3", None),
            ("3.2.2010", None),
            ("2010-02-03 ", None),
            ("+010-02-03", None),
            ("", None),
        ] {
            assert_eq!(year(text), expected, "{text}");
        }
    }

    #[test]
    fn names_have_the_characters_that_they_may_have() {
        for (name, user, group) in [
            ("anna.m", true, true),
            ("bär", true, false),
            ("a", true, true),
            ("a b", false, true),
            (" a", false, false),
            ("a-", false, false),
            ("a/b", false, false),
            ("", false, false),
        ] {
            assert_eq!((is_user_name(name), is_group_name(name)), (user, group), "{name}");
        }
        assert!(is_device("COM1") && is_device("nul.txt") && !is_device("com10"));
        assert_eq!(class_name("7ä/b c"), "7--b c");
        assert!(is_school_name("g-7_x") && !is_school_name("g-") && !is_school_name("gü"));
    }
}
