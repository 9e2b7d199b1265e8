//! Functional accounts (ox-provisioning 5.6, 10.3).

mod journeys;
mod logins;
mod members;
mod repeats;

use idspool_ox_soap::AccountDataOnCreateField as Field;
use idspool_service::Ox as Config;
use idspool_udm::ConvertedItem;
use serde_json::{Value, json};

use super::stage::{Stage, item, logged};
use crate::fake::Fake;

const INFO: &str = "0f3c9c6a-0000-103f-8000-0000000000fa";
const INFO_DN: &str = "cn=info,cn=functional_accounts,dc=example,dc=org";

fn dn(name: &str) -> String {
    format!("uid={name},cn=users,dc=example,dc=org")
}

/// A user whose entry UUID is made of its name.
fn user(name: &str, changes: Value) -> ConvertedItem {
    let mut object = json!({
        "isOxUser": "OK", "oxContext": 10, "oxAccess": "premium", "username": name,
        "oxDisplayName": name, "firstname": name, "lastname": "M",
        "mailPrimaryAddress": format!("{name}@example.org"), "groups": [],
    });
    for (property, value) in changes.as_object().unwrap() {
        object[property] = value.clone();
    }
    item(&format!("u-{name}"), "users/user", &dn(name), object)
}

fn account(changes: Value) -> ConvertedItem {
    let mut object = json!({
        "name": "info", "mailPrimaryAddress": "info@example.org", "personal": "Info desk",
        "users": [], "groups": [], "oxQuota": "512",
    });
    for (property, value) in changes.as_object().unwrap() {
        object[property] = value.clone();
    }
    item(INFO, "oxmail/functional_account", INFO_DN, object)
}

fn of(names: &[&str]) -> ConvertedItem {
    account(json!({"users": names.iter().map(|name| dn(name)).collect::<Vec<_>>()}))
}

fn deleted() -> ConvertedItem {
    item(INFO, "oxmail/functional_account", INFO_DN, Value::Null)
}

/// Anna (3) and Berta (4) in context 10, Carl (3) in context 11; Nobody is no OX user.
fn stage_with(config: Config) -> Stage {
    let ox = Fake::new().with_context(10).with_context(11);
    let stage = Stage::with_config(ox, config);
    for user in [
        user("anna", json!({})),
        user("berta", json!({})),
        user("carl", json!({"oxContext": "11"})),
        user("nobody", json!({"isOxUser": "Not"})),
    ] {
        stage.deliver(&user).unwrap();
    }
    stage
}

fn stage() -> Stage {
    stage_with(Config::default())
}

/// Who has which account in a context: id, address, login.
fn held(stage: &Stage, context: i32) -> Vec<(i32, String, String)> {
    let world = stage.ox.world();
    let text = |account: &idspool_ox_soap::AccountDataOnCreate, field| {
        account.text(field).unwrap_or_default().to_owned()
    };
    let mut held: Vec<_> = world.contexts[&context]
        .accounts
        .iter()
        .map(|(id, a)| (*id, text(a, Field::PrimaryAddress), text(a, Field::Login)))
        .collect();
    held.sort();
    held
}

fn ids(stage: &Stage, context: i32) -> Vec<i32> {
    held(stage, context).into_iter().map(|(id, ..)| id).collect()
}

#[test]
fn s5_6_2_create_deletes_first_and_then_creates_one_per_user() {
    let stage = stage();
    let calls = stage.calls(&of(&["berta", "anna", "carl"]));
    assert_eq!(
        calls,
        [
            "SecondaryAccount.delete 10 info@example.org *",
            "SecondaryAccount.create 10 info@example.org #3",
            "SecondaryAccount.create 10 info@example.org #4",
            "SecondaryAccount.delete 11 info@example.org *",
            "SecondaryAccount.create 11 info@example.org #3",
        ]
    );
    let world = stage.ox.world();
    let (_, sent) = &world.contexts[&10].accounts[0];
    let fields: Vec<_> = sent.iter().map(|(field, _)| field).collect();
    assert_eq!(
        fields,
        [
            Field::Login,
            Field::Name,
            Field::PrimaryAddress,
            Field::Personal,
            Field::MailEndpointSource
        ]
    );
    assert_eq!(sent.text(Field::Name), Some("info"));
    assert_eq!(sent.text(Field::PrimaryAddress), Some("info@example.org"));
    assert_eq!(sent.text(Field::Personal), Some("Info desk"));
    assert_eq!(sent.text(Field::MailEndpointSource), Some("primary"));
    assert_eq!(sent.text(Field::Login), Some(&*format!("{INFO}anna")));
    // The item becomes the snapshot as it is.
    assert_eq!(stage.snapshot(INFO), of(&["berta", "anna", "carl"]).object);
}

