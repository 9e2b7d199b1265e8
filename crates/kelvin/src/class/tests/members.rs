//! Members that the server does not know (id-connector 4.3).

use serde_json::json;

use super::stage::{Stage, class_item, logged, user_dn};
use crate::class::requeue::UNKNOWN_MEMBERS;
use crate::fake::Fake;
use crate::kelvin::Kelvin as _;

fn stage() -> Stage {
    let stage = Stage::new(Fake::with_schools(&["School1"]));
    for name in ["anna", "berta", "carl"] {
        stage.add_user(name);
    }
    stage
}

fn unknown(stage: &Stage, id: &str) -> serde_json::Value {
    stage.snapshot(id).unwrap().property(UNKNOWN_MEMBERS).cloned().unwrap_or_default()
}

#[test]
fn they_are_left_out_and_named() {
    let stage = stage();
    let class = class_item("c-1", "School1", "5a", &["anna", "ghost", "berta", "other"]);
    let lines = logged(|| {
        let calls = stage.calls(&class);
        assert_eq!(
            calls,
            ["GET classes/School1/5a", "POST classes/", "GET users/other", "POST classes/"]
        );
    });
    assert_eq!(stage.server.members("School1", "5a").unwrap(), ["anna", "berta"]);
    let warning = lines.iter().find(|line| line.starts_with("WARN")).unwrap();
    assert!(
        warning.contains(
            "2 of 4 members are unknown on the target and were left out: 'ghost', 'other'"
        ),
        "{warning}"
    );
    assert_eq!(unknown(&stage, "c-1"), json!([user_dn("ghost"), user_dn("other")]));
}

#[test]
fn nobody_is_asked_again_until_something_is_known_of_them() {
    let stage = stage();
    stage.deliver(&class_item("c-1", "School1", "5a", &["anna", "ghost"])).unwrap();
    assert!(stage.calls(&class_item("c-1", "School1", "5a", &["anna", "ghost"])).is_empty());
    let more = class_item("c-1", "School1", "5a", &["anna", "berta", "ghost"]);
    assert_eq!(stage.calls(&more), ["GET classes/School1/5a", "PATCH classes/School1/5a"]);
    assert_eq!(unknown(&stage, "c-1"), json!([user_dn("ghost")]));
    // Who left is no longer missed.
    stage.deliver(&class_item("c-1", "School1", "5a", &["anna", "berta"])).unwrap();
    assert_eq!(unknown(&stage, "c-1"), json!(null));
}

#[test]
fn a_reprovisioning_asks_again() {
    let mut stage = stage();
    let class = class_item("c-1", "School1", "5a", &["anna", "ghost"]);
    stage.deliver(&class).unwrap();
    // Somebody else created the user.
    let user = json!({
        "name": "ghost", "firstname": "F", "lastname": "L", "school": "School1",
        "roles": ["teacher"], "record_uid": "x", "source_uid": "other",
    });
    let _there = stage.server.clone().with_user(user);
    stage.forced = true;
    stage.deliver(&class).unwrap();
    assert_eq!(stage.server.members("School1", "5a").unwrap(), ["anna", "ghost"]);
    assert_eq!(unknown(&stage, "c-1"), json!(null));
}

#[test]
fn users_whom_another_program_delivered_are_asked_for_and_kept() {
    let stage = Stage::new(Fake::with_schools(&["School1"]));
    for name in ["anna", "berta", "carl"] {
        let user = json!({
            "name": name, "firstname": "F", "lastname": "L", "school": "School1",
            "roles": ["teacher"], "record_uid": name, "source_uid": "SIS",
        });
        let _there = stage.server.clone().with_user(user);
    }
    let class = class_item("c-1", "School1", "5a", &["anna", "berta", "ghost", "carl"]);
    assert_eq!(stage.calls(&class).len(), 2 + 3 + 1);
    assert_eq!(stage.server.members("School1", "5a").unwrap(), ["anna", "berta", "carl"]);
}

#[test]
fn one_who_was_delivered_and_vanished_at_the_server_is_found_by_its_name() {
    let stage = stage();
    stage.remember_user("vanished");
    stage.remember_user("gone");
    let class = class_item("c-1", "School1", "5a", &["anna", "vanished", "gone"]);
    stage.deliver(&class).unwrap();
    assert_eq!(stage.server.members("School1", "5a").unwrap(), ["anna"]);
    assert_eq!(unknown(&stage, "c-1"), json!([user_dn("vanished"), user_dn("gone")]));
}

