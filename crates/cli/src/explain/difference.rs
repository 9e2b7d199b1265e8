//! What differs between the last delivered state of an object and a new one.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value, json};

use crate::queue::is_hidden;

/// Characters of a value that are shown.
const SHOWN: usize = 80;
/// Elements of a list that are shown on each side.
const ELEMENTS: usize = 5;

/// One property that differs. Values of secret and bulky ones are not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    property: String,
    old: String,
    new: String,
}

impl Difference {
    /// Of two texts.
    pub(super) fn of_text(property: &str, old: &str, new: &str) -> Self {
        Self { property: property.to_owned(), old: old.to_owned(), new: new.to_owned() }
    }

    pub(super) fn to_json(&self) -> Value {
        json!({ "property": self.property, "old": self.old, "new": self.new })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} -> {}", self.property, self.old, self.new)
    }
}

/// The properties that differ, by name. What idspool itself adds to snapshots counts only where the
/// new state has it, too.
pub(super) fn differences(
    old: Option<&Map<String, Value>>,
    new: &Map<String, Value>,
) -> Vec<Difference> {
    let empty = Map::new();
    let old = old.unwrap_or(&empty);
    let properties: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    properties
        .into_iter()
        .filter(|property| !property.starts_with("oxDb") || new.contains_key(*property))
        .filter_map(|property| {
            let (before, after) = (value(old, property), value(new, property));
            if is_same(property, before, after) {
                return None;
            }
            if is_hidden(property) {
                let (before, after) = (length(before), length(after));
                return Some(Difference::of_text(property, &before, &after));
            }
            if let (Value::Array(before), Value::Array(after)) = (before, after)
                && before.iter().chain(after).count() > ELEMENTS
            {
                let (gone, come) = (without(before, after), without(after, before));
                return Some(Difference::of_text(
                    property,
                    &format!("without {gone}"),
                    &format!("with {come}"),
                ));
            }
            Some(Difference::of_text(property, &text(before), &text(after)))
        })
        .collect()
}

fn value<'a>(object: &'a Map<String, Value>, property: &str) -> &'a Value {
    match object.get(property) {
        // Nothing, in each of its forms.
        Some(Value::String(text)) if text.is_empty() => &Value::Null,
        Some(Value::Array(list)) if list.is_empty() => &Value::Null,
        Some(value) => value,
        None => &Value::Null,
    }
}

/// Contexts and flags have two forms (ox-provisioning 2.2), which are not two values.
fn is_same(property: &str, old: &Value, new: &Value) -> bool {
    if old == new {
        return true;
    }
    match property {
        "oxContext" | "contextid" => plain(old) == plain(new),
        "isOxUser" | "isOxGroup" => is_yes(old) == is_yes(new),
        _ => false,
    }
}

fn is_yes(value: &Value) -> bool {
    value == &Value::Bool(true) || value == "OK"
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned())
}

fn length(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => format!("({} characters, not shown)", text.len()),
        _ => "(not shown)".to_owned(),
    }
}

fn without(list: &[Value], other: &[Value]) -> String {
    // Groups have thousands of members.
    let other: BTreeSet<String> = other.iter().map(Value::to_string).collect();
    let only: Vec<&Value> = list.iter().filter(|v| !other.contains(&v.to_string())).collect();
    let mut shown: Vec<String> = only.iter().take(ELEMENTS).map(|value| text(value)).collect();
    if only.len() > ELEMENTS {
        shown.push(format!("{} more", only.len() - ELEMENTS));
    }
    if shown.is_empty() { "nothing".to_owned() } else { shown.join(", ") }
}

fn text(value: &Value) -> String {
    let text = match value {
        Value::Null => return "nothing".to_owned(),
        other => other.to_string(),
    };
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(old: Value, new: Value) -> Vec<String> {
        let (old, new) = (old.as_object().cloned(), new.as_object().cloned());
        differences(old.as_ref(), &new.unwrap()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn two_forms_of_one_value_are_no_difference() {
        let old =
            json!({"oxContext": "10", "isOxUser": true, "phone": [], "city": "", "oxDbId": 42});
        let new = json!({"oxContext": 10, "isOxUser": "OK", "phone": null, "oxDbUsername": null});
        assert_eq!(shown(old, new), [""; 0]);
    }

    #[test]
    fn values_are_told_old_and_new() {
        assert_eq!(
            shown(
                json!({"phone": ["1"], "city": "Bremen"}),
                json!({"phone": ["2"], "title": "Dr."})
            ),
            [
                "city: \"Bremen\" -> nothing",
                "phone: [\"1\"] -> [\"2\"]",
                "title: nothing -> \"Dr.\""
            ]
        );
    }

    #[test]
    fn secrets_and_pictures_are_not_shown() {
        let new = json!({"jpegPhoto": "AAAA", "password": "hush", "sambaNTPassword": "0123"});
        let all = shown(json!({}), new).join("\n");
        assert!(!all.contains("hush") && !all.contains("0123") && !all.contains("AAAA"), "{all}");
        assert_eq!(all.lines().count(), 3);
    }

    #[test]
    fn long_lists_tell_who_came_and_went() {
        let list = |numbers: std::ops::Range<u32>| {
            numbers.map(|n| json!(format!("uid={n}"))).collect::<Vec<_>>()
        };
        assert_eq!(
            shown(json!({"users": list(0..100)}), json!({"users": list(1..102)})),
            ["users: without \"uid=0\" -> with \"uid=100\", \"uid=101\""]
        );
    }
}
