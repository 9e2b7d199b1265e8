//! Servers that are down, slow or wrong, items that cannot be delivered, and a process that is killed.

use std::time::Duration;

use idspool_tests::{KelvinSandbox, SchoolUser, class_ldif};
use serde_json::{Value, json};

use crate::world::{PLAIN, PROPERTIES, SOON, World, eventually, status, student};

#[test]
fn an_authority_whose_server_is_down_keeps_nobody_else_waiting() {
    let mut world = World::new();
    world.add(&student("anna", &["A", "C"]));
    world.settle();
    let address = world.one.address().to_owned();
    let gone = std::mem::replace(&mut world.one, KelvinSandbox::start(&[], &[]).unwrap());
    drop(gone);
    for number in 0..20 {
        world.add(&student(&format!("both{number}"), &["A", "C"]));
        world.add(&student(&format!("there{number}"), &["C"]));
    }
    world.report();
    world.idspool.settle_kelvin(&["auth2"], SOON).unwrap();
    assert_eq!(world.two.user_names().unwrap().len(), 41);
    eventually(&world, "auth1 stands", || status(&world, "kelvin/auth1")["class"] == "transient");
    let standing = status(&world, "kelvin/auth1");
    assert_eq!((&standing["waiting"], &standing["running"]), (&json!(20), &json!(true)));
    assert_eq!(status(&world, "kelvin/auth2")["stopped"], false);
    let output = world.idspool.run("idspool", &["explain"]).unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("The queue 'kelvin/auth1' stands"), "{text}");

    // It comes back empty, and gets everybody who changed since.
    world.one = KelvinSandbox::start_at(&address, &["A", "B", "D"], &PROPERTIES).unwrap();
    world.settle();
    assert_eq!(world.one.user_names().unwrap().len(), 20);
    eventually(&world, "auth1 is well", || status(&world, "kelvin/auth1")["stopped"] == false);
}

#[test]
fn a_faulty_item_stops_its_authority_alone_until_it_is_removed() {
    let world = World::new();
    // The name of somebody whom the server got from elsewhere.
    let base = world.one.url().to_owned();
    world.put_user_at_one(&json!({
        "name": "anna", "firstname": "x", "lastname": "x", "record_uid": "other", "source_uid": "other",
        "school": format!("{base}/ucsschool/kelvin/v1/schools/A"),
        "roles": [format!("{base}/ucsschool/kelvin/v1/roles/student")],
    }));
    world.add(&student("anna", &["A", "C"]));
    world.report();
    eventually(&world, "auth1 stands", || status(&world, "kelvin/auth1")["class"] == "permanent");
    world.add(&student("bob", &["A", "C"]));
    world.report();
    world.idspool.settle_kelvin(&["auth2"], SOON).unwrap();
    assert_eq!(world.two.user_names().unwrap(), ["anna", "bob"]);
    assert_eq!(world.one.user_names().unwrap(), ["anna"], "nothing is done behind the item");
    assert_eq!(world.at_one("anna")["record_uid"], "other", "and nobody is taken over");
    let item = status(&world, "kelvin/auth1")["item"].as_str().unwrap().to_owned();
    let output = world
        .idspool
        .run("idspool", &["queue", "remove", &item, "--queue", "kelvin/auth1"])
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    world.settle();
    assert_eq!(world.one.user_names().unwrap(), ["anna", "bob"]);
}

