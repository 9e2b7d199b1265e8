//! Sequences of calls (ox-provisioning 5.8), enrichment, snapshots and "less work".

use idspool_ox_soap::{AccessFlag, UserField};
use idspool_service::Ox as Config;
use serde_json::{Value, json};

use super::stage::{ANNA, Stage, anna, anna_deleted};
use crate::fake::Fake;
use crate::ox::Ox as _;

fn stage() -> Stage {
    Stage::new(Fake::new().with_context(10).with_context(11))
}

/// Anna was delivered; her id is 3.
fn with_anna() -> Stage {
    let stage = stage();
    stage.deliver(&anna(json!({}))).unwrap();
    stage
}

#[test]
fn s5_8_user_create() {
    let stage = stage();
    let calls = stage.calls(&anna(json!({})));
    assert_eq!(
        calls,
        ["User.exists 10 anna", "User.create 10 anna", "User.changeByModuleAccess 10 #3"]
    );
    let user = stage.user(10, "anna");
    assert_eq!(user.text(UserField::Language), Some("de_DE"));
    assert_eq!(user.text(UserField::Timezone), Some("Europe/Berlin"));
    assert_eq!(user.text(UserField::DefaultSenderAddress), Some("anna@example.org"));
    let access = stage.access(10, "anna").unwrap();
    assert_eq!(access.get(AccessFlag::Tasks), Some(true));
    assert_eq!(access.get(AccessFlag::Calendar), Some(false));
}

#[test]
fn s5_3_3_enrichment_and_facts() {
    let stage = with_anna();
    let snapshot = stage.snapshot(ANNA).unwrap();
    assert_eq!(snapshot["oxDbId"], json!(3));
    assert_eq!(snapshot["oxDbUsername"], json!("anna"));
    let expected = anna(json!({"oxDbId": 3, "oxDbUsername": "anna"})).object.unwrap();
    assert_eq!(snapshot, expected, "nothing else changes");
    let facts = stage.facts(ANNA).unwrap();
    assert_eq!((facts.scope, facts.remote_id, facts.active), (Some(10), Some(3), true));
    assert_eq!(facts.rights.as_deref(), Some("contacts,tasks,webmail"));
    assert!(facts.digest.is_some());
}

#[test]
fn s5_8_user_create_already_there() {
    let stage = Stage::new(Fake::new().with_context(10).with_user(10, 7, "anna"));
    let calls = stage.calls(&anna(json!({})));
    assert_eq!(
        calls,
        [
            "User.exists 10 anna",
            "User.getData 10 anna",
            "User.change 10 #7",
            "User.changeByModuleAccess 10 #7",
        ]
    );
    assert_eq!(stage.user(10, "anna").text(UserField::Language), Some("fr_FR"), "the user's own");
    assert_eq!(stage.snapshot(ANNA).unwrap()["oxDbId"], json!(7));
}

#[test]
fn less_work_an_unchanged_user_needs_no_call() {
    let stage = with_anna();
    assert_eq!(stage.calls(&anna(json!({}))), [""; 0]);
    assert_eq!(
        stage.calls(&anna(json!({"groups": ["cn=new"], "description": "unmapped"}))),
        [""; 0]
    );
    assert_eq!(
        stage.snapshot(ANNA).unwrap()["description"],
        json!("unmapped"),
        "the newest state is kept"
    );
    assert_eq!(stage.snapshot(ANNA).unwrap()["oxDbId"], json!(3));
}

#[test]
fn less_work_a_known_user_needs_one_call() {
    let stage = with_anna();
    assert_eq!(stage.calls(&anna(json!({"firstname": "Anne"}))), ["User.change 10 #3"]);
    let user = stage.user(10, "anna");
    assert_eq!(user.text(UserField::GivenName), Some("Anne"));
    assert_eq!(user.text(UserField::Language), Some("de_DE"));
    assert_eq!(stage.calls(&anna(json!({"firstname": "Anne"}))), [""; 0]);
}

#[test]
fn less_work_rights_are_sent_when_they_differ() {
    let stage = with_anna();
    let calls = stage.calls(&anna(json!({"oxAccess": "webmail"})));
    assert_eq!(calls, ["User.change 10 #3", "User.changeByModuleAccess 10 #3"]);
    let access = stage.access(10, "anna").unwrap();
    assert_eq!(access.get(AccessFlag::Tasks), Some(false));
    // To `none`: mail is switched off and all rights go.
    stage.deliver(&anna(json!({"oxAccess": "none"}))).unwrap();
    assert_eq!(stage.user(10, "anna").flag(UserField::Mailenabled), Some(false));
    assert!(stage.access(10, "anna").unwrap().iter().all(|(_, granted)| !granted));
}

