//! An item's name in a few bytes.
//!
//! A backlog holds each waiting name several times over, and a million waiting items are ordinary
//! (S9). Names that idspool made are 26 digits and hyphens, which fit into one integer; the few that
//! were made by hand are kept as they are.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr as _;
use std::sync::Arc;

use idspool_spool::ItemName;

/// A name; ordered as the bytes of the name are.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Slot {
    /// `YYYY-MM-DD-HH-MM-SS-ffffff.json`, its fields packed from high to low.
    Stamp(u64),
    /// Any other name.
    Text(Arc<str>),
}

/// Lengths of the fields of `YYYY-MM-DD-HH-MM-SS-ffffff`.
const FIELDS: [usize; 7] = [4, 2, 2, 2, 2, 2, 6];
/// The 20 digits of a stamp in the year 1900. Without it they are just too many for 64 bits; with it
/// the years 1900 to 3743 fit, and all others stay text.
const EPOCH: u128 = 19_000_000_000_000_000_000;

impl Slot {
    /// Less than every name.
    pub(crate) fn lowest() -> Self {
        Self::Text(Arc::default())
    }

    pub(crate) fn new(name: &ItemName) -> Self {
        let text = name.to_string();
        match pack(&text) {
            Some(packed) => Self::Stamp(packed),
            None => Self::Text(text.into()),
        }
    }

    /// The name again. `None` cannot happen for a slot that came from a name.
    pub(crate) fn name(&self) -> Option<ItemName> {
        ItemName::from_str(&self.to_string()).ok()
    }
}

/// `None` when `text` does not have the canonical form, or does not fit.
fn pack(text: &str) -> Option<u64> {
    let mut fields = text.strip_suffix(".json")?.split('-');
    let mut number: u128 = 0;
    for length in FIELDS {
        let field = fields.next().filter(|field| field.len() == length)?;
        for byte in field.bytes() {
            number = number * 10 + u128::from(byte.checked_sub(b'0').filter(|digit| *digit < 10)?);
        }
    }
    if fields.next().is_some() {
        return None;
    }
    u64::try_from(number.checked_sub(EPOCH)?).ok()
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Stamp(packed) => {
                let digits = format!("{:020}", u128::from(*packed) + EPOCH);
                let mut rest = digits.as_str();
                for (index, length) in FIELDS.into_iter().enumerate() {
                    let (field, behind) = rest.split_at_checked(length).unwrap_or((rest, ""));
                    f.write_str(if index == 0 { "" } else { "-" })?;
                    f.write_str(field)?;
                    rest = behind;
                }
                f.write_str(".json")
            }
        }
    }
}

impl Ord for Slot {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Stamp(a), Self::Stamp(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
            _ => self.to_string().as_bytes().cmp(other.to_string().as_bytes()),
        }
    }
}

impl PartialOrd for Slot {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slot(text: &str) -> Slot {
        Slot::new(&ItemName::from_str(text).unwrap())
    }

    #[test]
    fn a_canonical_name_takes_no_memory_of_its_own() {
        assert!(matches!(slot("2026-11-21-17-35-07-000001.json"), Slot::Stamp(_)));
        assert!(size_of::<Slot>() <= 24);
    }

    proptest! {
        #[test]
        fn slots_print_and_order_as_their_names(
            names in proptest::collection::vec(
                prop_oneof![
                    "[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9]{2}-[0-9]{2}-[0-9]{2}-[0-9]{6}",
                    "20[0-9]{2}-[01][0-9]-[0-3][0-9]-[0-2][0-9]-[0-5][0-9]-[0-5][0-9]",
                    "[a-z0-9-]{1,30}",
                ],
                2..40,
            )
        ) {
            let names: Vec<String> = names
                .into_iter()
                .map(|name| format!("{name}.json"))
                .filter(|name| ItemName::from_str(name).is_ok())
                .collect();
            for name in &names {
                prop_assert_eq!(&slot(name).to_string(), name);
            }
            for (a, b) in names.iter().zip(names.iter().skip(1)) {
                prop_assert_eq!(slot(a).cmp(&slot(b)), a.as_bytes().cmp(b.as_bytes()));
                prop_assert_eq!(slot(a) == slot(b), a == b);
            }
        }
    }
}
