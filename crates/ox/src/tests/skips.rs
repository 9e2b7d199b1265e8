//! Outcomes that count as success without anything being done (ox-provisioning 5.0).

use serde_json::json;

use super::stage::{ANNA, Stage, anna, anna_deleted, item, logged};
use crate::fake::Fake;

fn stage() -> Stage {
    Stage::new(Fake::new().with_context(10).with_user(10, 2, "oxadmin"))
}

#[test]
fn s5_3_1_flaw_the_admin_is_skipped_even_with_a_cached_id() {
    let stage = stage();
    let admin = anna(json!({"username": "oxadmin", "oxDbId": 2}));
    assert_eq!(stage.calls(&admin), [""; 0]);
    assert_eq!(stage.calls(&anna(json!({"username": "oxadmin", "title": "x"}))), [""; 0]);
    assert_eq!(stage.calls(&anna(json!({"username": "oxadmin", "isOxUser": "Not"}))), [""; 0]);
    assert_eq!(stage.calls(&anna_deleted()), [""; 0]);
    assert_eq!(stage.snapshot(ANNA), None);
    assert!(stage.ox.user_of(10, "oxadmin").is_some());
}

#[test]
fn s5_3_1_a_rename_to_the_admins_name_and_back_loses_nobody() {
    let stage = stage();
    stage.deliver(&anna(json!({}))).unwrap();
    assert_eq!(stage.calls(&anna(json!({"username": "oxadmin"}))), [""; 0]);
    assert_eq!(stage.snapshot(ANNA).unwrap()["oxDbUsername"], json!("anna"));
    let calls = stage.calls(&anna(json!({"title": "Dr."})));
    assert_eq!(calls, ["User.change 10 #3", "User.changeByModuleAccess 10 #3"]);
}

#[test]
fn s5_0_no_context_is_a_success() {
    let stage = stage();
    assert_eq!(stage.calls(&anna(json!({"oxContext": null}))), [""; 0]);
    assert!(stage.snapshot(ANNA).is_some());
    // Enabling the user and setting its context in two steps works.
    let calls = stage.calls(&anna(json!({})));
    assert_eq!(calls[..2], ["User.exists 10 anna", "User.create 10 anna"]);
}

#[test]
fn s5_0_a_context_without_credentials_is_ignored() {
    let stage = stage();
    let foreign = anna(json!({"oxContext": 99}));
    let lines = logged(|| assert_eq!(stage.calls(&foreign), [""; 0]));
    let expected = "WARN Could not find admin password for context 99. Ignoring this task";
    assert!(lines.iter().any(|line| line == expected), "{lines:#?}");
    assert_eq!(stage.snapshot(ANNA).unwrap()["oxContext"], json!(99));
    stage.deliver(&anna_deleted()).unwrap();
    assert_eq!(stage.snapshot(ANNA), None);
}

#[test]
fn credentials_that_come_later_count_at_once() {
    let stage = stage();
    stage.ox.change_world(|world| {
        let tenant = world.contexts[&10].clone();
        world.contexts.insert(12, tenant);
    });
    stage.deliver(&anna(json!({"oxContext": 12}))).unwrap();
    assert_eq!(stage.ox.user_of(12, "anna"), None);
    stage.set_credentials(|all| {
        all.insert("12".into(), json!({"adminuser": "oxadmin", "adminpass": "p"}));
    });
    stage.deliver(&anna(json!({"oxContext": 12}))).unwrap();
    assert!(stage.ox.user_of(12, "anna").is_some());
}

#[test]
fn s5_0_missing_credentials_are_an_error_for_every_type_that_needs_them() {
    let stage = stage();
    std::fs::remove_file(stage.file("secrets/contexts.json")).unwrap();
    let context = item("c", "oxmail/oxcontext", "cn=c", json!({"contextid": 12, "name": "c"}));
    for item in [anna(json!({})), context] {
        let fault = stage.deliver(&item).unwrap_err();
        assert!(fault.message.contains("contexts.json"), "{}", fault.message);
        assert_eq!(fault.class, idspool_spool::FaultClass::Transient);
    }
    // Profiles need none.
    let profile = item("p", "oxmail/accessprofile", "cn=p", json!({"name": "p"}));
    stage.deliver(&profile).unwrap();
}

#[test]
fn the_name_last_written_of_a_group_is_not_lost() {
    let stage = stage();
    let group = |object| item("g", "groups/group", "cn=team", object);
    stage.deliver(&group(json!({"name": "a", "isOxGroup": "OK", "oxDbGroupname": "a"}))).unwrap();
    stage.deliver(&group(json!({"name": "b", "isOxGroup": "OK"}))).unwrap();
    assert_eq!(stage.snapshot("g").unwrap()["oxDbGroupname"], json!("a"));
}
