//! Deputy permissions (ox-provisioning 5.4).

mod journeys;
mod trouble;

use idspool_ox_soap::{DeputyModule, DeputyPermission, OxUserId, UserField};
use idspool_service::Ox as Config;
use idspool_udm::ConvertedItem;
use serde_json::{Value, json};

use super::stage::{ANNA, Stage, anna, anna_deleted, item, logged};
use crate::fake::Fake;

fn dn(name: &str) -> String {
    format!("uid={name},cn=users,dc=example,dc=org")
}

fn user(name: &str, changes: Value) -> ConvertedItem {
    let mut item = anna(json!({
        "username": name, "oxDisplayName": name, "mailPrimaryAddress": format!("{name}@example.org"),
        "mailAlternativeAddress": [],
    }));
    for (property, value) in changes.as_object().unwrap() {
        item.object.as_mut().unwrap().insert(property.clone(), value.clone());
    }
    item.id = format!("u-{name}");
    item.dn = dn(name);
    item
}

fn deputy(name: &str, mail: &str, calendar: &str, behalf: &str) -> Value {
    json!([dn(name), mail, calendar, behalf])
}

/// Anna with these entries.
fn giving(entries: &[Value]) -> ConvertedItem {
    anna(json!({"oxDeputyPermissionGivenTo": entries}))
}

/// Berta (3) and Carl (4) in context 10.
fn stage_with(is_enabled: bool) -> Stage {
    let config = Config { enable_deputy_permissions: is_enabled, ..Config::default() };
    let stage = Stage::with_config(Fake::new().with_context(10).with_context(11), config);
    stage.deliver(&user("berta", json!({}))).unwrap();
    stage.deliver(&user("carl", json!({}))).unwrap();
    stage
}

fn stage() -> Stage {
    stage_with(true)
}

/// Permissions of a context as grantor, deputy, and the levels that OX keeps.
fn granted(stage: &Stage, context: i32) -> Vec<(i32, i32, String)> {
    let world = stage.ox.world();
    let mut granted: Vec<_> = world.contexts[&context]
        .deputies
        .iter()
        .map(|granted| {
            let permission = &granted.permission;
            (granted.grantor.value(), permission.user.value(), levels(permission))
        })
        .collect();
    granted.sort();
    granted
}

fn levels(permission: &DeputyPermission) -> String {
    let mut text = String::new();
    for rights in &permission.modules {
        let digits =
            [i32::from(rights.admin), rights.folder, rights.read, rights.write, rights.delete];
        let digits: String = digits.iter().map(ToString::to_string).collect();
        text.push_str(&format!("{} {digits} ", rights.module));
    }
    text + if permission.send_on_behalf_of { "behalf" } else { "" }
}

fn deputy_calls(calls: &[String]) -> Vec<&str> {
    calls.iter().map(String::as_str).filter(|call| call.starts_with("Deputy")).collect()
}

#[test]
fn s5_4_the_last_step_of_a_creation() {
    let stage = stage();
    let entries = [deputy("berta", "02400", "08444", "1"), deputy("carl", "02440", "00000", "0")];
    assert_eq!(
        stage.calls(&giving(&entries)),
        [
            "User.exists 10 anna",
            "User.create 10 anna",
            "User.changeByModuleAccess 10 #5",
            "Deputy.revokeAll 10 #5",
            "Deputy.unblockManual 10 #5",
            "Deputy.grant 10 #5 #3",
            "Deputy.grant 10 #5 #4",
            "Deputy.blockManual 10 #5",
        ]
    );
    assert_eq!(
        granted(&stage, 10),
        [(5, 3, "mail 02400 calendar 08444 behalf".into()), (5, 4, "mail 02440 ".into()),]
    );
    assert!(stage.ox.world().contexts[&10].blocked.contains(&5));
}

#[test]
fn s5_4_mail_goes_before_calendar() {
    let stage = stage();
    stage.deliver(&giving(&[deputy("berta", "02400", "02400", "0")])).unwrap();
    let world = stage.ox.world();
    let modules: Vec<_> =
        world.contexts[&10].deputies[0].permission.modules.iter().map(|m| m.module).collect();
    assert_eq!(modules, [DeputyModule::Mail, DeputyModule::Calendar]);
}

