//! Who is who at the server (id-connector 3.3).

use idspool_spool::FaultClass;
use idspool_udm::ConvertedItem;
use serde_json::{Value, json};

use super::stage::{ANNA, Stage, anna, gone, known, person, with};

const OTHER: &str = "0b0c7f1e-0000-1040-8000-3f0a1f5f0002";

fn search(record_uid: &str) -> String {
    format!("GET users/?record_uid={record_uid}&source_uid=SIS")
}

fn student(id: &str, name: &str, record_uid: &str) -> ConvertedItem {
    person(id, name, record_uid, "Student", json!({}))
}

#[test]
fn a_changed_record_uid_still_finds_the_account() {
    let stage = Stage::new();
    stage.deliver(&anna()).unwrap();
    let changed = with(&anna(), json!({"ucsschoolRecordUID": "2"}));
    // The last delivery knows it better than what was known elsewhere.
    let misled = ConvertedItem { old_data: known("9", &["S1"]), ..changed.clone() };
    assert_eq!(stage.calls(&misled), [search("1"), search("2"), "PATCH users/anna".into()]);
    assert_eq!(stage.shown("anna", "record_uid"), "2");
    // Without snapshots, what was known elsewhere.
    stage.objects.forget(ANNA).unwrap();
    let again = ConvertedItem {
        old_data: known("2", &["S1"]),
        ..with(&anna(), json!({"ucsschoolRecordUID": "3"}))
    };
    assert_eq!(stage.calls(&again), [search("2"), search("3"), "PATCH users/anna".into()]);
    // The answer to the change was lost: it is found under the new one.
    stage.objects.forget(ANNA).unwrap();
    assert_eq!(stage.calls(&again), [search("2"), search("3")]);
    assert_eq!(stage.users(), ["anna"]);
}

#[test]
fn a_new_identity_that_another_account_has_is_refused() {
    let stage = Stage::new();
    stage.deliver(&anna()).unwrap();
    let local = json!({
        "name": "local", "firstname": "L", "lastname": "L", "school": "S1", "roles": ["student"],
        "record_uid": "2", "source_uid": "SIS",
    });
    stage.fake.clone().with_user(local);
    let fault = stage.fault(&with(&anna(), json!({"ucsschoolRecordUID": "2"})));
    assert_eq!(fault.class, FaultClass::Permanent);
    assert!(fault.message.contains("'local'") && fault.message.contains("'anna'"), "{fault:?}");
    assert_eq!(stage.shown("anna", "record_uid"), "1");
}

#[test]
fn an_ambiguous_identity_is_refused() {
    let stage = Stage::new();
    stage.deliver(&anna()).unwrap();
    stage.fake.change_world(|world| {
        let mut twin = world.accounts["anna"].clone();
        twin.plain.insert("name".into(), "twin".into());
        world.accounts.insert("twin".into(), twin);
    });
    for item in [with(&anna(), json!({"firstname": "x"})), gone(&anna())] {
        let fault = stage.fault(&item);
        assert_eq!(fault.class, FaultClass::Permanent);
        let text = "Multiple users with the same 'source_uid'='SIS' and 'record_uid'='1' exist in the target system: \
                    anna, twin";
        assert!(fault.message.contains(text), "{}", fault.message);
    }
    assert_eq!(stage.users(), ["anna", "twin"]);
}

#[test]
fn without_a_record_uid_nothing_is_sent_and_it_is_said() {
    let stage = Stage::new();
    let nameless = with(&anna(), json!({"ucsschoolRecordUID": null}));
    let fault = stage.fault(&nameless);
    assert_eq!(fault.class, FaultClass::Permanent);
    assert!(
        fault.message.contains("Cannot search for User: missing record_uid in object: uid=anna,"),
        "{}",
        fault.message
    );
    assert!(fault.remedy.unwrap().contains("ucsschoolRecordUID"));
    // What was never sent need not be removed.
    let left = with(&nameless, json!({"school": ["foreign"]}));
    assert_eq!(stage.calls(&left), [""; 0]);
    // One that had one is still found; it cannot be taken away at the server.
    stage.deliver(&anna()).unwrap();
    stage.deliver(&with(&nameless, json!({"firstname": "Anne"}))).unwrap();
    assert_eq!(stage.shown("anna", "firstname"), "Anne");
    assert_eq!(stage.shown("anna", "record_uid"), "1");
}

#[test]
fn a_record_uid_that_is_taken_away_in_the_directory_is_not_forgotten() {
    let nameless = with(&anna(), json!({"ucsschoolRecordUID": null, "ucsschoolSourceUID": null}));
    let stage = Stage::new();
    stage.deliver(&anna()).unwrap();
    stage.deliver(&nameless).unwrap();
    assert_eq!(stage.shown("anna", "source_uid"), "T");
    assert_eq!(stage.calls(&nameless), [""; 0]);
    // Nobody else takes the account over.
    let heir = with(&student(OTHER, "heir", "1"), json!({"ucsschoolSourceUID": null}));
    assert_eq!(stage.fault(&heir).class, FaultClass::Permanent);
    let again = with(&anna(), json!({"ucsschoolRecordUID": "2"}));
    stage.deliver(&again).unwrap();
    assert_eq!(stage.shown("anna", "record_uid"), "2");
    stage.deliver(&with(&again, json!({"ucsschoolRecordUID": null}))).unwrap();
    stage.deliver(&gone(&again)).unwrap();
    assert_eq!(stage.users(), [""; 0]);
}

