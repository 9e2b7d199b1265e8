//! The process: authorities that do not depend on each other, configuration that changes, crashes, the end.

use std::fs;
use std::time::{Duration, Instant};

use idspool_tests::{Installation, KelvinSandbox, SchoolKind, SchoolUser, class_ldif, poll};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::world::{PLAIN, PROPERTIES, SOON, World};

fn student(uid: &str, schools: &[&str]) -> SchoolUser {
    SchoolUser::new(uid, SchoolKind::Student, schools)
}

fn status(world: &World, queue: &str) -> Value {
    world.idspool.status(queue).unwrap()
}

fn eventually(world: &World, what: &str, mut is: impl FnMut() -> bool) {
    let seen = poll(SOON, || is().then_some(()));
    assert!(seen.is_some(), "{what}\n{}", world.log());
}

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
fn authorities_come_go_rest_and_break_while_everything_runs() {
    let world = World::quiet(&["A", "B", "D", "C"], &PLAIN);
    fs::remove_file(world.idspool.kelvin_conf().join("school_authorities/auth2.json")).unwrap();
    let world = world.run();
    let daemon = world.kelvin.as_ref().unwrap();
    daemon.wait_for("Loaded school authority configuration: 'auth1'", SOON).unwrap();
    daemon.wait_for("Loaded school to school authority mapping:", SOON).unwrap();
    // Its schools are mapped, and it has no file: nobody can be told.
    world.add(&student("early", &["C"]));
    world.settle();
    world.idspool.authority("auth2", &world.two.api(), |doc| doc["active"] = json!(false)).unwrap();
    daemon.wait_for("Loaded school authority configuration: 'auth2' (deactivated", SOON).unwrap();
    world.add(&student("anna", &["C"]));
    world.report();
    let queue = world.idspool.out_queue("auth2");
    eventually(&world, "the queue of one that rests is filled", || {
        Installation::waiting(&queue).len() == 1
    });
    assert_eq!(status(&world, "kelvin/auth2")["active"], false);
    world.idspool.authority("auth2", &world.two.api(), |_| ()).unwrap();
    world.settle();
    assert_eq!(world.two.user_names().unwrap(), ["anna"]);

    // A file that cannot be used replaces nothing.
    let file = world.idspool.kelvin_conf().join("school_authorities/auth2.json");
    fs::write(&file, "{ half").unwrap();
    daemon.wait_for("what held before goes on", SOON).unwrap();
    world.add(&student("bob", &["C"]));
    world.settle();
    world.at_two("bob");

    // Without a file the queue is left as it is.
    world.idspool.authority("auth2", &world.two.api(), |doc| doc["active"] = json!(false)).unwrap();
    daemon.wait_for_after(0, "'auth2' (deactivated", SOON).unwrap();
    fs::remove_file(&file).unwrap();
    daemon.wait_for("Found abandoned out queue directories: ['auth2']", SOON).unwrap();
    assert!(queue.is_dir());
}

#[test]
fn who_leaves_an_authority_is_removed_there() {
    let world = World::new();
    let (before, after) = (student("anna", &["A"]), student("anna", &["C"]));
    world.add(&before);
    world.settle();
    world.at_one("anna");
    world.relocate(&before, &after);
    world.settle();
    assert_eq!(world.one.user("anna").unwrap(), None);
    assert_eq!(world.at_two("anna")["schools"], json!(["C"]));
    // And back.
    world.relocate(&after, &before);
    world.settle();
    assert_eq!(world.two.user("anna").unwrap(), None);
    world.at_one("anna");
}

#[test]
fn a_school_that_changes_its_authority_takes_its_users_along_with_their_next_change() {
    let world = World::new();
    let anna = student("anna", &["A"]);
    world.add(&anna);
    world.settle();
    // The second server has the school, too, before it becomes its own.
    let mut mapping = PLAIN;
    mapping[0].1 = "auth2";
    world.add_school_at_two("A");
    world.idspool.school_mapping(&mapping).unwrap();
    let daemon = world.kelvin.as_ref().unwrap();
    let (first, _) =
        daemon.wait_for_after(0, "Loaded school to school authority mapping:", SOON).unwrap();
    daemon.wait_for_after(first + 1, "Loaded school to school authority mapping:", SOON).unwrap();
    world.at_one("anna");
    world.ldap().replace(&anna.dn(), "sn", &["Other"]).unwrap();
    world.settle();
    assert_eq!(world.at_two("anna")["lastname"], "Other");
    assert_eq!(world.one.user("anna").unwrap(), None);
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
fn a_request_to_stop_is_not_kept_waiting_by_a_slow_server() {
    let mut world = World::quiet(&["A", "B", "D", "C"], &PLAIN);
    let address = world.one.address().to_owned();
    drop(std::mem::replace(&mut world.one, KelvinSandbox::start(&[], &[]).unwrap()));
    let slow = [&PROPERTIES[..], &["--latency", "30000"]].concat();
    world.one = KelvinSandbox::start_at(&address, &["A", "B", "D"], &slow).unwrap();
    let world = world.run();
    world.add(&student("anna", &["A", "C"]));
    world.report();
    world.idspool.settle_kelvin(&["auth2"], SOON).unwrap();
    let mut world = world;
    let daemon = world.kelvin.take().unwrap();
    let begin = Instant::now();
    daemon.signal(Signal::TERM).unwrap();
    let ended = daemon.wait(SOON).unwrap();
    // A second, and what a loaded machine needs; the server would take half a minute.
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}\n{}", begin.elapsed(), ended.log());
    assert_eq!(ended.code(), Some(0), "{}", ended.log());
    assert!(ended.lines.first().unwrap().contains("IDConnectorService"), "{}", ended.log());
    assert!(ended.lines.last().unwrap().contains("stopped."), "{}", ended.log());
    assert_eq!(
        Installation::waiting(&world.idspool.out_queue("auth1")).len(),
        1,
        "nothing is lost"
    );
}

