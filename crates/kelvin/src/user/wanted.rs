//! What the server is to have of a user (id-connector 3.4).

use std::borrow::Cow;

use chrono::NaiveDate;
use idspool_kelvin_client::{Attributes, Identity};
use idspool_provisioner::Fault;
use idspool_service::Secret;
use idspool_udm::{ConvertedItem, value};
use serde_json::{Map, Value, json};
use tracing::warn;

use super::roles::{self, LEGAL_GUARDIAN, STUDENT};
use super::schools::Schools;
use super::{identity, relatives};
use crate::conf::AttributeMapping;
use crate::halt::Halt;
use crate::site::Site;

/// The mapped attributes of a user. `null` stands for what is to be cleared.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Wanted {
    /// Attributes of the API.
    pub(super) attributes: Attributes,
    /// UDM properties of the server.
    pub(super) properties: Map<String, Value>,
    /// What the user gets as a password when it is created, and never again.
    pub(super) password: Option<Password>,
}

impl Wanted {
    /// The identity of an account that was brought to this state and had another one before.
    pub(super) fn identity_after(&self, before: Identity) -> Identity {
        let text = |attribute: &str| self.attributes.get(attribute)?.as_str().map(str::to_owned);
        Identity {
            record_uid: text("record_uid").unwrap_or(before.record_uid),
            source_uid: text("source_uid").unwrap_or(before.source_uid),
        }
    }
}

/// Where the first password of a user comes from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Password {
    /// It is made at random.
    Random,
    /// A property has it.
    Given(Secret),
}

/// What an attribute of the API takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A text that cannot be cleared.
    Text,
    /// A text; of a list, the first.
    Email,
    Date,
    Yes,
    /// Only made from the property of the same name.
    Own,
    /// Names of users, from names or DNs.
    Users,
    Texts,
    Password,
    /// A property of UDM, passed on as it is.
    Property,
}

impl Kind {
    fn of(target: &str) -> Self {
        match target {
            "name" | "firstname" | "lastname" | "record_uid" | "source_uid" => Self::Text,
            "email" => Self::Email,
            "birthday" | "expiration_date" => Self::Date,
            "disabled" => Self::Yes,
            "school" | "schools" | "roles" | "school_classes" => Self::Own,
            "legal_guardians" | "legal_wards" => Self::Users,
            "ucsschool_roles" => Self::Texts,
            "password" => Self::Password,
            _ => Self::Property,
        }
    }
}

/// What is needed beside the mapping.
pub(super) struct Sources<'a> {
    pub(super) site: &'a Site,
    pub(super) item: &'a ConvertedItem,
    pub(super) object: &'a Map<String, Value>,
    pub(super) schools: &'a Schools,
    /// The name at the server of the user with this DN, if it is not that of the DN.
    pub(super) name_of: &'a dyn Fn(&str) -> Option<String>,
}

impl Sources<'_> {
    /// Applies a mapping.
    ///
    /// Of several properties for one attribute the last in alphabetical order counts that has a value; for `email`
    /// one that is a single text counts more than a list.
    pub(super) fn apply(&self, mapping: &AttributeMapping) -> Result<Wanted, Halt> {
        let mut wanted = Wanted::default();
        let mut has_single_email = false;
        for (source, target) in mapping {
            let kind = Kind::of(target);
            if kind == Kind::Password {
                wanted.password = self.password(source)?.or(wanted.password);
                continue;
            }
            if source == "password" {
                // The hash of it, which no other attribute takes.
                continue;
            }
            if kind == Kind::Own && source != target {
                return Err(Fault::permanent(format!("'{source}' is mapped to '{target}'"))
                    .with_remedy(format!(
                        "map only '{target}' to '{target}' in the file of the school authority"
                    ))
                    .into());
            }
            let value = self.value(source)?;
            let value = convert(kind, source, target, value)?;
            let value = match kind {
                Kind::Users => self.users(target, &value),
                _ => value,
            };
            let is_empty = value.is_null();
            match kind {
                Kind::Property => put(&mut wanted.properties, target, value),
                // Cannot be cleared, so nothing is said about it.
                Kind::Text if is_empty => {}
                Kind::Email if is_empty => put(&mut wanted.attributes, target, value),
                Kind::Email => {
                    let is_single = !self.object.get(source).is_some_and(Value::is_array);
                    if is_single || !has_single_email {
                        put(&mut wanted.attributes, target, value);
                    }
                    has_single_email |= is_single;
                }
                _ => put(&mut wanted.attributes, target, value),
            }
        }
        if mapping.values().any(|target| target == "source_uid") {
            // The server would assume another one, and the user not be found again.
            let source = identity::source_of(self.object, &self.site.settings.source_uid);
            wanted.attributes.entry("source_uid").or_insert_with(|| source.into());
        }
        Ok(wanted)
    }

    fn password(&self, source: &str) -> Result<Option<Password>, Halt> {
        match self.object.get(source) {
            _ if source == "password" => Ok(Some(Password::Random)),
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(Password::Given(Secret::new(text.as_str())))),
            Some(_) => Err(unusable(source, "password", "a single text is needed").into()),
        }
    }

    /// The value of a property, or of what counts as one.
    fn value(&self, source: &str) -> Result<Cow<'_, Value>, Halt> {
        let property = self.object.get(source).unwrap_or(&Value::Null);
        Ok(Cow::Owned(match source {
            "roles" => {
                let options = self.item.options.as_deref().unwrap_or_default();
                json!(roles::to_send(options, &self.site.target)?)
            }
            "school" => json!(self.schools.primary),
            "schools" => json!(self.schools.all),
            "school_classes" => self.schools.classes(self.site, self.item),
            "source_uid" => {
                json!(identity::source_of(self.object, &self.site.settings.source_uid))
            }
            "disabled" => disabled(property)?,
            "birthday" | "userexpiry" => date(source, property)?,
            _ => return Ok(Cow::Borrowed(property)),
        }))
    }

    /// Names of guardians or wards, none if the user cannot have any: the server would refuse them.
    fn users(&self, target: &str, value: &Value) -> Value {
        let names = relatives::names(value, self.name_of);
        let role = if target == "legal_guardians" { STUDENT } else { LEGAL_GUARDIAN };
        let options = self.item.options.as_deref().unwrap_or_default();
        let can_have = roles::of_options(options).is_some_and(|roles| roles.contains(&role));
        if !names.is_empty() && !can_have {
            warn!("Ignoring '{target}' of '{}': the user has not the role '{role}'.", self.item.dn);
            return json!([]);
        }
        json!(names)
    }
}

