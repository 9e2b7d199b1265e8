//! Searching users (kelvin-api 7.2).

use std::collections::BTreeSet;

use serde_json::Value;

use super::Answer;
use crate::kelvin::answer::Shown;
use crate::kelvin::body::boolean;
use crate::kelvin::check;
use crate::kelvin::failure::matches;
use crate::kelvin::options::PropertyOwner;
use crate::kelvin::refusal::{Item, Refusal};
use crate::kelvin::world::{Role, User};
use crate::view::Query;

/// One condition; a user must meet all of them. Patterns without regard to case are in lower case.
enum Condition {
    Text(fn(&User) -> Option<&str>, String),
    Exact(fn(&User) -> Option<&str>, String),
    School(String),
    Disabled(bool),
    Roles(BTreeSet<Role>),
    MoreRoles(String),
    Property(String, String),
}

impl Condition {
    fn holds(&self, user: &User) -> bool {
        let fits = |pattern: &str, value: &str| matches(pattern, &value.to_lowercase());
        match self {
            Self::Text(field, pattern) => field(user).is_some_and(|value| fits(pattern, value)),
            Self::Exact(field, pattern) => field(user).is_some_and(|value| matches(pattern, value)),
            Self::School(pattern) => user.schools.iter().any(|school| fits(pattern, school)),
            Self::Disabled(value) => user.disabled == *value,
            Self::Roles(roles) => user.roles == *roles,
            Self::MoreRoles(pattern) => {
                user.ucsschool_roles().iter().any(|role| fits(pattern, role))
            }
            Self::Property(name, pattern) => match user.properties.get(name) {
                None => false,
                Some(Value::Array(values)) => {
                    values.iter().filter_map(Value::as_str).any(|value| fits(pattern, value))
                }
                Some(Value::String(value)) => fits(pattern, value),
                Some(value) => fits(pattern, &value.to_string()),
            },
        }
    }
}

pub(in super::super) fn search(shown: Shown<'_>, query: &Query) -> Result<Answer, Refusal> {
    let (conditions, record_uid) = conditions(shown, query)?;
    let is_meant = |user: &&User| conditions.iter().all(|condition| condition.holds(user));
    // The identity is indexed; a list of hits is sorted by name.
    let users: Vec<&User> = match &record_uid {
        Some(record_uid) => {
            let mut users: Vec<&User> = shown.world.recorded(record_uid).filter(is_meant).collect();
            users.sort_by_cached_key(|user| user.name.to_lowercase());
            users
        }
        None => shown.world.users().filter(is_meant).collect(),
    };
    Ok(Answer::list(users.into_iter().map(|user| shown.user(user))))
}

/// The conditions, and the one that the index can answer.
fn conditions(
    shown: Shown<'_>,
    query: &Query,
) -> Result<(Vec<Condition>, Option<String>), Refusal> {
    let mut conditions = Vec::new();
    let mut items = Vec::new();
    let mut roles = BTreeSet::new();
    let mut record_uid = None;
    let mut wrong = |name: &str, msg: &str, kind| {
        items.push(Item::new(vec!["query".into(), name.into()], msg, kind));
    };
    for (name, value) in query.pairs().filter(|(_, value)| !value.is_empty()) {
        let lower = || value.to_lowercase();
        match name {
            "name" => conditions.push(Condition::Text(|user| Some(&user.name), lower())),
            "firstname" => conditions.push(Condition::Text(|user| Some(&user.firstname), lower())),
            "lastname" => conditions.push(Condition::Text(|user| Some(&user.lastname), lower())),
            "email" if !value.contains('@') => {
                wrong(name, "An e-mail address must contain '@'.", "value_error");
            }
            "email" => conditions.push(Condition::Text(|user| user.email.as_deref(), lower())),
            "school" => conditions.push(Condition::School(lower())),
            "record_uid" => {
                conditions.push(Condition::Exact(|user| Some(&user.record_uid), value.to_owned()));
                if !value.contains('*') {
                    record_uid = Some(value.to_owned());
                }
            }
            "source_uid" => {
                conditions.push(Condition::Exact(|user| Some(&user.source_uid), value.to_owned()));
            }
            "birthday" | "expiration_date" if check::year(value).is_none() => {
                wrong(name, "invalid date format", "value_error.date");
            }
            "birthday" => {
                conditions.push(Condition::Exact(|user| user.birthday.as_deref(), value.to_owned()))
            }
            "expiration_date" => conditions
                .push(Condition::Exact(|user| user.expiration_date.as_deref(), value.to_owned())),
            "disabled" => match boolean(&Value::from(value)) {
                Some(value) => conditions.push(Condition::Disabled(value)),
                None => {
                    wrong(name, "value could not be parsed to a boolean", "type_error.bool");
                }
            },
            "roles" => match Role::named(value) {
                Some(role) => {
                    roles.insert(role);
                }
                None => wrong(name, "value is not a valid enumeration member", "type_error.enum"),
            },
            "ucsschool_roles" => conditions.push(Condition::MoreRoles(lower())),
            _ => {
                let is_property = shown
                    .properties
                    .iter()
                    .any(|one| one.owner == PropertyOwner::User && one.name == name);
                // What is not known is no condition: a misspelt one finds everybody.
                if is_property {
                    conditions.push(Condition::Property(name.to_owned(), lower()));
                }
            }
        }
    }
    if !roles.is_empty() && !Role::are_allowed(&roles) {
        wrong("roles", "This combination of roles is not possible.", "value_error");
    }
    if !items.is_empty() {
        return Err(Refusal::invalid(&items));
    }
    if !roles.is_empty() {
        conditions.push(Condition::Roles(roles));
    }
    Ok((conditions, record_uid))
}
