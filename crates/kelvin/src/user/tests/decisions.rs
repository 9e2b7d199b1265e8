//! Which requests an item makes (id-connector 3.2).

use idspool_spool::FaultClass;
use serde_json::{Value, json};

use super::stage::{ANNA, Stage, anna, class_dn, gone, hashes, known, log_of, with};
use crate::fake::Failure;

const SEARCH: &str = "GET users/?record_uid=1&source_uid=SIS";

#[test]
fn the_decision_table() {
    let stage = Stage::new();
    // Created, unchanged, changed, deleted.
    assert_eq!(stage.calls(&anna()), [SEARCH, "POST users/"]);
    assert_eq!(stage.calls(&anna()), [""; 0]);
    let named = with(&anna(), json!({"firstname": "Anne"}));
    assert_eq!(stage.calls(&named), [SEARCH, "PATCH users/anna"]);
    assert_eq!(stage.shown("anna", "firstname"), "Anne");
    assert_eq!(stage.calls(&gone(&named)), [SEARCH, "DELETE users/anna"]);
    assert_eq!(stage.users(), [""; 0]);
    assert!(stage.objects.snapshot(ANNA).unwrap().is_none());
}

#[test]
fn a_user_that_the_server_has_is_changed_where_it_differs() {
    let stage = Stage::new();
    stage.deliver(&anna()).unwrap();
    // Another program delivered it: nothing is known here.
    stage.objects.forget(ANNA).unwrap();
    assert_eq!(stage.calls(&anna()), [SEARCH], "it is as it should be");
    stage.objects.forget(ANNA).unwrap();
    stage.fake.change_world(|world| {
        let anna = world.accounts.get_mut("anna").unwrap();
        anna.plain.insert("lastname".into(), "Old".into());
    });
    assert_eq!(stage.sent(&anna()), json!({"lastname": "A"}));
}

#[test]
fn a_user_that_left_is_deleted_and_one_that_was_never_there_is_not() {
    let elsewhere = with(&anna(), json!({"school": ["foreign"], "groups": []}));
    let stage = Stage::new();
    stage.deliver(&anna()).unwrap();
    assert_eq!(stage.calls(&elsewhere), [SEARCH, "DELETE users/anna"]);
    assert_eq!(stage.calls(&elsewhere), [SEARCH], "deleted already");
    // Nothing is known here, and the item tells what was known.
    stage.deliver(&anna()).unwrap();
    stage.objects.forget(ANNA).unwrap();
    let removed = idspool_udm::ConvertedItem { old_data: known("1", &["S1"]), ..gone(&anna()) };
    assert_eq!(stage.calls(&removed), [SEARCH, "DELETE users/anna"]);
    assert_eq!(stage.calls(&removed), [SEARCH]);
}

#[test]
fn a_school_of_another_authority_counts_not_even_if_the_server_has_one_of_its_name() {
    let stage = Stage::new();
    let both = json!({
        "school": ["S1", "Foreign", "S2"],
        "groups": [class_dn("S1", "1a"), class_dn("Foreign", "x"), class_dn("S2", "2b")],
    });
    stage.deliver(&with(&anna(), both)).unwrap();
    assert_eq!(stage.shown("anna", "schools"), json!(["S1", "S2"]));
    assert_eq!(stage.shown("anna", "school_classes"), json!({"S1": ["1a"], "S2": ["2b"]}));
}

#[test]
fn an_account_that_another_authority_of_the_same_server_took_over_stays() {
    let mut stage = Stage::new();
    stage.deliver(&anna()).unwrap();
    let left = with(&anna(), json!({"school": ["Foreign"], "groups": []}));
    stage.fake.change_world(|world| {
        let account = world.accounts.get_mut("anna").unwrap();
        account.plain.insert("schools".into(), json!(["Foreign"]));
    });
    assert_eq!(stage.calls(&left), [SEARCH]);
    assert_eq!(stage.users(), ["anna"]);
    // Also if the user was at a school of the other one before.
    let both = with(&anna(), json!({"school": ["S1", "Foreign"]}));
    stage.deliver(&both).unwrap();
    stage.fake.change_world(|world| {
        let account = world.accounts.get_mut("anna").unwrap();
        account.plain.insert("schools".into(), json!(["Foreign"]));
    });
    assert_eq!(stage.calls(&left), [SEARCH]);
    assert_eq!(stage.users(), ["anna"]);
    // A school that goes to another authority takes its users with it.
    let foreign = with(&anna(), json!({"school": ["Foreign"]}));
    stage.map_schools(&["foreign"]);
    stage.deliver(&foreign).unwrap();
    stage.map_schools(&["s1"]);
    let calls = stage.calls(&with(&foreign, json!({"firstname": "x"})));
    assert_eq!(calls, [SEARCH, "DELETE users/anna"]);
}

