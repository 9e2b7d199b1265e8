//! The query part of a URL.

use std::fmt::Write;
use std::str::FromStr;

/// Names and values in the order in which they came, decoded.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Takes whatever a browser sends; what cannot be decoded is kept as it stands.
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|part| !part.is_empty()).map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(name), decode(value))
        });
        Self(pairs.collect())
    }

    /// The value of a name; empty when there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn number<T: FromStr>(&self, name: &str) -> Option<T> {
        self.text(name).parse().ok()
    }

    /// All of them.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A link to the same page with one value replaced; an empty one removes it.
    pub(crate) fn with(&self, name: &str, value: &str) -> String {
        let mut link = String::from("/?");
        let others = self.0.iter().filter(|(key, _)| key != name);
        let new = [(name.to_owned(), value.to_owned())];
        for (key, value) in others.chain(&new).filter(|(_, value)| !value.is_empty()) {
            if !link.ends_with('?') {
                link.push('&');
            }
            encode(&mut link, key);
            link.push('=');
            encode(&mut link, value);
        }
        link
    }

    /// Links to the other pages of a table.
    pub(crate) fn pager(&self, out: &mut String, count: usize, rows: usize) {
        let last = count.div_ceil(rows);
        if last < 2 {
            return;
        }
        let page = self.number("page").unwrap_or(1).clamp(1, last);
        out.push_str("<nav class=pager>");
        let mut link = |target: usize, label: &str| {
            let href = self.with("page", &target.to_string());
            let _ = write!(out, "<a href=\"{}\">{label}</a> ", super::escape(&href));
        };
        if page > 1 {
            link(1, "First");
            link(page - 1, "Previous");
        }
        if page < last {
            link(page + 1, "Next");
            link(last, "Last");
        }
        let _ = write!(out, "<span>Page {page} of {last}, {count} in all</span></nav>");
    }
}

fn decode(text: &str) -> String {
    decode_with(text, true)
}

/// Decodes a path, in which a plus is a plus.
pub(crate) fn decode_path(text: &str) -> String {
    decode_with(text, false)
}

fn decode_with(text: &str, is_plus_a_blank: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex =
            tail.split_first_chunk::<2>().filter(|_| *first == b'%').and_then(|(hex, tail)| {
                let digits = std::str::from_utf8(hex).ok()?;
                // The parser would take a sign as well.
                let is_hex = hex.iter().all(u8::is_ascii_hexdigit);
                Some((u8::from_str_radix(digits, 16).ok().filter(|_| is_hex)?, tail))
            });
        let (byte, tail) = match hex {
            Some(decoded) => decoded,
            None if is_plus_a_blank && *first == b'+' => (b' ', tail),
            None => (*first, tail),
        };
        bytes.push(byte);
        rest = tail;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Encodes one name for a path or a query.
pub(crate) fn encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_a_round_trip() {
        let query = Query::parse("find=%C3%A4+%26%3C%22x&page=2&bad=%zz%+1&empty=&flag");
        assert_eq!(query.text("find"), "ä &<\"x");
        assert_eq!(query.number::<usize>("page"), Some(2));
        assert_eq!(query.text("bad"), "%zz% 1");
        assert_eq!(query.number::<usize>("find"), None);
        let link = query.with("page", "3");
        assert_eq!(Query::parse(link.trim_start_matches("/?")).text("find"), "ä &<\"x");
        assert_eq!(Query::parse("a=1&b=2").with("a", ""), "/?b=2");
    }
}
