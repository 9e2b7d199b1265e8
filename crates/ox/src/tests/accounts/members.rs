//! For whom a functional account exists, and in which contexts (ox-provisioning 5.6.1).

use std::fs;

use idspool_ox_soap::{AccountDataOnCreate, AccountDataOnCreateField as Field};
use serde_json::{Value, json};

use super::{INFO, account, dn, held, ids, of, stage, user};
use crate::OxRecipient;
use crate::tests::stage::{item, logged};

#[test]
fn s5_6_1_contexts_of_former_users_are_cleaned() {
    let stage = stage();
    stage.deliver(&of(&["anna", "carl"])).unwrap();
    assert_eq!(stage.calls(&of(&["anna"])), ["SecondaryAccount.delete 11 info@example.org *"]);
    assert_eq!(ids(&stage, 11), [0; 0]);
    assert_eq!(stage.calls(&of(&["anna"])), [""; 0]);
}

#[test]
fn s5_6_1_unknown_users_are_logged_and_left_out() {
    let stage = stage();
    let lines = logged(|| {
        let calls = stage.calls(&account(json!({
            "users": [dn("anna"), "uid=ghost,dc=example"], "groups": ["cn=ghosts,dc=example"],
        })));
        assert_eq!(calls.len(), 2);
    });
    for expected in [
        "INFO Account wants uid=ghost,dc=example as user. But the user is unknown. Ignoring...",
        "INFO Account wants cn=ghosts,dc=example as group. But the group is unknown. Ignoring...",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected}: {lines:#?}");
    }
}

#[test]
fn s5_6_2_users_without_id_are_left_out() {
    let stage = stage();
    stage.deliver(&of(&["anna", "nobody"])).unwrap();
    assert_eq!(ids(&stage, 10), [3]);
}

#[test]
fn s5_6_2_users_are_recognised_in_any_spelling() {
    let stage = stage();
    let shouted = dn("anna").to_uppercase();
    let spaced = dn("berta").replace(',', " , ");
    stage.deliver(&account(json!({"users": [shouted, spaced, dn("anna")]}))).unwrap();
    assert_eq!(ids(&stage, 10), [3, 4], "and nobody has it twice");
}

#[test]
fn s5_6_1_groups_contribute_contexts_and_are_granted_nothing() {
    let stage = stage();
    let group = |name: &str, flag: &str, users: &[String]| {
        item(
            &format!("g-{name}"),
            "groups/group",
            &format!("cn={name},dc=example"),
            json!({"name": name, "isOxGroup": flag, "users": users}),
        )
    };
    for group in
        [group("team", "OK", &[dn("carl"), dn("ghost")]), group("plain", "Not", &[dn("carl")])]
    {
        stage.objects.store(&group, &OxRecipient::facts_of(&group)).unwrap();
    }
    let with = |group: &str| {
        account(json!({"users": [dn("anna")], "groups": [format!("cn={group},dc=example")]}))
    };
    let lines = logged(|| {
        assert_eq!(
            stage.calls(&with("team")),
            [
                "SecondaryAccount.delete 10 info@example.org *",
                "SecondaryAccount.create 10 info@example.org #3",
                "SecondaryAccount.delete 11 info@example.org *",
            ]
        );
    });
    let expected =
        format!("INFO Group wants {} as member. But the user is unknown. Ignoring...", dn("ghost"));
    assert!(lines.contains(&expected), "{lines:#?}");
    assert_eq!(stage.calls(&with("team")), [""; 0]);
    assert_eq!(stage.calls(&with("plain")), [""; 0], "no OX group");
    assert_eq!((ids(&stage, 10), ids(&stage, 11)), (vec![3], vec![]));
}

#[test]
fn s2_5_a_user_without_snapshot_file_is_an_error() {
    let stage = stage();
    stage.objects.commit().unwrap();
    fs::remove_file(stage.file("listener/old/u-anna.json")).unwrap();
    let fault = stage.deliver(&of(&["anna"])).unwrap_err();
    let path = stage.file("listener/old/u-anna.json");
    let expected = format!(
        "Old object file {} for {dn} does not exist!\nYou need to re-provision \"{dn}\" (see ",
        path.display(),
        dn = dn("anna")
    );
    assert!(fault.message.contains(&expected), "{}", fault.message);
    assert!(fault.remedy.is_some());
}

#[test]
fn s5_6_2_a_deleted_user_costs_no_call() {
    let stage = stage();
    stage.deliver(&of(&["anna", "berta"])).unwrap();
    stage.deliver(&item("u-anna", "users/user", &dn("anna"), Value::Null)).unwrap();
    assert_eq!(ids(&stage, 10), [4], "OX took it away itself");
    assert_eq!(stage.calls(&of(&["berta"])), [""; 0]);
}

#[test]
fn a_user_who_was_renamed_and_left_the_account_loses_it() {
    let stage = stage();
    stage.deliver(&of(&["anna", "berta"])).unwrap();
    let mut renamed = user("anna", json!({"username": "anne"}));
    renamed.dn = dn("anne");
    stage.deliver(&renamed).unwrap();
    assert_eq!(
        stage.calls(&of(&["berta"])),
        ["SecondaryAccount.delete 10 info@example.org #3"],
        "the old list names a DN that nobody has any more"
    );
}