#[test]
fn s5_2_an_unknown_profile_leaves_the_rights_untouched() {
    let stage = with_anna();
    assert_eq!(stage.calls(&anna(json!({"oxAccess": "nosuch"}))), ["User.change 10 #3"]);
    let access = stage.access(10, "anna").unwrap();
    assert_eq!(access.get(AccessFlag::Tasks), Some(true));
    // They are still what was last delivered.
    assert_eq!(stage.calls(&anna(json!({}))), ["User.change 10 #3"]);
}

#[test]
fn less_work_a_changed_profile_shows_at_the_next_item() {
    let stage = with_anna();
    std::fs::write(stage.file("ModuleAccessDefinitions.properties"), "premium=calendar\n").unwrap();
    let calls = stage.calls(&anna(json!({})));
    assert_eq!(calls, ["User.change 10 #3", "User.changeByModuleAccess 10 #3"]);
    assert_eq!(stage.access(10, "anna").unwrap().get(AccessFlag::Calendar), Some(true));
}

#[test]
fn less_work_a_changed_mapping_shows_at_the_next_item() {
    let stage = with_anna();
    std::fs::write(
        stage.file("AttributeMapping.json"),
        json!({"email1": {"ldap_attribute": "mailPrimaryAddress"}, "given_name": {"ldap_attribute": "lastname"}, "aliases": {"ldap_attribute": "mailAlternativeAddress", "multi_value": true}})
            .to_string(),
    )
    .unwrap();
    assert_eq!(stage.calls(&anna(json!({}))), ["User.change 10 #3"]);
    assert_eq!(stage.user(10, "anna").text(UserField::GivenName), Some("M"));
}

#[test]
fn forced_items_always_call() {
    let mut stage = with_anna();
    stage.forced = true;
    let calls = stage.calls(&anna(json!({})));
    assert_eq!(
        calls,
        ["User.getData 10 #3", "User.change 10 #3", "User.changeByModuleAccess 10 #3"]
    );
}

#[test]
fn s5_8_user_modify_taken_over_from_the_ox_connector() {
    // A snapshot of the old program: an id, but nothing noted beside it.
    let stage = Stage::new(Fake::new().with_context(10).with_user(10, 42, "anna"));
    let before = anna(json!({"oxDbId": 42, "oxDbUsername": "anna"}));
    std::fs::write(stage.file(&format!("listener/old/{ANNA}.json")), before.to_snapshot_bytes())
        .unwrap();
    let calls = stage.calls(&anna(json!({"title": "Dr."})));
    assert_eq!(calls, ["User.change 10 #42", "User.changeByModuleAccess 10 #42"]);
    assert_eq!(stage.snapshot(ANNA).unwrap()["oxDbId"], json!(42));
}

#[test]
fn s5_3_2_flaw_a_changed_address_follows_unless_the_user_chose_another() {
    let stage = with_anna();
    let renamed = json!({"mailPrimaryAddress": "anna.neu@example.org", "mailAlternativeAddress": ["anna@example.org", "a.m@example.org"]});
    let calls = stage.calls(&anna(renamed.clone()));
    assert_eq!(calls, ["User.getData 10 #3", "User.change 10 #3"]);
    let sender = |stage: &Stage| {
        stage.user(10, "anna").text(UserField::DefaultSenderAddress).unwrap().to_owned()
    };
    assert_eq!(sender(&stage), "anna.neu@example.org");
    // The user's own choice stays.
    stage.ox.change_world(|world| {
        let account = world.contexts.get_mut(&10).unwrap().users.get_mut(&3).unwrap();
        account.user.set(UserField::DefaultSenderAddress, "a.m@example.org");
    });
    stage.deliver(&anna(json!({}))).unwrap();
    assert_eq!(sender(&stage), "a.m@example.org");
    // Until it is none of the addresses any more.
    stage.deliver(&anna(json!({"mailAlternativeAddress": []}))).unwrap();
    assert_eq!(sender(&stage), "anna@example.org");
}

#[test]
fn s5_3_2_flaw_a_failing_read_is_an_error_and_never_no_current() {
    let stage = with_anna();
    stage.ox.fail_at(1, crate::fake::Failure::Before);
    let item = anna(json!({"mailAlternativeAddress": []}));
    assert!(stage.deliver(&item).unwrap_err().message.contains("connection lost"));
    assert_eq!(stage.ox.calls(), ["User.getData 10 #3"]);
}

#[test]
fn a_change_refused_for_its_sender_address_is_sent_once_more_with_it() {
    let stage = with_anna();
    stage.ox.refuse_stale_sender();
    let calls = stage.calls(&anna(json!({"title": "Dr."})));
    assert_eq!(calls, ["User.change 10 #3", "User.getData 10 #3", "User.change 10 #3"]);
}

