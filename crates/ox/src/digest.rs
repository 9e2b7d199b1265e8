//! The fingerprint of what was last delivered: equal means there is nothing to send (design "Less work").
//!
//! It covers what would go over the wire, so that a changed setting, mapping or profile shows as well
//! as a changed object.

use idspool_ox_soap::{Context, DeputyPermission, Group, Resource, User, UserField, Value};
use ring::digest::{Context as Hasher, SHA256};

/// Grows when the meaning of a digest changes, so that old ones no longer count.
const VERSION: &str = "1";

/// Fingerprint of a user's payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UserDigest {
    payload: String,
    addresses: String,
}

impl UserDigest {
    /// `user` as it would be sent, without the sender address, which depends on what OX has.
    pub(crate) fn new(context: i32, user: &User, rights: Option<&str>) -> Self {
        let mut payload = Parts::new("user");
        payload.number(i64::from(context));
        // Whether rights are sent at all is a difference of its own.
        payload.text(rights.unwrap_or("\u{0}untouched"));
        let mut addresses = Parts::new("addresses");
        for (field, value) in user.iter() {
            if field != UserField::DefaultSenderAddress {
                payload.text(field.as_str());
                payload.value(value);
            }
            if matches!(field, UserField::PrimaryEmail | UserField::Aliases) {
                addresses.value(value);
            }
        }
        Self { payload: payload.finish(16), addresses: addresses.finish(8) }
    }

    /// The form that is noted beside the snapshot.
    pub(crate) fn to_note(&self) -> String {
        format!("{VERSION}-{}-{}", self.payload, self.addresses)
    }

    /// Whether primary address and aliases are those of a note; `None` when the note does not tell.
    pub(crate) fn has_addresses_of(&self, note: &str) -> Option<bool> {
        let mut parts = note.split('-');
        match (parts.next(), parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(VERSION), Some(_), Some(addresses), _, None) => Some(addresses == self.addresses),
            _ => None,
        }
    }
}

/// In place of the fingerprint of deputy permissions: what OX has of them is not known.
pub(crate) const UNSETTLED: &str = "unsettled";

/// Fingerprint of deputy permissions.
pub(crate) fn of_deputies(permissions: &[DeputyPermission]) -> String {
    let mut parts = Parts::new("deputies");
    for permission in permissions {
        parts.number(permission.user.into());
        parts.bytes(&[u8::from(permission.send_on_behalf_of)]);
        for rights in &permission.modules {
            parts.text(rights.module.as_str());
            parts.bytes(&[u8::from(rights.admin)]);
            for right in [rights.folder, rights.read, rights.write, rights.delete] {
                parts.number(right.into());
            }
        }
    }
    parts.finish(8)
}

/// The note of a user together with that of the deputy permissions given.
pub(crate) fn with_deputies(note: String, deputies: Option<&str>) -> String {
    match deputies {
        Some(deputies) => format!("{note}-{deputies}"),
        None => note,
    }
}

/// The note of a user of whom nothing is known but that there may be deputy permissions.
pub(crate) fn of_unsettled_deputies() -> String {
    with_deputies("0--".to_owned(), Some(UNSETTLED))
}

/// What a note says about deputy permissions.
pub(crate) fn deputies_of(note: &str) -> Option<&str> {
    note.splitn(4, '-').nth(3)
}

/// A note without what it says about deputy permissions.
pub(crate) fn without_deputies(note: &str) -> &str {
    let rest = deputies_of(note).map_or(0, |deputies| deputies.len() + 1);
    note.get(..note.len() - rest).unwrap_or(note)
}

/// Fingerprint of a context's payload.
pub(crate) fn of_context(context: &Context) -> String {
    let mut parts = Parts::new("context");
    for (field, value) in context.iter() {
        parts.text(field.as_str());
        parts.value(value);
    }
    format!("{VERSION}-{}", parts.finish(16))
}

/// Fingerprint of a group as one context has it. Short, because a group has one for each context.
pub(crate) fn of_group(group: &Group) -> String {
    let mut parts = Parts::new("group");
    for (field, value) in group.iter() {
        parts.text(field.as_str());
        parts.value(value);
    }
    parts.finish(10)
}

/// The note for a user that was looked up and is not in OX: the look-up need not be repeated while
/// nothing changes.
pub(crate) fn of_absence(context: i32, name: &str) -> String {
    let mut parts = Parts::new("absent");
    parts.number(i64::from(context));
    parts.text(name);
    format!("{VERSION}-{}", parts.finish(16))
}