#[test]
fn a_delivered_user_of_whom_no_record_uid_is_known_is_not_forgotten() {
    let stage = Stage::new();
    stage.deliver(&anna()).unwrap();
    stage.objects.commit().unwrap();
    let path = stage.objects.path_of(ANNA).unwrap();
    let mut snapshot: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    snapshot["object"]["ucsschoolRecordUID"] = Value::Null;
    std::fs::write(&path, snapshot.to_string()).unwrap();
    let fault = stage.fault(&gone(&anna()));
    assert_eq!(fault.class, FaultClass::Permanent);
    assert!(fault.message.contains("record UID"), "{fault:?}");
}

#[test]
fn a_source_is_assumed_for_users_without_one() {
    let stage = Stage::new();
    let item = with(&anna(), json!({"ucsschoolSourceUID": null}));
    assert_eq!(stage.calls(&item), ["GET users/?record_uid=1&source_uid=T", "POST users/"]);
    assert_eq!(stage.shown("anna", "source_uid"), "T");
}

#[test]
fn renames_go_to_the_old_name_and_need_a_free_one() {
    let stage = Stage::new();
    stage.deliver(&anna()).unwrap();
    stage.deliver(&student(OTHER, "ben", "2")).unwrap();
    let renamed = student(ANNA, "anne", "1");
    assert_eq!(stage.calls(&renamed), [search("1"), "PATCH users/anna".into()]);
    assert_eq!(stage.users(), ["anne", "ben"]);

    let fault = stage.fault(&student(ANNA, "Ben", "1"));
    assert_eq!(fault.class, FaultClass::Permanent);
    assert!(
        fault.message.contains("the name 'Ben'") && fault.message.contains("uid=ben,"),
        "{}",
        fault.message
    );
    // Once the other one has let it go, the same item does it.
    stage.deliver(&student(OTHER, "bob", "2")).unwrap();
    stage.deliver(&student(ANNA, "Ben", "1")).unwrap();
    assert_eq!(stage.users(), ["ben", "bob"]);
    assert_eq!(stage.shown("ben", "name"), "Ben");
    // Letter case alone.
    stage.deliver(&student(ANNA, "ben", "1")).unwrap();
    assert_eq!(stage.shown("ben", "name"), "ben");
}

#[test]
fn an_account_of_somebody_else_is_never_taken_over() {
    let local = json!({
        "name": "Anna", "firstname": "L", "lastname": "L", "school": "S1", "roles": ["teacher"],
        "record_uid": "local-7", "source_uid": "LOCAL",
    });
    let stage = Stage::new();
    stage.fake.clone().with_user(local);
    let fault = stage.fault(&anna());
    assert_eq!(fault.class, FaultClass::Permanent);
    assert!(
        fault.message.contains("'local-7'") && fault.message.contains("'LOCAL'"),
        "{}",
        fault.message
    );
    assert_eq!(stage.shown("anna", "firstname"), "L");
    // Its removal is not ours either.
    stage.deliver(&ConvertedItem { old_data: known("1", &["S1"]), ..gone(&anna()) }).unwrap();
    assert_eq!(stage.users(), ["anna"]);
}

#[test]
fn a_user_that_was_removed_and_added_again_survives_the_late_removal() {
    for is_index_lost in [false, true] {
        let mut stage = Stage::new();
        stage.deliver(&anna()).unwrap();
        let again = student(OTHER, "anna2", "1");
        // Nobody says that the other one is going: two users of the directory have one identity.
        let fault = stage.fault(&again);
        assert_eq!(fault.class, FaultClass::Permanent);
        assert!(fault.message.contains("same record UID and source UID"), "{}", fault.message);
        stage.waiting.0.push(ANNA.into());
        stage.deliver(&again).unwrap();
        stage.waiting.0.clear();
        if is_index_lost {
            stage.rebuild_index();
        }
        assert_eq!(stage.calls(&gone(&anna())), [search("1")]);
        assert_eq!(stage.users(), ["anna2"]);
        assert_eq!(stage.calls(&gone(&again)), [search("1"), "DELETE users/anna2".into()]);
    }
}

#[test]
fn who_has_the_dn_of_another_has_taken_its_place() {
    let stage = Stage::new();
    stage.deliver(&anna()).unwrap();
    stage.deliver(&with(&student(OTHER, "anna", "1"), json!({"firstname": "New"}))).unwrap();
    assert_eq!(stage.shown("anna", "firstname"), "New");
    stage.deliver(&gone(&anna())).unwrap();
    assert_eq!(stage.users(), ["anna"]);
}

#[test]
fn who_lost_its_account_to_another_object_gets_a_new_one() {
    let mut stage = Stage::new();
    stage.deliver(&anna()).unwrap();
    stage.waiting.0.push(ANNA.into());
    stage.deliver(&student(OTHER, "anna", "1")).unwrap();
    // It was not removed, but has another identity and name.
    stage.deliver(&student(ANNA, "anne", "5")).unwrap();
    assert_eq!(stage.users(), ["anna", "anne"]);
    assert_eq!(stage.shown("anna", "record_uid"), "1");
    assert_eq!(stage.shown("anne", "record_uid"), "5");
}