#[test]
fn s5_6_2_a_renamed_user_gets_its_new_login() {
    let stage = stage();
    stage.deliver(&of(&["anna", "berta"])).unwrap();
    let mut renamed = user("anna", json!({"username": "anne"}));
    renamed.dn = dn("anne");
    stage.deliver(&renamed).unwrap();
    assert_eq!(
        stage.calls(&of(&["anne", "berta"])),
        [
            "SecondaryAccount.delete 10 info@example.org #3",
            "SecondaryAccount.create 10 info@example.org #3",
        ]
    );
    assert_eq!(held(&stage, 10)[0].2, format!("{INFO}anne"));
}

#[test]
fn s5_6_2_a_moved_user_has_the_account_in_its_new_context() {
    let stage = stage();
    stage.deliver(&of(&["anna", "berta"])).unwrap();
    stage.deliver(&user("anna", json!({"oxContext": 11}))).unwrap();
    // Only what differs, although the account itself is the same as before.
    assert_eq!(
        stage.calls(&of(&["anna", "berta"])),
        [
            "SecondaryAccount.delete 11 info@example.org *",
            "SecondaryAccount.create 11 info@example.org #4",
        ]
    );
    assert_eq!((ids(&stage, 10), ids(&stage, 11)), (vec![4], vec![4]));
}

#[test]
fn a_context_that_no_user_is_in_any_more_is_cleaned() {
    let stage = stage();
    stage.deliver(&of(&["anna"])).unwrap();
    stage.deliver(&user("anna", json!({"oxContext": 11}))).unwrap();
    // Somebody whom this program does not know has it, too.
    stage.ox.change_world(|world| {
        let tenant = world.contexts.get_mut(&10).unwrap();
        tenant.accounts.push((4, {
            AccountDataOnCreate::new().with(Field::PrimaryAddress, "info@example.org")
        }));
    });
    assert_eq!(
        stage.calls(&of(&["anna"])),
        [
            "SecondaryAccount.delete 10 info@example.org *",
            "SecondaryAccount.delete 11 info@example.org *",
            "SecondaryAccount.create 11 info@example.org #4",
        ]
    );
    assert_eq!((ids(&stage, 10), ids(&stage, 11)), (vec![], vec![4]));
    assert_eq!(stage.calls(&of(&["anna"])), [""; 0]);
}

#[test]
fn weak_point_27_a_user_who_is_provisioned_later_gets_it_at_the_next_item() {
    let stage = stage();
    stage.deliver(&of(&["anna", "nobody"])).unwrap();
    stage.deliver(&user("nobody", json!({}))).unwrap();
    assert_eq!(
        stage.calls(&of(&["anna", "nobody"])),
        ["SecondaryAccount.create 10 info@example.org #5"]
    );
}

#[test]
fn an_id_that_was_put_right_in_the_snapshot_counts() {
    let stage = stage();
    stage.objects.commit().unwrap();
    let path = stage.file("listener/old/u-anna.json");
    let text = fs::read_to_string(&path).unwrap();
    stage.ox.change_world(|world| {
        let users = &mut world.contexts.get_mut(&10).unwrap().users;
        let anna = users.remove(&3).unwrap();
        users.insert(30, anna);
    });
    // Replaced, as editors do it, with a time of its own.
    fs::remove_file(&path).unwrap();
    fs::write(&path, text.replace("\"oxDbId\": 3,", "\"oxDbId\": 30,")).unwrap();
    stage.deliver(&of(&["anna"])).unwrap();
    assert_eq!(ids(&stage, 10), [30]);
}

#[test]
fn s2_1_3_users_without_context_are_left_out() {
    let stage = stage();
    stage.deliver(&user("dora", json!({"oxContext": null, "oxDbId": 9}))).unwrap();
    stage.deliver(&of(&["anna", "dora"])).unwrap();
    assert_eq!((ids(&stage, 10), ids(&stage, 11)), (vec![3], vec![]));
}

#[test]
fn a_user_who_is_gone_from_ox_does_not_keep_the_account_from_leaving_others() {
    let stage = stage();
    stage.deliver(&user("dora", json!({}))).unwrap();
    stage.deliver(&of(&["anna", "berta", "dora"])).unwrap();
    stage.ox.change_world(|world| {
        let tenant = world.contexts.get_mut(&10).unwrap();
        tenant.users.remove(&3);
        tenant.accounts.retain(|(id, _)| *id != 3);
    });
    assert_eq!(
        stage.calls(&of(&["dora"])),
        [
            "SecondaryAccount.delete 10 info@example.org #3 #4",
            "SecondaryAccount.delete 10 info@example.org #3",
            "SecondaryAccount.delete 10 info@example.org #4",
        ]
    );
    assert_eq!(ids(&stage, 10), [5]);
}
