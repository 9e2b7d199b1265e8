//! The lexical forms of the XML Schema types that requests use.

use std::borrow::Cow;

/// White space at both ends is not part of a value of any type but string.
fn collapse(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

pub(crate) fn boolean(text: &str) -> Option<bool> {
    match collapse(text) {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// `xs:long`; the caller checks the range of `xs:int`.
pub(crate) fn long(text: &str) -> Option<i64> {
    // Rust's parser takes exactly the schema's form: an optional sign and digits.
    collapse(text).parse().ok()
}

/// `xs:date`; answers `YYYY-MM-DD` without the zone.
pub(crate) fn date(text: &str) -> Option<&str> {
    let text = collapse(text);
    let (day, zone) = text.split_at_checked(10)?;
    let zone_is_valid = match zone.as_bytes() {
        [] | b"Z" => true,
        [b'+' | b'-', hours @ .., b':', minute_tens, minute_ones] => {
            let hours = match hours {
                [tens, ones] => two_digits(*tens, *ones)?,
                _ => return None,
            };
            let minutes = two_digits(*minute_tens, *minute_ones)?;
            minutes < 60 && (hours < 14 || (hours == 14 && minutes == 0))
        }
        _ => false,
    };
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = day.as_bytes() else {
        return None;
    };
    let year = two_digits(y1, y2)? * 100 + two_digits(y3, y4)?;
    let month = two_digits(m1, m2)?;
    let day_of_month = two_digits(d1, d2)?;
    let is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => return None,
    };
    // Year 0000 is not a year in XML Schema 1.0.
    (zone_is_valid && year > 0 && (1..=days).contains(&day_of_month)).then_some(day)
}

fn two_digits(tens: u8, ones: u8) -> Option<u32> {
    (tens.is_ascii_digit() && ones.is_ascii_digit())
        .then(|| u32::from(tens - b'0') * 10 + u32::from(ones - b'0'))
}

/// `xs:base64Binary`; answers the text without white space.
pub(crate) fn base64(text: &str) -> Option<Cow<'_, str>> {
    let compact: Cow<'_, str> = if text.contains([' ', '\t', '\r', '\n']) {
        Cow::Owned(text.split_ascii_whitespace().collect())
    } else {
        Cow::Borrowed(text)
    };
    let digits = compact.trim_end_matches('=');
    let padding = compact.len() - digits.len();
    let is_valid = compact.len().is_multiple_of(4)
        && padding <= 2
        && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/');
    is_valid.then_some(compact)
}

/// First character that XML 1.0 does not allow in a document.
pub(crate) fn forbidden_char(text: &str) -> Option<char> {
    // Only control characters and the byte 0xEF, with which U+FFFE and U+FFFF begin, need a look.
    let suspicious =
        |byte: &u8| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r') || *byte == 0xEF;
    if !text.as_bytes().iter().any(suspicious) {
        return None;
    }
    text.chars()
        .find(|c| matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days_of_the_calendar() {
        for (text, expected) in [
            ("1980-02-29", Some("1980-02-29")),
            ("2016-04-18Z", Some("2016-04-18")),
            (" 2016-04-18+02:00 ", Some("2016-04-18")),
            ("2016-04-18-14:00", Some("2016-04-18")),
            ("2016-04-18+14:30", None),
            ("1981-02-29", None),
            ("1900-02-29", None),
            ("2000-02-29", Some("2000-02-29")),
            ("2016-13-01", None),
            ("2016-00-10", None),
            ("2016-04-31", None),
            ("2016-4-18", None),
            ("18.04.2016", None),
            ("0000-01-01", None),
            ("2016-04-18T00:00:00", None),
            ("", None),
            ("ÄÖ16-04-18", None),
        ] {
            assert_eq!(date(text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_and_booleans() {
        assert_eq!(long(" -12 "), Some(-12));
        assert_eq!(long("+5"), Some(5));
        for wrong in ["", " ", "1.0", "1e3", "0x10", "9223372036854775808", "1 2", "--1"] {
            assert_eq!(long(wrong), None, "{wrong}");
        }
        assert_eq!(boolean("1"), Some(true));
        assert_eq!(boolean(" false "), Some(false));
        for wrong in ["", "TRUE", "yes", "01"] {
            assert_eq!(boolean(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn base64_has_whole_quads() {
        assert_eq!(base64("/9j/ 4AAQ\nSkZJRg==").as_deref(), Some("/9j/4AAQSkZJRg=="));
        assert_eq!(base64("").as_deref(), Some(""));
        for wrong in ["abc", "ab=c", "a===", "====", "äbcd", "ab-d"] {
            assert_eq!(base64(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn control_characters_are_found() {
        assert_eq!(forbidden_char("tab\tline\r\n ok ﷐"), None);
        assert_eq!(forbidden_char("bell\u{7}"), Some('\u{7}'));
        assert_eq!(forbidden_char("\u{ffff}"), Some('\u{ffff}'));
    }
}
