//! Reading property values, whichever of the two encodings they are in.
//!
//! Queues and snapshots hold items that older programs wrote, so a reader accepts both spellings of
//! everything: `"1"` or `true`, `"10"` or `10`, `"OK"` or `true`, one text or a list with one.

use std::borrow::Cow;

use serde_json::Value;

/// The text that means yes for `isOxUser` and `isOxGroup`.
pub const OK: &str = "OK";
/// The text that means yes for the rights of an access profile.
pub const TRUE: &str = "TRUE";
/// The text that means yes for everything else.
pub const ONE: &str = "1";

/// Whether a yes/no property says yes: it is `true` or exactly the text given. Everything else,
/// absence included, means no.
pub fn is_set(value: Option<&Value>, yes: &str) -> bool {
    match value {
        Some(Value::Bool(set)) => *set,
        Some(Value::String(text)) => text == yes,
        _ => false,
    }
}

/// An integer, written as such or as text.
pub fn integer(value: Option<&Value>) -> Option<i64> {
    match value? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A text, or an integer as text. `null`, lists and the rest have none.
pub fn text(value: Option<&Value>) -> Option<Cow<'_, str>> {
    match value? {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

/// The texts of a list; a single text counts as a list with one. Absent and `null` are empty.
pub fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let list = match value {
        Some(Value::Array(list)) => list.as_slice(),
        Some(single) => std::slice::from_ref(single),
        None => &[],
    };
    list.iter().filter_map(Value::as_str)
}

/// The first text of a list, or the single text.
pub fn first_text(value: Option<&Value>) -> Option<&str> {
    texts(value).next()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn yes_is_true_or_the_text_of_that_property() {
        for (value, yes, expected) in [
            (json!(true), OK, true),
            (json!("OK"), OK, true),
            (json!("Not"), OK, false),
            (json!("1"), OK, false),
            (json!("ok"), OK, false),
            (json!("TRUE"), TRUE, true),
            (json!("1"), ONE, true),
            (json!(1), ONE, false),
            (json!(false), ONE, false),
            (json!(null), ONE, false),
        ] {
            assert_eq!(is_set(Some(&value), yes), expected, "{value} for {yes}");
        }
        assert!(!is_set(None, OK));
    }

    #[test]
    fn integers_are_read_from_both_spellings() {
        for (value, expected) in [
            (json!(10), Some(10)),
            (json!("10"), Some(10)),
            (json!(" 10 "), Some(10)),
            (json!(-1), Some(-1)),
            (json!(1.5), None),
            (json!("1.5"), None),
            (json!(""), None),
            (json!(null), None),
            (json!([10]), None),
        ] {
            assert_eq!(integer(Some(&value)), expected, "{value}");
        }
    }

    #[test]
    fn one_text_and_a_list_with_one_read_alike() {
        let (one, list, none) = (json!("a"), json!(["a", 5, "b"]), json!(null));
        assert_eq!(texts(Some(&one)).collect::<Vec<_>>(), ["a"]);
        assert_eq!(texts(Some(&list)).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(texts(Some(&none)).count() + texts(None).count(), 0);
        assert_eq!(first_text(Some(&list)), Some("a"));
        assert_eq!(text(Some(&json!(7))).as_deref(), Some("7"));
    }
}