/// Fingerprint of a resource's payload.
pub(crate) fn of_resource(resource: &Resource) -> String {
    let mut parts = Parts::new("resource");
    for (field, value) in resource.iter() {
        parts.text(field.as_str());
        parts.value(value);
    }
    parts.finish(16)
}

/// Fingerprint of some texts in the first `length` bytes of the hash.
pub(crate) fn of_texts(kind: &str, texts: &[&str], length: usize) -> String {
    let mut parts = Parts::new(kind);
    for text in texts {
        parts.text(text);
    }
    parts.finish(length)
}

/// Hashes a sequence of parts; lengths go in as well, so that no two sequences look alike.
struct Parts(Hasher);

impl Parts {
    fn new(kind: &str) -> Self {
        let mut parts = Self(Hasher::new(&SHA256));
        parts.text(kind);
        parts
    }

    fn number(&mut self, number: i64) {
        self.0.update(&number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Text(text) => self.bytes(text.as_bytes()),
            Value::Bool(flag) => self.bytes(&[u8::from(*flag)]),
            Value::Number(number) => self.bytes(&number.to_le_bytes()),
            Value::Bytes(bytes) => self.bytes(bytes),
            Value::List(list) => {
                self.number(i64::try_from(list.len()).unwrap_or(i64::MAX));
                for text in list {
                    self.text(text);
                }
            }
            Value::Ids(ids) => {
                self.number(i64::try_from(ids.len()).unwrap_or(i64::MAX));
                for id in ids {
                    self.number(i64::from(*id));
                }
            }
        }
    }

    /// The first `length` bytes of the hash, in hexadecimal.
    fn finish(self, length: usize) -> String {
        use std::fmt::Write as _;
        let mut text = String::with_capacity(2 * length);
        for byte in self.0.finish().as_ref().iter().take(length) {
            let _never_fails = write!(text, "{byte:02x}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> User {
        User::new()
            .with(UserField::Name, "anna")
            .with(UserField::PrimaryEmail, "a@x")
            .with(UserField::Aliases, vec!["a@x", "b@x"])
    }

    #[test]
    fn every_difference_shows() {
        let base = UserDigest::new(10, &user(), Some("tasks"));
        assert_eq!(base, UserDigest::new(10, &user(), Some("tasks")));
        for other in [
            UserDigest::new(11, &user(), Some("tasks")),
            UserDigest::new(10, &user(), Some("")),
            UserDigest::new(10, &user(), None),
            UserDigest::new(10, &user().with(UserField::Title, ""), Some("tasks")),
            UserDigest::new(10, &user().with(UserField::Aliases, vec!["a@xb@x"]), Some("tasks")),
        ] {
            assert_ne!(base.to_note(), other.to_note());
        }
        let with_sender = user().with(UserField::DefaultSenderAddress, "b@x");
        assert_eq!(base, UserDigest::new(10, &with_sender, Some("tasks")));
    }

    #[test]
    fn deputies_are_a_part_of_their_own() {
        let note = UserDigest::new(10, &user(), None).to_note();
        assert_eq!((deputies_of(&note), without_deputies(&note)), (None, &*note));
        let with = with_deputies(note.clone(), Some(UNSETTLED));
        assert_eq!((deputies_of(&with), without_deputies(&with)), (Some(UNSETTLED), &*note));
        assert_eq!(with_deputies(note.clone(), None), note);
        let unsettled = of_unsettled_deputies();
        assert_eq!(deputies_of(&unsettled), Some(UNSETTLED));
        assert_eq!(UserDigest::new(10, &user(), None).has_addresses_of(&unsettled), None);
    }

    #[test]
    fn a_note_tells_whether_the_addresses_changed() {
        let base = UserDigest::new(10, &user(), None);
        let renamed = UserDigest::new(10, &user().with(UserField::Name, "berta"), None);
        let moved = UserDigest::new(10, &user().with(UserField::Aliases, vec!["a@x"]), None);
        assert_eq!(renamed.has_addresses_of(&base.to_note()), Some(true));
        assert_eq!(moved.has_addresses_of(&base.to_note()), Some(false));
        let with_deputies = with_deputies(base.to_note(), Some("d"));
        assert_eq!(moved.has_addresses_of(&with_deputies), Some(false));
        assert_eq!(base.has_addresses_of("something else"), None);
        assert_eq!(base.has_addresses_of(&of_absence(10, "anna")), None);
    }
}
