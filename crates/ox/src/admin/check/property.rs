//! Which properties count when snapshot and directory are compared (ox-provisioning 9.4).

use idspool_udm::{Module, dn, mapping};
use serde_json::{Map, Value};

use super::finding::{Finding, Sides};
use super::shown::{Same, Shown};

/// Properties of a user that have no meaning in OX, or are made anew with the time of day.
const IGNORED_OF_USERS: &[&str] = &[
    "accountActivationDate",
    "country",
    "departmentNumber",
    "description",
    "disabled",
    "displayName",
    "e-mail",
    "gecos",
    "gidNumber",
    "groups",
    "homePostalAddress",
    "homeShare",
    "homeSharePath",
    "homedrive",
    "initials",
    "locked",
    "lockedTime",
    "mailForwardAddress",
    "mailForwardCopyToSelf",
    "mailUserQuota",
    "overridePWHistory",
    "overridePWLength",
    "oxLanguage",
    "oxTimeZone",
    "password",
    "passwordexpiry",
    "physicalDeliveryOfficeName",
    "postOfficeBox",
    "preferredDeliveryMethod",
    "preferredLanguage",
    "primaryGroup",
    "profilepath",
    "pwdChangeNextLogin",
    "roomNumber",
    "sambahome",
    "school",
    "scriptpath",
    "secretary",
    "serviceSpecificPassword",
    "shell",
    "state",
    "uidNumber",
    "unixhome",
    "unlock",
    "unlockTime",
    "userexpiry",
];

/// The same for groups. The members are compared by themselves.
const IGNORED_OF_GROUPS: &[&str] = &[
    "adGroupType",
    "allowedEmailGroups",
    "allowedEmailUsers",
    "description",
    "displayname",
    "gidNumber",
    "hosts",
    "isOxGroup",
    "mailAddress",
    "memberOf",
    "nestedGroup",
    "oxContext",
    "school",
    "users",
];

/// Beginnings of names that never count.
const IGNORED_PREFIXES: &[&str] =
    &["certificate", "guardian", "samba", "ucsschool", "univention", "userCertificate"];

/// Properties whose values are DNs.
const DNS: &[&str] = &["users", "groups", "resourceadmin"];

/// Whether a property counts by itself, apart from what the rules make of it.
fn counts(module: Module, property: &str) -> bool {
    let is_listed = match module {
        Module::User => IGNORED_OF_USERS.contains(&property),
        Module::Group => IGNORED_OF_GROUPS.contains(&property),
        Module::Resource => property == "resourceadmin",
        // Its quota is not provisioned, its users are compared by themselves.
        Module::FunctionalAccount => matches!(property, "groups" | "oxQuota" | "users"),
        Module::Context | Module::AccessProfile | Module::Ou => false,
    };
    let is_technical = matches!(module, Module::User | Module::Group)
        && IGNORED_PREFIXES.iter().any(|prefix| property.starts_with(prefix));
    !is_listed && !is_technical && !matches!(property, "objectFlag" | "umcProperty")
}

/// Compares snapshot and directory in every property that counts, or that `is_used` by the rules, but
/// for those that `is_done`.
///
/// Most objects are equal to the letter, which is seen at little cost. Only properties that the directory could deliver are looked at: a snapshot of an older program
/// holds more, which nobody would miss.
pub(crate) fn compare(
    module: Module,
    snapshot: &Map<String, Value>,
    directory: &Map<String, Value>,
    is_used: impl Fn(&str) -> bool,
    is_done: impl Fn(&str) -> bool,
) -> Vec<Finding> {
    let known = mapping::properties(module).map(|property| property.name);
    let differing = known.filter(|name| snapshot.get(*name) != directory.get(*name));
    let wanted = differing.filter(|name| (counts(module, name) || is_used(name)) && !is_done(name));
    wanted
        .filter_map(|name| {
            let sides = Sides {
                snapshot: shown(module, name, snapshot.get(name)),
                ox: Shown::NotCompared,
                directory: shown(module, name, directory.get(name)),
            };
            let same = if DNS.contains(&name) { Same::AsSet } else { Same::Exactly };
            Finding::difference(name, None, sides, same)
        })
        .collect()
}