#[test]
fn s5_3_4_a_rename_keeps_the_id() {
    let stage = with_anna();
    assert_eq!(stage.calls(&anna(json!({"username": "anne"}))), ["User.change 10 #3"]);
    assert_eq!(stage.user(10, "anne").id().unwrap().value(), 3);
    let snapshot = stage.snapshot(ANNA).unwrap();
    assert_eq!((&snapshot["oxDbId"], &snapshot["oxDbUsername"]), (&json!(3), &json!("anne")));
}

#[test]
fn s10_4_a_changed_identifier_renames_at_the_next_change() {
    let config = Config { user_identifier: Some("entryUUID".into()), ..Config::default() };
    let stage = Stage::with_config(Fake::new().with_context(10).with_user(10, 7, "anna"), config);
    let before = anna(json!({"oxDbUsername": "anna"}));
    stage.objects.store(&before, &crate::OxRecipient::facts_of(&before)).unwrap();
    stage.deliver(&anna(json!({}))).unwrap();
    assert_eq!(stage.user(10, ANNA).id().unwrap().value(), 7);
    assert_eq!(stage.snapshot(ANNA).unwrap()["oxDbUsername"], json!(ANNA));
}

#[test]
fn s10_4_a_bad_identifier_stops_until_it_is_corrected() {
    let config = Config { user_identifier: Some("groups".into()), ..Config::default() };
    let stage = Stage::with_config(Fake::new().with_context(10), config);
    let fault = stage.deliver(&anna(json!({}))).unwrap_err();
    assert!(fault.message.contains("doesn't accept collections as value"), "{}", fault.message);
    assert!(fault.message.starts_with("Object('users/user', 'uid=anna"), "{}", fault.message);
}

#[test]
fn s5_3_4_step_7_a_stale_id_leads_to_a_creation() {
    let stage = with_anna();
    stage.ox.change_world(|world| {
        world.contexts.get_mut(&10).unwrap().users.clear();
    });
    let calls = stage.calls(&anna(json!({"title": "Dr."})));
    assert_eq!(
        calls,
        ["User.change 10 #3", "User.create 10 anna", "User.changeByModuleAccess 10 #4"]
    );
    assert_eq!(stage.snapshot(ANNA).unwrap()["oxDbId"], json!(4));
    assert_eq!(stage.user(10, "anna").text(UserField::Language), Some("de_DE"), "initial values");
}

#[test]
fn s5_3_4_step_7_ids_that_moved_in_a_restored_backup_are_found_again() {
    let stage = with_anna();
    stage.ox.change_world(|world| {
        let users = &mut world.contexts.get_mut(&10).unwrap().users;
        let mut account = users.remove(&3).unwrap();
        account.user.set(UserField::Id, 33);
        users.insert(33, account);
    });
    let calls = stage.calls(&anna(json!({"title": "Dr."})));
    assert_eq!(
        calls,
        [
            "User.change 10 #3",
            "User.create 10 anna",
            "User.exists 10 anna",
            "User.getData 10 anna",
            "User.change 10 #33",
            "User.changeByModuleAccess 10 #33",
        ]
    );
    assert_eq!(stage.snapshot(ANNA).unwrap()["oxDbId"], json!(33));
}

#[test]
fn s5_3_4_step_7_flaw_other_faults_are_errors() {
    let stage = with_anna();
    // An address that OX refuses even with a sender address.
    stage.ox.change_world(|world| {
        world.contexts.get_mut(&10).unwrap().password = "changed".into();
    });
    let fault = stage.deliver(&anna(json!({"title": "Dr."}))).unwrap_err();
    assert!(fault.message.contains("Authentication failed"), "{}", fault.message);
    assert_eq!(stage.snapshot(ANNA).unwrap().get("title"), None);
}

#[test]
fn s5_8_user_delete_with_a_cached_id() {
    let stage = with_anna();
    let calls = stage.calls(&anna_deleted());
    assert_eq!(calls, ["Group.listGroupsForUser 10 #3", "User.delete 10 #3 anna"]);
    assert_eq!(stage.snapshot(ANNA), None);
}

#[test]
fn s5_3_5_the_flag_taken_away_deletes_user_and_snapshot() {
    for off in [json!("Not"), json!(false), json!(null)] {
        let stage = with_anna();
        let calls = stage.calls(&anna(json!({"isOxUser": off})));
        assert_eq!(calls, ["Group.listGroupsForUser 10 #3", "User.delete 10 #3 anna"]);
        assert_eq!(stage.snapshot(ANNA), None);
        // On again: created like a new one.
        let calls = stage.calls(&anna(json!({})));
        assert_eq!(calls[..2], ["User.exists 10 anna", "User.create 10 anna"]);
    }
}

