//! Names of items: which file names are items at all, and the form that idspool itself gives them.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Datelike, NaiveDate, Timelike};

use crate::Error;

/// Length of `YYYY-MM-DD-HH-MM-SS-ffffff.json`.
const CANONICAL_LEN: usize = 31;

/// `NAME_MAX` of every Linux file system in use; longer names cannot exist in a directory.
const LONGEST: usize = 255;

const SUFFIX: &str = ".json";

/// Name of an item: a file name that ends in `.json` and does not start with a dot.
///
/// The order of names is their byte order, and that is the order of work.
#[derive(Clone)]
pub struct ItemName(Repr);

/// A million names wait in memory, so the usual ones are kept in place: 32 bytes each, and no
/// allocation of their own.
#[derive(Clone)]
enum Repr {
    Canonical([u8; CANONICAL_LEN]),
    HandMade(Box<str>),
}

impl ItemName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // Only ASCII digits, dashes and the suffix get in here, so the default is never taken.
            Repr::Canonical(bytes) => std::str::from_utf8(bytes).unwrap_or_default(),
            Repr::HandMade(text) => text,
        }
    }

    /// Whether the name has the form that idspool gives, `YYYY-MM-DD-HH-MM-SS-ffffff.json`.
    /// Otherwise it was made by hand.
    #[must_use]
    pub fn is_canonical(&self) -> bool {
        matches!(self.0, Repr::Canonical(_))
    }

    /// The name for a file name as the directory shows it; `None` when that is not an item.
    pub(crate) fn of_file(file_name: &[u8]) -> Option<Self> {
        Self::parse(std::str::from_utf8(file_name).ok()?)
    }

    pub(crate) fn stamp(&self) -> Option<Stamp> {
        match &self.0 {
            Repr::Canonical(bytes) => Stamp::parse(bytes),
            Repr::HandMade(_) => None,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        if !text.ends_with(SUFFIX)
            || text.starts_with('.')
            || text.len() > LONGEST
            || text.contains(['/', '\0'])
        {
            return None;
        }
        let canonical = <[u8; CANONICAL_LEN]>::try_from(text.as_bytes())
            .ok()
            .filter(|bytes| Stamp::parse(bytes).is_some());
        Some(Self(match canonical {
            Some(bytes) => Repr::Canonical(bytes),
            None => Repr::HandMade(text.into()),
        }))
    }

    fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Canonical(bytes) => bytes,
            Repr::HandMade(text) => text.as_bytes(),
        }
    }
}

impl FromStr for ItemName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text).ok_or_else(|| Error::InvalidName { name: text.to_owned() })
    }
}

impl fmt::Display for ItemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for ItemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ItemName({:?})", self.as_str())
    }
}

impl AsRef<str> for ItemName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for ItemName {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for ItemName {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for ItemName {}

impl PartialOrd for ItemName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ItemName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for ItemName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // As `str` does it, because of `Borrow<str>`.
        self.as_str().hash(state);
    }
}

/// What a canonical name says: microseconds since 1970, UTC.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Stamp(pub(crate) i64);

impl Stamp {
    /// 0000-01-01-00-00-00-000000: smaller than any name.
    pub(crate) const FIRST: Self = Self(-62_167_219_200_000_000);
    /// 9999-12-31-23-59-59-999999: the last name that four digits of a year can hold.
    pub(crate) const LAST: Self = Self(253_402_300_799_999_999);

