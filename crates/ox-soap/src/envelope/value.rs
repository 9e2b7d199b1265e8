//! Elements and the forms of their values.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::ValueError;
use crate::error::ValueProblem;
use crate::object::{FieldKind, FieldSpec};
use crate::value::Value;

pub(super) fn open(out: &mut String, prefix: &str, name: &str) {
    out.push('<');
    out.push_str(prefix);
    out.push(':');
    out.push_str(name);
    out.push('>');
}

pub(super) fn close(out: &mut String, prefix: &str, name: &str) {
    out.push_str("</");
    out.push_str(prefix);
    out.push(':');
    out.push_str(name);
    out.push('>');
}

/// A field whose content needs no escaping.
pub(super) fn element(out: &mut String, name: &str, content: &str) {
    open(out, "d", name);
    out.push_str(content);
    close(out, "d", name);
}

pub(super) fn number_element(out: &mut String, name: &str, number: i64) {
    open(out, "d", name);
    // Writing to a text does not fail.
    let _ = write!(out, "{number}");
    close(out, "d", name);
}

pub(super) fn text_element(
    out: &mut String,
    prefix: &str,
    name: &'static str,
    text: &str,
) -> Result<(), ValueError> {
    open(out, prefix, name);
    escape(out, text).map_err(|problem| ValueError { field: name, problem })?;
    close(out, prefix, name);
    Ok(())
}

pub(super) const fn bool_text(flag: bool) -> &'static str {
    if flag { "true" } else { "false" }
}

/// Why a value cannot be sent in a field; `None` when it can.
pub(crate) fn problem_of(spec: &FieldSpec, value: &Value) -> Option<ValueProblem> {
    field_element(&mut String::new(), spec, value).err().map(|error| error.problem)
}

/// Writes a field, in the form that its type has on the wire.
pub(super) fn field_element(
    out: &mut String,
    spec: &FieldSpec,
    value: &Value,
) -> Result<(), ValueError> {
    let name = spec.name;
    let wrong = |expected| ValueError {
        field: name,
        problem: ValueProblem::Type { expected, found: value.type_name() },
    };
    match (spec.kind, value) {
        (FieldKind::Text, Value::Text(text)) => text_element(out, "d", name, text)?,
        (FieldKind::Text, Value::Number(number)) => number_element(out, name, *number),
        (FieldKind::Text, Value::Bool(flag)) => element(out, name, bool_text(*flag)),
        (FieldKind::Text, _) => return Err(wrong("a text")),

        (FieldKind::Bool, Value::Bool(flag)) => element(out, name, bool_text(*flag)),
        (FieldKind::Bool, Value::Text(text)) if matches!(text.as_str(), "true" | "false") => {
            element(out, name, text);
        }
        (FieldKind::Bool, _) => return Err(wrong("true or false")),

        (FieldKind::Int, _) => match value.to_number().and_then(|n| i32::try_from(n).ok()) {
            Some(number) => number_element(out, name, i64::from(number)),
            None => return Err(wrong("a number from -2147483648 to 2147483647")),
        },
        (FieldKind::Long, _) => match value.to_number() {
            Some(number) => number_element(out, name, number),
            None => return Err(wrong("a number")),
        },

        (FieldKind::Date, Value::Text(text)) if is_date(text) => element(out, name, text),
        (FieldKind::Date, _) => return Err(wrong("a date of the form YYYY-MM-DD")),

        (FieldKind::Bytes, Value::Bytes(bytes)) => {
            open(out, "d", name);
            BASE64.encode_string(bytes, out);
            close(out, "d", name);
        }
        (FieldKind::Bytes, Value::Text(text)) if is_base64(text) => element(out, name, text),
        (FieldKind::Bytes, _) => return Err(wrong("bytes, or their base64 form")),

        (FieldKind::List, Value::List(list)) => {
            for text in list {
                text_element(out, "d", name, text)?;
            }
        }
        (FieldKind::List, Value::Text(text)) => text_element(out, "d", name, text)?,
        (FieldKind::List, _) => return Err(wrong("a list of texts")),

        (FieldKind::Ids, Value::Ids(ids)) => {
            // `<d:` and `>`, `</d:` and `>`, and the digits of an id of a large context.
            out.reserve(ids.len().saturating_mul(2 * name.len() + 16));
            for id in ids {
                number_element(out, name, i64::from(*id));
            }
        }
        (FieldKind::Ids, _) => return Err(wrong("a list of ids")),

        (FieldKind::Nested, _) => return Err(wrong("nothing: this field cannot be sent")),
    }
    Ok(())
}

