//! What is required of any authority's file (id-connector 5.2 to 5.4), whether it can be served or not.

use std::fmt;

use serde_json::{Map, Value};

use super::url;

/// What stands for a secret where it is shown (id-connector 5.4).
pub const MASK: &str = "**********";
/// Keys of a plugin's configuration that are secrets if they are texts (id-connector 5.4).
const SECRETS: [&str; 3] = ["key", "password", "token"];

/// One thing that an authority's file may not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The way to the value.
    pub place: Vec<String>,
    /// What is wrong, in the words of the ID Connector where it has some.
    pub message: String,
    /// Its kind, as the ID Connector names it: `value_error.missing`, `type_error.str`, …
    pub kind: &'static str,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place.join("."), self.message)
    }
}

impl Violation {
    fn new(place: &[&str], kind: &'static str, message: impl Into<String>) -> Self {
        let place = place.iter().map(|&part| part.to_owned()).collect();
        Self { place, message: message.into(), kind }
    }

    fn missing(place: &str) -> Self {
        Self::new(&[place], "value_error.missing", "field required")
    }
}

/// Everything that an authority's file says and may not say.
pub fn violations(document: &Map<String, Value>) -> Vec<Violation> {
    let mut found = Vec::new();
    match document.get("name") {
        None => found.push(Violation::missing("name")),
        Some(Value::String(_)) => {}
        Some(_) => found.push(no_text(&["name"])),
    }
    if let Some(active) = document.get("active")
        && boolean(active).is_none()
    {
        let message = "value could not be parsed to a boolean";
        found.push(Violation::new(&["active"], "type_error.bool", message));
    }
    match document.get("url") {
        None => found.push(Violation::missing("url")),
        Some(Value::String(url)) if url::has_scheme(url) => {}
        Some(Value::String(_)) => {
            let message = "invalid or missing URL scheme";
            found.push(Violation::new(&["url"], "value_error.url.scheme", message));
        }
        Some(_) => found.push(no_text(&["url"])),
    }
    match document.get("plugins") {
        None => {}
        Some(Value::Array(names)) => {
            let wrong = names.iter().enumerate().filter(|(_, name)| !name.is_string());
            found.extend(wrong.map(|(index, _)| no_text(&["plugins", &index.to_string()])));
        }
        Some(_) => {
            let message = "value is not a valid list";
            found.push(Violation::new(&["plugins"], "type_error.list", message));
        }
    }
    match document.get("plugin_configs") {
        None => found.push(Violation::missing("plugin_configs")),
        Some(Value::Object(configs)) => {
            for (plugin, config) in configs {
                match config {
                    Value::Object(config) => in_plugin(plugin, config, &mut found),
                    _ => found.push(no_object(&["plugin_configs", plugin])),
                }
            }
        }
        Some(_) => found.push(no_object(&["plugin_configs"])),
    }
    found
}

fn no_text(place: &[&str]) -> Violation {
    Violation::new(place, "type_error.str", "str type expected")
}

fn no_object(place: &[&str]) -> Violation {
    Violation::new(place, "type_error.dict", "value is not a valid dict")
}

fn in_plugin(plugin: &str, config: &Map<String, Value>, found: &mut Vec<Violation>) {
    for key in SECRETS {
        if config.get(key).and_then(Value::as_str) == Some(MASK) {
            let message =
                "ten asterisks stand for a secret that is not shown: give the secret itself";
            found.push(Violation::new(&["plugin_configs", plugin, key], "value_error", message));
        }
    }
    if super::Plugin::of(plugin).is_none() {
        return;
    }
    if let Some(message) = half_a_relation(config.get("mapping")) {
        found.push(Violation::new(&["plugin_configs"], "value_error", message));
    }
}

/// Guardians and wards are two sides of one relation, which both must be mapped (id-connector 5.3).
fn half_a_relation(mapping: Option<&Value>) -> Option<String> {
    let mapping = mapping?.as_object()?;
    let has = |own: &str, property: &str| {
        let mapping_of = |key| mapping.get(key).and_then(Value::as_object);
        let chosen = mapping_of(own).filter(|own| !own.is_empty()).or_else(|| mapping_of("users"));
        chosen.is_some_and(|chosen| chosen.contains_key(property))
    };
    let guardians = has("users_student", "ucsschoolLegalGuardian");
    let wards = has("users_legal_guardian", "ucsschoolLegalWard");
    let (there, absent) = match (guardians, wards) {
        (true, false) => ("legal_guardians", "legal_wards"),
        (false, true) => ("legal_wards", "legal_guardians"),
        _ => return None,
    };
    Some(format!(
        "Configuration for legal_guardians and legal_wards must either both be configured, or not at all. \
         {there} has been configured, but not {absent}."
    ))
}

/// A value that means yes or no, as leniently as the ID Connector takes it.
pub(super) fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::Number(number) if number.as_f64() == Some(1.0) => Some(true),
        Value::Number(number) if number.as_f64() == Some(0.0) => Some(false),
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "1" | "on" | "t" | "true" | "y" | "yes" => Some(true),
            "0" | "off" | "f" | "false" | "n" | "no" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// The same file with [`MASK`] in place of its secrets.
pub fn masked(document: &Map<String, Value>) -> Map<String, Value> {
    let mut document = document.clone();
    let configs = document.get_mut("plugin_configs").and_then(Value::as_object_mut);
    for config in configs.into_iter().flat_map(|configs| configs.values_mut()) {
        for key in SECRETS {
            if let Some(secret) = config.get_mut(key).filter(|secret| secret.is_string()) {
                *secret = MASK.into();
            }
        }
    }
    document
}
