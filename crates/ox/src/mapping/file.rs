//! `AttributeMapping.json` (ox-provisioning 8.1): read when it changed, checked before it counts.
//!
//! A file that is not JSON at all falls back to the built-in mapping with a warning, as it always did.
//! One that is JSON but says something impossible stops the work instead: sending a wrong mapping would
//! overwrite the data of every user.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};
use tracing::{info, warn};

use super::{Entry, Handling, Mapping};
use crate::small_file;
use crate::stamp::Cached;

/// The largest mapping file that is read; a complete one has 20 kB.
const LIMIT: u64 = 4 << 20;

/// A mapping file that is JSON but no mapping.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("attribute mapping {path}: {problem}", path = path.display())]
pub(crate) struct MappingError {
    path: PathBuf,
    problem: String,
}

/// The mapping in force.
pub(crate) struct MappingFile {
    path: PathBuf,
    built_in: Arc<Mapping>,
    current: Cached<Arc<Mapping>>,
}

impl MappingFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, built_in: Mapping::built_in(), current: Cached::new() }
    }

    /// The mapping as the file says now; the file is only read again when it changed.
    ///
    /// # Errors
    /// The file is JSON, but not a mapping.
    pub(crate) fn current(&self) -> Result<Arc<Mapping>, MappingError> {
        self.current.get(&self.path, || self.read())
    }

    fn read(&self) -> Result<Arc<Mapping>, MappingError> {
        let text = match read_bounded(&self.path) {
            Ok(text) => text,
            Err(error) => {
                if error.kind() != ErrorKind::NotFound {
                    warn!("Could not read {}: {error}", self.path.display());
                }
                info!("Using default user attribute mapping");
                return Ok(Arc::clone(&self.built_in));
            }
        };
        match serde_json::from_slice::<Value>(&text) {
            Ok(value) => parse(&value, &self.built_in)
                .map(Arc::new)
                .map_err(|problem| MappingError { path: self.path.clone(), problem }),
            Err(error) => {
                warn!("{} is not JSON ({error}): it is not used", self.path.display());
                info!("Using default user attribute mapping");
                Ok(Arc::clone(&self.built_in))
            }
        }
    }
}

/// What is wrong with a mapping that is to be written.
///
/// # Errors
/// The text says which entry cannot be used.
pub(crate) fn check(value: &Value) -> Result<(), String> {
    parse(value, &Mapping::built_in()).map(drop)
}

/// Reads a mapping file, unless it is absurdly large.
pub(crate) fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    small_file::read(path, LIMIT)
}

/// Reads a mapping. What the file does not name is not synchronised.
fn parse(value: &Value, built_in: &Mapping) -> Result<Mapping, String> {
    let object = value.as_object().ok_or("expected an object of OX properties")?;
    for name in object.keys() {
        if !built_in.entries().iter().any(|entry| entry.property.name == name) {
            return Err(format!("'{name}' is no OX property that can be synchronised"));
        }
    }
    built_in
        .entries()
        .iter()
        .map(|default| match object.get(default.property.name) {
            None => Ok(Entry { source: None, alternatives: Vec::new(), ..default.clone() }),
            Some(Value::Object(entry)) => parse_entry(entry, default)
                .map_err(|problem| format!("'{}': {problem}", default.property.name)),
            Some(_) => Err(format!("'{}': expected an object", default.property.name)),
        })
        .collect::<Result<_, _>>()
        .map(Mapping)
}

