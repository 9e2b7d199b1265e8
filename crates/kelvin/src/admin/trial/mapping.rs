//! What a mapping alone tells (id-connector 3.4, 4.2, 4.4).

use std::collections::BTreeMap;

use super::{Check, user_mappings};
use crate::conf::{AttributeMapping, Authority, Plugin};

const CHECK: &str = "mapping";
/// Without one of these a user cannot be created; of several in a row, one is enough.
const NEEDED: [&[&str]; 7] = [
    &["name"],
    &["firstname"],
    &["lastname"],
    &["school", "schools"],
    &["roles"],
    &["record_uid"],
    &["source_uid"],
];
/// Attributes that are only made from what has the same name.
const OWN: [&str; 4] = ["school", "schools", "roles", "school_classes"];
/// What a class can have.
const OF_CLASSES: [&str; 7] =
    ["name", "school", "description", "users", "udm_properties", "ucsschool_roles", "create_share"];

pub(super) fn checks(authority: &Authority) -> Vec<Check> {
    let mut found = Vec::new();
    for (name, mapping) in user_mappings(authority) {
        of_users(&name, mapping, authority, &mut found);
    }
    of_classes(authority.mappings.school_classes.as_ref(), &mut found);
    if authority.plugin == Plugin::PartialGroupSync {
        of_ignored_roles(authority, &mut found);
    }
    if found.is_empty() {
        found.push(Check::good(CHECK, "users and classes can be created with the mapping"));
    }
    found
}

fn of_users(name: &str, mapping: &AttributeMapping, authority: &Authority, found: &mut Vec<Check>) {
    let has = |target: &&str| mapping.values().any(|value| value == target);
    for alternatives in NEEDED.iter().filter(|alternatives| !alternatives.iter().any(has)) {
        found.push(Check::problem(
            CHECK,
            format!(
                "{name}: nothing is mapped to '{}': users cannot be created",
                alternatives.join("' or '")
            ),
            "add it to the mapping",
        ));
    }
    for target in OWN {
        if let Some((source, _)) =
            mapping.iter().find(|(source, to)| *to == target && *source != target)
        {
            found.push(Check::problem(
                CHECK,
                format!("{name}: '{target}' cannot be filled from '{source}': the queue stops at the first user"),
                format!("map '{target}' to '{target}'"),
            ));
        }
    }
    let mut sources: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (source, target) in mapping {
        sources.entry(target).or_default().push(source);
    }
    if let Some(of_email) = sources.remove("email") {
        if of_email == ["e-mail"] {
            found.push(Check::note(
                CHECK,
                format!("{name}: 'e-mail' is a list, of which the server takes one address: map mailPrimaryAddress to 'email'"),
            ));
        } else if of_email.len() > 1 {
            found.push(Check::note(
                CHECK,
                format!(
                    "{name}: 'email' is filled from {}: a single address is preferred to a list",
                    of_email.join(", ")
                ),
            ));
        }
    }
    for (target, sources) in sources.iter().filter(|(_, sources)| sources.len() > 1) {
        found.push(Check::note(
            CHECK,
            format!(
                "{name}: '{target}' is filled from {}: the last that has a value counts",
                sources.join(", ")
            ),
        ));
    }
    if has(&"password") {
        let what = if authority.sync_password_hashes {
            "'password' is not sent, since password hashes are: remove it"
        } else {
            "'password' gives each new user a random password that nobody knows"
        };
        found.push(Check::note(CHECK, format!("{name}: {what}")));
    }
}

fn of_classes(mapping: Option<&AttributeMapping>, found: &mut Vec<Check>) {
    const NAME: &str = "school_classes";
    let Some(mapping) = mapping else {
        found.push(Check::problem(
            CHECK,
            format!("there is no mapping '{NAME}': the queue stops at the first class"),
            "add it: {\"name\": \"name\", \"description\": \"description\", \"school\": \"school\", \"users\": \"users\"}",
        ));
        return;
    };
    for target in ["name", "school", "users"] {
        if !mapping.values().any(|value| value == target) {
            found.push(Check::problem(
                CHECK,
                format!("{NAME}: nothing is mapped to '{target}': classes cannot be created"),
                "add it to the mapping",
            ));
        }
    }
    for target in mapping.values().filter(|target| !OF_CLASSES.contains(&target.as_str())) {
        found.push(Check::note(
            CHECK,
            format!("{NAME}: '{target}' is not sent: classes have no such attribute"),
        ));
    }
}

/// Members with an ignored role are left alone in classes, but users bring their classes along.
fn of_ignored_roles(authority: &Authority, found: &mut Vec<Check>) {
    let mappings = &authority.mappings;
    for role in &authority.ignored_roles {
        let used = mappings.users_by_role.get(role).or(mappings.users.as_ref());
        if used.is_some_and(|mapping| mapping.values().any(|target| target == "school_classes")) {
            found.push(Check::problem(
                CHECK,
                format!("school_classes_ignore_roles: the classes of each {role} are sent with the user all the same"),
                format!("add a mapping 'users_{role}' without school_classes"),
            ));
        }
    }
}