#[test]
fn of_many_the_list_of_the_school_is_read() {
    let stage = stage();
    let names: Vec<String> = (0..200).map(|number| format!("pupil{number:03}")).collect();
    for name in &names[..190] {
        let user = json!({
            "name": name, "firstname": "F", "lastname": "L", "school": "School1",
            "roles": ["teacher"], "record_uid": name, "source_uid": "SIS",
        });
        let _there = stage.server.clone().with_user(user);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let calls = stage.calls(&class_item("c-1", "School1", "all", &names));
    assert!(calls.contains(&"GET users/?school=School1".to_owned()), "{calls:?}");
    assert!(calls.len() < 20, "{}", calls.len());
    assert_eq!(stage.server.members("School1", "all").unwrap().len(), 190);
}

#[test]
fn many_who_vanished_are_not_found_one_request_at_a_time() {
    let stage = stage();
    let names: Vec<String> = (0..300).map(|number| format!("pupil{number:03}")).collect();
    names.iter().for_each(|name| stage.remember_user(name));
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.push("anna");
    let calls = stage.calls(&class_item("c-1", "School1", "all", &names));
    let posts = calls.iter().filter(|call| call.starts_with("POST")).count();
    assert!(posts < 10, "{posts}");
    assert_eq!(stage.server.members("School1", "all").unwrap(), ["anna"]);
}

#[test]
fn a_class_is_delivered_again_when_such_a_user_appears() {
    let stage = stage();
    let class = class_item("c-1", "School1", "5a", &["anna", "ghost", "other"]);
    stage.deliver(&class).unwrap();
    stage.user_appears("dora");
    assert!(stage.queued().is_empty(), "nobody missed dora");
    stage.user_appears("ghost");
    stage.user_appears("other");
    assert_eq!(stage.queued().len(), 1, "one copy is enough for both");
    stage.deliver_queued();
    assert_eq!(stage.server.members("School1", "5a").unwrap(), ["anna", "ghost", "other"]);
    assert_eq!(unknown(&stage, "c-1"), json!(null));
    assert_eq!(stage.snapshot("c-1").unwrap(), class);
}

#[test]
fn a_class_with_a_newer_item_on_its_way_is_not_queued() {
    let mut stage = stage();
    stage.deliver(&class_item("c-1", "School1", "5a", &["anna", "ghost"])).unwrap();
    stage.waiting.0.push("c-1".into());
    stage.user_appears("ghost");
    assert!(stage.queued().is_empty());
}

#[test]
fn a_copy_does_not_bring_an_older_state_or_a_deleted_class_back() {
    let stage = stage();
    stage.deliver(&class_item("c-1", "School1", "5a", &["anna", "ghost"])).unwrap();
    stage.user_appears("ghost");
    stage.deliver(&class_item("c-1", "School1", "5a", &["berta"])).unwrap();
    stage.deliver_queued();
    assert_eq!(stage.server.members("School1", "5a").unwrap(), ["berta"]);
    stage.deliver(&class_item("c-1", "School1", "5a", &["anna", "ghost2"])).unwrap();
    stage.user_appears("ghost2");
    let class = class_item("c-1", "School1", "5a", &[]);
    stage.deliver(&super::stage::deleted(&class)).unwrap();
    stage.deliver_queued();
    assert_eq!(stage.server.members("School1", "5a"), None);
}

#[test]
fn the_server_may_have_the_member_from_the_user_by_then() {
    let stage = stage();
    stage.deliver(&class_item("c-1", "School1", "5a", &["anna", "ghost"])).unwrap();
    stage.user_appears("ghost");
    let users = json!({"users": ["anna", "ghost"]});
    stage.server.change_class("School1", "5a", users.as_object().unwrap()).unwrap();
    stage.server.calls();
    stage.deliver_queued();
    let calls = stage.server.calls();
    assert!(!calls.iter().any(|call| call.starts_with("PATCH")), "{calls:?}");
}

#[test]
fn a_value_that_is_no_dn_is_named() {
    let stage = stage();
    let class =
        super::stage::with(class_item("c-1", "School1", "5a", &[]), json!({"users": ["nonsense"]}));
    let fault = stage.deliver(&class).unwrap_err();
    assert!(fault.message.contains("'nonsense'"), "{fault:?}");
}

#[test]
fn members_have_the_names_that_were_delivered() {
    let mut stage = stage();
    stage.configure(|stage| {
        let mapping = [("mailPrimaryAddress".to_owned(), "name".to_owned())];
        stage.authority.mappings.users = Some(mapping.into_iter().collect());
    });
    for (name, mail) in [("dora", "d.one"), ("emil", "e.two")] {
        let _there = stage.server.clone().with_user(json!({
            "name": mail, "firstname": "F", "lastname": "L", "school": "School1",
            "roles": ["teacher"], "record_uid": name, "source_uid": "SIS",
        }));
        let object = json!({"username": name, "mailPrimaryAddress": mail});
        let user = super::stage::item(&format!("u-{name}"), "users/user", &user_dn(name), object);
        stage.objects.store(&user, &idspool_provisioner::Facts::default()).unwrap();
    }
    // Who has no name at the server is none; somebody else may have the one in the DN there.
    let lines = logged(|| {
        stage
            .deliver(&class_item("c-1", "School1", "5a", &["dora", "anna", "emil", "nobody"]))
            .unwrap();
    });
    assert_eq!(unknown(&stage, "c-1"), json!([user_dn("anna"), user_dn("nobody")]));
    assert!(lines.iter().any(|line| line.contains("2 of 4 members")), "{lines:#?}");
    assert_eq!(stage.server.members("School1", "5a").unwrap(), ["d.one", "e.two"]);
}

#[test]
fn an_empty_class_is_emptied() {
    let stage = stage();
    stage.deliver(&class_item("c-1", "School1", "5a", &["anna"])).unwrap();
    stage.deliver(&class_item("c-1", "School1", "5a", &[])).unwrap();
    assert!(stage.server.members("School1", "5a").unwrap().is_empty());
}
