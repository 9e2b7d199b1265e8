//! What of a user differs from what the server has (kelvin-api 7.4).

use std::collections::{BTreeMap, BTreeSet};

use idspool_kelvin_client::Attributes;
use idspool_udm::value;
use serde_json::{Map, Value, json};

use super::wanted::Wanted;

/// What is to be changed at the server: attributes that differ, or all that are wanted. Empty: nothing.
pub(super) fn difference(wanted: &Wanted, present: &Attributes, all: bool) -> Attributes {
    let mut change = Map::new();
    for (attribute, value) in &wanted.attributes {
        if all || !is_same(attribute, value, present.get(attribute)) {
            change.insert(attribute.clone(), value.clone());
        }
    }
    if change.contains_key("school") || change.contains_key("schools") {
        // The server would make up what is missing (kelvin-api 7.4).
        for attribute in ["school", "schools", "school_classes"] {
            if let Some(value) = wanted.attributes.get(attribute) {
                change.insert(attribute.into(), value.clone());
            }
        }
    }
    let has = present.get("udm_properties").and_then(Value::as_object);
    let mut properties = Map::new();
    for (property, value) in &wanted.properties {
        let present = has.and_then(|has| has.get(property));
        if is_void(Some(value)) && present.is_none() {
            continue;
        }
        // With an address the server sets this one, too (kelvin-api 12).
        let is_overwritten = property == "e-mail" && change.contains_key("email");
        if all || is_overwritten || !is_same_property(value, present) {
            // Only the server knows whether its property is a list.
            let is_list = present.is_some_and(Value::is_array);
            let value = if value.is_null() && is_list { json!([]) } else { value.clone() };
            properties.insert(property.clone(), value);
        }
    }
    if !properties.is_empty() {
        change.insert("udm_properties".into(), properties.into());
    }
    change
}

fn is_same(attribute: &str, wanted: &Value, present: Option<&Value>) -> bool {
    match attribute {
        "schools" | "roles" => set(Some(wanted)) == set(present),
        "legal_guardians" | "legal_wards" => folded(Some(wanted)) == folded(present),
        "ucsschool_roles" => own_roles(Some(wanted)) == own_roles(present),
        "school_classes" => classes(Some(wanted)) == classes(present),
        _ => Some(wanted) == present || (is_void(Some(wanted)) && is_void(present)),
    }
}

fn is_same_property(wanted: &Value, present: Option<&Value>) -> bool {
    match (wanted, present) {
        (Value::Array(wanted), Some(Value::Array(present))) => {
            let sorted = |list: &[Value]| {
                let mut list: Vec<String> = list.iter().map(Value::to_string).collect();
                list.sort();
                list
            };
            sorted(wanted) == sorted(present)
        }
        _ => Some(wanted) == present || (is_void(Some(wanted)) && is_void(present)),
    }
}

/// Whether there is no value.
fn is_void(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(list)) => list.is_empty(),
        Some(_) => false,
    }
}

fn set(list: Option<&Value>) -> BTreeSet<&str> {
    value::texts(list).collect()
}

/// Names of users and classes compare without letter case.
fn folded(list: Option<&Value>) -> BTreeSet<String> {
    value::texts(list).map(str::to_lowercase).collect()
}

/// Those of schools are the server's own.
fn own_roles(list: Option<&Value>) -> BTreeSet<&str> {
    value::texts(list).filter(|role| role.split(':').nth(1) != Some("school")).collect()
}

