//! Text from outside on a terminal or in a log.

/// Text that stays on one line and shows what it is: control characters, and marks that are invisible or
/// turn the order of the letters around, appear as `\u{…}`.
///
/// A DN or a name may hold any of them. Shown as they are, they could move the cursor, begin a line that
/// nobody wrote, or make one name look like another.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut line, character| {
        match character {
            '\n' | '\r' | '\t' => line.extend(character.escape_default()),
            _ if character.is_control() || is_mark(character) => {
                line.extend(character.escape_unicode());
            }
            _ => line.push(character),
        }
        line
    })
}

/// Line and paragraph separators, marks of direction, and characters without width. Those that join
/// letters (U+200C, U+200D) are part of ordinary names.
fn is_mark(character: char) -> bool {
    matches!(
        character,
        '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor_or_hides() {
        for (text, shown) in [
            ("a\u{1b}[31mb\n", "a\\u{1b}[31mb\\n"),
            ("\u{202e}gro.elpmaxe\u{202c}", "\\u{202e}gro.elpmaxe\\u{202c}"),
            ("\u{2066}x\u{2069}\u{200f}\u{61c}", "\\u{2066}x\\u{2069}\\u{200f}\\u{61c}"),
            ("a\u{2028}b\u{200b}\u{feff}", "a\\u{2028}b\\u{200b}\\u{feff}"),
            ("a\u{9b}b", "a\\u{9b}b"),
            ("uid=Jürgen,ou=משתמשים", "uid=Jürgen,ou=משתמשים"),
        ] {
            assert_eq!(one_line(text), shown);
        }
    }
}
