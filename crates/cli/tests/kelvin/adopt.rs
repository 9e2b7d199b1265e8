//! Taking over the directory of an ID Connector.

use std::fs;
use std::path::Path;

use idspool_spool::Spool;
use serde_json::{Value, json};

use crate::place::{Place, URL};

/// The directory of an ID Connector, `app`, with one authority and one waiting change.
fn connector(place: &Place) {
    let app = place.path("app");
    for folder in
        ["conf/school_authorities", "data/listener", "data/out_queues/north", "data/old_data_db"]
    {
        fs::create_dir_all(app.join(folder)).unwrap();
    }
    let memory = "../kelvin/src/admin/adopt/tests/old_data_db/cache.db";
    let memory = Path::new(env!("CARGO_MANIFEST_DIR")).join(memory);
    fs::copy(memory, app.join("data/old_data_db/cache.db")).unwrap();
    let authority = json!({
        "name": "north", "active": true, "url": URL, "plugins": ["kelvin"],
        "plugin_configs": {"kelvin": {
            "username": "idc", "password": "s3cret", "mapping": {"users": {"username": "name"}}}},
    });
    fs::write(app.join("conf/school_authorities/north.json"), authority.to_string()).unwrap();
    let item = json!({
        "id": "u-1", "udm_object_type": "users/user", "dn": "uid=anna", "options": null, "object": null,
    });
    let name = "data/out_queues/north/2025-11-20-08-15-00-000001_ready.json";
    fs::write(app.join(name), item.to_string()).unwrap();
}

#[test]
fn a_check_changes_nothing() {
    let place = Place::new();
    connector(&place);
    let ended = place.run(&["adopt", "app", "--check"]);
    assert_eq!(ended.status, 0, "{}{}", ended.out, ended.err);
    for expected in [
        "school authorities: 1",
        "remembered: 3 users",
        "waiting for north: 1",
        "open-access",
        "kelvin.source_uid",
    ] {
        assert!(ended.out.contains(expected), "{expected}: {}", ended.out);
    }
    assert!(!ended.out.contains("s3cret"));
    assert!(!place.path("kelvin").exists() && !place.path("app/data/.routing.sqlite").exists());
}

#[test]
fn a_copy_is_made_and_a_second_one_refused() {
    let place = Place::new();
    connector(&place);
    let refused = place.run(&["adopt", "app"]).refused();
    assert!(refused.contains("add --copy to copy it"), "{refused}");
    let copied = place.run(&["adopt", "app", "--copy"]).done();
    assert!(copied.contains("2 files copied") && copied.contains("can be started"), "{copied}");
    let listed = place.json(&["authorities", "list"]);
    assert_eq!(listed["authorities"][0]["waiting"], 1, "{listed}");
    let refused = place.run(&["adopt", "app", "--copy"]).refused();
    assert!(refused.contains("has school authorities already"), "{refused}");
}

#[test]
fn it_is_taken_over_in_place_while_nobody_works_there() {
    let place = Place::new();
    connector(&place);
    let text = fs::read_to_string(place.path("idspool.toml")).unwrap();
    let text = text.replace("data_dir = 'kelvin'", "data_dir = 'app/data'");
    fs::write(place.path("idspool.toml"), &text).unwrap();
    let queue = Spool::open(place.path("app/data/out_queues/north")).unwrap();
    let consumer = queue.consumer("idspool-kelvin").unwrap();
    let busy = place.run(&["adopt", "app"]);
    assert_eq!(busy.status, 3, "{}", busy.err);
    assert!(busy.err.contains("idspool-kelvin"), "{}", busy.err);
    drop(consumer);
    let answer: Value = place.json(&["adopt", "app"]);
    assert_eq!(answer["done"]["way"], "in_place", "{answer}");
    assert_eq!(answer["needs_a_person"], false, "{answer}");
    place.run(&["adopt", "app"]).done();
    fs::write(place.path("idspool.toml"), format!("{text}conf_dir = 'elsewhere'\n")).unwrap();
    let refused = place.run(&["adopt", "app"]).refused();
    assert!(refused.contains("leave kelvin.conf_dir out"), "{refused}");
}

#[test]
fn what_needs_a_person_is_told_by_the_exit_status() {
    let place = Place::new();
    connector(&place);
    fs::remove_dir_all(place.path("app/data/old_data_db")).unwrap();
    let ended = place.run(&["adopt", "app", "--check"]);
    assert_eq!(ended.status, 1);
    assert!(ended.out.contains("Needs a person\n  no-memory"), "{}", ended.out);
    let refused = place.run(&["adopt", "nowhere", "--check"]).refused();
    assert!(refused.contains("is no directory of an ID Connector"), "{refused}");
}