#[test]
fn s5_4_the_form_of_ldap_is_read_as_well() {
    let stage = stage();
    let entry = format!("{} |:$:| 02400 |:$:| 00000 |:$:| 1", dn("berta").to_uppercase());
    stage.deliver(&anna(json!({"oxDeputyPermissionGivenTo": [entry]}))).unwrap();
    assert_eq!(granted(&stage, 10), [(5, 3, "mail 02400 behalf".into())]);
}

#[test]
fn s5_4_without_entries_there_is_no_call() {
    let stage = stage();
    for item in [
        anna(json!({})),
        anna(json!({"title": "Dr."})),
        giving(&[]),
        anna(json!({"oxContext": 11})),
        anna_deleted(),
    ] {
        let calls = stage.calls(&item);
        assert_eq!(deputy_calls(&calls), [""; 0], "{calls:?}");
    }
}

#[test]
fn s5_4_what_a_user_granted_alone_stays() {
    let stage = stage();
    stage.deliver(&anna(json!({}))).unwrap();
    stage.ox.change_world(|world| {
        let permission = DeputyPermission {
            user: OxUserId::new(3),
            send_on_behalf_of: true,
            modules: Vec::new(),
        };
        let tenant = world.contexts.get_mut(&10).unwrap();
        tenant.grant_deputy(OxUserId::new(5), &permission).unwrap();
    });
    stage.deliver(&anna(json!({"title": "Dr."}))).unwrap();
    assert_eq!(granted(&stage, 10).len(), 1);
}

#[test]
fn s5_4_off_not_a_single_call_is_made_and_nothing_is_noted() {
    let stage = stage_with(false);
    let entries = [deputy("berta", "02400", "00000", "0")];
    let mut calls = stage.calls(&giving(&entries));
    let with = stage.facts(ANNA).unwrap().digest;
    calls.extend(stage.calls(&giving(&[])));
    assert_eq!(stage.facts(ANNA).unwrap().digest, with, "nothing about entries");
    calls.extend(stage.calls(&giving(&entries)));
    let mut moved = giving(&entries);
    moved.object.as_mut().unwrap().insert("oxContext".into(), json!(11));
    calls.extend(stage.calls(&moved));
    // Not even a look: a broken entry is none of our business.
    calls.extend(stage.calls(&giving(&[json!(["nobody"])])));
    calls.extend(stage.calls(&anna_deleted()));
    assert_eq!(deputy_calls(&calls), [""; 0]);
}

#[test]
fn s5_4_a_change_of_the_entries_alone_reaches_ox() {
    let stage = stage();
    let set = |entries: &[Value]| stage.calls(&giving(entries));
    set(&[]);
    let with = |ids: &[i32]| {
        let mut calls =
            vec!["Deputy.revokeAll 10 #5".to_owned(), "Deputy.unblockManual 10 #5".into()];
        calls.extend(ids.iter().map(|id| format!("Deputy.grant 10 #5 #{id}")));
        calls.push("Deputy.blockManual 10 #5".into());
        calls
    };
    let berta = deputy("berta", "02400", "00000", "0");
    assert_eq!(set(std::slice::from_ref(&berta)), with(&[3]));
    assert_eq!(set(std::slice::from_ref(&berta)), [""; 0], "unchanged");
    for changed in [
        deputy("berta", "02440", "00000", "0"),
        deputy("berta", "02440", "02400", "0"),
        deputy("berta", "02440", "02400", "1"),
        deputy("berta", "12440", "02400", "1"),
    ] {
        assert_eq!(set(&[changed]), with(&[3]));
    }
    assert_eq!(granted(&stage, 10), [(5, 3, "mail 12440 calendar 02400 behalf".into())]);
    assert_eq!(set(&[berta, deputy("carl", "02400", "00000", "0")]), with(&[3, 4]));
    assert_eq!(granted(&stage, 10).len(), 2);
    // None any more: the user may grant alone again.
    assert_eq!(set(&[]), ["Deputy.revokeAll 10 #5", "Deputy.unblockManual 10 #5"]);
    assert_eq!(granted(&stage, 10), []);
    assert!(!stage.ox.world().contexts[&10].blocked.contains(&5));
    assert_eq!(set(&[]), [""; 0]);
}

