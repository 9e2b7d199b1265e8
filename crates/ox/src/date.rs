//! The `DATE` conversion of the attribute mapping (ox-provisioning 6.2).

use chrono::{Datelike as _, NaiveDate};

/// A text that is no date that OX can hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Value '{value}' in unknown date format or year before 1900 ({reason})")]
pub(crate) struct BadDate {
    value: String,
    reason: &'static str,
}

/// `YYYY-MM-DD` from `YYYY-MM-DD` or `DD.MM.YYYY`.
///
/// # Errors
/// The text has another form, names no day of the calendar, or a year before 1900.
pub(crate) fn convert(text: &str) -> Result<String, BadDate> {
    let value = text.trim();
    let bad = |reason| BadDate { value: value.chars().take(40).collect(), reason };
    // chrono reads "+12345-1-1" and "1-1-1" as well; the digits are counted first.
    let format = match shape(value).as_str() {
        "9999-99-99" => "%Y-%m-%d",
        "99.99.9999" => "%d.%m.%Y",
        _ => return Err(bad("expected YYYY-MM-DD or DD.MM.YYYY")),
    };
    let date =
        NaiveDate::parse_from_str(value, format).map_err(|_| bad("no such day in the calendar"))?;
    if date.year() < 1900 {
        return Err(bad("the year is too early"));
    }
    Ok(date.format("%Y-%m-%d").to_string())
}

/// The text with each digit as `9`, so that its form can be compared; cut off where no form goes on.
fn shape(text: &str) -> String {
    text.chars().take(11).map(|c| if c.is_ascii_digit() { '9' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::convert;

    #[test]
    fn s6_2_both_forms_yield_the_iso_form() {
        assert_eq!(convert("1984-02-29").as_deref(), Ok("1984-02-29"));
        assert_eq!(convert("29.02.1984").as_deref(), Ok("1984-02-29"));
        assert_eq!(convert("1900-01-01").as_deref(), Ok("1900-01-01"));
    }

    #[test]
    fn s6_2_anything_else_is_an_error() {
        for text in [
            "1899-12-31",
            "1983-02-29",
            "02/29/1984",
            "84-02-29",
            "1984-2-9",
            "x",
            "1984-02-29T00",
            "",
        ] {
            let error = convert(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("Value '{text}' in unknown date format or year")));
        }
    }
}
