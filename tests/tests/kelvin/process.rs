//! The process: configuration that changes, the end, cron, the dry run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use idspool_tests::{Daemon, Installation, KelvinSandbox, class_ldif, program};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::world::{PLAIN, PROPERTIES, SOON, World, eventually, status, student};

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
fn many_authorities_need_no_other_limit_of_open_files() {
    let world = World::quiet(&["A", "B", "D", "C"], &PLAIN);
    for number in 0..20 {
        world.idspool.authority(&format!("more{number:02}"), &world.two.api(), |_| ()).unwrap();
    }
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -Sn 100; exec \"$0\""]).arg(program("idspool-kelvin").unwrap());
    command.env("IDSPOOL_CONFIG", world.idspool.path().join("idspool.toml"));
    let daemon = Daemon::spawn(command).unwrap();
    for number in 0..20 {
        daemon.wait_for(&format!("OutQueue(more{number:02}): Provisioning"), SOON).unwrap();
    }
    let ended = daemon.terminate(SOON).unwrap();
    assert!(!ended.log().contains("Too many open files"), "{}", ended.log());
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
    let before = tree(&world.idspool.kelvin_data());
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

    assert_eq!(tree(&world.idspool.kelvin_data()), before, "nothing is touched");

    // It foresees what happens.
    assert_eq!(run(&["--once"]).0, Some(0));
    world.at_one("anna");
    let (code, text) = run(&["--dry-run"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("0 items"), "{text}");
}

/// All files and folders with their times and contents.
fn tree(folder: &Path) -> Vec<(PathBuf, SystemTime, Option<Vec<u8>>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let data = path.symlink_metadata().unwrap();
            if data.is_dir() {
                folders.push(path.clone());
            }
            found.push((path.clone(), data.modified().unwrap(), fs::read(&path).ok()));
        }
    }
    found.sort();
    found
}