#[test]
fn nobody_is_deleted_because_of_an_empty_or_short_list_of_schools() {
    let mut stage = Stage::new();
    stage.deliver(&anna()).unwrap();
    let changed = with(&anna(), json!({"firstname": "Anne"}));
    let mut refuses = |hide: &[&str], text: &str| {
        hide.iter().for_each(|school| stage.fake.hide_school(school));
        stage.reconfigure(|_| ());
        let fault = stage.fault(&changed);
        assert_eq!(fault.class, FaultClass::Transient);
        assert!(fault.message.contains(text), "{}", fault.message);
        assert_eq!(stage.users(), ["anna"]);
        stage.fake.heal();
    };
    refuses(&["S1", "S2", "S3", "Foreign"], "no schools at all");
    refuses(&["S1"], "does not list it");
    assert_eq!(stage.calls(&changed), ["GET schools/", "GET roles/", SEARCH, "PATCH users/anna"]);
    // Gone for good, and the server says so when it is asked for it by name.
    stage.reconfigure(|_| ());
    stage.fake.change_world(|world| world.schools = vec!["S2".into()]);
    let calls = stage.calls(&anna());
    assert_eq!(calls, ["GET schools/", "HEAD schools/S1", SEARCH, "DELETE users/anna"]);
}

#[test]
fn nobody_is_deleted_because_of_an_empty_or_missing_mapping() {
    let mut stage = Stage::new();
    stage.deliver(&anna()).unwrap();
    stage.lose_mapping();
    let fault = stage.fault(&with(&anna(), json!({"firstname": "Anne"})));
    assert_eq!(fault.class, FaultClass::Transient);
    assert!(fault.message.contains("uid=anna") && fault.message.contains("empty mapping"));
    assert!(fault.remedy.unwrap().contains("schools_authorities_mapping.json"));
    assert_eq!(stage.users(), ["anna"]);
    // Who was deleted in the directory is gone whatever the mapping says.
    assert_eq!(stage.calls(&super::stage::gone(&anna())), [SEARCH, "DELETE users/anna"]);
}

#[test]
fn nobody_is_deleted_because_a_school_dropped_out_of_the_mapping() {
    let mut stage = Stage::new();
    let both = with(&anna(), json!({"school": ["S1", "unmapped"]}));
    stage.deliver(&both).unwrap();
    stage.map_schools(&["s2", "s1-with-a-slip"]);
    let changed = with(&both, json!({"firstname": "Anne"}));
    assert_eq!(stage.calls(&changed), [""; 0]);
    assert_eq!(stage.users(), ["anna"]);
    // It is still known, and what was not sent is sent when the mapping is right.
    stage.map_schools(&["s1"]);
    stage.deliver(&changed).unwrap();
    assert_eq!(stage.shown("anna", "firstname"), "Anne");
    // One that goes to a school of nobody has left all the same.
    let left = with(&both, json!({"school": ["unmapped"]}));
    assert_eq!(stage.calls(&left), [SEARCH, "DELETE users/anna"]);
}

#[test]
fn a_fault_makes_the_lists_be_read_again() {
    let stage = Stage::new();
    stage.fake.fail_at(1, Failure::Before);
    stage.fault(&anna());
    assert_eq!(stage.calls(&anna()), ["GET schools/", "GET roles/", SEARCH, "POST users/"]);
}

#[test]
fn moves_name_school_schools_and_classes_together() {
    let stage = Stage::new();
    stage.deliver(&anna()).unwrap();
    let moved = idspool_udm::ConvertedItem {
        dn: "uid=anna,cn=users,ou=s2,dc=x".into(),
        // The directory still has the old class.
        ..with(
            &anna(),
            json!({"school": ["s2"], "groups": [class_dn("S1", "1a"), class_dn("s2", "2b")]}),
        )
    };
    assert_eq!(
        stage.sent(&moved),
        json!({"school": "S2", "schools": ["S2"], "school_classes": {"S2": ["2b"]}})
    );
    assert_eq!(stage.fake.members("S1", "1a"), Some(vec![]));
    // Three schools: the primary one and the set.
    let to = |dn: &str, schools: Value| idspool_udm::ConvertedItem {
        dn: format!("uid=anna,cn=users,ou={dn},dc=x"),
        ..with(&anna(), json!({"school": schools, "groups": []}))
    };
    stage.deliver(&to("S1", json!(["S1", "S2"]))).unwrap();
    stage.deliver(&to("S2", json!(["S3", "S2"]))).unwrap();
    assert_eq!(stage.shown("anna", "school"), "S2");
    assert_eq!(stage.shown("anna", "schools"), json!(["S2", "S3"]));
    // The primary one is of another authority: the first of ours.
    stage.deliver(&to("Foreign", json!(["Foreign", "S3"]))).unwrap();
    assert_eq!(stage.shown("anna", "school"), "S3");
    // From one school to two, the primary one stays.
    stage.deliver(&to("S3", json!(["S3", "S1"]))).unwrap();
    assert_eq!(stage.shown("anna", "school"), "S3");
}

