//! The stand-in itself: where it is as strict as the server.

use idspool_kelvin_client::{Attributes, Error, Identity, RefusalKind};
use serde_json::{Value, json};

use super::{Failure, Fake};
use crate::kelvin::Kelvin;

fn anna() -> Value {
    json!({
        "name": "anna", "firstname": "Anna", "lastname": "A", "school": "s1", "schools": ["S1"],
        "roles": ["student"], "record_uid": "1", "source_uid": "SIS", "school_classes": {"S1": ["1a"]},
    })
}

fn fake() -> Fake {
    Fake::with_schools(&["S1", "S2"]).with_user(anna())
}

fn identity(record_uid: &str) -> Identity {
    Identity { record_uid: record_uid.into(), source_uid: "SIS".into() }
}

fn kind(error: &Error) -> Option<RefusalKind> {
    error.refusal().map(|refusal| refusal.kind.clone())
}

fn attributes(value: Value) -> Attributes {
    value.as_object().cloned().unwrap()
}

#[test]
fn users_are_found_by_identity_and_by_name_in_any_case() {
    let fake = fake();
    let found = fake.users(&identity("1")).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].attributes["school"], "S1", "corrected when it was created");
    assert_eq!(found[0].attributes["school_classes"], json!({"S1": ["1a"]}));
    assert_eq!(fake.user("ANNA").unwrap().unwrap().name, "anna");
    assert_eq!(fake.users(&identity("2")).unwrap(), []);
    assert_eq!(
        fake.calls(),
        [
            "GET users/?record_uid=1&source_uid=SIS",
            "GET users/ANNA",
            "GET users/?record_uid=2&source_uid=SIS"
        ]
    );
}

#[test]
fn a_taken_identity_is_refused_and_moves_the_other_user() {
    let fake = fake();
    let mut other = anna();
    other["name"] = "other".into();
    other["school"] = "S2".into();
    other["schools"] = json!(["S2"]);
    other["school_classes"] = json!({});
    let error = fake.create_user(other.as_object().unwrap()).unwrap_err();
    assert_eq!(kind(&error), Some(RefusalKind::Taken));
    assert_eq!(fake.shown("anna").unwrap()["schools"], json!(["S2"]));
    assert_eq!(fake.members("S1", "1a").unwrap(), Vec::<String>::new());
    other["roles"] = json!(["teacher"]);
    assert!(matches!(
        fake.create_user(other.as_object().unwrap()),
        Err(Error::Trouble { status: 500, .. })
    ));
    assert_eq!(fake.users(&identity("1")).unwrap().len(), 2);
}

#[test]
fn a_change_is_no_transaction() {
    let fake = fake();
    let change = &attributes(json!({
        "school": "S2", "schools": ["S2"], "school_classes": {"S1": ["1a"]}, "firstname": "B",
    }));
    let error = fake.change_user("anna", change).unwrap_err();
    assert_eq!(kind(&error), Some(RefusalKind::Invalid));
    let shown = fake.shown("anna").unwrap();
    assert_eq!((&shown["school"], &shown["firstname"]), (&json!("S2"), &json!("Anna")));
}

#[test]
fn a_change_insists_on_the_spelling_of_schools() {
    let fake = fake();
    for change in [json!({"school": "s1"}), json!({"schools": ["nowhere"]})] {
        let error = fake.change_user("anna", change.as_object().unwrap()).unwrap_err();
        assert!(matches!(error, Error::Trouble { status: 500, .. }), "{change}");
    }
    let change = &attributes(json!({"school": "S2", "schools": ["S1"]}));
    assert_eq!(kind(&fake.change_user("anna", change).unwrap_err()), Some(RefusalKind::Invalid));
}

#[test]
fn names_are_taken_whatever_their_case_and_a_rename_is_followed() {
    let fake = fake();
    let mut ben = anna();
    ben["name"] = "ben".into();
    ben["record_uid"] = "2".into();
    let fake = fake.with_user(ben);
    let taken = fake.change_user("anna", &attributes(json!({"name": "Ben"}))).unwrap_err();
    assert_eq!(kind(&taken), Some(RefusalKind::Invalid));
    let long =
        fake.change_user("anna", &attributes(json!({"name": "a234567890123456"}))).unwrap_err();
    assert_eq!(kind(&long), Some(RefusalKind::Invalid));
    fake.change_user("anna", &attributes(json!({"name": "anne"}))).unwrap();
    assert_eq!(fake.members("s1", "1A").unwrap(), ["anne", "ben"]);
    assert_eq!(fake.user("anna").unwrap(), None);
    let gone = fake.change_user("anna", &attributes(json!({}))).unwrap_err();
    assert_eq!(kind(&gone), Some(RefusalKind::NoObject));
    assert!(fake.delete_user("ANNE").unwrap());
    assert!(!fake.delete_user("anne").unwrap());
}

