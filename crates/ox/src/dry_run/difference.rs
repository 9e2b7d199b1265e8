//! Which fields of an object a call changes, in a form that may be shown: no secrets, no pictures.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use idspool_ox_soap::{DataObject, Field, FieldKind, FieldSpec, Value};
use ring::digest::{SHA256, digest};
use serde_json::Value as Json;

use super::journal::Change;

/// Texts longer than this are cut.
const LONGEST: usize = 200;
/// Fields that say nothing about a change: the id tells which object is meant, and OX counts the used
/// quota itself, whatever is sent.
const SILENT: [&str; 2] = ["id", "usedQuota"];

/// What OX has of an object.
#[derive(Clone, Copy)]
pub(crate) enum Old<'a, F> {
    /// Nothing yet.
    New,
    /// These fields among others, which nobody knows.
    Partly(&'a DataObject<F>),
    /// These fields.
    Whole(&'a DataObject<F>),
}

/// What sending `new` changes.
pub(crate) fn changes<F: Field>(old: Old<'_, F>, new: &DataObject<F>) -> Vec<Change> {
    new.iter()
        .filter(|(field, _)| {
            let spec = field.spec();
            !spec.is_secret() && !SILENT.contains(&spec.name)
        })
        .filter_map(|(field, value)| {
            let before = match old {
                Old::New => None,
                Old::Partly(old) => old.get(field).map(Some),
                Old::Whole(old) => Some(old.get(field)),
            };
            change(field.spec(), before, value)
        })
        .collect()
}

/// `before`: `None` when nothing is known, `Some(None)` when OX has no value.
fn change(spec: &FieldSpec, before: Option<Option<&Value>>, value: &Value) -> Option<Change> {
    let field = spec.name;
    let old = before.flatten();
    if is_empty(value) {
        // A list without elements is not on the wire; an empty text clears what is there.
        let clears = matches!(value, Value::Text(_)) && old.is_some_and(|old| !is_empty(old));
        return clears.then(|| Change::Value {
            field,
            old: old.map(|old| shown(spec, old)),
            new: Json::String(String::new()),
        });
    }
    match (value, old) {
        (Value::List(new), Some(Value::List(old))) => {
            let (added, removed) = between(old, new);
            (!added.is_empty() || !removed.is_empty()).then_some(Change::List {
                field,
                added,
                removed,
            })
        }
        (Value::List(new), _) => {
            Some(Change::List { field, added: new.clone(), removed: Vec::new() })
        }
        (Value::Ids(new), old) => {
            let (added, removed) = match old {
                Some(Value::Ids(old)) => between(old, new),
                _ => (new.clone(), Vec::new()),
            };
            (!added.is_empty() || !removed.is_empty()).then_some(Change::Ids {
                field,
                added,
                removed,
            })
        }
        _ => {
            let (old, new) = (old.map(|old| shown(spec, old)), shown(spec, value));
            let old = old.or_else(|| before.and_then(|_| unset(field)));
            (old.as_ref() != Some(&new)).then_some(Change::Value { field, old, new })
        }
    }
}

/// What it means that OX leaves a field out of its answer.
fn unset(field: &str) -> Option<Json> {
    Some(match field {
        "maxQuota" => Json::from(-1),
        _ => Json::String(String::new()),
    })
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Text(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::List(list) => list.is_empty(),
        Value::Ids(ids) => ids.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// What is in one list only: in the new one, in the old one.
fn between<T: Ord + Clone>(old: &[T], new: &[T]) -> (Vec<T>, Vec<T>) {
    let (before, after): (BTreeSet<&T>, BTreeSet<&T>) =
        (old.iter().collect(), new.iter().collect());
    let only = |a: &BTreeSet<&T>, b: &BTreeSet<&T>| a.difference(b).map(|&e| e.clone()).collect();
    (only(&after, &before), only(&before, &after))
}

/// A value in the form that the field has on the wire, so that equal values look alike.
fn shown(spec: &FieldSpec, value: &Value) -> Json {
    match (spec.kind, value) {
        (FieldKind::Bytes, Value::Bytes(bytes)) => picture(bytes),
        (FieldKind::Bytes, Value::Text(text)) => {
            let text: String = text.split_ascii_whitespace().collect();
            BASE64.decode(&text).map_or_else(|_| "(not base64)".into(), |bytes| picture(&bytes))
        }
        (FieldKind::Int | FieldKind::Long, Value::Text(text)) => {
            text.trim().parse::<i64>().map_or_else(|_| cut(text), Json::from)
        }
        (FieldKind::Bool, Value::Text(text)) => {
            text.parse::<bool>().map_or_else(|_| cut(text), Json::from)
        }
        (FieldKind::Text, Value::Number(number)) => number.to_string().into(),
        (FieldKind::Text, Value::Bool(flag)) => flag.to_string().into(),
        (_, Value::Text(text)) => cut(text),
        (_, Value::Bool(flag)) => (*flag).into(),
        (_, Value::Number(number)) => (*number).into(),
        (_, Value::Bytes(bytes)) => picture(bytes),
        (_, Value::List(list)) => list.clone().into(),
        (_, Value::Ids(ids)) => ids.clone().into(),
    }
}

fn picture(bytes: &[u8]) -> Json {
    use std::fmt::Write as _;
    let mut text = format!("{} bytes, SHA-256 ", bytes.len());
    for byte in digest(&SHA256, bytes).as_ref().iter().take(8) {
        let _never_fails = write!(text, "{byte:02x}");
    }
    text.into()
}

fn cut(text: &str) -> Json {
    match text.char_indices().nth(LONGEST) {
        None => text.into(),
        Some((at, _)) => {
            format!("{}… ({} characters)", text.get(..at).unwrap_or_default(), text.chars().count())
                .into()
        }
    }
}

#[cfg(test)]
mod tests {
    use idspool_ox_soap::{Group, GroupField, User, UserField};
    use serde_json::json;

    use super::*;

    fn value(field: &'static str, old: Option<Json>, new: Json) -> Change {
        Change::Value { field, old, new }
    }

    #[test]
    fn only_what_differs_is_told() {
        let old = User::new()
            .with(UserField::Id, 3)
            .with(UserField::Title, "Dr.")
            .with(UserField::Note, "x")
            .with(UserField::ImapPort, 143)
            .with(UserField::Mailenabled, true)
            .with(UserField::UsedQuota, 5)
            .with(UserField::Aliases, vec!["a@x", "b@x"]);
        let new = User::new()
            .with(UserField::Id, 3)
            .with(UserField::Title, "Prof.")
            .with(UserField::Note, "")
            .with(UserField::Info, "")
            .with(UserField::Url, "u")
            .with(UserField::ImapPort, "143")
            .with(UserField::Mailenabled, true)
            .with(UserField::MaxQuota, "-1")
            .with(UserField::UsedQuota, -1)
            .with(UserField::Aliases, vec!["c@x", "b@x"]);
        assert_eq!(
            changes(Old::Whole(&old), &new),
            [
                Change::List {
                    field: "aliases",
                    added: vec!["c@x".into()],
                    removed: vec!["a@x".into()]
                },
                value("note", Some(json!("x")), json!("")),
                value("title", Some(json!("Dr.")), json!("Prof.")),
                value("url", Some(json!("")), json!("u")),
            ]
        );
        assert_eq!(changes(Old::Whole(&new), &new), []);
        let part = User::new().with(UserField::Title, "Dr.").with(UserField::Url, "u");
        let title = value("title", Some(json!("Dr.")), json!("Prof."));
        let told = changes(Old::Partly(&part), &new);
        assert!(told.contains(&title) && told.contains(&value("imapPort", None, json!(143))));
        assert!(!told.iter().any(|change| matches!(change, Change::Value { field: "url", .. })));
    }

    #[test]
    fn secrets_are_never_told_and_pictures_by_size_and_hash() {
        let jpeg = [0xFF, 0xD8, 0xFF, 0xE0];
        let new = User::new()
            .with(UserField::Password, "s3cret")
            .with(UserField::Image1, BASE64.encode(jpeg));
        let told = changes(Old::New, &new);
        assert!(!format!("{told:?}").contains("s3cret"));
        let [Change::Value { field: "image1", old: None, new: Json::String(text) }] = &told[..]
        else {
            panic!("{told:?}")
        };
        assert!(text.starts_with("4 bytes, SHA-256 "), "{text}");
        let same = User::new().with(UserField::Image1, jpeg.to_vec());
        assert_eq!(changes(Old::Whole(&same), &new), [], "the same picture in another form");
    }

    #[test]
    fn long_texts_are_cut() {
        let new = User::new().with(UserField::Note, "ä".repeat(1000));
        let [Change::Value { new: Json::String(text), .. }] = &changes(Old::New, &new)[..] else {
            panic!()
        };
        assert!(text.ends_with("… (1000 characters)") && text.chars().count() < 230, "{text}");
    }

    #[test]
    fn members_are_told_by_difference() {
        let group = |members: &[i32]| Group::new().with(GroupField::Members, members.to_vec());
        let told = changes(Old::Whole(&group(&[3, 4, 5])), &group(&[5, 6, 3]));
        assert_eq!(told, [Change::Ids { field: "members", added: vec![6], removed: vec![4] }]);
        assert_eq!(changes(Old::Whole(&group(&[4, 3])), &group(&[3, 4])), []);
    }
}
