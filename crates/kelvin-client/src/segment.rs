//! Names in addresses: each is one segment of a path, or one value of a query (kelvin-api 3).

use std::fmt::Write as _;

/// Why a name cannot be a segment of a path: proxies and servers take such segments apart or out, and then the
/// request is about something else.
pub(crate) fn problem(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("the name is empty")
    } else if matches!(name, "." | "..") {
        Some("the name is one that stands for a place in an address")
    } else if name.contains(['/', '\\']) {
        Some("the name has a slash or backslash in it, which cannot stand in an address")
    } else if name.chars().any(char::is_control) {
        Some("the name has a control character in it, which cannot stand in an address")
    } else {
        None
    }
}

/// Adds a name, with all but letters, digits and `-._~` percent-encoded.
pub(crate) fn push_encoded(text: &mut String, name: &str) {
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            text.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
}

/// The name that a segment stands for. What is no percent-encoding of UTF-8 stands for itself.
pub(crate) fn decoded(segment: &str) -> String {
    if !segment.contains('%') {
        return segment.to_owned();
    }
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let [first, after @ ..] = rest {
        match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                let Some((high, low)) = digit(high).zip(digit(low)) else {
                    return segment.to_owned();
                };
                bytes.extend(u8::try_from(high * 16 + low));
                rest = after;
            }
            (b'%', _) => return segment.to_owned(),
            (byte, after) => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| segment.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn all_but_the_plainest_characters_are_encoded() {
        let mut text = String::new();
        push_encoded(&mut text, "Anna Müller-1._~/?#%&+*");
        assert_eq!(text, "Anna%20M%C3%BCller-1._~%2F%3F%23%25%26%2B%2A");
    }

    #[test]
    fn what_is_no_encoding_stays() {
        for segment in ["100%", "%zz", "%e4", "%4", "a%20%"] {
            assert_eq!(decoded(segment), segment);
        }
        assert_eq!(decoded("%C3%a4%20b"), "ä b");
    }

    #[test]
    fn names_that_would_lead_elsewhere() {
        for name in ["", ".", "..", "a/b", "a\\b", "a\nb", "\0"] {
            assert!(problem(name).is_some(), "{name:?}");
        }
        for name in ["anna", "...", "a.b", "Anna Müller", "a%2Fb", "*"] {
            assert_eq!(problem(name), None, "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn a_name_comes_back(name in "\\PC*") {
            let mut text = String::new();
            push_encoded(&mut text, &name);
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)));
            prop_assert_eq!(decoded(&text), name);
        }
    }
}