#[test]
fn s5_4_another_change_makes_no_deputy_call() {
    let mut stage = stage();
    let entries = [deputy("berta", "02400", "00000", "0")];
    stage.deliver(&giving(&entries)).unwrap();
    let mut titled = giving(&entries);
    titled.object.as_mut().unwrap().insert("title".into(), json!("Dr."));
    assert_eq!(stage.calls(&titled), ["User.change 10 #5"]);
    // A re-provisioning makes all of them.
    stage.forced = true;
    let calls = stage.calls(&titled);
    assert_eq!(
        calls.last_chunk::<5>().unwrap(),
        &[
            "User.changeByModuleAccess 10 #5",
            "Deputy.revokeAll 10 #5",
            "Deputy.unblockManual 10 #5",
            "Deputy.grant 10 #5 #3",
            "Deputy.blockManual 10 #5",
        ]
    );
}

#[test]
fn s5_4_entries_and_data_change_together() {
    let stage = stage();
    stage.deliver(&anna(json!({}))).unwrap();
    let mut changed = giving(&[deputy("berta", "02400", "00000", "0")]);
    changed.object.as_mut().unwrap().insert("title".into(), json!("Dr."));
    assert_eq!(
        stage.calls(&changed),
        [
            "User.change 10 #5",
            "Deputy.revokeAll 10 #5",
            "Deputy.unblockManual 10 #5",
            "Deputy.grant 10 #5 #3",
            "Deputy.blockManual 10 #5",
        ]
    );
}

#[test]
fn s5_4_a_deputy_without_id_is_left_out_until_it_has_one() {
    let stage = stage();
    let entries = [deputy("dora", "02400", "00000", "0"), deputy("berta", "02400", "00000", "0")];
    let lines = logged(|| {
        let calls = stage.calls(&giving(&entries));
        assert_eq!(
            deputy_calls(&calls)[2..],
            ["Deputy.grant 10 #5 #3", "Deputy.blockManual 10 #5"]
        );
    });
    let expected = format!(
        "WARN Deputy {} has no id in context 10 of OX. Leaving out this entry...",
        dn("dora")
    );
    assert!(lines.contains(&expected), "{lines:#?}");
    assert_eq!(stage.calls(&giving(&entries)), [""; 0]);
    // Provisioned later: the same item, delivered again, brings it right.
    stage.deliver(&user("dora", json!({}))).unwrap();
    let calls = stage.calls(&giving(&entries));
    assert_eq!(
        deputy_calls(&calls),
        [
            "Deputy.revokeAll 10 #5",
            "Deputy.unblockManual 10 #5",
            "Deputy.grant 10 #5 #6",
            "Deputy.grant 10 #5 #3",
            "Deputy.blockManual 10 #5",
        ]
    );
}

#[test]
fn an_id_of_another_context_is_never_used() {
    let stage = stage();
    stage.deliver(&user("dora", json!({"oxContext": 11}))).unwrap();
    // Dora is 3 there, who is Berta here.
    stage.deliver(&giving(&[deputy("dora", "08444", "08444", "1")])).unwrap();
    assert_eq!(granted(&stage, 10), []);
}

#[test]
fn s5_4_before_a_user_is_deleted_its_permissions_are_revoked() {
    for gone in [anna_deleted(), anna(json!({"isOxUser": "Not"}))] {
        let stage = stage();
        stage.deliver(&giving(&[deputy("berta", "02400", "00000", "0")])).unwrap();
        assert_eq!(
            stage.calls(&gone),
            [
                "Deputy.revokeAll 10 #5",
                "Deputy.unblockManual 10 #5",
                "Group.listGroupsForUser 10 #5",
                "User.delete 10 #5 anna",
            ]
        );
        assert_eq!(granted(&stage, 10), []);
    }
}