fn classes(classes: Option<&Value>) -> BTreeMap<&str, BTreeSet<String>> {
    let classes = classes.and_then(Value::as_object).into_iter().flatten();
    classes
        .map(|(school, names)| (school.as_str(), folded(Some(names))))
        .filter(|(_, names)| !names.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(wanted: Value, present: Value, all: bool) -> Value {
        let mut attributes = wanted.as_object().cloned().unwrap();
        let properties = attributes.remove("udm_properties");
        let properties = properties.and_then(|p| p.as_object().cloned()).unwrap_or_default();
        let wanted = Wanted { attributes, properties, password: None };
        difference(&wanted, present.as_object().unwrap(), all).into()
    }

    #[test]
    fn only_what_differs_is_sent() {
        for (wanted, present, expected) in [
            (json!({"firstname": "A"}), json!({"firstname": "A", "lastname": "B"}), json!({})),
            (json!({"firstname": "A"}), json!({"firstname": "a"}), json!({"firstname": "A"})),
            (json!({"disabled": false}), json!({"disabled": true}), json!({"disabled": false})),
            // Clearing.
            (json!({"email": null}), json!({"email": "a@x"}), json!({"email": null})),
            (json!({"email": null}), json!({"email": null}), json!({})),
            (json!({"email": null}), json!({}), json!({})),
            (
                json!({"birthday": null}),
                json!({"birthday": "2011-05-30"}),
                json!({"birthday": null}),
            ),
            // Sets.
            (
                json!({"roles": ["staff", "teacher"]}),
                json!({"roles": ["teacher", "staff"]}),
                json!({}),
            ),
            (json!({"legal_wards": ["Anna"]}), json!({"legal_wards": ["anna"]}), json!({})),
            (json!({"legal_wards": []}), json!({}), json!({})),
            (json!({"legal_wards": []}), json!({"legal_wards": ["a"]}), json!({"legal_wards": []})),
            (
                json!({"ucsschool_roles": ["x:y:z", "student:school:S"]}),
                json!({"ucsschool_roles": ["student:school:T", "x:y:z"]}),
                json!({}),
            ),
            (
                json!({"ucsschool_roles": []}),
                json!({"ucsschool_roles": ["x:y:z"]}),
                json!({"ucsschool_roles": []}),
            ),
            // Classes.
            (
                json!({"school_classes": {"S": ["1A", "b"]}}),
                json!({"school_classes": {"S": ["b", "1a"], "T": []}}),
                json!({}),
            ),
            (
                json!({"school_classes": {}}),
                json!({"school_classes": {"S": ["b"]}}),
                json!({"school_classes": {}}),
            ),
            (
                json!({"school_classes": {"S": ["b"]}}),
                json!({"school_classes": {"S": ["b"], "T": ["c"]}}),
                json!({"school_classes": {"S": ["b"]}}),
            ),
        ] {
            assert_eq!(change(wanted.clone(), present, false), expected, "{wanted}");
        }
    }

    #[test]
    fn a_move_names_school_schools_and_classes_together() {
        let wanted = json!({"school": "B", "schools": ["B"], "school_classes": {"B": ["1"]}});
        let present = json!({"school": "A", "schools": ["A"], "school_classes": {"A": ["1"]}});
        assert_eq!(change(wanted.clone(), present, false), wanted);
        let present = json!({"school": "B", "schools": ["A", "B"], "school_classes": {"B": ["1"]}});
        assert_eq!(change(wanted.clone(), present, false), wanted);
        let without = json!({"school": "B", "schools": ["B"]});
        let present = json!({"school": "A", "schools": ["A", "B"], "school_classes": {"A": ["1"]}});
        assert_eq!(change(without.clone(), present, false), without);
        let same = json!({"school": "B", "schools": ["B"], "school_classes": {"B": ["2"]}});
        let present = json!({"school": "B", "schools": ["B"], "school_classes": {"B": ["1"]}});
        assert_eq!(change(same, present, false), json!({"school_classes": {"B": ["2"]}}));
    }

    #[test]
    fn properties_are_cleared_by_what_the_server_has_them_as() {
        let wanted = |properties: Value| json!({"udm_properties": properties});
        for (properties, present, expected) in [
            (json!({"phone": ["2", "1"]}), json!({"phone": ["1", "2"], "title": "x"}), json!({})),
            (json!({"phone": null}), json!({"phone": ["1"]}), wanted(json!({"phone": []}))),
            (json!({"phone": null}), json!({"phone": []}), json!({})),
            (json!({"phone": []}), json!({"phone": ["1"]}), wanted(json!({"phone": []}))),
            (json!({"title": null}), json!({"title": "x"}), wanted(json!({"title": null}))),
            (json!({"title": null}), json!({"title": null}), json!({})),
            // Not configured at the server: nothing to clear, but a value must not be lost silently.
            (json!({"shoe": null}), json!({}), json!({})),
            (json!({"shoe": "44"}), json!({}), wanted(json!({"shoe": "44"}))),
            (json!({"flag": false}), json!({"flag": true}), wanted(json!({"flag": false}))),
        ] {
            let present = wanted(present);
            assert_eq!(
                change(wanted(properties.clone()), present, false),
                expected,
                "{properties}"
            );
        }
    }

    #[test]
    fn addresses_that_the_server_would_overwrite_are_sent_again() {
        let wanted = json!({"email": "b@x", "udm_properties": {"e-mail": ["c@x"], "phone": []}});
        let present = json!({"email": "a@x", "udm_properties": {"e-mail": ["c@x"], "phone": []}});
        let expected = json!({"email": "b@x", "udm_properties": {"e-mail": ["c@x"]}});
        assert_eq!(change(wanted.clone(), present, false), expected);
        assert_eq!(change(wanted.clone(), wanted, false), json!({}));
    }

    #[test]
    fn all_that_is_wanted_is_sent_on_demand() {
        let present = json!({
            "firstname": "A", "lastname": "B", "udm_properties": {"title": "x", "phone": ["1"]},
        });
        let wanted = json!({"firstname": "A", "email": null, "udm_properties": {"phone": null}});
        let expected = json!({"firstname": "A", "email": null, "udm_properties": {"phone": []}});
        assert_eq!(change(wanted, present, true), expected);
    }
}
