//! Accounts that belong to one object are not handed over to another.

use idspool_ox_soap::UserField;
use idspool_udm::ConvertedItem;
use serde_json::{Value, json};

use super::stage::{ANNA, Stage, anna};
use crate::OxRecipient;
use crate::fake::Fake;

/// Anna was delivered; her id is 3.
fn with_anna() -> Stage {
    let stage = Stage::new(Fake::new().with_context(10));
    stage.deliver(&anna(json!({}))).unwrap();
    stage
}

/// Another entry with Anna's name.
fn successor(changes: Value) -> ConvertedItem {
    let mut item = anna(changes);
    item.id = "0f3c9c6a-0000-103f-8000-000000000002".into();
    item.dn = "uid=anna,ou=new,dc=example,dc=org".into();
    item
}

#[test]
fn an_account_is_not_handed_over_to_another_user_of_that_name() {
    let mut stage = with_anna();
    let fault = stage.deliver(&successor(json!({"lastname": "Other"}))).unwrap_err();
    let expected =
        "user 'anna' (id 3) in context 10 is that of uid=anna,cn=users,dc=example,dc=org";
    assert!(fault.message.contains(expected), "{}", fault.message);
    assert_eq!(fault.waits_for, None);
    stage.waiting.0.push(ANNA.to_owned());
    let fault = stage.deliver(&successor(json!({"lastname": "Other"}))).unwrap_err();
    assert_eq!(fault.waits_for.as_deref(), Some(ANNA), "what waits of her goes first");
    assert_eq!(stage.user(10, "anna").text(UserField::SurName), Some("M"));
    stage
        .deliver(&anna(json!({"username": "anne", "mailPrimaryAddress": "anne@example.org",
        "mailAlternativeAddress": []})))
        .unwrap();
    stage.deliver(&successor(json!({"lastname": "Other", "oxDisplayName": "Anna O"}))).unwrap();
    assert_eq!(stage.ox.user_of(10, "anne").unwrap().0, 3);
    assert_eq!(stage.ox.user_of(10, "anna").unwrap().0, 4, "an account of its own");
}

#[test]
fn a_user_that_leaves_ox_does_not_take_the_account_of_another_with_it() {
    let stage = with_anna();
    let off = successor(json!({"isOxUser": "Not"}));
    stage.deliver(&off).unwrap();
    let deleted = ConvertedItem { object: None, ..off };
    stage.deliver(&deleted).unwrap();
    assert!(stage.ox.user_of(10, "anna").is_some());
}

#[test]
fn an_entry_that_was_made_again_under_its_dn_has_its_account() {
    let stage = with_anna();
    let again = ConvertedItem {
        dn: "UID=anna, cn=users,dc=example,dc=org".into(),
        ..successor(json!({"lastname": "Again"}))
    };
    stage.deliver(&again).unwrap();
    assert_eq!(stage.user(10, "anna").text(UserField::SurName), Some("Again"));
}

#[test]
fn the_deletion_of_an_entry_that_was_made_again_leaves_the_account_to_its_successor() {
    let stage = with_anna();
    let again = ConvertedItem {
        dn: "uid=anna,cn=users,dc=example,dc=org".into(),
        ..successor(json!({"lastname": "Again"}))
    };
    // The reports came in the other order.
    stage.deliver(&again).unwrap();
    stage.deliver(&ConvertedItem { object: None, options: None, ..anna(json!({})) }).unwrap();
    assert_eq!(stage.ox.user_of(10, "anna").unwrap().0, 3);
    let changed = ConvertedItem { dn: again.dn.clone(), ..successor(json!({"lastname": "Later"})) };
    stage.deliver(&changed).unwrap();
    assert_eq!(stage.user(10, "anna").text(UserField::SurName), Some("Later"));
    stage.deliver(&ConvertedItem { object: None, options: None, ..again }).unwrap();
    assert!(stage.ox.user_of(10, "anna").is_none());
}

#[test]
fn an_entry_whose_account_went_to_its_successor_gets_one_of_its_own() {
    let stage = with_anna();
    let again = ConvertedItem {
        dn: "uid=anna,cn=users,dc=example,dc=org".into(),
        ..successor(json!({"lastname": "Again"}))
    };
    stage.deliver(&again).unwrap();
    let renamed = json!({"username": "anne", "mailPrimaryAddress": "anne@example.org",
        "mailAlternativeAddress": [], "oxDisplayName": "Anne"});
    let renamed =
        ConvertedItem { dn: "uid=anne,cn=users,dc=example,dc=org".into(), ..anna(renamed) };
    stage.deliver(&renamed).unwrap();
    assert_eq!(stage.ox.user_of(10, "anna").unwrap().0, 3);
    assert_eq!(stage.ox.user_of(10, "anne").unwrap().0, 4);
}

#[test]
fn a_stale_id_in_another_snapshot_is_no_claim() {
    let stage = Stage::new(Fake::new().with_context(10).with_user(10, 3, "anna"));
    let mut berta = successor(json!({"username": "berta", "oxDbId": 3, "oxDbUsername": "berta"}));
    berta.dn = "uid=berta,cn=users,dc=example,dc=org".into();
    stage.objects.store(&berta, &OxRecipient::facts_of(&berta)).unwrap();
    stage.deliver(&anna(json!({}))).unwrap();
    assert_eq!(stage.snapshot(ANNA).unwrap()["oxDbId"], json!(3));
}
