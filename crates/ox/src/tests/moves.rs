//! Users that change their context (ox-provisioning 5.3.6).

use idspool_ox_soap::UserField;
use serde_json::json;

use super::stage::{ANNA, Stage, anna};
use crate::fake::Fake;

/// Anna was delivered to context 10; her id is 3.
fn with_anna() -> Stage {
    let stage = Stage::new(Fake::new().with_context(10).with_context(11));
    stage.deliver(&anna(json!({}))).unwrap();
    stage
}

#[test]
fn s5_3_6_user_moved() {
    let stage = with_anna();
    let calls = stage.calls(&anna(json!({"oxContext": 11, "username": "anne"})));
    assert_eq!(
        calls,
        [
            "User.exists 11 anne",
            "UserCopy.copyUser #3 10 11",
            "User.getData 11 anna",
            "User.change 11 #3",
            "User.changeByModuleAccess 11 #3",
            "Group.listGroupsForUser 10 #3",
            "User.delete 10 #3 anna",
        ]
    );
    assert_eq!(stage.ox.user_of(10, "anna"), None);
    assert_eq!(stage.user(11, "anne").text(UserField::Language), Some("de_DE"));
    assert_eq!(stage.snapshot(ANNA).unwrap()["oxDbUsername"], json!("anne"));
    assert_eq!(stage.facts(ANNA).unwrap().scope, Some(11));
}

#[test]
fn s5_3_6_a_move_with_a_stale_id_finds_the_user_by_name() {
    let stage = with_anna();
    stage.ox.change_world(|world| {
        let users = &mut world.contexts.get_mut(&10).unwrap().users;
        let mut account = users.remove(&3).unwrap();
        account.user.set(UserField::Id, 33);
        users.insert(33, account);
    });
    stage.deliver(&anna(json!({"oxContext": 11}))).unwrap();
    assert_eq!(stage.ox.user_of(10, "anna"), None);
    assert!(stage.ox.user_of(11, "anna").is_some());
    // And with nothing left to copy, it is created.
    let stage = with_anna();
    stage.ox.change_world(|world| world.contexts.get_mut(&10).unwrap().users.clear());
    stage.deliver(&anna(json!({"oxContext": 11}))).unwrap();
    assert!(stage.ox.user_of(11, "anna").is_some());
}

#[test]
fn s5_3_6_a_stranger_with_the_old_name_is_not_taken_for_the_copy() {
    let fake = Fake::new().with_context(10).with_context(11).with_user(11, 90, "anna");
    let stage = Stage::new(fake);
    stage.deliver(&anna(json!({}))).unwrap();
    stage.ox.change_world(|world| {
        let account = world.contexts.get_mut(&11).unwrap().users.get_mut(&90).unwrap();
        account.user.set(UserField::PrimaryEmail, "other.anna@example.org");
    });
    let before = stage.ox.world();
    let fault = stage.deliver(&anna(json!({"oxContext": 11, "username": "anne"}))).unwrap_err();
    assert!(fault.message.contains("already exists"), "{}", fault.message);
    assert_eq!(stage.ox.world(), before, "nobody was touched");
}

#[test]
fn s5_3_6_a_copy_may_appear_late() {
    let stage = with_anna();
    stage.ox.hide_copies(4);
    stage.deliver(&anna(json!({"oxContext": 11}))).unwrap();
    assert_eq!(stage.ox.pauses(), 4);
    let stage = with_anna();
    stage.ox.hide_copies(5);
    let fault = stage.deliver(&anna(json!({"oxContext": 11}))).unwrap_err();
    assert!(fault.message.contains("does not appear"), "{}", fault.message);
    assert!(
        stage.ox.user_of(10, "anna").is_some(),
        "the original stays until the copy is complete"
    );
}

#[test]
fn s5_3_6_flaw_found_in_both_contexts_uses_the_id_of_the_new_one() {
    let fake = Fake::new().with_context(10).with_context(11).with_user(11, 90, "anna");
    let stage = Stage::new(fake);
    stage.deliver(&anna(json!({}))).unwrap();
    let calls = stage.calls(&anna(json!({"oxContext": 11})));
    assert_eq!(
        calls,
        [
            "User.exists 11 anna",
            "User.getData 11 anna",
            "Group.listGroupsForUser 10 #3",
            "User.delete 10 #3 anna",
            "User.change 11 #90",
            "User.changeByModuleAccess 11 #90",
        ]
    );
    assert_eq!(stage.snapshot(ANNA).unwrap()["oxDbId"], json!(90));
}

#[test]
fn s5_0_a_missing_master_entry_during_a_move_is_an_error() {
    let stage = with_anna();
    stage.set_credentials(|all| {
        all.remove("master");
    });
    let fault = stage.deliver(&anna(json!({"oxContext": 11}))).unwrap_err();
    assert!(fault.message.contains("no entry 'master'"), "{}", fault.message);
    assert_eq!(stage.snapshot(ANNA).unwrap()["oxContext"], json!(10));
}