#[test]
fn s5_3_5_groups_that_become_empty_go_away() {
    let stage = Stage::new(
        Fake::new()
            .with_context(10)
            .with_user(10, 3, "anna")
            .with_user(10, 4, "berta")
            .with_group(10, 1, "standard", &[3])
            .with_group(10, 5, "both", &[3, 4])
            .with_group(10, 6, "alone", &[3])
            .with_group(10, 7, "Users", &[3]),
    );
    stage.deliver(&anna(json!({}))).unwrap();
    let calls = stage.calls(&anna_deleted());
    assert_eq!(
        calls,
        ["Group.listGroupsForUser 10 #3", "User.delete 10 #3 anna", "Group.delete 10 #6 alone"]
    );
    let left: Vec<i32> = stage.ox.world().contexts[&10].groups.keys().copied().collect();
    assert_eq!(left, [1, 5, 7], "never the standard group, never one named users");
    assert!(!stage.file("unfinished").join(format!("{ANNA}.json")).exists());
}

#[test]
fn s5_3_5_flaw_a_user_that_is_gone_already_counts_as_deleted() {
    let stage = with_anna();
    stage.ox.change_world(|world| {
        world.contexts.get_mut(&10).unwrap().users.clear();
    });
    stage.deliver(&anna_deleted()).unwrap();
    assert_eq!(stage.snapshot(ANNA), None);
}

#[test]
fn s5_3_users_outside_ox_become_snapshots() {
    let stage = stage();
    let off = |title: &str| anna(json!({"isOxUser": "Not", "title": title}));
    assert_eq!(stage.calls(&off("a")), [""; 0], "without snapshot nothing is looked up");
    assert_eq!(stage.calls(&off("b")), ["User.exists 10 anna"]);
    assert_eq!(stage.calls(&off("c")), [""; 0], "and then it is known");
    assert_eq!(stage.snapshot(ANNA).unwrap()["title"], json!("c"));
    let facts = stage.facts(ANNA).unwrap();
    assert_eq!((facts.scope, facts.active), (Some(10), false));
    assert_eq!(stage.calls(&anna_deleted()), [""; 0]);
    assert_eq!(stage.snapshot(ANNA), None);
}

#[test]
fn s2_2_flaw_a_context_as_text_is_no_move() {
    let stage = with_anna();
    assert_eq!(stage.calls(&anna(json!({"oxContext": "10"}))), [""; 0]);
    assert_eq!(
        stage.snapshot(ANNA).unwrap()["oxContext"],
        json!("10"),
        "the file is kept as it is"
    );
    assert_eq!(stage.calls(&anna(json!({"oxContext": 10, "title": "x"}))), ["User.change 10 #3"]);
}

#[test]
fn s5_3_4_step_5_a_missing_context_is_taken_from_the_snapshot() {
    let stage = with_anna();
    let calls = stage.calls(&anna(json!({"oxContext": null, "title": "Dr."})));
    assert_eq!(calls, ["User.change 10 #3"]);
    assert_eq!(stage.snapshot(ANNA).unwrap()["oxContext"], json!(10));
}

#[test]
fn a_broken_off_delivery_makes_the_fingerprint_void() {
    let stage = with_anna();
    stage.ox.fail_at(2, crate::fake::Failure::Before);
    stage.deliver(&anna(json!({"oxAccess": "webmail", "title": "Dr."}))).unwrap_err();
    stage.ox.heal();
    // The administrator removes that item; the next one is what was delivered before it.
    let calls = stage.calls(&anna(json!({})));
    assert_eq!(calls, ["User.change 10 #3", "User.changeByModuleAccess 10 #3"]);
    assert_eq!(stage.user(10, "anna").text(UserField::Title), Some(""));
}

#[test]
fn secrets_are_in_no_fault() {
    let stage = with_anna();
    for call in 1..4 {
        stage.ox.fail_at(call, crate::fake::Failure::Before);
        if let Err(fault) = stage.deliver(&anna(json!({"oxContext": 11}))) {
            let text = format!("{fault:?}");
            assert!(!text.contains("dummy") && !text.contains("adminpass"), "{text}");
        }
    }
}

#[test]
fn the_fake_itself_refuses_wrong_credentials() {
    let ox = Fake::new().with_context(10);
    let admin = idspool_ox_soap::Credentials::new("oxadmin", "wrong");
    let context = idspool_ox_soap::ContextId::new(10);
    assert!(ox.user_exists(crate::ox::Scope { context, admin: &admin }, "anna").is_err());
}

#[test]
fn an_unusable_context_is_a_fault_that_names_the_property() {
    let fault = stage().deliver(&anna(json!({"oxContext": "ten"}))).unwrap_err();
    assert!(fault.message.contains("'oxContext'"), "{}", fault.message);
}

#[test]
fn an_item_without_mandatory_values_names_them() {
    let fault = stage().deliver(&anna(json!({"lastname": Value::Null}))).unwrap_err();
    assert!(fault.message.ends_with("Mandatory attributes: sur_name."), "{}", fault.message);
}
