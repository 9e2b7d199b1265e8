//! What a class is to look like at the server, from the mapping of the authority (id-connector 4.2).

use std::collections::BTreeSet;

use idspool_kelvin_client::{Attributes, Class};
use idspool_provisioner::Fault;
use idspool_udm::school::Role;
use idspool_udm::{school, value};
use serde_json::{Map, Value, json};

use super::address::{Address, same};
use crate::conf::Authority;

/// A class as it is to be, apart from its members.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wanted {
    pub(super) address: Address,
    /// `description`, `ucsschool_roles`, `udm_properties`, `create_share`, as far as they are mapped. What the
    /// directory does not have is cleared.
    pub(super) attributes: Attributes,
    /// Whether the members are ours to say.
    pub(super) has_members: bool,
}

const DESCRIPTION: &str = "description";
const ROLES: &str = "ucsschool_roles";
const PROPERTIES: &str = "udm_properties";
const CREATE_SHARE: &str = "create_share";
/// Attribute with the members.
pub(super) const USERS: &str = "users";

impl Wanted {
    /// The class of a group's DN with the properties of the group. `school` in the spelling of the server.
    ///
    /// # Errors
    /// The authority has no mapping for classes, or one whose values cannot be sent.
    pub(super) fn new(
        authority: &Authority,
        class: &school::Class,
        school: &str,
        object: &Map<String, Value>,
    ) -> Result<Self, Fault> {
        let Some(mapping) = &authority.mappings.school_classes else {
            return Err(no_mapping(authority));
        };
        let mut wanted = Self {
            address: Address::new(school, class.name.as_str()),
            attributes: Attributes::new(),
            has_members: false,
        };
        for (source, target) in mapping {
            let own;
            let value = match source.as_str() {
                "name" => {
                    own = json!(class.name);
                    Some(&own)
                }
                "school" => {
                    own = json!(school);
                    Some(&own)
                }
                _ => object.get(source).filter(|value| !value.is_null()),
            };
            wanted.take(source, target, value)?;
        }
        Ok(wanted)
    }

    fn take(&mut self, source: &str, target: &str, value: Option<&Value>) -> Result<(), Fault> {
        let unusable = |expected: &str| {
            Fault::permanent(format!("property '{source}' cannot become '{target}': {expected}"))
                .with_remedy("correct mapping.school_classes in the file of the school authority, or the object")
        };
        let value = match target {
            "name" => {
                let name = value::text(value).filter(|name| !name.is_empty());
                self.address.name = name.ok_or_else(|| unusable("it is no text"))?.into_owned();
                return Ok(());
            }
            // A class cannot leave its school, so that of the DN counts.
            "school" => return Ok(()),
            USERS if source == USERS => {
                self.has_members = true;
                return Ok(());
            }
            USERS => return Err(unusable("members are taken from 'users' alone")),
            DESCRIPTION => {
                let text = value::first_text(value).filter(|text| !text.is_empty());
                text.map_or(Value::Null, Value::from)
            }
            ROLES => json!(value::texts(value).collect::<Vec<_>>()),
            CREATE_SHARE => json!(value::is_set(value, value::ONE)),
            PROPERTIES => match value {
                None => return Ok(()),
                Some(Value::Object(properties)) => json!(properties),
                Some(_) => return Err(unusable("it is no object of properties")),
            },
            _ => {
                tracing::debug!("Classes have no attribute '{target}': not sent");
                return Ok(());
            }
        };
        self.attributes.insert(target.to_owned(), value);
        Ok(())
    }

    /// What to send for a new class.
    pub(super) fn to_create(&self, members: Option<&[String]>) -> Attributes {
        let mut attributes = self.attributes.clone();
        attributes.retain(|_, value| !value.is_null());
        attributes.insert("name".into(), json!(self.address.name));
        attributes.insert("school".into(), json!(self.address.school));
        if let Some(members) = members {
            attributes.insert(USERS.into(), json!(members));
        }
        attributes
    }

    /// What to send for a class that is there: what differs, or everything if it is a re-provisioning.
    pub(super) fn to_change(
        &self,
        found: &Class,
        members: Option<&[String]>,
        forced: bool,
    ) -> Attributes {
        let mut changes = Attributes::new();
        for (name, value) in &self.attributes {
            // A share is made with the class or never.
            if name == CREATE_SHARE {
                continue;
            }
            let change = match value {
                Value::Object(properties) if name == PROPERTIES => {
                    let there = found.attributes.get(PROPERTIES);
                    let mut properties = properties.clone();
                    properties.retain(|name, value| {
                        forced || !is_as(value, there.and_then(|there| there.get(name)))
                    });
                    Some(Value::Object(properties)).filter(|some| *some != json!({}))
                }
                _ => {
                    let there = found.attributes.get(name);
                    let is_there =
                        if name == ROLES { has_roles(value, there) } else { is_as(value, there) };
                    (forced || !is_there).then(|| value.clone())
                }
            };
            changes.extend(change.map(|change| (name.clone(), change)));
        }
        if let Some(members) = members
            && (forced || !has_members(found, members))
        {
            changes.insert(USERS.into(), json!(members));
        }
        // The server takes both for one name: sending another case could look like a name that is taken.
        if !same(&found.name, &self.address.name) {
            changes.insert("name".into(), json!(self.address.name));
        }
        changes
    }
}

/// Members that the server shows.
pub(super) fn members_of(found: &Class) -> impl Iterator<Item = &str> {
    value::texts(found.attributes.get(USERS))
}

/// Whether somebody described the class at the server.
pub(super) fn has_description(found: &Class) -> bool {
    !is_as(&Value::Null, found.attributes.get(DESCRIPTION))
}

fn has_members(found: &Class, members: &[String]) -> bool {
    let there: BTreeSet<String> = members_of(found).map(str::to_lowercase).collect();
    let wanted: BTreeSet<String> = members.iter().map(|name| name.to_lowercase()).collect();
    there == wanted
}

/// Roles for schools are the server's own business (kelvin-api 3).
fn has_roles(wanted: &Value, there: Option<&Value>) -> bool {
    fn others(roles: Option<&Value>) -> BTreeSet<&str> {
        let is_other =
            |role: &&str| Role::parse(role).is_none_or(|role| role.context_type != "school");
        value::texts(roles).filter(is_other).collect()
    }
    others(Some(wanted)) == others(there)
}

/// What is not set is null, empty or left out.
fn is_as(wanted: &Value, there: Option<&Value>) -> bool {
    let is_unset = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    };
    match there {
        Some(there) => wanted == there || (is_unset(wanted) && is_unset(there)),
        None => is_unset(wanted),
    }
}

fn no_mapping(authority: &Authority) -> Fault {
    Fault::permanent(format!(
        "the school authority '{}' has no mapping for school classes",
        authority.name
    ))
    .with_remedy(format!(
        "add mapping.school_classes (name, description, school, users) to the configuration of plugin '{}' in the \
         file of the school authority; the queue goes on by itself",
        authority.plugin.name()
    ))
}
