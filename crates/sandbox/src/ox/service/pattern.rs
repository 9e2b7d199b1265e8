//! Search patterns: `*` stands for any text, `?` for one character.

use super::Desk;
use crate::ox::fault::Fault;

/// The pattern that the argument `name` holds; an empty one is refused.
pub(super) fn argument<'a>(desk: &'a Desk<'_>, name: &str) -> Result<&'a str, Fault> {
    desk.arguments
        .text(name)
        .filter(|pattern| !pattern.is_empty())
        .ok_or_else(|| Fault::invalid_data("Invalid search pattern"))
}

/// Whether `text` as a whole fits the pattern. Linear in the product of the lengths, whatever the
/// pattern: there is no backtracking further than the last `*`.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || text.get(t) == Some(c) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((star_p, star_t)) => {
                    p = star_p + 1;
                    t = star_t + 1;
                    star = Some((star_p, star_t + 1));
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text, expected) in [
            ("an*", "anna", true),
            ("an*", "Anna", false),
            ("*na", "anna", true),
            ("*n*a*", "anna", true),
            ("a?na", "anna", true),
            ("a?na", "ana", false),
            ("*", "", true),
            ("", "", true),
            ("", "x", false),
            ("**b", "aab", true),
            ("ä*", "ärger", true),
            ("*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaa", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
