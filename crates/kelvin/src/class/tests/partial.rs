//! `kelvin-partial-group-sync` (id-connector 4.4): its requests and searches. The rules are in `partial`.

use idspool_spool::FaultClass;
use serde_json::json;

use super::stage::{Stage, class_item, deleted, with};
use crate::conf::Plugin;
use crate::fake::Fake;
use crate::kelvin::Kelvin as _;

fn stage(ignored: &[&str]) -> Stage {
    let mut stage = Stage::new(Fake::with_schools(&["School1", "A-B"]));
    for name in ["s1", "s2", "t1", "t3", "local9"] {
        stage.add_user(name);
    }
    for (name, role) in [("s1", "student"), ("s2", "student"), ("t1", "teacher"), ("t3", "teacher")]
    {
        stage.source.set(name, &[&format!("{role}:school:School1"), &format!("{role}:school:a-b")]);
    }
    stage.configure(|stage| {
        stage.authority.plugin = Plugin::PartialGroupSync;
        stage.authority.ignored_roles = ignored.iter().map(|&role| role.to_owned()).collect();
    });
    stage
}

#[test]
fn the_example_of_the_specification_takes_two_requests_and_one_search() {
    let stage = stage(&["teacher"]);
    let _there = stage.server.clone().with_class("School1", "1a", &["t1", "local9", "s2"]);
    let class = class_item("c-1", "School1", "1a", &["s1", "t3"]);
    assert_eq!(stage.calls(&class), ["GET classes/School1/1a", "PATCH classes/School1/1a"]);
    assert_eq!(stage.server.members("School1", "1a").unwrap(), ["local9", "s1", "t1"]);
    assert_eq!(stage.source.asked(), [["local9", "s1", "s2", "t1", "t3"]]);
}

#[test]
fn a_new_class_has_ours_but_for_those_with_an_ignored_role() {
    let stage = stage(&["teacher"]);
    let class = class_item("c-1", "a-b", "c-d", &["s1", "t3"]);
    assert_eq!(stage.calls(&class), ["GET classes/A-B/c-d", "POST classes/"]);
    assert_eq!(stage.server.members("A-B", "c-d").unwrap(), ["s1"]);
}

#[test]
fn without_strangers_and_ignored_roles_nobody_is_looked_up() {
    let stage = stage(&[]);
    stage.deliver(&class_item("c-1", "School1", "1a", &["s1", "t3"])).unwrap();
    stage.deliver(&class_item("c-1", "School1", "1a", &["s1", "s2", "t3"])).unwrap();
    assert!(stage.source.asked().is_empty());
    stage.deliver(&class_item("c-1", "School1", "1a", &["s1"])).unwrap();
    assert_eq!(stage.source.asked(), [["s2", "t3"]]);
    assert_eq!(stage.server.members("School1", "1a").unwrap(), ["s1"]);
}

#[test]
fn only_our_side_decides_whether_there_is_something_to_do() {
    let mut stage = stage(&["teacher"]);
    let class = class_item("c-1", "School1", "1a", &["s1", "s2"]);
    stage.deliver(&class).unwrap();
    let users = json!({"users": ["t1", "s1"]});
    stage.server.change_class("School1", "1a", users.as_object().unwrap()).unwrap();
    stage.source.asked();
    assert!(stage.calls(&class).is_empty());
    assert!(stage.source.asked().is_empty());
    // What else changes, or a re-provisioning, brings the members along.
    stage.deliver(&with(class.clone(), json!({"description": "new"}))).unwrap();
    assert_eq!(stage.server.members("School1", "1a").unwrap(), ["s1", "s2", "t1"]);
    stage.server.change_class("School1", "1a", users.as_object().unwrap()).unwrap();
    stage.forced = true;
    stage.deliver(&with(class.clone(), json!({"description": "new"}))).unwrap();
    assert_eq!(stage.server.members("School1", "1a").unwrap(), ["s1", "s2", "t1"]);
}

#[test]
fn changed_roles_to_ignore_count_at_the_next_item() {
    let mut stage = stage(&["teacher"]);
    let class = class_item("c-1", "School1", "1a", &["s1", "t3"]);
    stage.deliver(&class).unwrap();
    stage.configure(|stage| stage.authority.ignored_roles.clear());
    assert_eq!(stage.calls(&class).len(), 2);
    assert_eq!(stage.server.members("School1", "1a").unwrap(), ["s1", "t3"]);
}

#[test]
fn members_that_are_the_servers_business_anyway_are_left_alone() {
    let mut stage = stage(&["teacher"]);
    stage.configure(|stage| {
        stage.authority.mappings.school_classes.as_mut().unwrap().remove("users");
    });
    let _there = stage.server.clone().with_class("School1", "1a", &["t1", "s2"]);
    stage.deliver(&class_item("c-1", "School1", "1a", &["s1"])).unwrap();
    assert_eq!(stage.server.members("School1", "1a").unwrap(), ["s2", "t1"]);
    assert!(stage.source.asked().is_empty());
}

#[test]
fn a_directory_that_cannot_be_asked_is_waited_for() {
    let stage = stage(&["teacher"]);
    stage.source.set_down(true);
    let class = class_item("c-1", "School1", "1a", &["s1"]);
    let fault = stage.deliver(&class).unwrap_err();
    assert_eq!(fault.class, FaultClass::Transient);
    assert!(fault.message.contains("look up school users"), "{fault:?}");
    assert!(fault.remedy.is_some());
    assert_eq!(stage.server.members("School1", "1a"), None);
    stage.source.set_down(false);
    stage.deliver(&class).unwrap();
}

#[test]
fn unknown_members_and_deletions_are_as_ever() {
    let stage = stage(&["teacher"]);
    let class = class_item("c-1", "School1", "1a", &["s1", "ghost"]);
    stage.deliver(&class).unwrap();
    assert_eq!(stage.server.members("School1", "1a").unwrap(), ["s1"]);
    stage.user_appears("ghost");
    stage.deliver_queued();
    assert_eq!(stage.server.members("School1", "1a").unwrap(), ["ghost", "s1"]);
    assert_eq!(stage.calls(&deleted(&class)), ["DELETE classes/School1/1a"]);
}