/// `YYYY-MM-DD` with a month and a day that exist in some year. OX answers anything else with a
/// fault that does not name the field.
fn is_date(text: &str) -> bool {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else { return false };
    let digits = [y1, y2, y3, y4, m1, m2, d1, d2];
    if !digits.into_iter().all(u8::is_ascii_digit) {
        return false;
    }
    let number = |tens: &u8, ones: &u8| (tens - b'0') * 10 + (ones - b'0');
    let year = u16::from(number(y1, y2)) * 100 + u16::from(number(y3, y4));
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match number(m1, m2) {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 0,
    };
    // XML Schema 1.0 has no year 0.
    year > 0 && (1..=days).contains(&number(d1, d2))
}

/// Whole base64 without white space, so that it can be sent as it is.
fn is_base64(text: &str) -> bool {
    let bytes = text.as_bytes();
    let data = text.trim_end_matches('=');
    bytes.len().is_multiple_of(4)
        && bytes.len() - data.len() <= 2
        && data.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
}

/// Appends text as XML content. A carriage return is written as a reference, as a parser would turn
/// it into a line feed. Characters outside XML 1.0's `Char` have no form at all, not even as a
/// reference.
fn escape(out: &mut String, text: &str) -> Result<(), ValueProblem> {
    let mut done = 0;
    for (at, byte) in text.bytes().enumerate() {
        let reference = match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'\r' => "&#13;",
            b'\t' | b'\n' => continue,
            0..=0x1F => return Err(bad_character(text, at)),
            // U+FFFE and U+FFFF are EF BF BE and EF BF BF.
            0xEF => match text.as_bytes().get(at + 1..at + 3) {
                Some([0xBF, 0xBE | 0xBF]) => return Err(bad_character(text, at)),
                _ => continue,
            },
            _ => continue,
        };
        out.push_str(text.get(done..at).unwrap_or_default());
        out.push_str(reference);
        done = at + 1;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    Ok(())
}