fn parse_entry(object: &Map<String, Value>, default: &Entry) -> Result<Entry, String> {
    let mut entry = Entry {
        property: default.property,
        source: None,
        alternatives: Vec::new(),
        required: false,
        multi_value: false,
        handling: Handling::Default,
        position: None,
    };
    for (key, value) in object {
        let wrong = |expected| format!("'{key}' has to be {expected}");
        match key.as_str() {
            "ldap_attribute" => match value {
                Value::Null => {}
                Value::String(name) => entry.source = Some(name.clone()).filter(|n| !n.is_empty()),
                _ => return Err(wrong("the name of a UDM property, or null")),
            },
            "nillable" => entry.required = !value.as_bool().ok_or(wrong("true or false"))?,
            "multi_value" => entry.multi_value = value.as_bool().ok_or(wrong("true or false"))?,
            "special_handling" => {
                entry.handling = value
                    .as_str()
                    .and_then(Handling::named)
                    .ok_or(wrong("DEFAULT, IMAGE, DATE, IMAP_URL or SMTP_URL"))?;
            }
            "alternative_attributes" => match value {
                Value::Null => {}
                Value::Array(names) => {
                    for name in names {
                        let name = name.as_str().ok_or(wrong("a list of UDM property names"))?;
                        entry.alternatives.push(name.to_owned());
                    }
                }
                _ => return Err(wrong("a list of UDM property names")),
            },
            "position" => {
                entry.position = match value {
                    Value::Null => None,
                    _ => Some(
                        value
                            .as_u64()
                            .and_then(|n| usize::try_from(n).ok())
                            .ok_or(wrong("a number from 0, or null"))?,
                    ),
                }
            }
            // Written by a later version: harmless to an earlier one.
            _ => {}
        }
    }
    if entry.multi_value != default.multi_value {
        let expected = if default.multi_value { "true" } else { "false" };
        return Err(format!("'multi_value' of this property has to be {expected}"));
    }
    Ok(entry)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn write(dir: &tempfile::TempDir, value: &str) -> MappingFile {
        let path = dir.path().join("AttributeMapping.json");
        fs::write(&path, value).unwrap();
        MappingFile::new(path)
    }

    fn source(mapping: &Mapping, name: &str) -> Option<String> {
        mapping.entries().iter().find(|e| e.property.name == name).unwrap().source.clone()
    }

    #[test]
    fn s8_1_without_a_file_the_built_in_mapping_holds() {
        let dir = tempfile::tempdir().unwrap();
        let file = MappingFile::new(dir.path().join("AttributeMapping.json"));
        assert_eq!(file.current().unwrap(), Mapping::built_in());
    }

    #[test]
    fn s8_1_a_file_replaces_the_built_in_mapping_completely() {
        let dir = tempfile::tempdir().unwrap();
        let file = write(
            &dir,
            &json!({"userfield01": {"ldap_attribute": "description", "alternative_attributes": ["city"]}})
                .to_string(),
        );
        let mapping = file.current().unwrap();
        assert_eq!(source(&mapping, "userfield01").as_deref(), Some("description"));
        assert_eq!(source(&mapping, "given_name"), None);
        assert_eq!(mapping.entries().len(), 89);
    }

    #[test]
    fn s8_1_a_file_that_is_not_json_is_not_used() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(write(&dir, "{\"given_").current().unwrap(), Mapping::built_in());
    }

    #[test]
    fn s8_1_an_impossible_mapping_is_refused_with_its_place() {
        let dir = tempfile::tempdir().unwrap();
        for (value, expected) in [
            (json!([]), "expected an object"),
            (json!({"given_nam": {}}), "'given_nam' is no OX property"),
            (json!({"given_name": "x"}), "'given_name': expected an object"),
            (json!({"given_name": {"ldap_attribute": 5}}), "'ldap_attribute' has to be"),
            (
                json!({"given_name": {"special_handling": "X"}}),
                "'special_handling' has to be DEFAULT",
            ),
            (json!({"given_name": {"position": -1}}), "'position' has to be a number"),
            (json!({"given_name": {"nillable": "no"}}), "'nillable' has to be true"),
            (json!({"given_name": {"multi_value": true}}), "'multi_value' of this property"),
            (json!({"aliases": {}}), "'multi_value' of this property has to be true"),
        ] {
            let error = write(&dir, &value.to_string()).current().unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains("AttributeMapping.json"), "{error}");
        }
    }

    #[test]
    fn s8_1_a_changed_file_counts_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let file = write(&dir, "{}");
        assert_eq!(source(&file.current().unwrap(), "given_name"), None);
        fs::write(
            dir.path().join("AttributeMapping.json"),
            r#"{"given_name": {"ldap_attribute": "x"}}"#,
        )
        .unwrap();
        assert_eq!(source(&file.current().unwrap(), "given_name").as_deref(), Some("x"));
        fs::remove_file(dir.path().join("AttributeMapping.json")).unwrap();
        assert_eq!(source(&file.current().unwrap(), "given_name").as_deref(), Some("firstname"));
    }
}
