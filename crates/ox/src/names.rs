//! Names that OX gives to one object only: logins, addresses and display names within a context, names of
//! groups and resources.
//!
//! They tell whom a refused item may have to wait for: an object that still has such a name at OX, and whose
//! own change waits behind it. That happens when two changes were reported in the other order, as after a
//! time without anybody following the directory.

use std::fmt::Display;

use idspool_provisioner::{Delivery, Fault};
use idspool_spool::FaultClass;
use idspool_udm::{ConvertedItem, Module};

use crate::ox_name::OxName;
use crate::props::{OX_DB_GROUPNAME, OX_DB_USERNAME, Props};
use crate::settings::Settings;

/// The names that OX has of a delivered object.
pub(crate) fn names_of(item: &ConvertedItem) -> Vec<String> {
    let Some(props) = item.object.as_ref().map(Props) else { return Vec::new() };
    let group = props.text(OX_DB_GROUPNAME).or(props.text("name"));
    names(item, props, props.text(OX_DB_USERNAME), group)
}

/// Those that an item needs.
fn names_for(item: &ConvertedItem, settings: &Settings) -> Vec<String> {
    let Some(props) = item.object.as_ref().map(Props) else { return Vec::new() };
    let [login, group] = [&settings.user_identifier, &settings.group_identifier]
        .map(|identifier| OxName::of_new(props, &item.id, identifier).known());
    names(item, props, login, group)
}

/// The name of a group among the others.
pub(crate) fn of_group(name: &str) -> String {
    format!("group {}", name.to_lowercase())
}

fn names(
    item: &ConvertedItem,
    props: Props<'_>,
    login: Option<&str>,
    group: Option<&str>,
) -> Vec<String> {
    let context = props.context().ok().flatten().map(|id| id.to_string());
    let within = |kind: &str, name: &str| {
        context.as_ref().map(|context| format!("{kind} {context} {}", name.to_lowercase()))
    };
    match item.module() {
        Some(Module::User) if props.is_on("isOxUser") => {
            let addresses = props
                .text("mailPrimaryAddress")
                .into_iter()
                .chain(props.texts("mailAlternativeAddress"))
                .filter_map(|address| within("mail", address));
            let display = props.text("oxDisplayName").and_then(|name| within("display", name));
            let login = login.and_then(|name| within("user", name));
            addresses.chain(display).chain(login).collect()
        }
        // Which contexts it is in its members tell.
        Some(Module::Group) if props.is_on("isOxGroup") => {
            group.map(of_group).into_iter().collect()
        }
        Some(Module::Resource) => {
            let name = props.text("name").and_then(|name| within("resource", name));
            let address = props.text("resourceMailAddress");
            name.into_iter().chain(address.and_then(|mail| within("mail", mail))).collect()
        }
        _ => Vec::new(),
    }
}

/// The fault of an item that would get what OX has of another object, which `owner` says.
pub(crate) fn owned(what: impl Display, owner: &str) -> Fault {
    Fault::permanent(format!("{what} is that of {owner}; it is not handed over to another object"))
        .with_remedy(format!(
            "if {owner} gave the name up or is gone, report it to the listener (idspool-listener hook): its item goes \
             before this one; if the two swap their names, give one of them a third name in between; else give this \
             object another name"
        ))
}

/// The fault of a refused item, with whom it waits for: another object that has one of the names, and an item
/// of its own in the queue.
pub(crate) fn with_holder(fault: Fault, settings: &Settings, delivery: &Delivery<'_>) -> Fault {
    if fault.class != FaultClass::Permanent {
        return fault;
    }
    let Delivery { item, objects, waiting, .. } = *delivery;
    let holder = names_for(item, settings).iter().find_map(|name| {
        // An index that cannot be read shows elsewhere; the fault at hand is the one to report.
        let holders = objects.holding(name).unwrap_or_default();
        holders.into_iter().find(|known| known.id != item.id && waiting.has(&known.id))
    });
    match holder {
        Some(known) => fault.waiting_for(known.id),
        None => fault,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn item(module: &str, object: Value) -> ConvertedItem {
        ConvertedItem {
            id: "U-1".into(),
            udm_object_type: module.into(),
            dn: "cn=x".into(),
            object: object.as_object().cloned(),
            options: None,
            resync: false,
            old_data: None,
            user_passwords: None,
        }
    }

    fn settings(user_identifier: &str) -> Settings {
        let dir = tempfile::tempdir().unwrap();
        let config = idspool_service::Ox {
            data_dir: dir.path().to_owned(),
            user_identifier: Some(user_identifier.to_owned()),
            ..idspool_service::Ox::default()
        };
        Settings::new(&config).unwrap()
    }

    #[test]
    fn an_object_has_the_names_that_were_written_and_needs_those_that_will_be() {
        let user = json!({
            "isOxUser": "OK", "oxContext": "10", "username": "Anne", "oxDbUsername": "anna",
            "oxDisplayName": "Anna M", "mailPrimaryAddress": "A@x", "mailAlternativeAddress": ["b@x"],
        });
        let user = item("users/user", user);
        let others = ["mail 10 a@x", "mail 10 b@x", "display 10 anna m"];
        assert_eq!(names_of(&user), [&others[..], &["user 10 anna"]].concat());
        assert_eq!(
            names_for(&user, &settings("username")),
            [&others[..], &["user 10 anne"]].concat()
        );
        assert_eq!(
            names_for(&user, &settings("entryUUID")),
            [&others[..], &["user 10 u-1"]].concat()
        );
        let group =
            item("groups/group", json!({"isOxGroup": "OK", "name": "b", "oxDbGroupname": "a"}));
        assert_eq!(names_of(&group), ["group a"]);
        assert_eq!(names_for(&group, &settings("username")), ["group b"]);
        let resource = json!({"name": "Room", "oxContext": 10, "resourceMailAddress": "r@x"});
        assert_eq!(
            names_of(&item("oxresources/oxresources", resource)),
            ["resource 10 room", "mail 10 r@x"]
        );
    }

    #[test]
    fn what_is_not_in_ox_holds_no_name() {
        for object in [
            json!(null),
            json!({"isOxUser": "Not", "oxContext": 10, "oxDbUsername": "a"}),
            json!({"isOxUser": "OK", "oxDbUsername": "a"}),
        ] {
            assert_eq!(names_of(&item("users/user", object)), Vec::<String>::new());
        }
        let group = item("groups/group", json!({"isOxGroup": "Not", "name": "g"}));
        assert_eq!(names_of(&group), Vec::<String>::new());
    }
}