#[test]
fn a_wrong_password_is_waited_out_and_the_right_one_takes_effect_at_once() {
    let mut world = World::quiet(&["A", "B", "D", "C"], &PLAIN);
    let password = |text: &'static str| {
        move |document: &mut Value| {
            document["plugin_configs"]["kelvin"]["password"] = json!(text);
        }
    };
    world.idspool.authority("auth1", &world.one.api(), password("changed")).unwrap();
    world = world.run();
    world.add(&student("anna", &["A"]));
    world.report();
    eventually(&world, "auth1 stands", || status(&world, "kelvin/auth1")["class"] == "transient");
    let name = |state: &Value| state["item"].clone();
    assert_eq!(name(&status(&world, "kelvin/auth1")), Value::Null, "nothing was begun");
    // The pauses grow up to a minute; the new file is no reason to wait for one.
    eventually(&world, "attempts", || {
        status(&world, "kelvin/auth1")["attempts"].as_u64() >= Some(3)
    });
    world.idspool.authority("auth1", &world.one.api(), |_| ()).unwrap();
    world.settle();
    world.at_one("anna");
    // Changed at the server while everything runs.
    let address = world.one.address().to_owned();
    let gone = std::mem::replace(&mut world.one, KelvinSandbox::start(&[], &[]).unwrap());
    drop(gone);
    let arguments = [&PROPERTIES[..], &["--account", "idc:new-secret:admin"]].concat();
    world.one = KelvinSandbox::start_at(&address, &["A", "B", "D"], &arguments).unwrap();
    world
        .idspool
        .authority("auth1", &world.one.api(), |document| {
            let config = &mut document["plugin_configs"]["kelvin"];
            (config["username"], config["password"]) = (json!("idc"), json!("new-secret"));
        })
        .unwrap();
    world.add(&student("bob", &["A"]));
    world.settle();
    world.at_one("bob");
    let log = world.log();
    for secret in ["new-secret", KelvinSandbox::PASSWORD, "changed'"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[test]
fn killed_at_any_moment_both_servers_get_to_the_state_of_the_directory() {
    let mut world = World::new();
    world.ldap().add(&class_ldif("A", "1a", &[]), false).unwrap();
    let mut generator = 0x2545_f491_u64;
    let mut random = move |below: u64| {
        generator = generator
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (generator >> 33) % below
    };
    let choices: [&[&str]; 5] = [&["A"], &["B"], &["C"], &["A", "C"], &["B", "A"]];
    let (mut users, mut count) = (Vec::<SchoolUser>::new(), 0);
    for _ in 0..12 {
        for _ in 0..15 {
            match random(4) {
                0 | 1 => {
                    count += 1;
                    let user = student(&format!("user{count}"), choices[random(5) as usize]);
                    world.add(&user);
                    users.push(user);
                }
                2 if !users.is_empty() => {
                    let index = random(users.len() as u64) as usize;
                    let after = student(&users[index].uid, choices[random(5) as usize]);
                    world.relocate(&users[index], &after);
                    users[index] = after;
                }
                _ if users.len() > 3 => {
                    let user = users.swap_remove(random(users.len() as u64) as usize);
                    world.ldap().delete(&user.dn()).unwrap();
                }
                _ => {}
            }
        }
        world.report();
        std::thread::sleep(Duration::from_millis(random(120)));
        world.kelvin.take().unwrap().kill().unwrap();
        world.kelvin = Some(world.idspool.start("idspool-kelvin", &[]).unwrap());
    }
    world.settle();
    for (server, own) in [(&world.one, &["A", "B"][..]), (&world.two, &["C"])] {
        let mut expected: Vec<(String, Vec<String>)> = users
            .iter()
            .map(|user| {
                let mut schools = user.schools.clone();
                schools.retain(|school| own.contains(&school.as_str()));
                schools.sort();
                (user.uid.clone(), schools)
            })
            .filter(|(_, schools)| !schools.is_empty())
            .collect();
        expected.sort();
        let state = server.get("/state").unwrap();
        let mut found: Vec<(String, Vec<String>)> = state["users"]
            .as_array()
            .unwrap()
            .iter()
            .map(|user| {
                let schools = user["schools"].as_array().unwrap();
                let mut schools: Vec<String> =
                    schools.iter().map(|school| school.as_str().unwrap().to_owned()).collect();
                schools.sort();
                (user["name"].as_str().unwrap().to_owned(), schools)
            })
            .collect();
        found.sort();
        assert_eq!(found, expected, "{}", world.log());
    }
}

#[test]
fn a_server_that_fails_in_many_ways_loses_and_doubles_nobody() {
    let mut world = World::quiet(&["A", "B", "D", "C"], &PLAIN);
    let mut arguments = PROPERTIES.to_vec();
    arguments.extend(["--token-lifetime", "2"]);
    for failure in [
        "POST /users/:2:late-close",
        "POST /users/:5:late-500",
        "POST /users/:8:close",
        "POST /users/:9:503:1",
        "POST /users/:11:garbage",
        "GET /users/*:4:401",
        "GET /users/*:9:close",
        "PATCH /users/*:3:late-close",
        "PATCH /users/*:6:late-500",
        "DELETE /users/*:2:late-close",
        "POST /classes/:1:late-close",
        "PATCH /classes/*:1:late-500",
        "POST /token:3:500",
    ] {
        arguments.extend(["--fail", failure]);
    }
    world.one = KelvinSandbox::start(&["A", "B", "D"], &arguments).unwrap();
    world.idspool.authority("auth1", &world.one.api(), |_| ()).unwrap();
    let world = world.run();
    let users: Vec<SchoolUser> =
        (0..15).map(|number| student(&format!("user{number:02}"), &["A"])).collect();
    users.iter().for_each(|user| world.add(user));
    let members: Vec<&SchoolUser> = users.iter().collect();
    world.ldap().add(&class_ldif("A", "1a", &members), false).unwrap();
    world.settle();
    let (gone, stay) = users.split_at(3);
    for user in stay {
        world.ldap().replace(&user.dn(), "givenName", &["Changed"]).unwrap();
    }
    for user in gone {
        world.ldap().delete(&user.dn()).unwrap();
    }
    world.settle();
    let names: Vec<&str> = stay.iter().map(|user| user.uid.as_str()).collect();
    assert_eq!(world.one.user_names().unwrap(), names, "{}", world.log());
    for name in &names {
        assert_eq!(world.at_one(name)["firstname"], "Changed");
    }
    assert_eq!(world.one.class("A", "1a").unwrap().unwrap()["users"], json!(names));
    let failed = |line: &&String| line.contains("Error while processing");
    assert!(world.kelvin.as_ref().unwrap().lines().iter().filter(failed).count() > 5);
}

#[test]
fn who_gets_a_name_waits_for_the_one_who_gives_it_up() {
    let mut world = World::new();
    let (old, renamed) = (student("anna", &["A"]), student("anne", &["A"]));
    world.add(&old);
    world.settle();
    (world.converter, world.kelvin) = (None, None);
    world.ldap().rename(&old.dn(), "uid=anne", None).unwrap();
    world.ldap().replace(&renamed.dn(), "mailPrimaryAddress", &["anne@example.org"]).unwrap();
    let another = old.ldif().replace("rec-anna", "rec-another");
    world.ldap().add(&another, false).unwrap();
    // The new one is told of first.
    for dn in [old.dn(), renamed.dn()] {
        let uuid = world.slapd.entry_uuid(&dn).unwrap();
        world.idspool.hook(&uuid, &dn, "users/user", "modify").unwrap();
    }
    let world = world.run();
    if let Err(error) = world.idspool.settle_kelvin(&["auth1"], SOON) {
        panic!("{error:#}\n{}", world.log());
    }
    assert_eq!(world.at_one("anne")["record_uid"], "rec-anna");
    assert_eq!(world.at_one("anna")["record_uid"], "rec-another");
}
