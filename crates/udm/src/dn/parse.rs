//! Text to components.

use crate::Error;
use crate::error::shortened;

use super::{Dn, Part, Rdn};

/// OIDs and long forms that servers and scripts use for the attributes that name entries.
const NAMES: [(&str, &str); 29] = [
    ("0.9.2342.19200300.100.1.1", "uid"),
    ("0.9.2342.19200300.100.1.25", "dc"),
    ("1.2.840.113549.1.9.1", "email"),
    ("2.5.4.10", "o"),
    ("2.5.4.11", "ou"),
    ("2.5.4.12", "title"),
    ("2.5.4.3", "cn"),
    ("2.5.4.4", "sn"),
    ("2.5.4.42", "givenname"),
    ("2.5.4.5", "serialnumber"),
    ("2.5.4.6", "c"),
    ("2.5.4.7", "l"),
    ("2.5.4.8", "st"),
    ("2.5.4.9", "street"),
    ("commonname", "cn"),
    ("countryname", "c"),
    ("domaincomponent", "dc"),
    ("emailaddress", "email"),
    ("gn", "givenname"),
    ("localityname", "l"),
    ("organizationalunitname", "ou"),
    ("organizationname", "o"),
    ("pkcs9email", "email"),
    ("rfc822mailbox", "mail"),
    ("0.9.2342.19200300.100.1.3", "mail"),
    ("stateorprovincename", "st"),
    ("streetaddress", "street"),
    ("surname", "sn"),
    ("userid", "uid"),
];

/// The usual lower-case name of an attribute type.
pub(super) fn attribute_name(written: &str) -> String {
    let lower = written.trim().to_ascii_lowercase();
    let bare = lower.strip_prefix("oid.").unwrap_or(&lower);
    match NAMES.iter().find(|(form, _)| *form == bare) {
        Some((_, name)) => (*name).to_owned(),
        None if bare.len() == lower.len() => lower,
        None => bare.to_owned(),
    }
}

/// Whether a type has another form that is the usual one; if not, lower case is all it needs.
pub(super) fn is_usual(attribute: &[u8]) -> bool {
    matches!(attribute.len(), 1 | 2) && !attribute.eq_ignore_ascii_case(b"gn")
        || attribute.eq_ignore_ascii_case(b"uid")
}

pub(super) fn dn(text: &str) -> Result<Dn, Error> {
    let mut reader = Reader { text, at: 0 };
    let mut rdns = Vec::with_capacity(8);
    reader.blanks();
    if reader.peek().is_none() {
        return Ok(Dn { rdns });
    }
    let mut parts = Vec::with_capacity(1);
    loop {
        parts.push(reader.part()?);
        match reader.next() {
            Some(b'+') => {}
            Some(_) => {
                rdns.push(Rdn { parts: std::mem::replace(&mut parts, Vec::with_capacity(1)) })
            }
            None => {
                rdns.push(Rdn { parts });
                return Ok(Dn { rdns });
            }
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(is_blank) {
            self.at += 1;
        }
    }

    fn fault(&self, reason: &'static str, at: usize) -> Error {
        Error::Dn { dn: shortened(self.text), reason, at }
    }

    /// `type = value`, up to but without the separator behind it.
    fn part(&mut self) -> Result<Part, Error> {
        self.blanks();
        let start = self.at;
        while self.peek().is_some_and(|byte| !matches!(byte, b'=' | b',' | b';' | b'+')) {
            self.at += 1;
        }
        let attribute = self.text.get(start..self.at).unwrap_or_default().trim_end_matches(' ');
        if self.next() != Some(b'=') {
            return Err(self.fault("expected an attribute type and =", start));
        }
        let well_formed = attribute.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
            && attribute
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
        if !well_formed {
            return Err(self.fault("expected an attribute type", start));
        }
        self.blanks();
        let value = if self.peek() == Some(b'#') { self.encoded_value()? } else { self.value()? };
        Ok(Part { attribute: attribute_name(attribute), value })
    }

    /// A value in text form: escapes undone, unescaped blanks at the end left out.
    fn value(&mut self) -> Result<Vec<u8>, Error> {
        let mut value = Vec::with_capacity(24);
        // Length up to the last byte that is not an unescaped blank.
        let mut kept = 0;
        while let Some(byte) = self.peek() {
            match byte {
                b',' | b';' | b'+' => break,
                b'"' | b'<' | b'>' => {
                    return Err(self.fault("found a character that needs a \\ before it", self.at));
                }
                b'\\' => {
                    let start = self.at;
                    self.at += 1;
                    let escaped = self.escaped();
                    value.push(escaped.ok_or_else(|| {
                        self.fault("expected a special character or two hex digits after \\", start)
                    })?);
                    kept = value.len();
                    continue;
                }
                0 => return Err(self.fault("found a NUL, which is written \\00", self.at)),
                _ => value.push(byte),
            }
            self.at += 1;
            if !is_blank(byte) {
                kept = value.len();
            }
        }
        value.truncate(kept);
        Ok(value)
    }

    /// What follows a `\`.
    fn escaped(&mut self) -> Option<u8> {
        let first = self.next()?;
        if let Some(high) = hex(first) {
            let low = hex(self.next()?)?;
            return Some(high << 4 | low);
        }
        // RFC 4514 lists the characters that may be escaped like this.
        first.is_ascii_punctuation().then_some(first).or((first == b' ').then_some(b' '))
    }

    /// `#` and the BER encoding in hex digits (RFC 4514 2.4). Strings of characters or octets in
    /// short form become their content; anything else stays opaque, with its `#`.
    fn encoded_value(&mut self) -> Result<Vec<u8>, Error> {
        let start = self.at;
        self.at += 1;
        let mut bytes = Vec::new();
        while let Some(high) = self.peek().and_then(hex) {
            self.at += 1;
            let low = self.next().and_then(hex);
            let Some(low) = low else {
                return Err(self.fault("expected pairs of hex digits after #", start));
            };
            bytes.push(high << 4 | low);
        }
        self.blanks();
        if bytes.is_empty() || !matches!(self.peek(), None | Some(b',' | b';' | b'+')) {
            return Err(self.fault("expected pairs of hex digits after #", start));
        }
        // Tags: OCTET STRING, UTF8String, PrintableString, TeletexString, IA5String.
        if let [4 | 12 | 19 | 20 | 22, length @ 0..=127, content @ ..] = bytes.as_slice()
            && content.len() == usize::from(*length)
        {
            return Ok(content.to_vec());
        }
        let mut opaque = b"#".to_vec();
        for byte in bytes {
            opaque.extend_from_slice(format!("{byte:02x}").as_bytes());
        }
        Ok(opaque)
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