/// The value of a property, in the one form that it has here.
pub(crate) fn shown(module: Module, name: &str, value: Option<&Value>) -> Shown {
    match (name, Shown::of_property(value)) {
        ("jpegPhoto", Shown::Text(base64)) => Shown::image_of_base64(&base64),
        // Unlimited is written in two ways.
        ("oxUserQuota" | "oxQuota", Shown::Nothing) => Shown::text("-1"),
        // A flag is a text or a boolean, and absent means no.
        ("isOxUser" | "isOxGroup", value) => Shown::text(flag(&value, "OK", "Not")),
        (name, Shown::Text(dn)) if DNS.contains(&name) => Shown::text(dn::key(&dn)),
        (name, Shown::List(dns)) if DNS.contains(&name) => {
            Shown::list(dns.iter().map(|dn| dn::key(dn)))
        }
        (name, value) if module == Module::AccessProfile && is_right(name) => {
            Shown::text(flag(&value, "TRUE", "FALSE"))
        }
        (_, value) => value,
    }
}

fn flag(value: &Shown, yes: &'static str, no: &'static str) -> &'static str {
    match value {
        Shown::Text(text) if text == yes || text == "1" => yes,
        _ => no,
    }
}

/// Whether it is a right of an access profile.
fn is_right(name: &str) -> bool {
    name == "publicfoldereditable" || crate::profile::flag_names().any(|flag| flag == name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn different(module: Module, snapshot: Value, directory: Value) -> Vec<String> {
        let (snapshot, directory) = (snapshot.as_object().unwrap(), directory.as_object().unwrap());
        compare(module, snapshot, directory, |name| name == "roomNumber", |name| name == "phone")
            .into_iter()
            .filter_map(|finding| finding.row)
            .map(|row| row.property)
            .collect()
    }

    #[test]
    fn s9_4_technical_properties_are_ignored_unless_the_rules_use_them() {
        let snapshot = json!({
            "shell": "/bin/sh", "sambaRID": "1", "groups": ["cn=a"], "umcProperty": ["x"],
            "description": "x", "oxLanguage": "de_DE", "roomNumber": ["1"], "title": "Dr.",
            "phone": ["1"],
        });
        assert_eq!(different(Module::User, snapshot, json!({})), ["roomNumber", "title"]);
        let group = json!({"description": "x", "isOxGroup": "OK", "gidNumber": "1", "name": "a"});
        assert_eq!(different(Module::Group, group, json!({})), ["name"]);
        let resource = json!({"resourceadmin": "uid=a", "description": "x"});
        assert_eq!(different(Module::Resource, resource, json!({})), ["description"]);
    }

    #[test]
    fn s9_4_forms_of_one_value_are_equal() {
        let old = json!({
            "oxUserQuota": null, "isOxUser": true, "oxContext": "10", "oxBranches": "",
            "mobileTelephoneNumber": ["1"], "mailAlternativeAddress": [],
        });
        let new = json!({
            "oxUserQuota": "-1", "isOxUser": "OK", "oxContext": 10, "mobileTelephoneNumber": "1",
            "mailAlternativeAddress": null,
        });
        assert_eq!(different(Module::User, old, new), [""; 0]);
        let old = json!({"calendar": true, "tasks": "FALSE"});
        let new = json!({"calendar": "TRUE", "tasks": null});
        assert_eq!(different(Module::AccessProfile, old.clone(), new), [""; 0]);
        assert_eq!(different(Module::AccessProfile, old, json!({})), ["calendar"]);
    }

    #[test]
    fn a_property_that_the_directory_cannot_deliver_is_no_difference() {
        let snapshot = json!({"customAttribute": "x", "oxDbId": 4});
        assert_eq!(different(Module::User, snapshot, json!({})), [""; 0]);
    }
}