/// What has no value does not replace one.
fn put(map: &mut Map<String, Value>, key: &str, value: Value) {
    if value.is_null() && map.contains_key(key) {
        return;
    }
    map.insert(key.to_owned(), value);
}

fn disabled(property: &Value) -> Result<Value, Halt> {
    if property.is_null() {
        return Err(unusable("disabled", "disabled", "it is missing").into());
    }
    Ok(value::is_set(Some(property), value::ONE).into())
}

fn date(source: &str, property: &Value) -> Result<Value, Halt> {
    match property {
        Value::Null => Ok(Value::Null),
        Value::String(text) if text.is_empty() => Ok(Value::Null),
        Value::String(text) if is_date(text) => Ok(property.clone()),
        _ => Err(unusable(source, source, "a date such as 2011-05-30 is needed").into()),
    }
}

fn is_date(text: &str) -> bool {
    text.len() == "2011-05-30".len() && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

/// A value in the form that the attribute takes; `null`: it has none.
fn convert(kind: Kind, source: &str, target: &str, value: Cow<'_, Value>) -> Result<Value, Halt> {
    let wrong = |needed: &str| Err(unusable(source, target, needed).into());
    let is_text = |value: &Value| value.is_string();
    match (kind, &*value) {
        (Kind::Users | Kind::Texts, Value::Null) => Ok(json!([])),
        (_, Value::Null) => Ok(Value::Null),
        (Kind::Text | Kind::Email | Kind::Property, Value::String(text)) if text.is_empty() => {
            Ok(Value::Null)
        }
        (Kind::Text | Kind::Email, Value::String(_)) => Ok(value.into_owned()),
        (Kind::Text, Value::Number(number)) => Ok(number.to_string().into()),
        (Kind::Text, _) => wrong("a single text is needed"),
        (Kind::Email, Value::Array(list)) if list.iter().all(is_text) => {
            let first = value::texts(Some(&value)).find(|text| !text.is_empty());
            Ok(first.map_or(Value::Null, Value::from))
        }
        (Kind::Email, _) => wrong("an address is needed"),
        (Kind::Date, _) => Ok(date(source, &value)?),
        (Kind::Yes, Value::Bool(_)) => Ok(value.into_owned()),
        (Kind::Yes, Value::String(_)) => Ok(value::is_set(Some(&value), value::ONE).into()),
        (Kind::Yes, _) => wrong("true or false is needed"),
        (Kind::Users | Kind::Texts, Value::Array(list)) if list.iter().all(is_text) => {
            Ok(value.into_owned())
        }
        (Kind::Users | Kind::Texts, Value::String(text)) => Ok(json!([text])),
        (Kind::Users | Kind::Texts, _) => wrong("a list of texts is needed"),
        (Kind::Own | Kind::Password | Kind::Property, _) => Ok(value.into_owned()),
    }
}

fn unusable(source: &str, target: &str, reason: &str) -> Fault {
    Fault::permanent(format!("property '{source}' cannot be sent as '{target}': {reason}")).with_remedy(
        "correct the property in the directory, or the mapping in the file of the school authority",
    )
}

#[cfg(test)]
mod tests;