#[test]
fn a_re_provisioning_sends_all_that_is_mapped() {
    let mut stage = Stage::new();
    stage.deliver(&anna()).unwrap();
    stage.forced = true;
    let mut sent = None;
    let log = log_of(|| sent = Some(stage.sent(&anna())));
    let sent = sent.unwrap();
    for attribute in ["name", "email", "expiration_date", "school_classes", "legal_guardians"] {
        assert!(sent.get(attribute).is_some(), "{attribute}: {sent}");
    }
    assert_eq!(sent["udm_properties"], json!({"phone": ["+49 1"], "title": null}));
    let newest = log.iter().rfind(|line| line.contains("anna")).unwrap();
    assert!(newest.contains("modified"), "{log:?}");
}

#[test]
fn hashes_are_sent_with_each_change_and_by_themselves_when_only_they_changed() {
    let stage = Stage::new();
    let of = |item: &idspool_udm::ConvertedItem, nt: &str| idspool_udm::ConvertedItem {
        user_passwords: hashes(nt),
        ..item.clone()
    };
    stage.deliver(&of(&anna(), "A")).unwrap();
    assert_eq!(stage.calls(&of(&anna(), "A")), [""; 0]);
    let sent = stage.sent(&of(&anna(), "B"));
    assert_eq!(sent["kelvin_password_hashes"]["samba_nt_password"], "B");
    assert_eq!(sent.as_object().unwrap().len(), 1);
    let named = with(&anna(), json!({"firstname": "Anne"}));
    let sent = stage.sent(&of(&named, "B"));
    assert_eq!(sent["kelvin_password_hashes"]["samba_nt_password"], "B");
    assert_eq!(sent["firstname"], "Anne");
    // None come along: those of the last time stay.
    assert_eq!(stage.calls(&named), [""; 0]);
    assert_eq!(stage.calls(&of(&named, "B")), [""; 0]);
    assert_eq!(stage.shown("anna", "firstname"), "Anne");
    assert!(stage.fake.world().accounts["anna"].hashes.is_some());
    // Never with the setting off.
    let mut stage = stage;
    stage.reconfigure(|authority| authority.sync_password_hashes = false);
    let sent = stage.sent(&with(&of(&named, "C"), json!({"firstname": "Annie"})));
    assert_eq!(sent, json!({"firstname": "Annie"}));
}

#[test]
fn no_secret_is_logged_or_kept() {
    let stage = Stage::new();
    // A dump of the ID Connector's host has a hash among the properties, too (id-connector 1.3).
    let anna = with(&anna(), json!({"password": "{crypt}5EC2E7"}));
    let item = idspool_udm::ConvertedItem { user_passwords: hashes("5EC2E7"), ..anna };
    let log = log_of(|| {
        stage.deliver(&item).unwrap();
        stage.fake.refuse("PATCH", idspool_kelvin_client::RefusalKind::Invalid);
        stage.fault(&with(&item, json!({"firstname": "x"})));
    });
    stage.objects.commit().unwrap();
    let snapshot = std::fs::read_to_string(stage.objects.path_of(ANNA).unwrap()).unwrap();
    for text in log.iter().map(String::as_str).chain([snapshot.as_str()]) {
        assert!(!text.contains("5EC2E7") && !text.contains("MB2h"), "{text}");
    }
}

#[test]
fn the_log_has_the_phrases_that_are_looked_for() {
    let stage = Stage::new();
    let of = |item: &idspool_udm::ConvertedItem| log_of(|| stage.deliver(item).unwrap());
    let has = |log: &[String], text: &str| {
        assert!(log.iter().any(|line| line.contains(text)), "{text}: {log:#?}");
    };
    let created = of(&anna());
    has(&created, "Using users for the user mapping");
    has(&created, "User does not exist on target system, creating it.");
    has(&created, "User created: 'anna' (uid=anna,");
    let changed = with(&anna(), json!({"firstname": "Anne", "school": ["S1", "S9"]}));
    let modified = of(&changed);
    has(&modified, "User exists on target system, modifying it.");
    has(&modified, "User modified: 'anna' (uid=anna,");
    let unknown = with(&anna(), json!({"school": ["S1"], "groups": [class_dn("S2", "2b")]}));
    has(&of(&unknown), "Ignoring unknown OU 'S2' in 'school_classes' of 'uid=anna,");
    let left = of(&with(&anna(), json!({"school": ["foreign"]})));
    has(
        &left,
        "All schools of user 'anna' in this school authority ('a') have been removed. Deleting user from school \
         authority...",
    );
    has(&left, "User deleted: 'anna' (uid=anna,");
    let again = idspool_udm::ConvertedItem { old_data: known("1", &["S1"]), ..gone(&anna()) };
    has(&of(&again), "Skipping deletion of User not found on the target system: 'anna' (uid=anna,");
}
