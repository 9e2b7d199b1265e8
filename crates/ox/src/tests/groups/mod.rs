//! Groups (ox-provisioning 5.5).

mod contexts;
mod logs;
mod members;
mod names;
mod repeats;

use idspool_ox_soap::{Group, GroupField};
use idspool_udm::ConvertedItem;
use serde_json::{Value, json};

use super::stage::{Stage, item, logged};
use crate::OxRecipient;
use crate::fake::Fake;

const TEAM: &str = "0f3c9c6a-0000-103f-8000-00000000000a";
const TEAM_DN: &str = "cn=team,cn=groups,dc=example,dc=org";

fn dn(name: &str) -> String {
    format!("uid={name},cn=users,dc=example,dc=org")
}

/// A user whose entry UUID is made of its name, as it was delivered.
fn user(name: &str, changes: Value) -> ConvertedItem {
    let mut object = json!({"isOxUser": "OK", "username": name});
    for (property, value) in changes.as_object().unwrap() {
        object[property] = value.clone();
    }
    item(&format!("u-{name}"), "users/user", &dn(name), object)
}

/// The team with some properties changed.
fn team(changes: Value) -> ConvertedItem {
    let mut object = json!({"name": "team", "isOxGroup": "OK", "users": []});
    for (property, value) in changes.as_object().unwrap() {
        object[property] = value.clone();
    }
    item(TEAM, "groups/group", TEAM_DN, object)
}

fn of(names: &[&str]) -> ConvertedItem {
    team(json!({"users": names.iter().map(|name| dn(name)).collect::<Vec<_>>()}))
}

fn deleted() -> ConvertedItem {
    item(TEAM, "groups/group", TEAM_DN, Value::Null)
}

/// Makes a user known without calls.
fn know(stage: &Stage, user: &ConvertedItem) {
    stage.objects.store(user, &OxRecipient::facts_of(user)).unwrap();
    stage.objects.commit().unwrap();
}

fn server() -> Fake {
    Fake::new()
        .with_context(10)
        .with_context(11)
        .with_user(10, 3, "anna")
        .with_user(10, 4, "berta")
        .with_user(11, 3, "carl")
}

/// Anna (3) and Berta (4) in context 10, Carl (3) in context 11. Nobody is no OX user, Late has no id yet,
/// Lost has no context.
fn stage() -> Stage {
    stage_over(server())
}

fn stage_over(ox: Fake) -> Stage {
    with_users(Stage::new(ox))
}

fn with_users(stage: Stage) -> Stage {
    for (name, properties) in [
        ("anna", json!({"oxContext": 10, "oxDbId": 3})),
        ("berta", json!({"oxContext": "10", "oxDbId": 4})),
        ("carl", json!({"oxContext": 11, "oxDbId": "3"})),
        ("nobody", json!({"oxContext": 10, "isOxUser": "Not"})),
        ("late", json!({"oxContext": 11})),
        ("lost", json!({"oxContext": null, "oxDbId": 9})),
    ] {
        know(&stage, &user(name, properties));
    }
    stage
}

/// The group of this name in a context: id, display name, members.
fn in_ox(stage: &Stage, context: i32, name: &str) -> Option<(i32, String, Vec<i32>)> {
    let world = stage.ox.world();
    let groups = &world.contexts[&context].groups;
    let group = groups.values().find(|group| group.name() == Some(name))?;
    let text = |group: &Group| group.text(GroupField::Displayname).unwrap_or_default().to_owned();
    let members = group.members().map(|id| id.value()).collect();
    Some((group.id()?.value(), text(group), members))
}

fn members_in(stage: &Stage, context: i32, name: &str) -> Option<Vec<i32>> {
    in_ox(stage, context, name).map(|(_, _, members)| members)
}

fn written_name(stage: &Stage) -> Option<String> {
    let snapshot = stage.snapshot(TEAM).unwrap();
    snapshot.get("oxDbGroupname").map(|name| name.as_str().unwrap().to_owned())
}