#[test]
fn without_personal_name_the_field_is_left_out() {
    let stage = stage();
    stage.deliver(&account(json!({"users": [dn("anna")], "personal": null}))).unwrap();
    assert_eq!(stage.ox.world().contexts[&10].accounts[0].1.get(Field::Personal), None);
}

#[test]
fn s5_6_an_unchanged_account_makes_no_call() {
    let mut stage = stage();
    stage.deliver(&of(&["anna", "carl"])).unwrap();
    assert_eq!(stage.calls(&of(&["anna", "carl"])), [""; 0]);
    assert_eq!(stage.calls(&of(&["carl", "anna"])), [""; 0], "the order of a list means nothing");
    let quota = json!({"users": [dn("anna"), dn("carl")], "oxQuota": "1024"});
    assert_eq!(stage.calls(&account(quota)), [""; 0], "not provisioned");
    stage.restart();
    assert_eq!(stage.calls(&of(&["anna", "carl"])), [""; 0], "after a restart, too");
    stage.forced = true;
    assert_eq!(stage.calls(&of(&["anna", "carl"])).len(), 4, "a re-provisioning calls");
    assert_eq!(ids(&stage, 10), [3]);
}

#[test]
fn weak_point_26_membership_alone_is_changed_for_those_users_only() {
    let stage = stage();
    stage.deliver(&of(&["anna"])).unwrap();
    assert_eq!(
        stage.calls(&of(&["anna", "berta"])),
        ["SecondaryAccount.create 10 info@example.org #4"]
    );
    assert_eq!(stage.calls(&of(&["berta"])), ["SecondaryAccount.delete 10 info@example.org #3"]);
    assert_eq!(ids(&stage, 10), [4]);
    assert_eq!(
        stage.calls(&of(&["anna"])),
        [
            "SecondaryAccount.delete 10 info@example.org #4",
            "SecondaryAccount.create 10 info@example.org #3"
        ]
    );
}

#[test]
fn s5_6_2_everything_else_is_deleted_and_created_again() {
    let stage = stage();
    stage.deliver(&of(&["anna", "berta"])).unwrap();
    let expected = [
        "SecondaryAccount.delete 10 info@example.org *",
        "SecondaryAccount.create 10 info@example.org #3",
        "SecondaryAccount.create 10 info@example.org #4",
    ];
    for change in [json!({"personal": "Desk"}), json!({"name": "desk"})] {
        let mut changes = json!({"users": [dn("anna"), dn("berta")]});
        changes.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(stage.calls(&account(changes)), expected, "{change}");
    }
}

#[test]
fn s5_6_2_a_new_address_takes_the_old_one_away() {
    let stage = stage();
    stage.deliver(&of(&["anna"])).unwrap();
    let moved = account(json!({"users": [dn("anna")], "mailPrimaryAddress": "desk@example.org"}));
    assert_eq!(
        stage.calls(&moved),
        [
            "SecondaryAccount.delete 10 info@example.org *",
            // What an attempt that broke off may have left.
            "SecondaryAccount.delete 10 desk@example.org *",
            "SecondaryAccount.create 10 desk@example.org #3",
        ]
    );
    assert_eq!(held(&stage, 10), [(3, "desk@example.org".into(), format!("{INFO}anna"))]);
}

#[test]
fn s5_6_2_an_empty_account_is_not_created() {
    let stage = stage();
    assert_eq!(stage.calls(&of(&[])), [""; 0], "no user, no context");
    stage.deliver(&of(&["anna"])).unwrap();
    let lines = logged(|| {
        assert_eq!(stage.calls(&of(&[])), ["SecondaryAccount.delete 10 info@example.org *"]);
    });
    assert!(
        lines.iter().any(|line| line == "INFO Account is empty! Not creating..."),
        "{lines:#?}"
    );
    assert_eq!(ids(&stage, 10), [0; 0]);
    assert_eq!(stage.calls(&of(&[])), [""; 0]);
    // Known users without id in OX leave it empty as well.
    assert_eq!(stage.calls(&of(&["nobody"])), ["SecondaryAccount.delete 10 info@example.org *"]);
}

