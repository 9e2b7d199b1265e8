//! What an item touches at a server, for running items at the same time.
//!
//! Two users commute unless they share a name, an identity or a relative, or both come into a class, which the
//! server may have to create for them. A class comes after its members.

use std::collections::BTreeMap;

use idspool_provisioner::{Access, Key};
use idspool_udm::school::{self, Class};
use idspool_udm::{ConvertedItem, Module, dn, value};
use serde_json::Value;

use crate::site::Settings;

/// The keys of an item, with the last delivered state of its object. Empty: it goes alone.
pub(crate) fn of(
    item: &ConvertedItem,
    previous: Option<&ConvertedItem>,
    settings: &Settings,
) -> Vec<Key> {
    let mut keys = Keys::default();
    keys.write(format!("id {}", item.id));
    for state in [Some(item), previous].into_iter().flatten() {
        keys.write(format!("dn {}", dn::key(&state.dn)));
        match state.module() {
            Some(Module::User) => user(state, settings, &mut keys),
            Some(Module::Group) => class(state, settings, &mut keys),
            _ => return Vec::new(),
        }
    }
    if item.module() == Some(Module::User) {
        identities(item, settings, &mut keys);
        joined(item, previous, settings, &mut keys);
    }
    let keys = keys.0.into_iter();
    keys.map(|(name, access)| Key { name, access }).collect()
}

fn user(state: &ConvertedItem, settings: &Settings, keys: &mut Keys) {
    if let Some(name) = value::text(state.property("username")) {
        keys.write(format!("user {}", name.to_lowercase()));
    }
    if let Some(record) = value::text(state.property("ucsschoolRecordUID")) {
        let source = value::text(state.property("ucsschoolSourceUID"));
        let source = source.as_deref().filter(|source| !source.is_empty());
        keys.identity(&record, source.unwrap_or(&settings.source_uid));
    }
    for address in ["mailPrimaryAddress", "e-mail"] {
        for address in value::texts(state.property(address)) {
            keys.write(format!("mail {}", address.to_lowercase()));
        }
    }
    // Both sides of a relation are written, and one that is not there yet is left out.
    for relatives in ["ucsschoolLegalGuardian", "ucsschoolLegalWard"] {
        for relative in value::texts(state.property(relatives)) {
            keys.write(format!("dn {}", dn::key(relative)));
        }
    }
    for school in value::texts(state.property("school")) {
        keys.read(format!("school {}", school.to_lowercase()));
    }
    for class in classes_of(state, settings) {
        keys.read(class);
    }
}

/// What was known of a user elsewhere is looked for, too.
fn identities(item: &ConvertedItem, settings: &Settings, keys: &mut Keys) {
    let known = item.old_data.as_ref();
    if let Some((record, known)) = known.and_then(|known| Some((known.record_uid.as_ref()?, known)))
    {
        keys.identity(record, known.source_uid.as_deref().unwrap_or(&settings.source_uid));
    }
}

/// The server creates classes that users come into.
fn joined(
    item: &ConvertedItem,
    previous: Option<&ConvertedItem>,
    settings: &Settings,
    keys: &mut Keys,
) {
    let former: Vec<String> =
        previous.map(|previous| classes_of(previous, settings)).unwrap_or_default();
    for class in classes_of(item, settings) {
        if !former.contains(&class) {
            keys.write(class);
        }
    }
}

fn class(state: &ConvertedItem, settings: &Settings, keys: &mut Keys) {
    if let Some(class) = Class::of_group(&state.dn, &settings.containers) {
        keys.write(class_key(&class.school, &class.name));
        keys.read(format!("school {}", class.school.to_lowercase()));
    }
    for member in value::texts(state.property("users")) {
        keys.read(format!("dn {}", dn::key(member)));
    }
}

fn classes_of(state: &ConvertedItem, settings: &Settings) -> Vec<String> {
    let groups = value::texts(state.property("groups").filter(|groups: &&Value| groups.is_array()));
    let classes = school::classes(groups, &settings.containers);
    let named =
        classes.iter().flat_map(|(school, names)| names.iter().map(move |name| (school, name)));
    named.map(|(school, name)| class_key(school, name)).collect()
}

fn class_key(school: &str, name: &str) -> String {
    format!("class {}/{}", school.to_lowercase(), name.to_lowercase())
}

/// Keys by name; an object keeps the stronger claim.
#[derive(Default)]
struct Keys(BTreeMap<String, Access>);

impl Keys {
    fn write(&mut self, name: String) {
        self.0.insert(name, Access::Write);
    }

    fn read(&mut self, name: String) {
        self.0.entry(name).or_insert(Access::Read);
    }

