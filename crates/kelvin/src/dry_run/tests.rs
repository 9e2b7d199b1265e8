//! The server as it would be, over one in memory.

use std::sync::Arc;

use idspool_kelvin_client::{Attributes, Identity, RefusalKind};
use serde_json::{Value, json};

use super::overlay::{Delivered, Overlay};
use crate::fake::Fake;
use crate::kelvin::Kelvin;

fn object(value: Value) -> Attributes {
    value.as_object().cloned().unwrap()
}

fn anna() -> Value {
    json!({
        "name": "anna", "firstname": "Anna", "lastname": "A", "record_uid": "1", "source_uid": "S",
        "school": "s1", "schools": ["s1"], "roles": ["student"], "school_classes": {"s1": ["1a"]},
    })
}

fn identity(record_uid: &str) -> Identity {
    Identity { record_uid: record_uid.into(), source_uid: "S".into() }
}

fn over(fake: &Fake) -> Overlay {
    Overlay::new(Some(Arc::new(fake.clone())), Vec::new())
}

fn names(kelvin: &dyn Kelvin, record_uid: &str) -> Vec<String> {
    kelvin.users(&identity(record_uid)).unwrap().into_iter().map(|user| user.name).collect()
}

#[test]
fn what_was_changed_is_found_and_nothing_is_sent() {
    let fake = Fake::with_schools(&["s1"]).with_user(anna());
    let before = fake.world();
    let overlay = over(&fake);
    overlay.change_user("anna", &object(json!({"name": "anne", "record_uid": "2"}))).unwrap();
    assert_eq!(names(&overlay, "1"), [""; 0]);
    assert_eq!(names(&overlay, "2"), ["anne"]);
    assert_eq!(overlay.user("anna").unwrap(), None);
    let anne = overlay.user("ANNE").unwrap().unwrap();
    assert_eq!(anne.attributes["lastname"], "A", "what was not changed is still there");

    let mut bob = object(anna());
    bob.insert("name".into(), "bob".into());
    bob.insert("record_uid".into(), "3".into());
    overlay.create_user(&bob).unwrap();
    let error = overlay.create_user(&bob).unwrap_err();
    assert_eq!(error.refusal().map(|refusal| &refusal.kind), Some(&RefusalKind::Taken));
    let class = object(json!({"name": "1b", "school": "s1", "users": ["bob", "anne"]}));
    overlay.create_class(&class).unwrap();
    assert!(overlay.class("S1", "1B").unwrap().is_some());
    assert!(overlay.delete_user("bob").unwrap());
    assert!(!overlay.delete_user("bob").unwrap());
    let error = overlay.change_class("s1", "1b", &object(json!({"users": ["bob"]}))).unwrap_err();
    let kind = RefusalKind::NoReference(Some("bob".into()));
    assert_eq!(error.refusal().map(|refusal| &refusal.kind), Some(&kind));
    let operations: Vec<_> =
        overlay.take().into_iter().map(|request| (request.operation, request.object)).collect();
    let told = |operation, object: &str| (operation, object.to_owned());
    assert_eq!(
        operations,
        [
            told("PATCH users", "anna"),
            told("POST users", "bob"),
            told("POST classes", "s1/1b"),
            told("DELETE users", "bob"),
        ]
    );
    assert!(fake.calls().iter().all(|line| line.starts_with("GET ")), "only read from");
    assert_eq!(format!("{:?}", fake.world()), format!("{before:?}"));
}

#[test]
fn where_nobody_is_asked_what_was_delivered_counts() {
    let overlay = Overlay::new(None, vec!["S1".into()]);
    assert_eq!(overlay.schools().unwrap(), ["S1"]);
    assert!(overlay.has_school("s1").unwrap() && !overlay.has_school("s2").unwrap());
    assert_eq!(names(&overlay, "1"), [""; 0]);
    overlay.begin(Some(Delivered::User { name: "anna".into(), identity: identity("1") }));
    assert_eq!(names(&overlay, "1"), ["anna"]);
    overlay.change_user("anna", &object(json!({"lastname": "B"}))).unwrap();
    overlay.begin(Some(Delivered::Class { school: "S1".into(), name: "1a".into() }));
    assert!(overlay.class("s1", "1A").unwrap().is_some());
    assert!(overlay.delete_class("s1", "1a").unwrap());
    assert!(overlay.class("s1", "1A").unwrap().is_none());
}
