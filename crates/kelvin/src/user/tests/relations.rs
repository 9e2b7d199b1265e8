//! Legal guardians and wards (id-connector 3.8).

use idspool_udm::ConvertedItem;
use serde_json::{Value, json};

use super::stage::{ANNA, Stage, anna, log_of, person, with};
use crate::conf::AttributeMapping;

const MUM: &str = "0b0c7f1e-0000-1040-8000-3f0a1f5f0011";
const SEARCH: &str = "GET users/?record_uid=1&source_uid=SIS";

fn dn(name: &str) -> String {
    format!("uid={name},cn=users,ou=S1,dc=x")
}

fn guardian(id: &str, name: &str, wards: &[&str]) -> ConvertedItem {
    let wards: Vec<String> = wards.iter().map(|name| dn(name)).collect();
    person(id, name, &format!("g-{name}"), "LegalGuardian", json!({"ucsschoolLegalWard": wards}))
}

fn guarded(item: &ConvertedItem, guardians: &[&str]) -> ConvertedItem {
    let guardians: Vec<String> = guardians.iter().map(|name| dn(name)).collect();
    with(item, json!({"ucsschoolLegalGuardian": guardians}))
}

#[test]
fn guardians_and_wards_are_sent_as_names() {
    let stage = Stage::new();
    stage.deliver(&guardian(MUM, "mum", &[])).unwrap();
    assert_eq!(stage.sent(&guarded(&anna(), &["mum"]))["legal_guardians"], json!(["mum"]));
    assert_eq!(stage.shown("mum", "legal_wards"), json!(["anna"]));
    assert_eq!(stage.sent(&anna()), json!({"legal_guardians": []}));
    assert_eq!(stage.sent(&guardian(MUM, "mum", &["anna"])), json!({"legal_wards": ["anna"]}));
    assert_eq!(stage.shown("anna", "legal_guardians"), json!(["mum"]));
}

#[test]
fn who_is_missing_is_left_out_and_comes_with_its_own_item() {
    let stage = Stage::new();
    stage.deliver(&guardian(MUM, "mum", &[])).unwrap();
    let item = guarded(&anna(), &["mum", "dad"]);
    let mut calls = Vec::new();
    let log = log_of(|| calls = stage.calls(&item));
    let asked = ["GET users/dad", "GET users/mum"];
    assert_eq!(calls, [&[SEARCH, "POST users/"], &asked[..], &["POST users/"]].concat());
    let text = "User not found, remove from connected legal-guardians: dad";
    assert!(log.iter().any(|line| line.contains(text)), "{log:#?}");
    assert_eq!(stage.shown("anna", "legal_guardians"), json!(["mum"]));

    // The same at a change, which the refused request may have made in part.
    let renamed = ConvertedItem {
        dn: dn("anne"),
        ..with(&item, json!({"username": "anne", "firstname": "Anne"}))
    };
    let calls = stage.calls(&renamed);
    let first = [SEARCH, "PATCH users/anna"];
    assert_eq!(calls, [&first[..], &asked, &[SEARCH, "PATCH users/anne"]].concat());
    assert_eq!(stage.shown("anne", "firstname"), "Anne");

    // Nothing more is asked until something changes.
    assert_eq!(stage.calls(&renamed), [""; 0]);
    let dad = guardian("0b0c7f1e-0000-1040-8000-3f0a1f5f0012", "dad", &["anne", "stranger"]);
    let log = log_of(|| stage.deliver(&dad).unwrap());
    let text = "User not found, remove from connected legal-wards: stranger";
    assert!(log.iter().any(|line| line.contains(text)), "{log:#?}");
    assert_eq!(stage.shown("anne", "legal_guardians"), json!(["dad", "mum"]));
}

#[test]
fn who_is_there_as_something_else_is_left_out_as_well() {
    let stage = Stage::new();
    stage.deliver(&person(MUM, "mum", "m", "Teacher", json!({}))).unwrap();
    stage.deliver(&guarded(&anna(), &["mum"])).unwrap();
    assert_eq!(stage.shown("anna", "legal_guardians"), json!([]));
}

#[test]
fn names_are_those_that_were_delivered() {
    let mut stage = Stage::new();
    stage.reconfigure(|authority| {
        let mapping = authority.mappings.users.as_mut().unwrap();
        mapping.remove("username");
        mapping.insert("login".into(), "name".into());
        // Wards keep their user names.
        let mut own = AttributeMapping::clone(mapping);
        own.remove("login");
        own.insert("username".into(), "name".into());
        authority.mappings.users_by_role.insert("student".into(), own);
    });
    let mum = with(&guardian(MUM, "mum", &[]), json!({"login": "mother"}));
    stage.deliver(&mum).unwrap();
    let item = guarded(&anna(), &["mum"]);
    assert_eq!(stage.sent(&item)["legal_guardians"], json!(["mother"]));
    let mum = with(&mum, json!({"ucsschoolLegalWard": [dn("anna")], "firstname": "M"}));
    assert_eq!(stage.sent(&mum), json!({"firstname": "M"}));
    assert_eq!(stage.shown("mother", "legal_wards"), json!(["anna"]));
    assert_eq!(stage.shown("anna", "legal_guardians"), json!(["mother"]));
}

#[test]
fn a_change_of_role_takes_the_relations_with_it() {
    let stage = Stage::new();
    stage.deliver(&guardian(MUM, "mum", &[])).unwrap();
    stage.deliver(&guarded(&anna(), &["mum"])).unwrap();
    // The directory still has the guardian.
    let teacher = ConvertedItem {
        options: Some(vec!["default".into(), "ucsschoolTeacher".into()]),
        ..guarded(&anna(), &["mum"])
    };
    let sent = stage.sent(&teacher);
    assert_eq!(sent, json!({"roles": ["teacher"], "legal_guardians": []}));
    assert_eq!(stage.shown("mum", "legal_wards"), json!([]));
    assert_eq!(stage.shown("anna", "roles"), json!(["teacher"]));
    assert_ne!(stage.shown("anna", "school_classes"), Value::Null);
    assert!(stage.objects.snapshot(ANNA).unwrap().is_some());
}
