//! Files of the administrator that changed a moment before an item came.

use std::fs;

use super::place::{Place, authority, pupil};

/// One authority with one school.
fn place() -> Place {
    let place = Place::new(&[authority("auth1")]);
    place.map(&[("A", "auth1")]);
    place
}

#[test]
fn an_item_right_behind_a_new_authority_goes_there() {
    let place = place();
    let running = place.daemon(None);
    place.put(&pupil(1, "anna", &["A"], 1));
    place.wait_for("auth1", 1);
    // Written, and not read yet.
    place.write_authority(&authority("auth2"));
    fs::write(place.layout.school_mapping(), r#"{"mapping": {"A": "auth1", "B": "auth2"}}"#)
        .unwrap();
    place.put(&pupil(2, "bert", &["B"], 1));
    place.reload();
    running.stop.wake();
    place.wait_for("auth2", 1);
    running.end();
}

#[test]
fn files_that_nobody_can_use_hold_nothing_up() {
    let place = place();
    let running = place.daemon(None);
    fs::write(place.layout.school_mapping(), "{").unwrap();
    for number in 1..=20 {
        place.put(&pupil(number, "anna", &["A"], 1));
        place.wait_for("auth1", number as usize);
    }
    running.end();
}
