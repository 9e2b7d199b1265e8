//! Reads the sample directory, and stands in for the searches that the converter makes.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "helpers of tests")]
#![allow(dead_code, reason = "not every test needs all of them")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::NaiveDate;
use idspool_udm::mapping::{Mapper, Needs, Related};
use idspool_udm::{Encoding, Entry, Module, dn};
use serde_json::{Map, Value};

/// All entries of the sample directory, with the `memberOf` that a server would compute.
pub(crate) fn directory() -> Vec<Entry> {
    let mut entries = ldif(include_str!("../data/sample.ldif"));
    let memberships: Vec<(String, String)> = entries
        .iter()
        .filter(|entry| entry.has_class("univentionGroup"))
        .flat_map(|group| {
            group.texts("uniqueMember").map(|m| (dn::key(m).into(), group.dn.clone()))
        })
        .collect();
    for entry in &mut entries {
        let key = dn::key(&entry.dn).into_owned();
        for (_, group) in memberships.iter().filter(|(member, _)| *member == key) {
            entry.push("memberOf", group.as_str());
        }
    }
    entries
}

/// RFC 2849, as far as the sample needs it.
fn ldif(text: &str) -> Vec<Entry> {
    let unfolded = text.replace("\n ", "");
    let mut entries: Vec<Entry> = Vec::new();
    for line in unfolded.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, rest) = line.split_once(':').expect("an attribute");
        let value = match rest.strip_prefix(':') {
            Some(encoded) => STANDARD.decode(encoded.trim()).expect("base64"),
            None => rest.trim_start().as_bytes().to_vec(),
        };
        if name == "dn" {
            entries.push(Entry::new(String::from_utf8(value).expect("a DN")));
        } else {
            entries.last_mut().expect("dn first").push(name, value);
        }
    }
    entries
}

/// The entry whose DN begins like this.
pub(crate) fn entry<'e>(entries: &'e [Entry], rdn: &str) -> &'e Entry {
    let found: Vec<_> =
        entries.iter().filter(|entry| entry.dn.starts_with(&format!("{rdn},"))).collect();
    assert_eq!(found.len(), 1, "{rdn}");
    found[0]
}

/// The day on which the expected results hold.
pub(crate) fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 21).expect("a day")
}

/// What searches for the needs of these entries would find.
pub(crate) fn related(entries: &[Entry], wanted: &[&Entry], reverse_search: bool) -> Related {
    let mut needs = Needs::default();
    for entry in wanted {
        needs.add(Module::of(entry).expect("a wanted entry"), entry);
    }
    let mut related = Related::default();
    if reverse_search {
        related.expect_memberships(&needs);
    }
    for entry in entries {
        let is_group = entry.has_class("posixGroup") || entry.has_class("sambaGroupMapping");
        if is_group && entry.texts("gidNumber").any(|number| needs.gid_numbers.contains(number)) {
            related.add_group(entry);
        }
        if needs.members.contains_key(dn::key(&entry.dn).as_ref()) {
            related.add_member(entry);
        }
        if reverse_search && is_group {
            related.add_membership(entry);
        }
    }
    related
}

/// The object of an entry in the sample directory.
pub(crate) fn object(entries: &[Entry], rdn: &str, encoding: Encoding) -> Map<String, Value> {
    let entry = entry(entries, rdn);
    let module = Module::of(entry).expect("a wanted entry");
    let related = related(entries, &[entry], false);
    Mapper::new(encoding, today()).object(module, entry, &related)
}
