//! Why the queue of an authority stands, in words: each case with real servers and processes.

use std::fs;

use idspool_tests::{Certificates, KelvinSandbox, SchoolKind, SchoolUser, free_port, poll};
use serde_json::{Value, json};

use crate::world::{PLAIN, PROPERTIES, SOON, World};

/// Waits until the queue stands, and returns its case.
fn case(world: &World, queue: &str) -> String {
    let explained = || {
        let output =
            world.idspool.run("idspool", &["--json", "explain", "--queue", queue]).unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        let fault = answer["faults"].get(0)?;
        let page = fault["page"].as_str().unwrap();
        assert!(page.contains(fault["case"].as_str().unwrap()), "{fault:#}");
        assert!(!fault["steps"].as_array().unwrap().is_empty(), "{fault:#}");
        Some(fault["case"].as_str().unwrap().to_owned())
    };
    poll(SOON, explained).unwrap_or_else(|| panic!("{queue} does not stand\n{}", world.log()))
}

fn anna() -> SchoolUser {
    SchoolUser::new("anna", SchoolKind::Student, &["A"])
}

/// A world in which the first server was started like this, and the file of its authority changed like that.
fn world(arguments: &[&str], change: impl FnOnce(&World, &mut Value)) -> World {
    let mut world = World::quiet(&["A", "B", "D", "C"], &PLAIN);
    if !arguments.is_empty() {
        let arguments = [&PROPERTIES[..], arguments].concat();
        world.one = KelvinSandbox::start(&["A", "B", "D"], &arguments).unwrap();
    }
    world.idspool.authority("auth1", &world.one.api(), |file| change(&world, file)).unwrap();
    let world = world.run();
    world.add(&anna());
    world.report();
    world
}

fn mapping(file: &mut Value) -> &mut serde_json::Map<String, Value> {
    file["plugin_configs"]["kelvin"]["mapping"]["users"].as_object_mut().unwrap()
}

#[test]
fn the_way_to_the_server() {
    let port = free_port().unwrap();
    let closed = world(&[], |_, file| {
        file["url"] = json!(format!("http://127.0.0.1:{port}/ucsschool/kelvin/v1/"));
    });
    assert_eq!(case(&closed, "kelvin/auth1"), "kelvin-unreachable");
    let text = closed.idspool.run("idspool", &["explain"]).unwrap();
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("idspool kelvin authorities test auth1"), "{text}");

    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::create(&folder.path().join("tls")).unwrap();
    let (chain, key) = (certificates.server(), certificates.server_key());
    let tls = ["--tls-cert", chain.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let untrusted = world(&tls, |_, _| ());
    assert_eq!(case(&untrusted, "kelvin/auth1"), "kelvin-certificate");
    // The step that is named helps, and needs no restart.
    untrusted
        .idspool
        .authority("auth1", &untrusted.one.api(), |file| {
            file["plugin_configs"]["kelvin"]["ssl_context"] =
                json!({"ca_file": certificates.authority()});
        })
        .unwrap();
    untrusted.idspool.settle_kelvin(&["auth1"], SOON).unwrap();

    let login = world(&[], |_, file| {
        file["plugin_configs"]["kelvin"]["password"] = json!("wrong");
    });
    assert_eq!(case(&login, "kelvin/auth1"), "kelvin-login");

    let trouble = world(&["--fail", "GET /users/*:*:500"], |_, _| ());
    assert_eq!(case(&trouble, "kelvin/auth1"), "kelvin-trouble");

    let garbage = world(&["--fail", "GET /users/*:*:garbage"], |_, _| ());
    assert_eq!(case(&garbage, "kelvin/auth1"), "kelvin-not-kelvin");
}

#[test]
fn what_the_server_has() {
    let mut empty = World::quiet(&["A", "B", "D", "C"], &PLAIN);
    empty.one = KelvinSandbox::start(&[], &PROPERTIES).unwrap();
    empty.idspool.authority("auth1", &empty.one.api(), |_| ()).unwrap();
    let empty = empty.run();
    empty.add(&anna());
    empty.report();
    assert_eq!(case(&empty, "kelvin/auth1"), "kelvin-schools");

    let taken = World::quiet(&["A", "B", "D", "C"], &PLAIN);
    let api = taken.one.api();
    taken.put_user_at_one(&json!({
        "name": "anna", "firstname": "x", "lastname": "x", "record_uid": "other", "source_uid": "other",
        "school": format!("{api}schools/A"), "roles": [format!("{api}roles/student")],
    }));
    let taken = taken.run();
    taken.add(&anna());
    taken.report();
    assert_eq!(case(&taken, "kelvin/auth1"), "kelvin-name-taken");
}

#[test]
fn objects_and_mapping() {
    let refused = world(&[], |_, file| {
        mapping(file).insert("displayName".into(), json!("displayName"));
    });
    assert_eq!(case(&refused, "kelvin/auth1"), "kelvin-refused");

    let incomplete = world(&[], |_, file| drop(mapping(file).remove("firstname")));
    assert_eq!(case(&incomplete, "kelvin/auth1"), "kelvin-configuration");

    let broken = World::quiet(&["A", "B", "D", "C"], &PLAIN);
    let file = broken.idspool.kelvin_conf().join("school_authorities/auth1.json");
    fs::write(file, "{ half").unwrap();
    let broken = broken.run();
    assert_eq!(case(&broken, "kelvin/auth1"), "kelvin-configuration");

    let nameless = World::new();
    let entry = anna().ldif().replace("ucsschoolRecordUID: rec-anna\n", "");
    nameless.ldap().add(&entry, false).unwrap();
    nameless.report();
    assert_eq!(case(&nameless, "kelvin/auth1"), "kelvin-record-uid");
}