    /// The stamp of a time, kept between [`Self::FIRST`] and [`Self::LAST`].
    pub(crate) fn of(time: SystemTime) -> Self {
        let signed = |span: Duration| i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        let micros = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => signed(after),
            Err(before) => -signed(before.duration()),
        };
        Self(micros.clamp(Self::FIRST.0, Self::LAST.0))
    }

    /// The stamp `count` microseconds later; `None` past [`Self::LAST`].
    pub(crate) fn after(self, count: usize) -> Option<Self> {
        let micros = self.0.checked_add(i64::try_from(count).ok()?)?;
        (micros <= Self::LAST.0).then_some(Self(micros))
    }

    pub(crate) fn name(self) -> ItemName {
        let time = DateTime::from_timestamp_micros(self.0).unwrap_or_default();
        let mut bytes = *b"0000-00-00-00-00-00-000000.json";
        let fields = [
            (0, 4, time.year().unsigned_abs()),
            (5, 2, time.month()),
            (8, 2, time.day()),
            (11, 2, time.hour()),
            (14, 2, time.minute()),
            (17, 2, time.second()),
            (20, 6, time.timestamp_subsec_micros()),
        ];
        for (start, width, mut value) in fields {
            for digit in bytes.iter_mut().skip(start).take(width).rev() {
                *digit = b'0' + u8::try_from(value % 10).unwrap_or_default();
                value /= 10;
            }
        }
        ItemName(Repr::Canonical(bytes))
    }

    /// The second that a name begins with, whatever follows.
    pub(crate) fn of_second(name: &str) -> Option<Self> {
        let second = name.as_bytes().get(..19)?;
        Self::parse(&[second, b"-000000"].concat())
    }

    /// Reads a canonical name; the suffix may be missing.
    pub(crate) fn parse(name: &[u8]) -> Option<Self> {
        let (shape, suffix) = name.split_at_checked(CANONICAL_LEN - SUFFIX.len())?;
        if !suffix.is_empty() && suffix != SUFFIX.as_bytes() {
            return None;
        }
        let field = |start: usize, width: usize| -> Option<u32> {
            let mut value = 0;
            for &digit in shape.get(start..start + width)? {
                if !digit.is_ascii_digit() {
                    return None;
                }
                value = value * 10 + u32::from(digit - b'0');
            }
            Some(value)
        };
        let dashes = [4, 7, 10, 13, 16, 19];
        if dashes.iter().any(|&at| shape.get(at) != Some(&b'-')) {
            return None;
        }
        let year = i32::try_from(field(0, 4)?).ok()?;
        NaiveDate::from_ymd_opt(year, field(5, 2)?, field(8, 2)?)?
            .and_hms_micro_opt(field(11, 2)?, field(14, 2)?, field(17, 2)?, field(20, 6)?)
            .map(|time| Self(time.and_utc().timestamp_micros()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_item(name: &str) -> bool {
        name.parse::<ItemName>().is_ok()
    }

    #[test]
    fn items_are_json_files_without_a_leading_dot() {
        assert!(is_item("2023-12-11-11-22-22-856263.json"));
        assert!(is_item("2023-12-11-11-22-22.json"));
        assert!(is_item("a.json"));
        for other in [".state.json", ".json", "a.json.tmp", "a.JSON", "old", "a/b.json", "json", ""]
        {
            assert!(!is_item(other), "{other}");
        }
        assert!(!is_item(&format!("{}.json", "a".repeat(251))));
    }

    #[test]
    fn only_the_form_with_microseconds_is_canonical() {
        let canonical = |name: &str| name.parse::<ItemName>().unwrap().is_canonical();
        assert!(canonical("2023-12-11-11-22-22-856263.json"));
        assert!(!canonical("2023-12-11-11-22-22.json"));
        assert!(!canonical("2023-12-11-11-22-22-856263000.json"));
        assert!(!canonical("2023-13-11-11-22-22-856263.json"));
        assert!(!canonical("2023-12-11-11-22-60-856263.json"));
        assert!(!canonical("2023-12-11-11-22-22-85626x.json"));
    }

    #[test]
    fn a_name_takes_32_bytes() {
        assert_eq!(size_of::<ItemName>(), 32);
    }

    #[test]
    fn the_bounds_of_stamps_are_the_bounds_of_four_digit_years() {
        assert_eq!(Stamp::FIRST.name().as_str(), "0000-01-01-00-00-00-000000.json");
        assert_eq!(Stamp::LAST.name().as_str(), "9999-12-31-23-59-59-999999.json");
        assert_eq!(Stamp::LAST.after(1), None);
    }

    proptest! {
        #[test]
        fn names_sort_as_their_stamps(
            a in Stamp::FIRST.0..=Stamp::LAST.0,
            b in Stamp::FIRST.0..=Stamp::LAST.0,
        ) {
            let (left, right) = (Stamp(a).name(), Stamp(b).name());
            prop_assert_eq!(left.stamp(), Some(Stamp(a)));
            prop_assert_eq!(left.cmp(&right), a.cmp(&b));
            prop_assert_eq!(left.as_str().parse::<ItemName>().unwrap(), left);
        }

        #[test]
        fn any_text_is_an_item_or_refused(text in ".{0,40}(\\.json)?") {
            if let Ok(name) = text.parse::<ItemName>() {
                prop_assert_eq!(name.as_str(), text);
            }
        }
    }
}
