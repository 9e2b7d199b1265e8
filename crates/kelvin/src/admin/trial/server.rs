//! What the server says.

use std::collections::BTreeSet;

use idspool_kelvin_client::{Attributes, Error, User};

use super::{Check, user_mappings};
use crate::Kelvin;
use crate::conf::{Authority, SchoolMapping};

/// Finds any user of a school.
pub type Sample<'s> = &'s mut dyn FnMut(&str) -> Result<Option<User>, Error>;

/// Attributes that a user has itself; all others are UDM properties (id-connector 3.4).
const OWN: [&str; 17] = [
    "name",
    "birthday",
    "disabled",
    "email",
    "expiration_date",
    "firstname",
    "lastname",
    "password",
    "record_uid",
    "roles",
    "school",
    "school_classes",
    "schools",
    "source_uid",
    "legal_wards",
    "legal_guardians",
    "ucsschool_roles",
];

/// A name that no user has: it is longer than names may be.
const NOBODY: &str = "idspool-asks-for-rights-and-changes-nobody";

pub(super) fn checks(
    authority: &Authority,
    mapping: &SchoolMapping,
    kelvin: &dyn Kelvin,
    sample: Sample<'_>,
) -> Vec<Check> {
    let mut found = vec![rights(authority, kelvin)];
    found.extend(roles(authority, kelvin));
    match kelvin.schools() {
        Err(error) => found.push(Check::failed("schools", &error)),
        Ok(there) => {
            let ours = mapping.schools_of(&authority.name);
            let known: Vec<&String> = there
                .iter()
                .filter(|school| ours.contains(school.to_lowercase().as_str()))
                .collect();
            found.extend(schools(&ours, &there, &known));
            found.extend(properties(authority, &known, sample));
        }
    }
    found
}

/// An account that may only read gets 401 for any change, before anybody looks for whom.
fn rights(authority: &Authority, kelvin: &dyn Kelvin) -> Check {
    const CHECK: &str = "rights";
    let may = || Check::good(CHECK, "the account may change users");
    match kelvin.change_user(NOBODY, &Attributes::new()) {
        Ok(_) => may(),
        Err(error) if error.refusal().is_some() => may(),
        Err(Error::Unauthorized { .. }) => Check::problem(
            CHECK,
            format!("the account {} may not change users", authority.username),
            "make it a member of ucsschool-kelvin-rest-api-admins at the server",
        ),
        Err(error) => Check::failed(CHECK, &error),
    }
}

fn roles(authority: &Authority, kelvin: &dyn Kelvin) -> Vec<Check> {
    const CHECK: &str = "roles";
    let there = match kelvin.roles() {
        Ok(there) => there,
        Err(error) => return vec![Check::failed(CHECK, &error)],
    };
    let has = |role: &str| there.iter().any(|one| one.eq_ignore_ascii_case(role));
    let mut found: Vec<Check> = ["student", "teacher", "staff"]
        .into_iter()
        .filter(|role| !has(role))
        .map(|role| {
            Check::problem(CHECK, format!("the server has no role '{role}'"), "look at the server")
        })
        .collect();
    if !has("legal_guardian") {
        let text = "the server has no role 'legal_guardian', as before Kelvin 3.0.0";
        let is_mapped = user_mappings(authority)
            .any(|(_, mapping)| mapping.values().any(|target| target.starts_with("legal_")));
        found.push(if is_mapped {
            Check::problem(
                CHECK,
                text,
                "update the server, or take the guardians out of the mapping",
            )
        } else {
            Check::note(CHECK, format!("{text}: the queue stops at a legal guardian"))
        });
    }
    if found.is_empty() {
        found.push(Check::good(CHECK, format!("the server has the roles {}", there.join(", "))));
    }
    found
}

fn schools(ours: &BTreeSet<&str>, there: &[String], known: &[&String]) -> Vec<Check> {
    const CHECK: &str = "schools";
    if there.is_empty() {
        let text = "the server has no schools, or does not show them to the account";
        return vec![Check::problem(CHECK, text, "create them at the server: idspool makes none")];
    }
    if ours.is_empty() {
        let remedy = format!(
            "give it some: idspool kelvin authorities map SCHOOL NAME; the server has {}",
            some(there.iter().map(String::as_str))
        );
        return vec![Check::problem(CHECK, "no school belongs to the school authority", remedy)];
    }
    let missing: Vec<&str> = ours
        .iter()
        .copied()
        .filter(|school| !known.iter().any(|known| known.to_lowercase() == *school))
        .collect();
    let mut found = Vec::new();
    if !known.is_empty() {
        let names = some(known.iter().map(|name| name.as_str()));
        found.push(Check::good(CHECK, format!("schools at the server: {names}")));
    }
    if !missing.is_empty() {
        found.push(Check::problem(
            CHECK,
            format!("the server does not have {}", some(missing.iter().copied())),
            "create them at the server, or give them to another school authority; their users and classes are not sent",
        ));
    }
    found
}

/// The server tells which properties it takes by those that it answers with.
fn properties(authority: &Authority, known: &[&String], sample: Sample<'_>) -> Vec<Check> {
    const CHECK: &str = "udm_properties";
    let mapped: BTreeSet<String> = user_mappings(authority)
        .flat_map(|(_, mapping)| mapping.values())
        .filter(|target| !OWN.contains(&target.as_str()))
        .cloned()
        .collect();
    if mapped.is_empty() {
        return Vec::new();
    }
    let mut user = None;
    for school in known {
        match sample(school) {
            Ok(found) => user = found,
            Err(error) => return vec![Check::failed(CHECK, &error)],
        }
        if user.is_some() {
            break;
        }
    }
    let names = some(mapped.iter().map(String::as_str));
    let Some(user) = user else {
        let text = format!("whether the server takes {names} shows with its first user");
        return vec![Check::note(CHECK, text)];
    };
    let taken = user.attributes.get("udm_properties").and_then(serde_json::Value::as_object);
    let refused: Vec<&str> = mapped
        .iter()
        .filter(|name| !taken.is_some_and(|taken| taken.contains_key(*name)))
        .map(String::as_str)
        .collect();
    if refused.is_empty() {
        return vec![Check::good(CHECK, format!("the server takes {names}"))];
    }
    let text = format!(
        "the server does not take {}: it refuses every user",
        some(refused.iter().copied())
    );
    let remedy =
        "add them to mapped_udm_properties.json at the server, or take them out of the mapping";
    vec![Check::problem(CHECK, text, remedy)]
}

/// The first few names.
fn some<'n>(names: impl Iterator<Item = &'n str>) -> String {
    const SHOWN: usize = 20;
    let names: Vec<&str> = names.collect();
    let shown = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
