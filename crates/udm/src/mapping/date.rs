//! Days, as the directory's half a dozen ways of writing them turn out in objects.

use chrono::{DateTime, NaiveDate};

/// Days since 1970-01-01 as `YYYY-MM-DD`; `None` outside the years 0 to 9999.
pub(super) fn of_days(days: i64) -> Option<String> {
    let from_year_one = i32::try_from(days.checked_add(DAYS_TO_1970)?).ok()?;
    written(NaiveDate::from_num_days_from_ce_opt(from_year_one)?)
}

/// Seconds since 1970-01-01 00:00 UTC as `YYYY-MM-DD` (UTC).
pub(super) fn of_seconds(seconds: i64) -> Option<String> {
    written(DateTime::from_timestamp(seconds, 0)?.date_naive())
}

/// The day number of a date.
pub(super) fn to_days(date: NaiveDate) -> i64 {
    use chrono::Datelike;
    i64::from(date.num_days_from_ce()) - DAYS_TO_1970
}

/// The day of a generalised time (`20310731000000Z`), as written: slapd delivers seconds, fraction
/// and offset or not, and nobody wants the day shifted by a zone. `None` when the first eight
/// characters are no digits.
pub(super) fn of_generalised(text: &str) -> Option<String> {
    let (year, month, day) = (text.get(..4)?, text.get(4..6)?, text.get(6..8)?);
    let all_digits = [year, month, day].iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()));
    all_digits.then(|| [year, month, day].join("-"))
}

/// Hour and minute of a generalised time as `HH:MM`; `None` when they are not there.
pub(super) fn time_of_generalised(text: &str) -> Option<String> {
    let (hour, minute) = (text.get(8..10)?, text.get(10..12)?);
    let all_digits = [hour, minute].iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()));
    all_digits.then(|| [hour, minute].join(":"))
}

/// Days from 0000-12-31 to 1970-01-01, the difference between chrono's count and Unix's.
const DAYS_TO_1970: i64 = 719_163;

fn written(date: NaiveDate) -> Option<String> {
    use chrono::Datelike;
    (0..=9999)
        .contains(&date.year())
        .then(|| format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_seconds_count_from_1970() {
        assert_eq!(of_days(0).as_deref(), Some("1970-01-01"));
        assert_eq!(of_days(19_790).as_deref(), Some("2024-03-08"));
        assert_eq!(of_days(-1).as_deref(), Some("1969-12-31"));
        assert_eq!(of_seconds(86_399).as_deref(), Some("1970-01-01"));
        assert_eq!(of_seconds(86_400).as_deref(), Some("1970-01-02"));
        assert_eq!(to_days(NaiveDate::from_ymd_opt(2024, 3, 8).unwrap()), 19_790);
    }

    #[test]
    fn absurd_numbers_are_no_day() {
        for days in [i64::MIN, i64::MAX, 5_000_000, -5_000_000] {
            assert_eq!(of_days(days), None, "{days}");
            assert_eq!(of_seconds(days.saturating_mul(86_400)), None, "{days}");
        }
    }

    #[test]
    fn a_generalised_time_is_the_day_as_written() {
        for text in
            ["20310731000000Z", "203107310000Z", "20310731120000.25Z", "20310731233000+0100"]
        {
            assert_eq!(of_generalised(text).as_deref(), Some("2031-07-31"), "{text}");
        }
        for text in ["", "2031073", "2031-07-31", "20310ä31", "ä0310731"] {
            assert_eq!(of_generalised(text), None, "{text}");
        }
        assert_eq!(time_of_generalised("203107312359Z").as_deref(), Some("23:59"));
        assert_eq!(time_of_generalised("20310731Z"), None);
    }
}
