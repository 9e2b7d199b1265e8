//! What OX has of a functional account, noted beside its snapshot.
//!
//! The note is what a new state is compared with: without it, each item would take the account from
//! all its users and give it to them anew. It is brought up to date with every call, so that it also
//! tells where an attempt broke off.

use std::collections::BTreeMap;

use idspool_ox_soap::{ContextId, OxUserId};
use serde::{Deserialize, Serialize};

/// Grows when the meaning of a note changes, so that old ones no longer count.
const VERSION: &str = "account-1 ";

/// One account in all contexts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Note {
    pub(super) contexts: BTreeMap<i32, Placed>,
}

/// One account in one context. The names are short because there may be many of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Placed {
    /// The address under which OX has it.
    #[serde(rename = "a")]
    pub(super) address: String,
    /// Fingerprint of what all users of the account have in common.
    #[serde(rename = "s")]
    pub(super) shared: String,
    /// Its users by entry UUID.
    #[serde(rename = "u")]
    pub(super) users: BTreeMap<String, Holder>,
}

/// A user who has the account: the id in OX, and a fingerprint of the login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holder(i32, String);

impl Note {
    /// Reads a note. One that is not understood tells nothing.
    pub(super) fn parse(text: Option<&str>) -> Self {
        let json = text.and_then(|text| text.strip_prefix(VERSION));
        json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    }

    /// The form that is kept in the index; `None` when there is nothing to tell.
    pub(super) fn to_text(&self) -> Option<String> {
        let json = serde_json::to_string(self).ok().filter(|_| !self.contexts.is_empty())?;
        Some(format!("{VERSION}{json}"))
    }

    pub(super) fn get(&self, context: ContextId) -> Option<&Placed> {
        self.contexts.get(&context.value())
    }

    /// Which contexts are noted.
    pub(super) fn contexts(&self) -> Vec<ContextId> {
        self.contexts.keys().copied().map(ContextId::new).collect()
    }

    /// A call about this context is under way: it is not as it was.
    pub(super) fn distrust_in(&mut self, context: ContextId) {
        if let Some(placed) = self.contexts.get_mut(&context.value()) {
            placed.shared.clear();
        }
    }

    /// Nothing noted counts as delivered, but what has to be cleaned up stays known.
    pub(super) fn distrust(&mut self) {
        for placed in self.contexts.values_mut() {
            placed.shared.clear();
        }
    }
}

impl Holder {
    pub(super) fn new(id: OxUserId, login: String) -> Self {
        Self(id.value(), login)
    }

    /// A user who may have the account, or may not.
    pub(super) fn in_doubt(id: OxUserId) -> Self {
        Self::new(id, String::new())
    }

    /// A call about it is under way.
    pub(super) fn doubt(&mut self) {
        self.1.clear();
    }

    pub(super) fn id(&self) -> OxUserId {
        OxUserId::new(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_comes_back_as_it_was() {
        let users =
            BTreeMap::from([("u-1".to_owned(), Holder::new(OxUserId::new(3), "ab".into()))]);
        let placed = Placed { address: "info@x".into(), shared: "cd".into(), users };
        let note = Note { contexts: BTreeMap::from([(10, placed)]) };
        let text = note.to_text().unwrap();
        assert_eq!(text, r#"account-1 {"10":{"a":"info@x","s":"cd","u":{"u-1":[3,"ab"]}}}"#);
        assert_eq!(Note::parse(Some(&text)), note);
    }

    #[test]
    fn what_is_not_understood_tells_nothing() {
        for text in [None, Some(""), Some("account-1 {"), Some("account-0 {}"), Some("1-ab-cd")] {
            assert_eq!(Note::parse(text), Note::default(), "{text:?}");
        }
        assert_eq!(Note::default().to_text(), None);
    }
}
