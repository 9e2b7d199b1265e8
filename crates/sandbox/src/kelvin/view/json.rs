//! State, requests and counters as JSON, with names where the API has URLs.

use std::collections::BTreeMap;

use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::kelvin::calls::Calls;
use crate::kelvin::engine::{Engine, State};
use crate::kelvin::world::{Group, GroupKind, Hashes, Role, School, User, World};
use crate::view::json::{Sequence, to_vec};

/// Everything.
pub(in crate::kelvin) fn state(engine: &Engine) -> Vec<u8> {
    let state = engine.state();
    to_vec(&StateView(&state))
}

/// The requests after number `since`.
pub(in crate::kelvin) fn calls(engine: &Engine, since: u64) -> Vec<u8> {
    let state = engine.state();
    to_vec(&CallsView(&state.calls, since))
}

/// Counters.
pub(in crate::kelvin) fn counts(engine: &Engine) -> Vec<u8> {
    let counts = engine.state().calls.counts();
    to_vec(&counts)
}

struct StateView<'a>(&'a State);

impl Serialize for StateView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let world = &self.0.world;
        let groups = |kind| Sequence(move || world.groups(kind).map(|one| group(world, one)));
        let mut map = serializer.serialize_struct("State", 5)?;
        map.serialize_field("schools", &Sequence(|| world.schools().map(school)))?;
        map.serialize_field("users", &Sequence(|| world.users().map(|one| user(world, one))))?;
        map.serialize_field("classes", &groups(GroupKind::Class))?;
        map.serialize_field("workgroups", &groups(GroupKind::Workgroup))?;
        map.serialize_field("calls", &self.0.calls.counts())?;
        map.end()
    }
}

#[derive(Serialize)]
struct SchoolView<'a> {
    name: &'a str,
    display_name: &'a str,
    udm_properties: &'a BTreeMap<String, Value>,
}

fn school(school: &School) -> SchoolView<'_> {
    SchoolView {
        name: &school.name,
        display_name: &school.display_name,
        udm_properties: &school.properties,
    }
}

#[derive(Serialize)]
struct UserView<'a> {
    name: &'a str,
    dn: String,
    firstname: &'a str,
    lastname: &'a str,
    school: &'a str,
    schools: Vec<&'a str>,
    roles: Vec<&'static str>,
    record_uid: &'a str,
    source_uid: &'a str,
    email: Option<&'a str>,
    birthday: Option<&'a str>,
    expiration_date: Option<&'a str>,
    disabled: bool,
    school_classes: BTreeMap<&'a str, Vec<&'a str>>,
    workgroups: BTreeMap<&'a str, Vec<&'a str>>,
    legal_guardians: Vec<&'a str>,
    legal_wards: Vec<&'a str>,
    ucsschool_roles: Vec<String>,
    udm_properties: &'a BTreeMap<String, Value>,
    password_length: Option<usize>,
    kelvin_password_hashes: Option<&'a Hashes>,
    refused_hashes: u32,
}

fn user<'a>(world: &'a World, user: &'a User) -> UserView<'a> {
    UserView {
        name: &user.name,
        dn: user.dn(),
        firstname: &user.firstname,
        lastname: &user.lastname,
        school: &user.school,
        schools: user.schools.iter().map(String::as_str).collect(),
        roles: user.roles.iter().copied().map(Role::as_str).collect(),
        record_uid: &user.record_uid,
        source_uid: &user.source_uid,
        email: user.email.as_deref(),
        birthday: user.birthday.as_deref(),
        expiration_date: user.expiration_date.as_deref(),
        disabled: user.disabled,
        school_classes: world.group_names(user, GroupKind::Class),
        workgroups: world.group_names(user, GroupKind::Workgroup),
        legal_guardians: world.names(&user.guardians),
        legal_wards: world.names(&user.wards),
        ucsschool_roles: user.ucsschool_roles(),
        udm_properties: &user.properties,
        password_length: user.password_length,
        kelvin_password_hashes: user.hashes.as_ref(),
        refused_hashes: user.refused_hashes,
    }
}

#[derive(Serialize)]
struct GroupView<'a> {
    school: &'a str,
    name: &'a str,
    dn: String,
    description: Option<&'a str>,
    users: Vec<&'a str>,
    ucsschool_roles: Vec<String>,
    udm_properties: &'a BTreeMap<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
}

fn group<'a>(world: &'a World, group: &'a Group) -> GroupView<'a> {
    GroupView {
        school: &group.school,
        name: &group.name,
        dn: group.dn(),
        description: group.description.as_deref(),
        users: world.members(group),
        ucsschool_roles: group.ucsschool_roles(),
        udm_properties: &group.properties,
        email: group.email.as_deref(),
    }
}

struct CallsView<'a>(&'a Calls, u64);

impl Serialize for CallsView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("last", &self.0.last())?;
        map.serialize_entry("calls", &Sequence(|| self.0.since(self.1)))?;
        map.end()
    }
}