#[test]
fn s5_6_2_a_deleted_account_is_deleted_in_every_context() {
    let stage = stage();
    stage.deliver(&of(&["anna", "carl"])).unwrap();
    assert_eq!(
        stage.calls(&deleted()),
        [
            "SecondaryAccount.delete 10 info@example.org *",
            "SecondaryAccount.delete 11 info@example.org *",
        ]
    );
    assert_eq!(stage.snapshot(INFO), None);
    assert_eq!(stage.calls(&deleted()), [""; 0], "and once more is fine");
}

#[test]
fn s5_0_a_context_without_credentials_is_left_out_and_the_others_go_on() {
    let stage = stage();
    stage.deliver(&of(&["anna", "carl"])).unwrap();
    let kept = stage.credentials()["10"].clone();
    stage.set_credentials(|all| drop(all.remove("10")));
    let lines = logged(|| {
        let calls = stage.calls(&account(json!({"users": [dn("carl")], "personal": "P"})));
        assert_eq!(
            calls,
            [
                "SecondaryAccount.delete 11 info@example.org *",
                "SecondaryAccount.create 11 info@example.org #3",
            ]
        );
    });
    let expected = "WARN Could not find admin password for context 10. Ignoring this task";
    assert!(lines.iter().any(|line| line == expected), "{lines:#?}");
    // What OX has there is not forgotten.
    stage.set_credentials(|all| drop(all.insert("10".into(), kept)));
    assert_eq!(
        stage.calls(&account(json!({"users": [dn("carl")], "personal": "P"}))),
        ["SecondaryAccount.delete 10 info@example.org *"]
    );
}

#[test]
fn an_account_without_name_or_address_is_named() {
    let stage = stage();
    for property in ["name", "mailPrimaryAddress"] {
        let mut changes = json!({"users": [dn("anna")]});
        changes[property] = json!(null);
        let fault = stage.deliver(&account(changes.clone())).unwrap_err();
        assert!(fault.message.contains(&format!("'{property}'")), "{}", fault.message);
        assert!(fault.message.contains(INFO_DN), "{}", fault.message);
        changes["users"] = json!([]);
        stage.deliver(&account(changes)).unwrap();
    }
}

#[test]
fn a_stale_id_is_named_with_its_user() {
    let stage = stage();
    stage.ox.change_world(|world| drop(world.contexts.get_mut(&10).unwrap().users.remove(&3)));
    let fault = stage.deliver(&of(&["anna"])).unwrap_err();
    assert!(fault.message.contains("No such user"), "{}", fault.message);
    assert!(fault.remedy.unwrap().contains(&dn("anna")));
}

#[test]
fn s3_7_log_lines() {
    let stage = stage();
    let object = format!("Object('oxmail/functional_account', '{INFO_DN}')");
    let soap = "INFO univention.ox.soap.backend_base.SoapSecondaryAccount:";
    let check = |item: &ConvertedItem, expected: &[String]| {
        let lines = logged(|| stage.deliver(item).unwrap());
        let mut rest = lines.iter();
        for line in expected {
            assert!(rest.any(|found| found == line), "missing: {line}\nfound: {lines:#?}");
        }
    };
    check(
        &of(&["anna"]),
        &[
            format!("INFO Creating {object}"),
            format!("INFO {object} will be processed with context 10"),
            "INFO Start off by removing the old one (maybe remnants?)".into(),
            format!("INFO format functional account login value ({INFO}anna)"),
            format!("{soap} Created secondaryaccount 'info' in context 10 (id=3)."),
        ],
    );
    check(
        &account(json!({"users": [dn("anna")], "personal": "P"})),
        &[
            format!("INFO Modifying {object}"),
            "INFO Modify is like creating a new one...".into(),
            "INFO Start off by removing the old one (maybe remnants?)".into(),
        ],
    );
    check(
        &deleted(),
        &[
            format!("INFO Deleting {object}"),
            format!("{soap} Deleted secondaryaccount 'info@example.org' in context 10 (id=0)."),
        ],
    );
}

#[test]
fn an_account_that_was_made_again_keeps_what_it_took_over() {
    let stage = stage();
    stage.deliver(&of(&["anna", "carl"])).unwrap();
    let mut again = of(&["anna"]);
    again.id = "0f3c9c6a-0000-103f-8000-0000000000f9".into();
    stage.deliver(&again).unwrap();
    // The report of the removal comes late.
    stage.deliver(&deleted()).unwrap();
    assert_eq!((ids(&stage, 10), ids(&stage, 11)), (vec![3], vec![]));
    stage.deliver(&ConvertedItem { object: None, options: None, ..again }).unwrap();
    assert!(ids(&stage, 10).is_empty());
}
