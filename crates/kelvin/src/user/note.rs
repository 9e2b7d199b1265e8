//! What is noted of a user as last delivered.

use idspool_udm::ConvertedItem;
use serde_json::{Value, json};

use super::wanted::Wanted;
use crate::digest;

/// Grows when the meaning of a note changes, so that old ones no longer count.
const VERSION: &str = "1";
/// In place of the fingerprint of hashes that are not sent.
const NO_HASHES: &str = "0";

/// The fingerprints of a user, with that of the password hashes apart: the server does not show them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note {
    attributes: String,
    hashes: String,
}

impl Note {
    /// That of an item. `hashes`: those to send; `former`: the note of the last delivery, whose hashes stay when the
    /// item carries none.
    pub(super) fn new(
        server: &str,
        wanted: &Wanted,
        hashes: Option<&Value>,
        former: Option<&Self>,
    ) -> Self {
        let attributes = json!([server, wanted.attributes, wanted.properties]);
        let hashes = match (hashes, former) {
            (Some(hashes), _) => digest::of_json("hashes", &json!([server, hashes]), 8),
            (None, Some(former)) => former.hashes.clone(),
            (None, None) => NO_HASHES.to_owned(),
        };
        Self { attributes: digest::of_json("user", &attributes, 16), hashes }
    }

    /// Reads what was noted; `None`: it is of another version.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (version, attributes, hashes) = (parts.next()?, parts.next()?, parts.next()?);
        (version == VERSION && parts.next().is_none())
            .then(|| Self { attributes: attributes.to_owned(), hashes: hashes.to_owned() })
    }

    /// Whether the hashes are those of the other note.
    pub(super) fn has_hashes_of(&self, other: &Self) -> bool {
        self.hashes == other.hashes
    }
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{VERSION}-{}-{}", self.attributes, self.hashes)
    }
}

/// The login name of a user for messages: that of the item, of the last delivery, or in the DN.
pub(super) fn shown_name(item: &ConvertedItem, previous: Option<&ConvertedItem>) -> String {
    let of =
        |item: &ConvertedItem| item.property("username").and_then(Value::as_str).map(str::to_owned);
    of(item)
        .or_else(|| previous.and_then(of))
        .unwrap_or_else(|| super::relatives::name_in(&item.dn))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written() {
        let wanted = Wanted::default();
        let note = Note::new("a", &wanted, Some(&json!({"a": 1})), None);
        assert_eq!(Note::parse(&note.to_string()), Some(note.clone()));
        for text in ["", "1", "2-a-b", "1-a-b-c", "0--"] {
            assert_eq!(Note::parse(text), None, "{text}");
        }
        // Without hashes those of the last delivery count.
        assert_eq!(Note::new("a", &wanted, None, Some(&note)), note);
        let other = Note::new("a", &wanted, Some(&json!({"a": 2})), Some(&note));
        assert!(!other.has_hashes_of(&note));
        assert_ne!(Note::new("a", &wanted, None, None), note);
        // Another server has nothing of it.
        let elsewhere = Note::new("b", &wanted, Some(&json!({"a": 1})), None);
        assert!(!elsewhere.has_hashes_of(&note) && elsewhere.attributes != note.attributes);
    }
}
