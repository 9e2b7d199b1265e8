//! Texts of others in messages.

/// A text of somebody else, fit for a line of a message: without control characters and bounded, in
/// characters.
pub fn one_line(text: &str, limit: usize) -> String {
    let mut line: String =
        text.chars().take(limit).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(limit).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn it_is_one_line_and_bounded() {
        assert_eq!(one_line("a\nb\u{7}c", 80), "a b c");
        assert_eq!(one_line("äöü", 3), "äöü");
        assert_eq!(one_line("äöüß", 3), "äöü…");
    }
}
