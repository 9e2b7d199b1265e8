//! What goes wrong on the way (id-connector 2.4, kelvin-api 4, 7.3, 7.4).

use idspool_kelvin_client::RefusalKind;
use idspool_spool::FaultClass;
use serde_json::json;

use super::stage::{ANNA, Stage, anna, class_dn, gone, with};
use crate::fake::Failure;

const SEARCH: &str = "GET users/?record_uid=1&source_uid=SIS";

#[test]
fn each_request_may_fail_and_the_item_is_done_in_the_end() {
    let before = with(&anna(), json!({"lastname": "B"}));
    let after = with(
        &anna(),
        json!({"username": "anne", "school": ["S2"], "groups": [class_dn("S2", "2b")]}),
    );
    for failure in [Failure::Before, Failure::After, Failure::Broken] {
        for call in 1..=4 {
            let stage = Stage::new();
            for item in [&before, &after] {
                stage.fake.fail_at(call, failure);
                if let Err(fault) = stage.deliver(item) {
                    assert_eq!(fault.class, FaultClass::Transient, "{fault:?}");
                    assert!(fault.message.starts_with("user 'ann"), "{fault:?}");
                    stage.deliver(item).unwrap();
                }
                stage.fake.heal();
            }
            assert_eq!(stage.users(), ["anne"], "{failure:?} {call}");
            assert_eq!(stage.shown("anne", "school_classes"), json!({"S2": ["2b"]}));
            stage.fake.fail_at(call, failure);
            if stage.deliver(&gone(&after)).is_err() {
                stage.deliver(&gone(&after)).unwrap();
            }
            assert_eq!(stage.users(), [""; 0], "{failure:?} {call}");
        }
    }
}

#[test]
fn an_item_that_is_removed_after_a_part_of_it_was_done_leaves_no_false_note() {
    for failure in [Failure::After, Failure::Broken] {
        let stage = Stage::new();
        stage.deliver(&anna()).unwrap();
        stage.fake.fail_at(2, failure);
        stage.fault(&with(&anna(), json!({"firstname": "wrong"})));
        assert_eq!(stage.shown("anna", "firstname"), "wrong");
        // The administrator removes it; the next one asks for what was delivered before.
        stage.deliver(&anna()).unwrap();
        assert_eq!(stage.shown("anna", "firstname"), "Anna");
        assert_eq!(stage.calls(&anna()), [""; 0]);
    }
}

#[test]
fn a_fault_before_anything_was_sent_forgets_nothing() {
    let stage = Stage::new();
    stage.deliver(&anna()).unwrap();
    stage.fake.fail_at(1, Failure::Before);
    stage.fault(&with(&anna(), json!({"firstname": "x"})));
    assert_eq!(stage.calls(&anna()), ["GET schools/", "GET roles/"]);
    assert!(stage.objects.facts(ANNA).unwrap().unwrap().digest.is_some());
}

#[test]
fn a_refusal_is_permanent_and_says_what_the_server_said() {
    let stage = Stage::new();
    let fault = stage.fault(&with(&anna(), json!({"username": "a234567890123456"})));
    assert_eq!(fault.class, FaultClass::Permanent);
    assert!(fault.message.contains("longer than allowed"), "{}", fault.message);
    stage.deliver(&anna()).unwrap();
    let fault = stage.fault(&with(&anna(), json!({"phone": "one text"})));
    assert_eq!(fault.class, FaultClass::Permanent);
    assert!(fault.message.contains("wrong type"), "{}", fault.message);
}

#[test]
fn an_account_that_vanishes_between_two_requests_is_looked_up_again() {
    let stage = Stage::new();
    stage.deliver(&anna()).unwrap();
    stage.fake.refuse("PATCH", RefusalKind::NoObject);
    let changed = with(&anna(), json!({"firstname": "Anne"}));
    let fault = stage.fault(&changed);
    assert_eq!(fault.class, FaultClass::Transient);
    assert!(fault.message.contains("looked up again"), "{}", fault.message);
    stage.fake.heal();
    // It was removed at the server: the change creates it again.
    stage.fake.change_world(|world| world.accounts.clear());
    let calls = stage.calls(&changed);
    assert_eq!(calls[calls.len() - 2..], [SEARCH, "POST users/"]);
    assert_eq!(stage.users(), ["anna"]);
}

#[test]
fn an_account_that_appears_between_two_requests_is_not_created_twice() {
    let stage = Stage::new();
    stage.deliver(&anna()).unwrap();
    stage.objects.forget(ANNA).unwrap();
    // The look-up lags.
    let account = stage.fake.world().accounts;
    stage.fake.change_world(|world| world.accounts.clear());
    stage.fake.appear_after(1, account);
    let fault = stage.fault(&anna());
    assert_eq!(fault.class, FaultClass::Transient);
    assert!(fault.message.contains("since a moment ago"), "{}", fault.message);
    stage.deliver(&anna()).unwrap();
    assert_eq!(stage.users(), ["anna"]);
}

#[test]
fn a_student_without_class_cannot_be_made_from_a_teacher() {
    let stage = Stage::new();
    let teacher = idspool_udm::ConvertedItem {
        options: Some(vec!["ucsschoolTeacher".into()]),
        ..with(&anna(), json!({"groups": []}))
    };
    stage.deliver(&teacher).unwrap();
    let fault = stage.fault(&with(&anna(), json!({"groups": []})));
    assert_eq!(fault.class, FaultClass::Permanent);
    assert!(fault.message.contains("needs a class"), "{}", fault.message);
    stage.deliver(&anna()).unwrap();
    assert_eq!(stage.shown("anna", "roles"), json!(["student"]));
}
