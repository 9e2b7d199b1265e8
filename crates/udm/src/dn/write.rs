//! Components to text.

use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::parse::is_usual;
use super::{Part, Rdn};

/// How much work a DN needs to become its own key.
pub(super) enum Shape {
    /// None: it is one.
    Key,
    /// Only lower case.
    KeyButForCase,
    /// It has to be parsed.
    Other,
}

/// Looks for the plain case: ASCII, no escapes, no blanks but single ones inside values, one
/// attribute per component, of a type that has no other name.
pub(super) fn shape(text: &str) -> Shape {
    let mut upper = false;
    let mut attribute = 0;
    let mut in_value = false;
    let mut previous = b',';
    for (at, &byte) in text.as_bytes().iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {}
            b'A'..=b'Z' => upper = true,
            b'@' | b'\'' | b'(' | b')' | b':' | b'/' | b'!' | b'&' | b'$' | b'*' if in_value => {}
            b' ' if in_value && !matches!(previous, b' ' | b'=') => {}
            b'=' if !in_value => match text.as_bytes().get(attribute..at) {
                Some(name) if is_usual(name) => in_value = true,
                _ => return Shape::Other,
            },
            b',' if in_value && !matches!(previous, b' ' | b'=') => {
                in_value = false;
                attribute = at + 1;
            }
            _ => return Shape::Other,
        }
        previous = byte;
    }
    if text.is_empty() {
        Shape::Key
    } else if !in_value || matches!(previous, b' ' | b'=') {
        Shape::Other
    } else if upper {
        Shape::KeyButForCase
    } else {
        Shape::Key
    }
}

/// The key form.
pub(super) fn normalized(rdns: &[Rdn]) -> String {
    let mut out = String::with_capacity(96);
    for (at, rdn) in rdns.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        match rdn.parts.as_slice() {
            [part] => write_part(&mut out, part, folded_value),
            parts => {
                let mut texts: Vec<String> = parts
                    .iter()
                    .map(|part| {
                        let mut text = String::new();
                        write_part(&mut text, part, folded_value);
                        text
                    })
                    .collect();
                texts.sort_unstable();
                out.push_str(&texts.join("+"));
            }
        }
    }
    out
}

/// A spelling with the values as they are.
pub(super) fn plain(rdns: &[Rdn]) -> String {
    let mut out = String::with_capacity(96);
    for (at, rdn) in rdns.iter().enumerate() {
        for (nth, part) in rdn.parts.iter().enumerate() {
            match (at, nth) {
                (0, 0) => {}
                (_, 0) => out.push(','),
                _ => out.push('+'),
            }
            write_part(&mut out, part, |value| value.to_vec());
        }
    }
    out
}

fn write_part(out: &mut String, part: &Part, spelling: impl Fn(&[u8]) -> Vec<u8>) {
    out.push_str(&part.attribute);
    out.push('=');
    let value = spelling(&part.value);
    let last = value.len().saturating_sub(1);
    let mut at = 0;
    for chunk in value.utf8_chunks() {
        for character in chunk.valid().chars() {
            let special = match character {
                ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=' => true,
                '#' => at == 0,
                ' ' => at == 0 || at == last,
                _ => character.is_ascii_control(),
            };
            if special {
                // All special characters are ASCII. Hex digits, as slapd writes them.
                out.push_str(&format!("\\{:02x}", u32::from(character)));
            } else {
                out.push(character);
            }
            at += character.len_utf8();
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\{byte:02x}"));
            at += 1;
        }
    }
}

fn folded_value(value: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(value) {
        Ok(text) => folded(text).into_bytes(),
        // No text, so there is no case and no blank in it.
        Err(_) => value.to_vec(),
    }
}

/// Composition, case and blanks taken away.
pub(super) fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut push = |character: char| {
        if !character.is_whitespace() {
            out.push(character);
        } else if !out.is_empty() && !out.ends_with(' ') {
            out.push(' ');
        }
    };
    if text.is_ascii() {
        text.chars().for_each(|character| push(character.to_ascii_lowercase()));
    } else {
        text.nfc().flat_map(char::to_lowercase).for_each(&mut push);
        // Lower case of a composed character can be decomposed.
        if !is_nfc(&out) {
            out = out.nfc().collect();
        }
    }
    if out.ends_with(' ') {
        out.pop();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_twice_changes_nothing_for_any_character() {
        // Everything that has case or composes; alone, inside, and before marks.
        let blocks = [
            '\0'..='\u{2fff}',
            '\u{a640}'..='\u{abff}',
            '\u{f900}'..='\u{ffff}',
            '\u{10400}'..='\u{10fff}',
            '\u{1e900}'..='\u{1e95f}',
        ];
        for c in blocks.into_iter().flatten().filter(|c| !c.is_control()) {
            let once = folded(&format!("{c}a{c}\u{301} {c}\u{307}{c}\u{345} {c}"));
            assert_eq!(folded(&once), once, "{c:?}");
        }
    }

    #[test]
    fn names_fold_as_slapd_compares_them() {
        assert_eq!(folded("  Domain   USERS "), "domain users");
        assert_eq!(folded("STRASSE"), "strasse");
        assert_eq!(folded("Straße"), "straße");
        assert_eq!(folded("O\u{308}HLER"), folded("öhler"));
        assert_eq!(folded("a\u{a0}b\tc"), "a b c");
        assert_eq!(folded(" "), "");
    }
}
