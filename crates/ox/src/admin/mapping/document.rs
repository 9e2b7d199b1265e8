//! A mapping file as JSON: what an edit does not concern stays as it is, also what this version does
//! not know.

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::ser::PrettyFormatter;
use serde_json::{Map, Value, json};

use crate::mapping::{Entry, Mapping, check};

/// The keys of an entry in the order in which they are written (ox-provisioning 8.1).
const KEYS: [&str; 6] = [
    "ldap_attribute",
    "nillable",
    "multi_value",
    "special_handling",
    "alternative_attributes",
    "position",
];

/// A mapping that can be used.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Document(Map<String, Value>);

impl Document {
    /// The mapping that holds without a file.
    pub(super) fn built_in() -> Self {
        let mapping = Mapping::built_in();
        let entries = mapping.entries().iter();
        Self(entries.map(|entry| (entry.property.name.to_owned(), written(entry))).collect())
    }

    /// What is in a file.
    ///
    /// # Errors
    /// It is no mapping; the text says why.
    pub(super) fn new(value: Value) -> Result<Self, String> {
        check(&value)?;
        match value {
            Value::Object(entries) => Ok(Self(entries)),
            _ => Err("expected an object of OX properties".to_owned()),
        }
    }

    /// The entry of an OX property; `None`: there is no such property. One that the file leaves out is
    /// added as it counts: not synchronised.
    pub(super) fn entry(&mut self, property: &str) -> Option<&mut Map<String, Value>> {
        let mapping = Mapping::built_in();
        let default = mapping.entries().iter().find(|entry| entry.property.name == property)?;
        let unset =
            || written(&Entry { source: None, alternatives: Vec::new(), ..default.clone() });
        self.0.entry(property).or_insert_with(unset).as_object_mut()
    }

    /// The text of the file: four spaces, in the order of the built-in mapping.
    pub(super) fn to_text(&self) -> String {
        let mut text = Vec::new();
        let formatter = PrettyFormatter::with_indent(b"    ");
        let mut serializer = serde_json::Serializer::with_formatter(&mut text, formatter);
        // JSON values into memory: there is no way to fail.
        let written = self.serialize(&mut serializer);
        debug_assert!(written.is_ok(), "JSON into memory: {written:?}");
        text.push(b'\n');
        String::from_utf8(text).unwrap_or_default()
    }
}

fn written(entry: &Entry) -> Value {
    json!({
        "ldap_attribute": entry.source,
        "nillable": !entry.required,
        "multi_value": entry.multi_value,
        "special_handling": entry.handling.name(),
        "alternative_attributes": entry.alternatives,
        "position": entry.position,
    })
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mapping = Mapping::built_in();
        let mut map = serializer.serialize_map(None)?;
        for property in mapping.entries().iter().map(|entry| entry.property.name) {
            if let Some(Value::Object(entry)) = self.0.get(property) {
                map.serialize_entry(property, &Ordered(entry))?;
            }
        }
        map.end()
    }
}

/// An entry with its keys in their usual order, then those that only later versions know.
struct Ordered<'a>(&'a Map<String, Value>);

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let known = KEYS.iter().filter_map(|&key| self.0.get_key_value(key));
        let others = self.0.iter().filter(|(key, _)| !KEYS.contains(&key.as_str()));
        serializer.collect_map(known.chain(others))
    }
}
