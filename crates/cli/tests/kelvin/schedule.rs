//! Provisioning again what the directory has.

use std::fs;

use idspool_spool::Spool;
use idspool_tests::{ADMIN_PASSWORD, READER_DN, READER_PASSWORD, Slapd};
use serde_json::{Value, json};

use crate::place::Place;

fn place(slapd: &Slapd) -> Place {
    let place = Place::with(&format!(
        "[directory]\nurl = '{}'\nbind_dn = '{READER_DN}'\nbind_password_file = 'secret'\n",
        slapd.url()
    ));
    fs::write(place.path("secret"), READER_PASSWORD).unwrap();
    place
}

/// DNs and types of what waits for the converter, in order.
fn waiting(place: &Place) -> Vec<(String, String)> {
    let spool = Spool::create(place.path("listener")).unwrap();
    let names = spool.names().unwrap();
    let items = names.iter().map(|name| {
        let item = spool.read(name, 1 << 20).unwrap();
        spool.remove(name).unwrap();
        let item: Value = serde_json::from_slice(&item.bytes).unwrap();
        assert_eq!(item["resync"], true, "{item}");
        assert!(item["entry_uuid"].as_str().unwrap().len() > 30, "{item}");
        (item["dn"].as_str().unwrap().to_owned(), item["object_type"].as_str().unwrap().to_owned())
    });
    items.collect()
}

#[test]
fn s7_users_classes_and_schools_are_provisioned_again() {
    let slapd = Slapd::start().unwrap();
    let place = place(&slapd);
    let anna = "uid=a.schmidt,cn=schueler,cn=users,ou=gymnord,dc=example,dc=org";
    let class = "cn=gymnord-5a,cn=klassen,cn=schueler,cn=groups,ou=gymnord,dc=example,dc=org";

    let user = place.run(&["schedule", "user", "A.Schmidt"]);
    assert_eq!((user.status, user.out.as_str()), (0, ""));
    assert!(
        user.err.contains(&format!("INFO      Adding user to in-queue: '{anna}'.")),
        "{}",
        user.err
    );
    assert_eq!(waiting(&place), [(anna.to_owned(), "users/user".to_owned())]);

    let group = place.run(&["schedule", "group", "gymnord-5a"]);
    assert!(group.err.contains(&format!("Adding group to in-queue: '{class}'.")), "{}", group.err);
    assert_eq!(waiting(&place), [(class.to_owned(), "groups/group".to_owned())]);

    let school = place.run(&["schedule", "school", "gymnord", "8"]);
    assert_eq!(school.status, 0);
    let begin = school.err.find("Adding school to in-queue: gymnord").unwrap();
    assert!(begin < school.err.find("Done.").unwrap(), "{}", school.err);
    let all = waiting(&place);
    let first_group = all.iter().position(|(_, kind)| kind == "groups/group").unwrap();
    assert!(all[..first_group].iter().all(|(_, kind)| kind == "users/user"));
    assert!(all[first_group..].iter().all(|(_, kind)| kind == "groups/group"), "users come first");
    let has = |dn: &str| all.iter().any(|(one, _)| one.starts_with(dn));
    for dn in
        ["uid=a.schmidt,", "uid=b.mueller,", "uid=k.schmidt,", "cn=gymnord-5a,", "cn=gymnord-chor,"]
    {
        assert!(has(dn), "{dn}: {all:?}");
    }
    assert!(!has("uid=c.yilmaz,") && !has("uid=g.admin,"), "{all:?}");
}

#[test]
fn s7_what_is_not_there_is_told_and_no_failure() {
    let slapd = Slapd::start().unwrap();
    let place = place(&slapd);
    for (arguments, expected) in [
        (["user", "nobody"], "ERROR     No school user with username 'nobody' could be found."),
        (["user", "*"], "No school user with username '*' could be found."),
        (["user", "g.admin"], "No school user with username 'g.admin'"),
        (["group", "gymnord-99"], "No school group with groupname 'gymnord-99' could be found."),
        (["school", "nowhere"], "Done."),
        (["school", "*"], "Done."),
    ] {
        let ended = place.run(&[&["schedule"], &arguments[..]].concat());
        assert!(ended.err.contains(expected), "{}", ended.err);
        ended.done();
    }
    assert!(waiting(&place).is_empty());
    let answer = place.json(&["schedule", "user", "nobody"]);
    assert_eq!(answer, json!({"users": 0, "groups": 0, "dn": null}));
}

#[test]
fn s7_wrong_calls_and_failures_have_their_own_exit_status() {
    let mut slapd = Slapd::start().unwrap();
    let place = place(&slapd);
    for arguments in [
        &["user"][..],
        &["user", "a", "b"],
        &["school", "a", "0"],
        &["school", "a", "33"],
        &["school", "a", "x"],
    ] {
        place.run(&[&["schedule"], arguments].concat()).refused();
    }
    slapd.stop().unwrap();
    let failed = place.run(&["schedule", "user", "a.schmidt"]);
    assert_eq!(failed.status, 1, "{}", failed.err);
    assert!(failed.err.contains(&slapd.url()), "{}", failed.err);

    fs::write(place.path("secret"), ADMIN_PASSWORD.repeat(2)).unwrap();
    slapd.restart().unwrap();
    let refused = place.run(&["schedule", "user", "a.schmidt"]);
    assert_ne!(refused.status, 0);
    assert!(!refused.err.contains(ADMIN_PASSWORD), "{}", refused.err);

    let text = fs::read_to_string(place.path("idspool.toml")).unwrap();
    fs::write(place.path("idspool.toml"), text.replace("[kelvin]\nenabled = true", "[kelvin]"))
        .unwrap();
    let off = place.run(&["schedule", "user", "a.schmidt"]).refused();
    assert!(off.contains("kelvin.enabled is false"), "{off}");
}
