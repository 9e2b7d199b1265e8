//! Values on their way to the server and away from it (id-connector 3.4 to 3.6).

use idspool_udm::ConvertedItem;
use serde_json::{Value, json};

use super::stage::{ANNA, Stage, anna, authority, class_dn, hashes, log_of, person, with};
use crate::conf::AttributeMapping;

#[test]
fn what_is_cleared_here_is_cleared_there() {
    let stage = Stage::new();
    let full = with(
        &anna(),
        json!({"mailPrimaryAddress": "a@x", "userexpiry": "2031-07-31", "title": "Dr"}),
    );
    stage.deliver(&full).unwrap();
    assert_eq!(stage.shown("anna", "udm_properties")["title"], "Dr");
    let bare = with(
        &anna(),
        json!({"mailPrimaryAddress": null, "birthday": null, "phone": null, "groups": []}),
    );
    assert_eq!(
        stage.sent(&bare),
        json!({
            "email": null, "birthday": null, "expiration_date": null, "school_classes": {},
            "udm_properties": {"phone": [], "title": null},
        })
    );
    for attribute in ["email", "birthday", "expiration_date"] {
        assert_eq!(stage.shown("anna", attribute), Value::Null, "{attribute}");
    }
    // What is not mapped is the server's.
    assert_eq!(stage.shown("anna", "udm_properties")["displayName"], Value::Null);
}

#[test]
fn what_is_not_mapped_stays_as_it_is_there() {
    let mut stage = Stage::new();
    stage.deliver(&anna()).unwrap();
    stage.reconfigure(|authority| {
        let mapping = authority.mappings.users.as_mut().unwrap();
        for property in ["school_classes", "lastname", "phone", "mailPrimaryAddress", "e-mail"] {
            mapping.remove(property);
        }
    });
    let changed = json!({
        "firstname": "Anne", "lastname": "X", "phone": [], "mailPrimaryAddress": "x@x",
        "groups": [class_dn("S1", "9z")],
    });
    assert_eq!(stage.sent(&with(&anna(), changed)), json!({"firstname": "Anne"}));
    assert_eq!(stage.shown("anna", "school_classes"), json!({"S1": ["1a"]}));
}

#[test]
fn a_changed_mapping_reaches_a_user_at_its_next_item() {
    let mut stage = Stage::new();
    let item = with(&anna(), json!({"displayName": "Anna A"}));
    stage.deliver(&item).unwrap();
    stage.reconfigure(|authority| {
        let mapping = authority.mappings.users.as_mut().unwrap();
        mapping.insert("displayName".into(), "displayName".into());
    });
    assert_eq!(stage.sent(&item), json!({"udm_properties": {"displayName": "Anna A"}}));
}

#[test]
fn old_dumps_have_texts_for_yes_and_no() {
    let stage = Stage::new();
    stage.deliver(&with(&anna(), json!({"disabled": "1"}))).unwrap();
    assert_eq!(stage.shown("anna", "disabled"), true);
    assert_eq!(stage.calls(&with(&anna(), json!({"disabled": true}))), [""; 0]);
    assert_eq!(stage.sent(&with(&anna(), json!({"disabled": "0"}))), json!({"disabled": false}));
}

#[test]
fn roles_follow_the_options() {
    let of = |options: &[&str]| ConvertedItem {
        options: Some(options.iter().map(|option| format!("ucsschool{option}")).collect()),
        ..anna()
    };
    let stage = Stage::new();
    stage.deliver(&of(&["Teacher", "Staff"])).unwrap();
    assert_eq!(stage.shown("anna", "roles"), json!(["staff", "teacher"]));
    assert_eq!(stage.sent(&of(&["Staff"])), json!({"roles": ["staff"]}));
    stage.deliver(&of(&["Student"])).unwrap();
    assert_eq!(stage.shown("anna", "roles"), json!(["student"]));
    // A role that the server does not have.
    stage.fake.change_world(|world| world.roles.retain(|role| role != "legal_guardian"));
    let mut stage = stage;
    stage.reconfigure(|_| ());
    let fault = stage.fault(&of(&["LegalGuardian"]));
    assert!(fault.message.contains("no role 'legal_guardian'"), "{}", fault.message);
    let fault = stage.fault(&of(&["Administrator"]));
    assert!(fault.message.contains("Unknown or missing school user type"), "{}", fault.message);
}

#[test]
fn a_mapping_of_a_role_replaces_the_general_one() {
    let mut own = AttributeMapping::clone(authority().mappings.users.as_ref().unwrap());
    own.remove("school_classes");
    let mut stage = Stage::new();
    stage.reconfigure(|authority| {
        authority.mappings.users_by_role.insert("teacher".into(), own);
    });
    let teacher = person(ANNA, "tina", "t", "Teacher", json!({"groups": [class_dn("S1", "1a")]}));
    let log = log_of(|| stage.deliver(&teacher).unwrap());
    assert!(log.iter().any(|line| line.contains("Using users_teacher for the user mapping")));
    assert_eq!(stage.shown("tina", "school_classes"), json!({}));
    assert_eq!(stage.fake.members("S1", "1a"), None);
}

#[test]
fn without_a_mapping_nothing_is_sent() {
    let mut stage = Stage::new();
    stage.reconfigure(|authority| authority.mappings.users = None);
    let fault = stage.fault(&anna());
    assert!(fault.message.contains("no mapping for this user"), "{}", fault.message);
    assert!(fault.remedy.unwrap().contains("mapping.users"));
    stage.reconfigure(|authority| {
        authority.mappings.users.as_mut().unwrap().remove("lastname");
    });
    let fault = stage.fault(&anna());
    assert!(fault.message.contains("no value for 'lastname'"), "{}", fault.message);
    assert_eq!(stage.users(), [""; 0]);
}

#[test]
fn a_password_is_made_once_and_not_where_hashes_are_sent() {
    let mut stage = Stage::new();
    let with_password = |hashes: bool| {
        move |authority: &mut crate::conf::Authority| {
            authority.sync_password_hashes = hashes;
            let mapping = authority.mappings.users.as_mut().unwrap();
            mapping.insert("password".into(), "password".into());
        }
    };
    stage.reconfigure(with_password(false));
    stage.deliver(&anna()).unwrap();
    let password = stage.fake.world().accounts["anna"].password.clone().unwrap();
    assert_eq!(password.len(), 15);
    stage.forced = true;
    stage.deliver(&with(&anna(), json!({"firstname": "Anne"}))).unwrap();
    assert_eq!(stage.fake.world().accounts["anna"].password.as_ref(), Some(&password));

    stage.forced = false;
    stage.reconfigure(with_password(true));
    let ben = person("0b0c7f1e-0000-1040-8000-3f0a1f5f0002", "ben", "2", "Student", json!({}));
    let ben = ConvertedItem { user_passwords: hashes("A"), ..ben };
    let log = log_of(|| stage.deliver(&ben).unwrap());
    assert!(log.iter().any(|line| line.contains("remove it from the mapping")), "{log:#?}");
    let world = stage.fake.world();
    assert_eq!(world.accounts["ben"].password, None);
    assert!(world.accounts["ben"].hashes.is_some());
}