#[test]
fn s5_3_6_revoked_in_the_old_context_before_a_move_and_set_in_the_new_one() {
    let stage = stage();
    stage.deliver(&user("dora", json!({"oxContext": 11}))).unwrap();
    stage.deliver(&giving(&[deputy("berta", "02400", "00000", "0")])).unwrap();
    let mut moved = giving(&[deputy("dora", "02440", "00000", "0")]);
    moved.object.as_mut().unwrap().insert("oxContext".into(), json!("11"));
    assert_eq!(
        stage.calls(&moved),
        [
            "User.exists 11 anna",
            "Deputy.revokeAll 10 #5",
            "Deputy.unblockManual 10 #5",
            "UserCopy.copyUser #5 10 11",
            "User.getData 11 anna",
            "User.change 11 #4",
            "User.changeByModuleAccess 11 #4",
            "Deputy.revokeAll 11 #4",
            "Deputy.unblockManual 11 #4",
            "Deputy.grant 11 #4 #3",
            "Deputy.blockManual 11 #4",
            "Group.listGroupsForUser 10 #5",
            "User.delete 10 #5 anna",
        ]
    );
    assert_eq!(granted(&stage, 10), []);
    assert_eq!(granted(&stage, 11), [(4, 3, "mail 02440 ".into())]);
    assert_eq!(stage.calls(&moved), [""; 0]);
}

#[test]
fn s5_3_6_found_in_both_contexts_it_is_revoked_in_the_old_one() {
    let stage = stage();
    stage.deliver(&giving(&[deputy("berta", "02400", "00000", "0")])).unwrap();
    stage.ox.change_world(|world| {
        let mut entry = world.contexts[&10].users[&5].clone();
        entry.user.set(UserField::Id, 9);
        world.contexts.get_mut(&11).unwrap().users.insert(9, entry);
    });
    assert_eq!(
        stage.calls(&anna(json!({"oxContext": 11}))),
        [
            "User.exists 11 anna",
            "User.getData 11 anna",
            "Deputy.revokeAll 10 #5",
            "Deputy.unblockManual 10 #5",
            "Group.listGroupsForUser 10 #5",
            "User.delete 10 #5 anna",
            "User.change 11 #9",
            "User.changeByModuleAccess 11 #9",
            "Deputy.revokeAll 11 #9",
            "Deputy.unblockManual 11 #9",
        ]
    );
}

#[test]
fn switched_on_later_the_next_item_sets_them() {
    let mut stage = stage_with(false);
    let entries = [deputy("berta", "02400", "00000", "0")];
    stage.deliver(&giving(&entries)).unwrap();
    stage.reconfigure(|config| config.enable_deputy_permissions = true);
    assert_eq!(deputy_calls(&stage.calls(&giving(&entries))).len(), 4);
    assert_eq!(stage.calls(&giving(&entries)), [""; 0]);
    // Off again: neither calls nor a fresh start when it is on again.
    stage.reconfigure(|config| config.enable_deputy_permissions = false);
    assert_eq!(stage.calls(&giving(&entries)), [""; 0]);
    assert_eq!(granted(&stage, 10).len(), 1);
}

#[test]
fn s5_4_a_deleted_deputy_has_no_permission_any_more() {
    let stage = stage();
    let entries = [deputy("berta", "02400", "00000", "0"), deputy("carl", "02400", "00000", "0")];
    stage.deliver(&giving(&entries)).unwrap();
    stage.deliver(&item("u-berta", "users/user", &dn("berta"), Value::Null)).unwrap();
    assert_eq!(granted(&stage, 10), [(5, 4, "mail 02400 ".into())]);
    // The directory takes the entry away, too.
    stage.deliver(&giving(&entries[1..])).unwrap();
    assert_eq!(granted(&stage, 10), [(5, 4, "mail 02400 ".into())]);
}