fn bad_character(text: &str, at: usize) -> ValueProblem {
    let before = text.get(..at).unwrap_or_default();
    let character = text.get(at..).and_then(|rest| rest.chars().next()).unwrap_or_default();
    ValueProblem::Character { code_point: character.into(), place: before.chars().count() + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> Result<String, ValueProblem> {
        let mut out = String::new();
        escape(&mut out, text).map(|()| out)
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(escaped("").unwrap(), "");
        assert_eq!(escaped("Bäcker 日本 😀").unwrap(), "Bäcker 日本 😀");
        assert_eq!(escaped("a & b <c> ]]>").unwrap(), "a &amp; b &lt;c&gt; ]]&gt;");
        assert_eq!(escaped("&&").unwrap(), "&amp;&amp;");
        assert_eq!(escaped("a\tb\nc\r\nd\"'").unwrap(), "a\tb\nc&#13;\nd\"'");
        assert_eq!(escaped("\u{FFFD}\u{7F}\u{85}").unwrap(), "\u{FFFD}\u{7F}\u{85}");
    }

    #[test]
    fn characters_without_a_form_in_xml_are_refused() {
        for code_point in (0..0x20).filter(|c| ![9, 10, 13].contains(c)).chain([0xFFFE, 0xFFFF]) {
            let text = format!("ä<{}x", char::from_u32(code_point).unwrap());
            assert_eq!(escaped(&text), Err(ValueProblem::Character { code_point, place: 3 }));
        }
    }

    #[test]
    fn a_value_is_refused_without_a_call_as_it_would_be_by_one() {
        use crate::user::{User, UserField};
        let user = User::new().with(UserField::Name, "anna").with(UserField::ImapPort, "143");
        assert_eq!(user.unsendable(), None);
        let (field, problem) = user.clone().with(UserField::Note, "a\u{1}").unsendable().unwrap();
        assert_eq!(field, UserField::Note);
        assert_eq!(problem, ValueProblem::Character { code_point: 1, place: 2 });
        let (field, _) = user.with(UserField::Birthday, "soon").unsendable().unwrap();
        assert_eq!(field, UserField::Birthday);
    }

    #[test]
    fn dates_that_exist() {
        for text in ["1980-02-29", "2000-12-31", "0001-01-01", "9999-04-30"] {
            assert!(is_date(text), "{text}");
        }
        for text in [
            "",
            "29.02.1980",
            "1981-02-29",
            "1900-02-29",
            "2000-13-01",
            "2000-04-31",
            "0000-01-01",
            "2000-1-1",
            "2000-01-01Z",
        ] {
            assert!(!is_date(text), "{text}");
        }
    }

    #[test]
    fn base64_is_recognised() {
        for text in ["", "AA==", "AAA=", "/9j/4AAQSkZJRg=="] {
            assert!(is_base64(text), "{text}");
        }
        for text in ["A", "AAA", "A===", "AA==AA==", "AA\nAA=", "<AAA", "AAAA===="] {
            assert!(!is_base64(text), "{text}");
        }
    }

    #[test]
    fn values_take_the_form_of_their_field() {
        let cases = [
            (FieldKind::Int, Value::from("143"), Ok("143")),
            (FieldKind::Int, Value::from(143), Ok("143")),
            (FieldKind::Int, Value::from(i64::from(i32::MAX) + 1), Err("a number")),
            (FieldKind::Int, Value::from(""), Err("an empty text")),
            (FieldKind::Long, Value::from("-1"), Ok("-1")),
            (FieldKind::Long, Value::from("x"), Err("a text")),
            (FieldKind::Bool, Value::from("true"), Ok("true")),
            (FieldKind::Bool, Value::from("yes"), Err("a text")),
            (FieldKind::Text, Value::from(7), Ok("7")),
            (FieldKind::Text, Value::from(vec!["a"]), Err("a list of texts")),
            (FieldKind::Date, Value::from("2016-04-18"), Ok("2016-04-18")),
            (FieldKind::Date, Value::from(""), Err("an empty text")),
            (FieldKind::Bytes, Value::from(vec![0xFF_u8, 0xD8]), Ok("/9g=")),
            (FieldKind::Bytes, Value::from("/9g="), Ok("/9g=")),
            (FieldKind::Bytes, Value::from("no base64"), Err("a text")),
            (FieldKind::List, Value::from("one"), Ok("one")),
            (FieldKind::Nested, Value::from("x"), Err("a text")),
        ];
        for (kind, value, expected) in cases {
            let spec = FieldSpec { name: "f", kind, own_service_only: false };
            let mut out = String::new();
            let result = field_element(&mut out, &spec, &value);
            match expected {
                Ok(content) => {
                    assert!(result.is_ok(), "{kind:?} {value:?}: {result:?}");
                    assert_eq!(out, format!("<d:f>{content}</d:f>"));
                }
                Err(kind_of_value) => {
                    let problem = result.unwrap_err().problem;
                    assert!(
                        matches!(problem, ValueProblem::Type { found, .. } if found == kind_of_value),
                        "{kind:?} {value:?}: {problem:?}"
                    );
                }
            }
        }
    }
}
