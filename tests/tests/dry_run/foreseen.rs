//! Faults that a run would meet.

use std::fs;

use idspool_tests::{BASE_DN, Sandbox};
use serde_json::{Value, json};

use crate::world::{World, item, user};

#[test]
fn faults_are_foreseen_and_what_waits_behind_them_is_told() {
    let world = World::provisioned(&[]);
    let secrets = world.data().join("secrets/contexts.json");
    let mut contexts: Value = serde_json::from_slice(&fs::read(&secrets).unwrap()).unwrap();
    contexts["77"] = json!({"adminuser": "oxadmin-context77", "adminpass": "secret-of-77"});
    fs::write(&secrets, contexts.to_string()).unwrap();
    let lost = world.slapd.entry_uuid(&World::user("d.zu")).unwrap();
    fs::remove_file(world.idspool.ox_queue().join(format!("old/{lost}.json"))).unwrap();

    let fine = world.put(1, &user(1, &json!({})));
    world.put(2, &user(2, &json!({"lastname": ""})));
    world.put(3, &user(3, &json!({"oxAccess": "nosuch"})));
    world.put(4, &user(4, &json!({"oxContext": 77})));
    world.put(5, &user(5, &json!({"oxContext": 78})));
    world.put(6, &user(6, &json!({"oxNote": "a\u{1}b"})));
    world.put(7, &user(7, &json!({"oxContext": "ten"})));
    let mut renamed = world.snapshot(&World::user("a.oehler"));
    renamed["object"]["username"] = json!("b.meier");
    renamed["dn"] = json!(format!("uid=taken,cn=x,{BASE_DN}"));
    world.put(8, &renamed);
    let group = |name: &str, users: &Value| {
        item(
            "groups/group",
            &format!("cn={name}"),
            name,
            &json!({
                "name": name, "isOxGroup": "OK", "users": users,
            }),
        )
    };
    world.put(9, &group("g9", &json!([format!("uid=u1,cn=x,{BASE_DN}"), "uid=nobody,dc=x"])));
    world.put(10, &group("g10", &json!([World::user("d.zu")])));
    world.put(
        11,
        &item(
            "oxresources/oxresources",
            "cn=r",
            "r",
            &json!({
                "name": "r", "oxContext": 10,
            }),
        ),
    );
    world.put(12, &item("container/ou", "ou=o", "o", &json!({})));
    world.put_text("2026-11-21-10-00-00-000013.json", "{\"id\": ");

    let told = world.dry_run(&[]);
    assert_eq!(told.code, 1);
    let broken = told.items.iter().find(|item| item["object"].is_null()).unwrap();
    assert_eq!(broken["name"], "2026-11-21-10-00-00-000013.json");
    assert_eq!(broken["faults"][0]["class"], "permanent");
    let of = |rdn: &str| told.item(&format!("{rdn},cn=x,{BASE_DN}"));
    let fault = |rdn: &str| of(rdn)["faults"][0]["message"].as_str().unwrap_or_default();
    for (rdn, text) in [
        ("uid=u2", "Mandatory attributes: sur_name."),
        ("uid=u4", "77"),
        ("uid=u6", "note: the character U+0001"),
        ("uid=u7", "'oxContext' is the text 'ten'"),
        ("uid=taken", "User b.meier already exists"),
        ("cn=g10", "does not exist!\nYou need to re-provision"),
        ("cn=r", "Mandatory attributes: email."),
        ("ou=o", "not handled here"),
    ] {
        assert!(fault(rdn).contains(text), "{rdn}: {:#}", of(rdn));
        assert_eq!(of(rdn)["outcome"], "fault");
    }
    for (rdn, text) in [
        ("uid=u3", "Cannot find access profile 'nosuch'"),
        ("uid=u5", "Could not find admin password for context 78"),
        ("cn=g9", "Group wants uid=nobody,dc=x as member. But the user is unknown"),
    ] {
        let warnings = of(rdn)["warnings"].to_string();
        assert!(warnings.contains(text) && of(rdn)["faults"] == json!([]), "{:#}", of(rdn));
    }
    // What is good is foreseen as if the administrator had removed what is not.
    assert_eq!(of("uid=u1")["calls"][0]["operation"], "User.create");
    assert_eq!(of("cn=g9")["calls"][0]["changes"][1]["added"], json!(["u1"]));
    // The queue would stand at the first of them.
    let first = told.items.iter().position(|item| item["faults"] != json!([])).unwrap();
    let stands_at = &told.items[first]["name"];
    assert_eq!(&told.summary["stands_at"], stands_at);
    for (number, item) in told.items.iter().enumerate() {
        let behind = if number > first { stands_at } else { &Value::Null };
        assert_eq!(&item["waits_behind"], behind, "{number}");
    }
    assert_eq!(told.summary["behind"], told.items.len() - first - 1);
    assert_eq!(told.summary["faulty"], 9);
    assert!(!told.items.iter().any(|item| item.to_string().contains("secret")), "{:?}", told.items);

    // The same for people.
    let output = world.idspool.run("idspool-ox", &["--dry-run"]).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(&format!("{fine}  users/user  uid=u1,cn=x,{BASE_DN}\n")), "{text}");
    for line in [
        "  User.create 'u1' in context 10\n",
        "    aliases: +u1@example.org\n",
        "  FAULT (permanent): Object('users/user', 'uid=u2",
        "    what to do: give the user a value for them",
        "13 items: 3 with calls, 1 without, 9 faulty\n",
        "the queue would stand at ",
    ] {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
    assert!(!text.contains("dummy") && !text.contains("secret"), "{text}");
}

#[test]
fn an_ox_that_does_not_answer_is_asked_once() {
    let mut world = World::provisioned(&[]);
    for number in 1..=3 {
        world.put(number, &user(number, &json!({})));
    }
    let address = world.sandbox.address().to_owned();
    drop(std::mem::replace(&mut world.sandbox, Sandbox::start(&[]).unwrap()));
    let told = world.told(&[]);
    assert_eq!((told.code, &told.summary["offline"]), (1, &json!(true)));
    let fault = &told.items[0]["faults"][0];
    assert_eq!(fault["class"], "transient");
    assert!(fault["message"].as_str().unwrap().contains("u1"), "{address}: {fault}");
    assert!(told.items[0]["warnings"].to_string().contains("does not answer"));
    let others = &told.items[1..];
    assert!(others.iter().all(|item| item["calls"][0]["operation"] == "User.create"), "{others:?}");
}
