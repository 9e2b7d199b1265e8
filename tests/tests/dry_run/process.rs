//! The process: what it may be given, and what it may not disturb.

use std::fs;
use std::io::Read;
use std::process::Stdio;

use idspool_tests::poll;
use serde_json::{Value, json};

use crate::world::{SOON, World, user};

#[test]
fn a_running_daemon_is_not_disturbed() {
    let world = World::provisioned(&[]);
    let daemon = world.idspool.start("idspool-ox", &[]).unwrap();
    daemon.wait_for("Provisioning ", SOON).unwrap();
    assert_eq!(world.idspool.status("ox").unwrap()["running"], true);
    // It holds the lock and the index, and does not move: what it is doing just now, it still ends.
    daemon.signal(rustix::process::Signal::STOP).unwrap();
    let stat = || fs::read_to_string(format!("/proc/{}/stat", daemon.pid())).unwrap();
    poll(SOON, || stat().contains(") T ").then_some(())).unwrap();
    world.put(1, &user(1, &json!({})));
    let told = world.dry_run(&[]);
    assert_eq!(
        (told.code, told.operations()),
        (0, vec!["User.create", "User.changeByModuleAccess"])
    );
    daemon.signal(rustix::process::Signal::CONT).unwrap();
    world.idspool.settle(SOON).unwrap();
    assert!(world.sandbox.user(10, "u1").unwrap().is_some());
    assert_eq!(daemon.terminate(SOON).unwrap().code(), Some(0));
}

#[test]
fn some_items_only() {
    let world = World::provisioned(&[]);
    let names: Vec<String> = (1..=3).map(|n| world.put(n, &user(n, &json!({})))).collect();
    let later = world.put(4, &user(1, &json!({"title": "Dr."})));
    let told = world.dry_run(&["--limit", "2"]);
    assert_eq!((told.items.len(), &told.summary["limited"]), (2, &json!(true)));
    let path = world.idspool.ox_queue().join(&names[1]);
    let told = world.dry_run(&["--item", &names[2], "--item", path.to_str().unwrap()]);
    let chosen: Vec<&Value> = told.items.iter().map(|item| &item["name"]).collect();
    assert_eq!(chosen, [&names[1], &names[2]]);
    let told = world.dry_run(&["--item", &later]);
    let warnings = told.items[0]["warnings"].to_string();
    assert!(warnings.contains(&names[0]) && warnings.contains("left out"), "{warnings}");

    let refused = |arguments: &[&str]| {
        let output = world.idspool.run("idspool-ox", arguments).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let message = refused(&["--dry-run", "--item", "2026-11-21-10-00-00-000099.json"]);
    assert!(message.contains("does not wait in") && message.contains("queue list"), "{message}");
    let elsewhere = world.idspool.path().join(&names[1]);
    fs::write(&elsewhere, "{}").unwrap();
    refused(&["--dry-run", "--item", elsewhere.to_str().unwrap()]);
    refused(&["--dry-run", "--item", "/"]);
    refused(&["--dry-run", "--once"]);
    refused(&["--json"]);
    let message = refused(&["--dry-run", "--data", world.idspool.path().to_str().unwrap()]);
    assert!(message.contains("ox.data_dir is not the data directory"), "{message}");
}

#[test]
fn a_reader_who_has_seen_enough_ends_it_quietly() {
    let world = World::provisioned(&[]);
    for number in 0..4000 {
        world.put(number, &user(number, &json!({})));
    }
    let mut command = world.idspool.command("idspool-ox", &["--dry-run", "--offline"]).unwrap();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 100];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_request_to_stop_ends_it_and_leaves_nothing_behind() {
    let world = World::provisioned(&[]);
    for number in 0..4000 {
        world.put(number, &user(number, &json!({})));
    }
    let folder = world.idspool.path().join("tmp");
    fs::create_dir(&folder).unwrap();
    let mut command = world.idspool.command("idspool-ox", &["--dry-run", "--offline"]).unwrap();
    command.env("TMPDIR", &folder).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It is in the middle of it, and goes on only as far as somebody reads.
    let mut output = child.stdout.take().unwrap();
    output.read_exact(&mut [0; 100]).unwrap();
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let mut text = String::new();
    output.read_to_string(&mut text).unwrap();
    let ended = child.wait_with_output().unwrap();
    let message = String::from_utf8_lossy(&ended.stderr);
    assert!(!text.contains("4000 items"), "it did not stop");
    assert_eq!(ended.status.code(), Some(2), "{message}");
    assert!(message.contains("interrupted after"), "{message}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
fn nothing_is_left_behind_in_the_temporary_folder() {
    let world = World::provisioned(&[]);
    world.put(1, &user(1, &json!({})));
    let folder = world.idspool.path().join("tmp");
    fs::create_dir(&folder).unwrap();
    let mut command = world.idspool.command("idspool-ox", &["--dry-run"]).unwrap();
    let output = command.env("TMPDIR", &folder).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}