#[test]
fn guardians_must_exist_and_both_sides_agree() {
    let fake = fake();
    let relate = &attributes(json!({"legal_guardians": ["mum"]}));
    let error = fake.change_user("anna", relate).unwrap_err();
    assert_eq!(kind(&error), Some(RefusalKind::NoRelation));
    let mum = json!({
        "name": "mum", "firstname": "M", "lastname": "A", "school": "S1", "roles": ["legal_guardian"],
        "record_uid": "m", "source_uid": "SIS",
    });
    let fake = fake.with_user(mum);
    fake.change_user("anna", relate).unwrap();
    assert_eq!(fake.shown("mum").unwrap()["legal_wards"], json!(["anna"]));
    let wrong =
        fake.change_user("mum", &attributes(json!({"legal_guardians": ["mum"]}))).unwrap_err();
    assert_eq!(kind(&wrong), Some(RefusalKind::Invalid));
}

#[test]
fn values_of_wrong_types_and_unknown_properties_are_refused() {
    let fake = fake();
    for change in [
        json!({"email": ["a@x"]}),
        json!({"birthday": ""}),
        json!({"birthday": "3.2.2010"}),
        json!({"record_uid": null}),
        json!({"schools": []}),
        json!({"udm_properties": {"shoeSize": "44"}}),
        json!({"udm_properties": {"phone": "1"}}),
        json!({"udm_properties": null}),
        json!({"password": "p", "kelvin_password_hashes": {}}),
    ] {
        let error = fake.change_user("anna", change.as_object().unwrap()).unwrap_err();
        assert_eq!(kind(&error), Some(RefusalKind::Invalid), "{change}");
    }
    let staff = &attributes(json!({"roles": ["staff"]}));
    fake.change_user("anna", staff).unwrap();
    let back = &attributes(json!({"roles": ["student"], "school_classes": {}}));
    assert_eq!(kind(&fake.change_user("anna", back).unwrap_err()), Some(RefusalKind::Invalid));
}

#[test]
fn classes_insist_on_their_members() {
    let fake = fake();
    let unknown = &attributes(json!({"name": "2b", "school": "s1", "users": ["anna", "nobody"]}));
    let error = fake.create_class(unknown).unwrap_err();
    assert_eq!(kind(&error), Some(RefusalKind::NoReference(Some("nobody".into()))));
    assert_eq!(fake.class("S1", "2b").unwrap(), None);
    let class = fake
        .create_class(&attributes(json!({"name": "2b", "school": "s1", "users": ["Anna"]})))
        .unwrap();
    assert_eq!((class.school.as_str(), &class.attributes["users"]), ("S1", &json!(["anna"])));
    fake.change_class("S1", "2b", &attributes(json!({"users": null, "description": "x"}))).unwrap();
    assert_eq!(fake.members("S1", "2b").unwrap(), ["anna"]);
    let taken = fake.change_class("S1", "2b", &attributes(json!({"name": "1a"}))).unwrap_err();
    assert_eq!(kind(&taken), Some(RefusalKind::Invalid));
    fake.change_class("S1", "2b", &attributes(json!({"name": "3c", "users": []}))).unwrap();
    assert_eq!(fake.members("S1", "3c").unwrap(), Vec::<String>::new());
    assert!(!fake.delete_class("S1", "2b").unwrap());
    assert!(fake.delete_class("s1", "3C").unwrap());
}

#[test]
fn requests_fail_on_purpose() {
    let fake = fake();
    fake.fail_at(2, Failure::After);
    fake.roles().unwrap();
    let lost = fake.change_user("anna", &attributes(json!({"firstname": "B"}))).unwrap_err();
    assert!(matches!(lost, Error::NoAnswer { is_open: true, .. }));
    assert_eq!(fake.shown("anna").unwrap()["firstname"], "B");
    fake.refuse("DELETE users/anna", RefusalKind::Invalid);
    assert!(fake.delete_user("anna").is_err());
    fake.heal();
    assert!(fake.delete_user("anna").unwrap());
    let requests = fake.requests();
    assert_eq!(requests[1].body, Some(json!({"firstname": "B"})));
    assert_eq!(requests.len(), 4);

    fake.fail_at(1, Failure::Before);
    let refused = fake.create_user(&attributes(anna())).unwrap_err();
    assert!(matches!(refused, Error::NoAnswer { is_open: false, .. }));
    fake.fail_at(1, Failure::Broken);
    assert!(matches!(
        fake.create_user(&attributes(anna())),
        Err(Error::Trouble { status: 500, .. })
    ));
    assert!(fake.shown("anna").is_some());
}

#[test]
fn secrets_are_taken_and_never_shown() {
    let mut one = anna();
    one["name"] = "one".into();
    one["password"] = "p".into();
    one["record_uid"] = "p".into();
    let hashes = json!({
        "user_password": [], "samba_nt_password": "", "krb_5_key": [],
        "krb5_key_version_number": 1, "samba_pwd_last_set": 1,
    });
    let fake = fake().with_user(one).with_class("S1", "empty", &[]);
    fake.change_user("anna", &attributes(json!({"kelvin_password_hashes": hashes}))).unwrap();
    let world = fake.world();
    assert_eq!(world.accounts["one"].password.as_deref(), Some("p"));
    assert_eq!(world.accounts["anna"].hashes, Some(hashes));
    for name in ["one", "anna"] {
        assert!(!fake.shown(name).unwrap().keys().any(|key| key.contains("password")));
    }
}
