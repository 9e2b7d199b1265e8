//! What the pages of the stand-in servers share.

pub(crate) mod json;
mod query;

use std::borrow::Cow;

pub(crate) use query::{Query, decode_path, encode};

/// Looks of the pages.
pub(crate) const STYLE: &str = include_str!("page.css");

/// Escapes text for XML and HTML, in element content and quoted attributes alike.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\'' | b'\r')) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    push_escaped(&mut escaped, text);
    Cow::Owned(escaped)
}

pub(crate) fn push_escaped(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'', '\r']) {
        let (plain, tail) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = tail.chars();
        out.push_str(match chars.next() {
            Some('&') => "&amp;",
            Some('<') => "&lt;",
            Some('>') => "&gt;",
            Some('"') => "&quot;",
            Some('\'') => "&#39;",
            // A bare carriage return would come back as a line feed.
            _ => "&#13;",
        });
        rest = chars.as_str();
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped() {
        assert_eq!(
            escape("Feld & <1> \"a\" 'b'\r"),
            "Feld &amp; &lt;1&gt; &quot;a&quot; &#39;b&#39;&#13;"
        );
        assert!(matches!(escape("Bäcker"), Cow::Borrowed(_)));
    }
}