#[test]
fn a_changed_address_is_not_kept_waiting_by_the_old_server() {
    let world = World::quiet(&["A", "B", "D", "C"], &PLAIN);
    let slow = [&PROPERTIES[..], &["--latency", "60000"]].concat();
    let old = KelvinSandbox::start(&["A", "B", "D"], &slow).unwrap();
    world.idspool.authority("auth1", &old.api(), |_| ()).unwrap();
    let world = world.run();
    world.add(&student("anna", &["A"]));
    world.report();
    eventually(&world, "the item waits", || {
        Installation::waiting(&world.idspool.out_queue("auth1")).len() == 1
    });
    let begin = Instant::now();
    world.idspool.authority("auth1", &world.one.api(), |_| ()).unwrap();
    world.settle();
    world.at_one("anna");
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
}

#[test]
fn cron_runs_it_once() {
    let world = World::quiet(&["A", "B", "D", "C"], &PLAIN);
    world.add(&student("anna", &["A", "C"]));
    world.report();
    let run = |program: &str, arguments: &[&str]| {
        let output = world.idspool.run(program, arguments).unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(run("idspool-converter", &["--once"]).0, Some(0));
    // One authority alone does not distribute.
    let (code, text) = run("idspool-kelvin", &["--once", "--authority", "auth1"]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(Installation::waiting(&world.idspool.in_queue()).len(), 1);
    assert_eq!(run("idspool-kelvin", &["--once", "--route"]).0, Some(0));
    assert_eq!(world.one.user_names().unwrap(), [""; 0]);
    let (code, text) = run("idspool-kelvin", &["--once", "--authority", "auth2", "--quiet"]);
    assert_eq!(code, Some(0), "{text}");
    // The stand-in has no TLS, which is worth a warning.
    assert!(text.lines().all(|line| line.contains("clear text")), "{text}");
    world.at_two("anna");
    assert_eq!(world.one.user_names().unwrap(), [""; 0]);
    assert_eq!(run("idspool-kelvin", &["--once"]).0, Some(0));
    world.at_one("anna");
    for (arguments, phrase) in [
        (&["--once", "--authority", "nobody"][..], "there is no school authority 'nobody'"),
        (&["--authority", "../x"], "cannot name a school authority"),
        (&["--json"], "--dry-run"),
    ] {
        let (code, text) = run("idspool-kelvin", arguments);
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains(phrase), "{text}");
    }

    // Beside a running one.
    let _daemon = world.idspool.start("idspool-kelvin", &[]).unwrap();
    eventually(&world, "it runs", || status(&world, "kelvin")["running"] == true);
    let (code, text) = run("idspool-kelvin", &["--once", "--quiet"]);
    assert_eq!((code, text.as_str()), (Some(3), ""));
    let (code, text) = run("idspool-kelvin", &[]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("held by idspool-kelvin, process"), "{text}");
}

#[test]
fn a_dry_run_tells_and_changes_nothing() {
    let world = World::quiet(&["A", "B", "D", "C"], &PLAIN);
    let anna = student("anna", &["A", "C"]);
    world.add(&anna);
    world.ldap().add(&class_ldif("A", "1a", &[&anna]), false).unwrap();
    world.report();
    let run = |arguments: &[&str]| {
        let output = world.idspool.run("idspool-kelvin", arguments).unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&text).into_owned())
    };
    let output = world.idspool.run("idspool-converter", &["--once"]).unwrap();
    assert!(output.status.success());
    assert_eq!(run(&["--once", "--route"]).0, Some(0));
    let calls = world.one.last_call().unwrap();
    let (code, text) = run(&["--dry-run"]);
    assert_eq!(code, Some(0), "{text}");
    for phrase in [
        "school authority 'auth1'",
        "POST users 'anna'",
        "POST classes 'A/1a'",
        "users: +anna",
        "kelvin_password_hashes: (not shown)",
        "requests: POST classes 1, POST users 1",
        "school authority 'auth2'",
    ] {
        assert!(text.contains(phrase), "{phrase}\n{text}");
    }
    assert!(!text.contains("$6$"), "{text}");
    let asked = world.one.calls_since(calls).unwrap();
    assert!(asked.iter().all(|call| call.starts_with("GET ") || call == "POST token"), "{asked:?}");
    let (_, offline) = run(&["--dry-run", "--offline", "--authority", "auth1", "--json"]);
    let lines: Vec<Value> =
        offline.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["requests"][0]["operation"], "POST users");
    let summary = lines.iter().find_map(|line| line.get("summary")).unwrap();
    assert_eq!(summary["with_requests"], 2);
    let waiting = Installation::waiting(&world.idspool.out_queue("auth1")).len();
    assert_eq!(summary["items"], waiting);

    // It foresees what happens.
    assert_eq!(run(&["--once"]).0, Some(0));
    world.at_one("anna");
    let (code, text) = run(&["--dry-run"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("0 items"), "{text}");
}
