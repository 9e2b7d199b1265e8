//! By what a user is found at the server (id-connector 3.3).

use idspool_kelvin_client::Identity;
use idspool_udm::{ConvertedItem, OldData, value};
use serde_json::{Map, Value, json};

use crate::digest;

const RECORD_UID: &str = "ucsschoolRecordUID";
const SOURCE_UID: &str = "ucsschoolSourceUID";

/// The identities that a user may have at the server, the most likely one first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identities {
    /// What was last delivered here, what was known before this change, what the item says; each once.
    pub(super) all: Vec<Identity>,
    /// What the item says.
    pub(super) current: Option<Identity>,
}

impl Identities {
    /// Those of a user. `source_uid` is that of users without one.
    pub(super) fn of(
        item: &ConvertedItem,
        previous: Option<&ConvertedItem>,
        source_uid: &str,
    ) -> Self {
        let of_item = |item: &ConvertedItem| of_object(item.object.as_ref()?, source_uid);
        let current = of_item(item);
        let known = item.old_data.as_ref().and_then(|known| of_old_data(known, source_uid));
        let mut all: Vec<Identity> = Vec::new();
        for identity in [previous.and_then(of_item), known, current.clone()].into_iter().flatten() {
            if !all.contains(&identity) {
                all.push(identity);
            }
        }
        Self { all, current }
    }
}

/// The source of a user, or that of users without one.
pub(super) fn source_of<'a>(object: &'a Map<String, Value>, source_uid: &'a str) -> &'a str {
    object
        .get(SOURCE_UID)
        .and_then(Value::as_str)
        .filter(|own| !own.is_empty())
        .unwrap_or(source_uid)
}

/// Whether a user is known by something at its source.
pub(super) fn has_record(object: &Map<String, Value>) -> bool {
    value::text(object.get(RECORD_UID)).is_some_and(|uid| !uid.is_empty())
}

fn of_object(object: &Map<String, Value>, source_uid: &str) -> Option<Identity> {
    let record_uid = value::text(object.get(RECORD_UID))?;
    identity(&record_uid, source_of(object, source_uid))
}

fn of_old_data(known: &OldData, source_uid: &str) -> Option<Identity> {
    let own = known.source_uid.as_deref().filter(|own| !own.is_empty());
    identity(known.record_uid.as_deref()?, own.unwrap_or(source_uid))
}

fn identity(record_uid: &str, source_uid: &str) -> Option<Identity> {
    let is_complete = !record_uid.is_empty() && !source_uid.is_empty();
    is_complete
        .then(|| Identity { record_uid: record_uid.to_owned(), source_uid: source_uid.to_owned() })
}

/// Gives an object an identity.
pub(super) fn write(object: &mut Map<String, Value>, identity: &Identity) {
    object.insert(RECORD_UID.into(), identity.record_uid.as_str().into());
    object.insert(SOURCE_UID.into(), identity.source_uid.as_str().into());
}

/// A number under which the index finds all objects of one identity. The source is that of the object, or empty.
pub(super) fn number_of(record_uid: &str, source_uid: &str) -> i64 {
    digest::number_of_json("identity", &json!([record_uid, source_uid]))
}

/// The number of a user's identity; `None`: it has none.
pub(super) fn number(item: &ConvertedItem) -> Option<i64> {
    let object = item.object.as_ref()?;
    let record_uid = value::text(object.get(RECORD_UID)).filter(|uid| !uid.is_empty())?;
    Some(number_of(&record_uid, source_of(object, "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(object: Value) -> ConvertedItem {
        ConvertedItem {
            id: "u-1".into(),
            udm_object_type: "users/user".into(),
            dn: "uid=anna".into(),
            object: object.as_object().cloned(),
            options: None,
            resync: false,
            old_data: None,
            user_passwords: None,
        }
    }

    fn known(record_uid: &str, source_uid: &str) -> Option<OldData> {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Some(OldData {
            record_uid: text(record_uid),
            source_uid: text(source_uid),
            ..OldData::default()
        })
    }

    fn shown(identities: &Identities) -> Vec<String> {
        identities.all.iter().map(|one| format!("{}@{}", one.record_uid, one.source_uid)).collect()
    }

    #[test]
    fn the_last_delivered_one_comes_first() {
        let now = item(json!({"ucsschoolRecordUID": "3", "ucsschoolSourceUID": "SIS"}));
        let before = item(json!({"ucsschoolRecordUID": "1", "ucsschoolSourceUID": "SIS"}));
        let with = ConvertedItem { old_data: known("2", "SIS"), ..now.clone() };
        let found = Identities::of(&with, Some(&before), "T");
        assert_eq!(shown(&found), ["1@SIS", "2@SIS", "3@SIS"]);
        assert_eq!(found.current.unwrap().record_uid, "3");
        assert_eq!(shown(&Identities::of(&with, None, "T")), ["2@SIS", "3@SIS"]);
        assert_eq!(shown(&Identities::of(&now, Some(&now), "T")), ["3@SIS"]);
    }

    #[test]
    fn a_source_is_assumed_and_a_record_is_not() {
        for (object, old, expected) in [
            (json!({"ucsschoolRecordUID": "1"}), None, vec!["1@T"]),
            (json!({"ucsschoolRecordUID": "1", "ucsschoolSourceUID": null}), None, vec!["1@T"]),
            (json!({"ucsschoolRecordUID": 1, "ucsschoolSourceUID": ""}), None, vec!["1@T"]),
            (json!({"ucsschoolRecordUID": "", "ucsschoolSourceUID": "S"}), None, vec![]),
            (json!({"ucsschoolRecordUID": null}), known("0", ""), vec!["0@T"]),
            (json!({"ucsschoolRecordUID": "1"}), known("", "SIS"), vec!["1@T"]),
            (json!(null), known("0", "SIS"), vec!["0@SIS"]),
        ] {
            let item = ConvertedItem { old_data: old, ..item(object) };
            assert_eq!(shown(&Identities::of(&item, None, "T")), expected, "{item:?}");
        }
        let item = item(json!({"ucsschoolRecordUID": "1"}));
        assert_eq!(Identities::of(&item, None, "").all, []);
        assert!(has_record(item.object.as_ref().unwrap()));
    }

    #[test]
    fn numbers_tell_identities_apart() {
        let of = |record: &str, source: &str| {
            number(&item(json!({"ucsschoolRecordUID": record, "ucsschoolSourceUID": source})))
        };
        assert_eq!(of("1", "S"), of("1", "S"));
        assert_ne!(of("1", "S"), of("1S", ""));
        assert_eq!(of("", "S"), None);
    }
}
