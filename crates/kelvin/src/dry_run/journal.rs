//! The requests that would be made, and what each of them changes, in a form that may be shown: no secrets.

use std::collections::BTreeSet;

use idspool_kelvin_client::Attributes;
use serde_json::Value;

/// Texts longer than this are cut.
const LONGEST: usize = 200;
/// Attributes whose values are nobody's business.
const SECRET: [&str; 2] = ["password", "kelvin_password_hashes"];
/// Objects whose members are attributes of their own.
const NESTED: [&str; 3] = ["school_classes", "udm_properties", "workgroups"];

/// A request that changes something.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    /// `POST users`, `PATCH classes` and so on.
    pub(crate) operation: &'static str,
    /// The object's name, as it is before; that of a class with its school.
    pub(crate) object: String,
    pub(crate) changes: Vec<Change>,
}

/// What becomes of one attribute.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    /// It gets another value. `old` is `None` where nothing is known of it, as in a new object.
    Value { field: String, old: Option<Value>, new: Value },
    /// Some elements of a list come or go.
    List { field: String, added: Vec<String>, removed: Vec<String> },
    /// It is sent, and not shown.
    Secret { field: String },
}

/// What sending `new` changes in `old`; `None`: nothing is known of what is there.
pub(crate) fn changes(old: Option<&Attributes>, new: &Attributes) -> Vec<Change> {
    let mut list = Vec::new();
    for (field, value) in new {
        let before = old.and_then(|old| old.get(field));
        match value {
            _ if SECRET.contains(&field.as_str()) => {
                list.push(Change::Secret { field: field.clone() });
            }
            Value::Object(parts) if NESTED.contains(&field.as_str()) => {
                nested(field, before.and_then(Value::as_object), parts, &mut list);
            }
            _ => list.extend(change(field, before, value)),
        }
    }
    list
}

fn nested(field: &str, old: Option<&Attributes>, new: &Attributes, list: &mut Vec<Change>) {
    for (key, value) in new {
        let field = format!("{field}.{key}");
        list.extend(change(&field, old.and_then(|old| old.get(key)), value));
    }
    // Properties that are not named stay; schools that are not named lose their classes.
    if field != "udm_properties" {
        for (key, value) in old.into_iter().flatten().filter(|(key, _)| !new.contains_key(*key)) {
            let none = Value::Array(Vec::new());
            list.extend(change(&format!("{field}.{key}"), Some(value), &none));
        }
    }
}

fn change(field: &str, old: Option<&Value>, new: &Value) -> Option<Change> {
    if old == Some(new) || (old.is_none() && is_nothing(new)) {
        return None;
    }
    let field = field.to_owned();
    if let (Some(new), Some(old)) = (texts(new), old.map_or(Some(BTreeSet::new()), texts)) {
        let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect();
        let (added, removed): (Vec<_>, Vec<_>) = (only(&new, &old), only(&old, &new));
        let is_same = added.is_empty() && removed.is_empty();
        return (!is_same).then_some(Change::List { field, added, removed });
    }
    Some(Change::Value { field, old: old.map(cut), new: cut(new) })
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        _ => false,
    }
}

fn texts(value: &Value) -> Option<BTreeSet<String>> {
    value.as_array()?.iter().map(|element| Some(element.as_str()?.to_owned())).collect()
}

fn cut(value: &Value) -> Value {
    match value.as_str().and_then(|text| Some((text, text.char_indices().nth(LONGEST)?.0))) {
        Some((text, at)) => {
            let (begin, count) = (text.get(..at).unwrap_or_default(), text.chars().count());
            format!("{begin}… ({count} characters)").into()
        }
        None => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Attributes {
        value.as_object().cloned().unwrap()
    }

    fn list(field: &str, added: &[&str], removed: &[&str]) -> Change {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Change::List { field: field.into(), added: owned(added), removed: owned(removed) }
    }

    #[test]
    fn only_what_differs_is_told() {
        let old = object(json!({
            "name": "anna", "lastname": "A", "email": "a@x", "schools": ["S1", "S2"],
            "school_classes": {"S1": ["1a"], "S2": ["2b"]}, "udm_properties": {"title": "Dr.", "phone": []},
        }));
        let new = object(json!({
            "name": "anna", "lastname": "B", "email": null, "schools": ["S2", "S1"],
            "school_classes": {"S1": ["1a", "1b"]}, "udm_properties": {"title": null},
        }));
        assert_eq!(
            changes(Some(&old), &new),
            [
                Change::Value { field: "email".into(), old: Some("a@x".into()), new: Value::Null },
                Change::Value { field: "lastname".into(), old: Some("A".into()), new: "B".into() },
                list("school_classes.S1", &["1b"], &[]),
                list("school_classes.S2", &[], &["2b"]),
                Change::Value {
                    field: "udm_properties.title".into(),
                    old: Some("Dr.".into()),
                    new: Value::Null
                },
            ]
        );
    }

    #[test]
    fn secrets_are_not_shown_and_nothing_is_made_of_nothing() {
        let new = object(json!({
            "password": "hush", "kelvin_password_hashes": {"user_password": ["hush"]},
            "email": null, "legal_wards": [], "name": "x".repeat(300),
        }));
        let told = changes(None, &new);
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(!format!("{told:?}").contains("hush"));
        assert!(format!("{told:?}").contains("(300 characters)"));
    }
}
