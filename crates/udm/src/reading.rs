//! What of an object depends on other entries, as a number: whoever delivers an object says by it what
//! was read, and whoever follows the directory finds out whether that is what became known there.
//!
//! The directory may hold something for a moment only, such as a group that is made and deleted again.
//! A reader may meet that moment, and nobody who follows the changes hears of it in time.

use std::collections::BTreeSet;
use std::fmt;

use ring::digest::{Context, SHA256};
use serde_json::Value;

use crate::{ConvertedItem, Entry, EntryUuid, Module, dn};

/// Attributes with DNs of other entries, which overlays such as refint keep up to date.
pub const REFERRING: [&str; 6] = [
    "uniqueMember",
    "secretary",
    "ucsschoolLegalGuardian",
    "ucsschoolLegalWard",
    "univentionAllowedEmailUsers",
    "univentionAllowedEmailGroups",
];

/// The folder in the listener's spool with one file per group of readings, one per line. Nobody writes
/// there unless it exists.
pub const READINGS: &str = ".read";

/// Where an object is, whom it names, and which groups name it. DNs count as [`dn::hash`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ties {
    place: i64,
    named: BTreeSet<i64>,
    groups: BTreeSet<i64>,
}

impl Ties {
    /// Of an object whose DN has this hash.
    pub fn new(place: i64, named: BTreeSet<i64>, groups: BTreeSet<i64>) -> Self {
        Self { place, named, groups }
    }

    /// Of an object as it is delivered; `entry` is what it was made from.
    pub fn of(item: &ConvertedItem, module: Module, entry: &Entry) -> Self {
        let named = REFERRING.iter().flat_map(|name| entry.texts(name)).map(dn::hash);
        let property = match module {
            Module::User => Some("groups"),
            Module::Group => Some("memberOf"),
            _ => None,
        };
        let list = property.and_then(|name| item.object.as_ref()?.get(name)?.as_array());
        let groups = list.into_iter().flatten().filter_map(Value::as_str).map(dn::hash);
        Self::new(dn::hash(&entry.dn), named.collect(), groups.collect())
    }

    /// Equal for equal ties.
    pub fn digest(&self) -> i64 {
        let mut context = Context::new(&SHA256);
        context.update(&self.place.to_be_bytes());
        for set in [&self.named, &self.groups] {
            context.update(&(set.len() as u64).to_be_bytes());
            for hash in set {
                context.update(&hash.to_be_bytes());
            }
        }
        let digest = context.finish();
        i64::from_be_bytes(digest.as_ref().first_chunk().copied().unwrap_or_default())
    }
}

/// What was read of an object: a line of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Which object.
    pub uuid: EntryUuid,
    /// [`Ties::digest`]
    pub digest: i64,
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.uuid, self.digest)
    }
}

impl Reading {
    /// `None`: the text is none.
    pub fn parse(line: &str) -> Option<Self> {
        let (uuid, digest) = line.split_once(' ')?;
        Some(Self { uuid: uuid.parse().ok()?, digest: digest.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(place: i64, named: &[i64], groups: &[i64]) -> i64 {
        let set = |numbers: &[i64]| numbers.iter().copied().collect();
        Ties::new(place, set(named), set(groups)).digest()
    }

    #[test]
    fn every_part_counts_and_the_order_does_not() {
        let all = [
            digest(1, &[], &[]),
            digest(2, &[], &[]),
            digest(1, &[2], &[]),
            digest(1, &[], &[2]),
            digest(1, &[2, 3], &[]),
            digest(1, &[2], &[3]),
        ];
        assert_eq!(BTreeSet::from(all).len(), all.len());
        assert_eq!(digest(1, &[3, 2], &[4]), digest(1, &[2, 3], &[4]));
    }

    #[test]
    fn an_object_is_tied_by_its_dn_whom_it_names_and_its_groups_in_any_spelling() {
        let mut entry = Entry::new("uid=anna,dc=x");
        entry.push("secretary", "uid=Bea, dc=x");
        let text = r#"{"id": "c3f4a5b6-0000-1041-8000-0123456789ab", "udm_object_type": "users/user",
            "dn": "uid=anna,dc=x", "options": [],
            "object": {"groups": ["cn=g,dc=x"], "secretary": ["ignored"]}}"#;
        let mut item = ConvertedItem::parse(text.as_bytes()).unwrap();
        let ties = Ties::of(&item, Module::User, &entry);
        let set = |dn: &str| BTreeSet::from([dn::hash(dn)]);
        let expected = Ties::new(dn::hash("UID=anna,dc=x"), set("uid=bea,dc=x"), set("cn=G,dc=x"));
        assert_eq!(ties, expected);
        item.object = None;
        assert_ne!(Ties::of(&item, Module::User, &entry).digest(), ties.digest());
    }

    #[test]
    fn a_reading_is_a_line() {
        let text = "c3f4a5b6-0000-1041-8000-0123456789ab -42";
        let reading = Reading::parse(text).unwrap();
        assert_eq!((reading.digest, reading.to_string()), (-42, text.to_owned()));
        for bad in ["", "c3f4a5b6-0000-1041-8000-0123456789ab", "x 1", "c3f4a5b6 1 2"] {
            assert_eq!(Reading::parse(bad), None, "{bad}");
        }
    }
}
