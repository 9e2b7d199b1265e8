//! Attributes on the wire and for the rules: URLs there, names here (kelvin-api 3).

use serde_json::Value;

use crate::address::{Addresses, Resource, name_of};
use crate::object::Attributes;
use crate::segment::decoded;

/// What an attribute of a user or class refers to. `school_classes` and `workgroups` have plain names.
fn resource_of(attribute: &str) -> Option<Resource> {
    match attribute {
        "roles" => Some(Resource::Role),
        "school" | "schools" => Some(Resource::School),
        "legal_guardians" | "legal_wards" | "users" => Some(Resource::User),
        _ => None,
    }
}

/// Attributes as they are sent.
pub(crate) fn to_wire(attributes: &Attributes, addresses: &Addresses) -> Attributes {
    let convert = |(key, value): (&String, &Value)| {
        let value = match resource_of(key) {
            Some(resource) => map(value, &|name| addresses.reference(resource, name)),
            None => value.clone(),
        };
        (key.clone(), value)
    };
    attributes.iter().map(convert).collect()
}

/// Puts names in place of the URLs of an answer.
pub(crate) fn from_wire(attributes: &mut Attributes) {
    for (key, value) in attributes.iter_mut() {
        if resource_of(key).is_some() {
            *value = map(value, &|url| decoded(name_of(url)));
        }
    }
}

/// A text, or each text of a list, made into another.
fn map(value: &Value, convert: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(convert(text)),
        Value::Array(list) => list.iter().map(|value| map(value, convert)).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::client::ApiVersion;

    fn addresses() -> Addresses {
        Addresses::parse("https://k.example/ucsschool/kelvin/v1/", ApiVersion::V1).unwrap()
    }

    #[test]
    fn only_references_become_urls() {
        let names = json!({
            "name": "anna", "school": "DEMO SCHOOL", "schools": ["DEMO SCHOOL", "B"], "roles": ["student"],
            "school_classes": {"B": ["1a"]}, "workgroups": {"B": []}, "users": null, "email": null,
            "legal_guardians": ["Jörg"], "legal_wards": [], "udm_properties": {"school": "x"},
        });
        let urls = json!({
            "name": "anna", "school": "https://k.example/ucsschool/kelvin/v1/schools/DEMO%20SCHOOL",
            "schools": [
                "https://k.example/ucsschool/kelvin/v1/schools/DEMO%20SCHOOL",
                "https://k.example/ucsschool/kelvin/v1/schools/B",
            ],
            "roles": ["https://k.example/ucsschool/kelvin/v1/roles/student"],
            "school_classes": {"B": ["1a"]}, "workgroups": {"B": []}, "users": null, "email": null,
            "legal_guardians": ["https://k.example/ucsschool/kelvin/v1/users/J%C3%B6rg"],
            "legal_wards": [], "udm_properties": {"school": "x"},
        });
        let mut sent = to_wire(names.as_object().unwrap(), &addresses());
        assert_eq!(Value::Object(sent.clone()), urls);
        from_wire(&mut sent);
        assert_eq!(Value::Object(sent), names);
    }

    proptest! {
        #[test]
        fn any_name_comes_back(names in proptest::collection::vec("\\PC+", 0..4)) {
            let before = json!({"users": names, "legal_wards": names, "schools": names});
            let mut attributes = to_wire(before.as_object().unwrap(), &addresses());
            from_wire(&mut attributes);
            prop_assert_eq!(Value::Object(attributes), before);
        }
    }
}