    fn identity(&mut self, record_uid: &str, source_uid: &str) {
        self.write(format!("identity {record_uid} {source_uid}"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::user::tests::{class_dn, item, settings};

    fn user(id: &str, name: &str, more: Value) -> ConvertedItem {
        let mut object = json!({
            "username": name, "ucsschoolRecordUID": format!("r-{id}"), "school": ["S"],
        });
        object.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        ConvertedItem { id: id.into(), dn: format!("uid={name},ou=S,dc=x"), ..item(object) }
    }

    fn group(id: &str, dn: String, users: Value) -> ConvertedItem {
        let udm_object_type = "groups/group".into();
        ConvertedItem { id: id.into(), dn, udm_object_type, ..item(json!({"users": users})) }
    }

    fn conflict(a: &[Key], b: &[Key]) -> bool {
        a.iter().any(|a| {
            b.iter().any(|b| {
                a.name == b.name && (a.access == Access::Write || b.access == Access::Write)
            })
        })
    }

    fn new(item: &ConvertedItem) -> Vec<Key> {
        of(item, None, &settings())
    }

    fn same(item: &ConvertedItem) -> Vec<Key> {
        of(item, Some(item), &settings())
    }

    #[test]
    fn users_that_have_nothing_in_common_commute() {
        let anna = user("1", "anna", json!({"groups": [class_dn("S", "1a")]}));
        let ben = user("2", "ben", json!({"groups": [class_dn("S", "1a")]}));
        assert!(conflict(&new(&anna), &new(&ben)), "both come into a class");
        assert!(conflict(&new(&anna), &same(&ben)));
        assert!(!conflict(&same(&anna), &same(&ben)));
        let other = user("2", "ben", json!({"groups": [class_dn("S", "1b")]}));
        assert!(!conflict(&new(&anna), &new(&other)));
        for other in [
            user("1", "anne", json!({})),
            user("2", "Anna", json!({})),
            user("2", "ben", json!({"ucsschoolRecordUID": "r-1", "ucsschoolSourceUID": "T"})),
            user("2", "ben", json!({"ucsschoolLegalGuardian": ["UID=anna, ou=S,dc=x"]})),
        ] {
            assert!(conflict(&same(&anna), &same(&other)), "{other:?}");
        }
        let old_data = Some(idspool_udm::OldData {
            record_uid: Some("r-1".into()),
            ..idspool_udm::OldData::default()
        });
        assert!(conflict(&same(&anna), &same(&ConvertedItem { old_data, ..other })));
        let mail = json!({"mailPrimaryAddress": "x@x"});
        let (one, two) = (user("1", "anna", mail), user("2", "ben", json!({"e-mail": ["X@x"]})));
        assert!(conflict(&new(&one), &new(&two)), "addresses are unique");
    }

    #[test]
    fn siblings_share_a_guardian() {
        let mum = json!({"ucsschoolLegalGuardian": ["uid=mum,ou=S,dc=x"]});
        let (anna, ben) = (user("1", "anna", mum.clone()), user("2", "ben", mum));
        assert!(conflict(&same(&anna), &same(&ben)));
        assert!(conflict(&same(&anna), &new(&user("3", "mum", json!({})))));
    }

    #[test]
    fn classes_come_after_their_members_and_commute_with_other_classes() {
        let anna = user("1", "anna", json!({"groups": [class_dn("S", "1a")]}));
        let class = group("c", class_dn("S", "1a"), json!(["UID=anna,ou=S,dc=x"]));
        assert!(conflict(&same(&anna), &same(&class)));
        let stranger = user("2", "ben", json!({"groups": [class_dn("s", "1A")]}));
        assert!(conflict(&same(&stranger), &new(&class)), "the class is being written");
        let other = group("d", class_dn("S", "1b"), json!(["uid=anna,ou=S,dc=x"]));
        assert!(!conflict(&new(&class), &new(&other)));
        assert!(!conflict(&same(&stranger), &new(&other)));
    }

    #[test]
    fn former_names_count_and_what_is_unknown_goes_alone() {
        let (before, after) = (user("1", "anna", json!({})), user("1", "anne", json!({})));
        let keys = of(&after, Some(&before), &settings());
        for name in ["user anna", "user anne", "dn uid=anna,ou=s,dc=x", "identity r-1 T"] {
            assert!(keys.iter().any(|key| key.name == name), "{name}: {keys:?}");
        }
        let odd = ConvertedItem { udm_object_type: "shares/share".into(), ..after };
        assert_eq!(of(&odd, None, &settings()), []);
    }
}
