//! Changes of the attribute mapping while the program runs.

use idspool_ox::admin::mapping::{Edits, MappingAdmin, Set};
use idspool_sandbox::ox::Options;
use serde_json::{Value, json};

use crate::LONG;
use crate::place::{Place, anna, context};

#[test]
fn s8_1_a_running_program_follows_with_the_next_user() {
    let place = Place::new(Options::default());
    let daemon = place.start();
    let deliver = |object: Value| {
        place.enqueue(&anna(object));
        let done = || (place.queued() == 0).then_some(());
        idspool_tests::poll(LONG, done).unwrap_or_else(|| panic!("the item is not delivered"));
    };
    let note = || place.text(10, "anna", "note").unwrap_or_default();
    place.enqueue(&context(10));
    let object = json!({"oxNote": "from oxNote", "description": "from description"});
    deliver(object.clone());
    assert_eq!(note(), "from oxNote");

    let admin = MappingAdmin::new(&place.data());
    let source = Set { property: "note".into(), source: "description".into() };
    admin.modify(&Edits { set: vec![source], ..Edits::default() }).unwrap();
    deliver(object.clone());
    assert_eq!(note(), "from description");

    admin.modify(&Edits { unset: vec!["note".into()], ..Edits::default() }).unwrap();
    deliver(object.clone());
    assert_eq!(note(), "");

    admin.restore_default().unwrap();
    deliver(object);
    assert_eq!(note(), "from oxNote");
    assert_eq!(daemon.terminate(LONG).unwrap().code(), Some(0));
}
