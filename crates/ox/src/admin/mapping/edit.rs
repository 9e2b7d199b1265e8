//! What `modify` does to a mapping (ox-provisioning 8.2).

use serde_json::Value;

use super::Error;
use super::document::Document;

const SOURCE: &str = "ldap_attribute";
const ALTERNATIVES: &str = "alternative_attributes";

/// Another source for an OX property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// The OX property.
    pub property: String,
    /// The UDM property that fills it from now on.
    pub source: String,
}

/// Other alternatives for an OX property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternatives {
    /// The OX property.
    pub property: String,
    /// The UDM properties that are tried in this order when the source has no value.
    pub sources: Vec<String>,
}

/// Changes of a mapping, in the order in which they take effect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edits {
    /// First of all these.
    pub set: Vec<Set>,
    /// Then these OX properties are no longer synchronised.
    pub unset: Vec<String>,
    /// Then these.
    pub set_alternatives: Vec<Alternatives>,
    /// At last these OX properties lose their alternatives.
    pub unset_alternatives: Vec<String>,
}

impl Edits {
    /// Whether there is nothing to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self == &Self::default()
    }

    /// The UDM properties that are named.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        let set = self.set.iter().map(|set| &set.source);
        let alternatives = self.set_alternatives.iter().flat_map(|set| &set.sources);
        set.chain(alternatives).map(String::as_str)
    }

    /// The arguments that say the same to `idspool ox mapping modify`.
    #[must_use]
    pub fn to_arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        let mut add = |option: &str, property: &String, sources: &[String]| {
            arguments.extend([option.to_owned(), property.clone()]);
            arguments.extend_from_slice(sources);
        };
        for Set { property, source } in &self.set {
            add("--set", property, std::slice::from_ref(source));
        }
        for property in &self.unset {
            add("--unset", property, &[]);
        }
        for Alternatives { property, sources } in &self.set_alternatives {
            add("--set_alternatives", property, sources);
        }
        for property in &self.unset_alternatives {
            add("--unset_alternatives", property, &[]);
        }
        arguments
    }

    pub(super) fn apply(&self, document: &mut Document) -> Result<(), Error> {
        for Set { property, source } in &self.set {
            check_source(property, source)?;
            entry(document, property)?.insert(SOURCE.to_owned(), source.clone().into());
        }
        for property in &self.unset {
            let entry = entry(document, property)?;
            if entry.get("nillable") == Some(&Value::Bool(false)) {
                return Err(Error::Required { property: property.clone() });
            }
            entry.insert(SOURCE.to_owned(), Value::Null);
            entry.insert(ALTERNATIVES.to_owned(), Value::Array(Vec::new()));
        }
        for Alternatives { property, sources } in &self.set_alternatives {
            sources.iter().try_for_each(|source| check_source(property, source))?;
            entry(document, property)?.insert(ALTERNATIVES.to_owned(), sources.clone().into());
        }
        for property in &self.unset_alternatives {
            entry(document, property)?.insert(ALTERNATIVES.to_owned(), Value::Array(Vec::new()));
        }
        Ok(())
    }
}

fn entry<'a>(
    document: &'a mut Document,
    property: &str,
) -> Result<&'a mut serde_json::Map<String, Value>, Error> {
    document.entry(property).ok_or_else(|| Error::UnknownProperty { property: property.to_owned() })
}

/// Any name can be that of a custom attribute; only what no name can be is refused.
fn check_source(property: &str, source: &str) -> Result<(), Error> {
    if source.is_empty() || source.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Error::BadSource {
            property: property.to_owned(),
            source_name: source.chars().take(80).collect(),
        });
    }
    Ok(())
}
