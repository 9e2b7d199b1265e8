//! Contexts (ox-provisioning 5.1, 7.3).

use idspool_udm::ConvertedItem;
use serde_json::{Value, json};

use super::stage::{ANNA, Stage, anna, item};
use crate::fake::{Failure, Fake};
use crate::password;

fn context(object: Value) -> ConvertedItem {
    item("c-12", "oxmail/oxcontext", "cn=context12,cn=open-xchange", object)
}

fn twelve() -> ConvertedItem {
    context(json!({"contextid": 12, "name": "context12", "oxQuota": "500"}))
}

#[test]
fn s5_8_context_create() {
    let stage = Stage::new(Fake::new());
    assert_eq!(stage.calls(&twelve()), ["Context.getData 12", "Context.create 12"]);
    let tenant = stage.ox.world().contexts[&12].clone();
    assert_eq!((tenant.name.as_str(), tenant.quota), ("context12", Some(500)));
    assert_eq!(tenant.admin, "oxadmin-context12");
    assert!(password::is_generated(&tenant.password));
    let entry = &stage.credentials()["12"];
    assert_eq!(*entry, json!({"adminuser": tenant.admin, "adminpass": tenant.password}));
    assert_eq!(stage.facts("c-12").unwrap().scope, Some(12));
}

#[test]
fn users_and_resources_that_came_before_their_context_follow_it() {
    let stage = Stage::new(Fake::new().with_context(10));
    let early = anna(json!({"oxContext": 12}));
    let room = item(
        "r-1",
        "oxresources/oxresources",
        "cn=room",
        json!({"name": "room", "displayname": "Room", "oxContext": "12", "resourceMailAddress": "r@x"}),
    );
    let other = item("u-2", "users/user", "uid=b", json!({"isOxUser": "Not", "oxContext": 12}));
    for item in [&early, &room, &other] {
        assert_eq!(stage.calls(item), [""; 0], "there are no credentials yet");
    }
    stage.deliver(&twelve()).unwrap();
    let queued = stage.queued();
    let mut ids: Vec<&str> = queued.iter().map(|item| item.id.as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, [ANNA, "r-1"]);
    for item in &queued {
        stage.deliver(item).unwrap();
    }
    assert!(stage.ox.user_of(12, "anna").is_some());
    assert_eq!(stage.ox.world().contexts[&12].resources.len(), 1);
}

#[test]
fn s7_3_the_default_context_has_the_plain_admin_name() {
    let stage = Stage::new(Fake::new());
    stage.deliver(&context(json!({"contextid": "10", "name": "context10"}))).unwrap();
    assert_eq!(stage.ox.world().contexts[&10].admin, "oxadmin");
}

#[test]
fn s5_1_create_of_an_existing_context_changes_it() {
    let stage = Stage::new(Fake::new().with_context(12));
    assert_eq!(stage.calls(&twelve()), ["Context.getData 12", "Context.change 12"]);
    assert_eq!(stage.credentials().get("12"), None, "its password is not known");
}

#[test]
fn s5_8_context_modify() {
    let stage = Stage::new(Fake::new());
    stage.deliver(&twelve()).unwrap();
    assert_eq!(stage.calls(&twelve()), [""; 0], "nothing to change, no call");
    let unlimited = context(json!({"contextid": 12, "name": "context12", "oxQuota": null}));
    assert_eq!(stage.calls(&unlimited), ["Context.change 12"]);
    assert_eq!(stage.ox.world().contexts[&12].quota, Some(-1));
}

#[test]
fn forced_context_items_always_call() {
    let mut stage = Stage::new(Fake::new());
    stage.deliver(&twelve()).unwrap();
    stage.forced = true;
    assert_eq!(stage.calls(&twelve()), ["Context.change 12"]);
}

#[test]
fn s5_8_context_delete() {
    let stage = Stage::new(Fake::new());
    stage.deliver(&twelve()).unwrap();
    let calls = stage.calls(&context(Value::Null));
    assert_eq!(calls, ["Context.getData 12", "Context.delete 12 context12"]);
    assert_eq!(stage.credentials().get("12"), None);
    assert_eq!(stage.snapshot("c-12"), None);
}

#[test]
fn s5_1_delete_of_a_missing_context_leaves_the_credentials() {
    let stage = Stage::new(Fake::new());
    stage.deliver(&twelve()).unwrap();
    stage.ox.change_world(|world| {
        world.contexts.remove(&12);
    });
    assert_eq!(stage.calls(&context(Value::Null)), ["Context.getData 12"]);
    assert!(stage.credentials().get("12").is_some());
    assert_eq!(stage.snapshot("c-12"), None);
}

#[test]
fn s5_0_contexts_need_the_master_entry() {
    let stage = Stage::new(Fake::new());
    stage.set_credentials(|all| {
        all.remove("master");
    });
    let fault = stage.deliver(&twelve()).unwrap_err();
    assert!(fault.message.contains("no entry 'master'"), "{}", fault.message);
    assert!(fault.remedy.unwrap().contains("OX_MASTER_PASSWORD"));
}

#[test]
fn weak_point_6_a_context_that_is_deleted_and_created_again_gets_new_credentials() {
    let stage = Stage::new(Fake::new());
    stage.deliver(&twelve()).unwrap();
    let first = stage.credentials()["12"].clone();
    stage.deliver(&context(Value::Null)).unwrap();
    stage.deliver(&twelve()).unwrap();
    assert_ne!(stage.credentials()["12"], first);
    assert_eq!(
        stage.credentials()["12"]["adminpass"],
        json!(stage.ox.world().contexts[&12].password)
    );
}

#[test]
fn the_password_of_a_context_whose_creation_was_not_answered_is_known() {
    let mut stage = Stage::new(Fake::new());
    stage.ox.fail_at(2, Failure::After);
    stage.deliver(&twelve()).unwrap_err();
    stage.ox.heal();
    stage.restart();
    assert_eq!(stage.calls(&twelve()), ["Context.getData 12", "Context.change 12"]);
    assert_eq!(
        stage.credentials()["12"]["adminpass"],
        json!(stage.ox.world().contexts[&12].password)
    );
}

#[test]
fn a_refused_creation_leaves_the_credentials_as_they_were() {
    let stage = Stage::new(Fake::new());
    stage.ox.refuse_contexts();
    stage.deliver(&twelve()).unwrap_err();
    assert_eq!(stage.credentials().get("12"), None);
    let by_hand = json!({"adminuser": "me", "adminpass": "mine"});
    stage.set_credentials(|all| {
        all.insert("12".into(), by_hand.clone());
    });
    stage.deliver(&twelve()).unwrap_err();
    assert_eq!(stage.credentials()["12"], by_hand);
}

#[test]
fn what_is_missing_is_named() {
    let stage = Stage::new(Fake::new());
    let fault = stage.deliver(&context(json!({"name": "x"}))).unwrap_err();
    assert!(fault.message.contains("'contextid' is missing"), "{}", fault.message);
    let fault = stage.deliver(&context(json!({"contextid": 12, "oxQuota": "much"}))).unwrap_err();
    assert!(fault.message.contains("'oxQuota'"), "{}", fault.message);
}
