//! What is noted of a group at its delivery: in which contexts it is, and what it looks like there.
//!
//! As text, short and in one piece: `1;10:4fa0…;11:88b1…;12!old%20name`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use idspool_ox_soap::ContextId;

/// Grows when the meaning changes, so that old notes no longer count.
const VERSION: &str = "1";

/// What OX has of a group in one context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// What was sent, by its fingerprint.
    Sent(String),
    /// Something under this name, which could not be changed when it should have been.
    Unreached(String),
}

/// The contexts in which the group is. It is in no others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Notes(pub(super) BTreeMap<ContextId, Entry>);

impl Notes {
    /// Whether what was sent is in OX somewhere.
    pub(super) fn any_sent(&self) -> bool {
        self.0.values().any(|entry| matches!(entry, Entry::Sent(_)))
    }

    pub(super) fn to_text(&self) -> String {
        let mut text = VERSION.to_owned();
        for (context, entry) in &self.0 {
            let _never_fails = match entry {
                Entry::Sent(fingerprint) => write!(text, ";{context}:{fingerprint}"),
                Entry::Unreached(name) => write!(text, ";{context}!{}", escaped(name)),
            };
        }
        text
    }

    /// `None`: of another version, or no such text at all.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';');
        if parts.next() != Some(VERSION) {
            return None;
        }
        let mut notes = BTreeMap::new();
        for part in parts {
            let end = part.find([':', '!'])?;
            let (context, rest) = part.split_at_checked(end)?;
            let context = ContextId::try_from(context.parse::<i64>().ok()?).ok()?;
            let entry = match rest.split_at_checked(1)? {
                (":", fingerprint) => Entry::Sent(fingerprint.to_owned()),
                (_, name) => Entry::Unreached(unescaped(name)?),
            };
            notes.insert(context, entry);
        }
        Some(Self(notes))
    }
}

/// Without `;`, and without the sign that stands before an escaped one.
fn escaped(name: &str) -> String {
    name.replace('%', "%25").replace(';', "%3b")
}

fn unescaped(name: &str) -> Option<String> {
    let mut parts = name.split('%');
    let mut text = parts.next()?.to_owned();
    for part in parts {
        let (code, rest) = part.split_at_checked(2)?;
        text.push(char::from(u8::from_str_radix(code, 16).ok()?));
        text.push_str(rest);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_note_is_read_as_it_was_written(
            contexts in proptest::collection::btree_map(1i32..100_000, ("[0-9a-f]{20}", any::<Option<String>>()), 0..8)
        ) {
            let entries = contexts.into_iter().map(|(context, (fingerprint, name))| {
                (ContextId::new(context), name.map_or(Entry::Sent(fingerprint), Entry::Unreached))
            });
            let notes = Notes(entries.collect());
            prop_assert_eq!(Notes::parse(&notes.to_text()), Some(notes));
        }

        #[test]
        fn any_text_can_be_read(text in any::<String>()) {
            let read = Notes::parse(&text);
            prop_assert!(read.is_none() || text.starts_with(VERSION));
        }
    }

    #[test]
    fn other_texts_are_no_notes() {
        for text in ["", "2;10:ab", "1;", "1;x:ab", "1;10", "1;10!%", "1;10!%zz", "1;-3:ab"] {
            assert_eq!(Notes::parse(text), None, "{text}");
        }
    }
}
