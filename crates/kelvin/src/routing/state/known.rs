//! What is known of one object.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use idspool_spool::ItemName;
use serde::{Deserialize, Serialize};

use crate::conf::{AuthorityName, SchoolMapping};

/// What kind of object it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `users/user`
    User,
    /// `groups/group` that is a school class, or was one.
    Class,
}

impl Kind {
    pub(super) const fn code(self) -> i64 {
        match self {
            Self::User => 0,
            Self::Class => 1,
        }
    }

    pub(super) const fn of_code(code: i64) -> Self {
        if code == 0 { Self::User } else { Self::Class }
    }
}

/// Under which a user is found at a server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// `ucsschoolRecordUID`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_uid: Option<String>,
    /// `ucsschoolSourceUID`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_uid: Option<String>,
}

/// The last known state of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its `entryUUID`.
    pub id: String,
    /// What it is.
    pub kind: Kind,
    /// Its last DN; empty when it was taken over from a program that did not note it.
    pub dn: String,
    /// Its last schools, in the spelling of the directory; of a class the one it is in.
    pub schools: Vec<String>,
    /// The last identity of a user.
    pub identity: Identity,
    /// The authorities that have a copy, or may have one.
    pub told: BTreeMap<AuthorityName, Told>,
    /// When it was deleted.
    pub deleted: Option<DateTime<Utc>>,
}

/// What an authority was told of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The item in its out queue that takes the object away there. `None`: the object belongs there.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "item_name")]
    pub last: Option<ItemName>,
    /// The identity it was told of, where that is not the present one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
}

impl Known {
    /// Nothing is known but what it is.
    pub fn new(id: impl Into<String>, kind: Kind) -> Self {
        Self {
            id: id.into(),
            kind,
            dn: String::new(),
            schools: Vec::new(),
            identity: Identity::default(),
            told: BTreeMap::new(),
            deleted: None,
        }
    }

    /// A user as another program knew it (id-connector 1.5). It is taken for granted that the authorities of
    /// its schools have been told.
    pub fn imported_user(
        id: impl Into<String>,
        schools: Vec<String>,
        identity: Identity,
        mapping: &SchoolMapping,
    ) -> Self {
        let told = schools.iter().filter_map(|school| mapping.authority_of(school));
        let told = told.map(|name| (name.clone(), Told::default())).collect();
        Self { schools, identity, told, ..Self::new(id, Kind::User) }
    }
}

/// Lists and maps of texts.
pub(super) fn to_text(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value);
    debug_assert!(text.is_ok(), "JSON of texts: {text:?}");
    text.unwrap_or_default()
}

pub(super) fn from_text<T: serde::de::DeserializeOwned>(
    column: usize,
    text: &str,
) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(
            column,
            rusqlite::types::Type::Text,
            Box::new(error),
        )
    })
}

mod item_name {
    use idspool_spool::ItemName;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        name: &Option<ItemName>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match name {
            Some(name) => serializer.serialize_str(name.as_str()),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<ItemName>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
    }
}
