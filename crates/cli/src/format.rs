//! Forms of values for people.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Local};

/// A duration in its two largest units: `3 d 4 h`, `5 min 2 s`, `0 s`.
pub(crate) fn age(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (length, unit) in units {
        let count = rest / length;
        rest %= length;
        if count > 0 || (length == 1 && parts.is_empty()) {
            parts.push(format!("{count} {unit}"));
        } else if !parts.is_empty() {
            break;
        }
        if parts.len() == 2 {
            break;
        }
    }
    parts.join(" ")
}

/// Text for one line of a terminal: nothing in it, such as a DN, moves the cursor or hides.
pub(crate) fn line(text: &str) -> String {
    idspool_service::one_line(text)
}

/// A time as people here read it.
pub(crate) fn local(time: impl Into<SystemTime>) -> String {
    DateTime::<Local>::from(time.into()).format("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_two_units_at_most() {
        let texts = [0, 59, 62, 3600, 7325, 273_600].map(|s| age(Duration::from_secs(s)));
        assert_eq!(texts, ["0 s", "59 s", "1 min 2 s", "1 h", "2 h 2 min", "3 d 4 h"]);
    }

    #[test]
    fn a_terminal_sees_no_control_characters() {
        assert_eq!(line("a\u{1b}[31mb\n"), "a\\u{1b}[31mb\\n");
    }
}
