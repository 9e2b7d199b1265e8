//! How a watcher stands, as the operator's command tells it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod watching;

use idspool_tests::{Slapd, poll};
use serde_json::{Value, json};
use watching::{SOON, World};

fn run(world: &World, arguments: &[&str]) -> (Option<i32>, String) {
    let output = world.idspool.run("idspool", arguments).unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

/// The exit status and what is said of the watcher.
fn status(world: &World) -> (Option<i32>, Value) {
    let (code, text) = run(world, &["status", "--json"]);
    (code, serde_json::from_str::<Value>(&text).unwrap()["watcher"].clone())
}

fn wait_for(world: &World, is_stopped: bool) -> Value {
    let found = poll(SOON, || {
        let (code, watcher) = status(world);
        let is_it = watcher["stopped"] == is_stopped && code == Some(i32::from(is_stopped));
        is_it.then_some(watcher)
    });
    found.unwrap_or_else(|| panic!("{:?}", status(world)))
}

#[test]
fn a_watcher_that_runs_says_how_it_stands() {
    let mut world = World::new(Slapd::start().unwrap());
    assert_eq!(status(&world), (Some(0), Value::Null), "there never was one");
    world.watcher = Some(world.start());
    let watcher = wait_for(&world, false);
    assert_eq!(watcher["server"], world.slapd.url());
    assert_eq!(watcher["bases"], json!(["dc=example,dc=org"]));
    assert_eq!(watcher["pid"], world.watcher.as_ref().unwrap().pid());
    assert_eq!(watcher["running"], true);
    assert!(watcher["caught_up_seconds"].as_i64().unwrap() < 120, "{watcher}");
    let (code, text) = run(&world, &["status"]);
    assert_eq!(code, Some(0));
    assert!(text.contains("idspool-listener watch is running since "), "{text}");
    assert!(run(&world, &["explain"]).1.contains("nothing stands"));

    world.slapd.stop().unwrap();
    let watcher = wait_for(&world, true);
    let message = watcher["message"].as_str().unwrap();
    assert!(message.contains(&world.slapd.url()), "{message}");
    let (code, text) = run(&world, &["explain"]);
    assert_eq!(code, Some(1));
    assert!(text.starts_with("The watcher of the directory stands since "), "{text}");
    assert!(text.contains(message), "{text}");
    let (_, text) = run(&world, &["explain", "--json"]);
    let faults: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&faults["faults"][0]["case"], &faults["faults"][1]),
        (&json!("watch"), &json!(null))
    );
    // That is about queues, in a form that scripts compare.
    assert_eq!(run(&world, &["current-error"]).1, "{\"errors\": \"0\"}\n");

    world.slapd.restart().unwrap();
    assert_eq!(wait_for(&world, false)["message"], Value::Null);
}

#[test]
fn the_last_run_of_cron_says_how_it_went() {
    let mut world = World::new(Slapd::start().unwrap());
    world.once();
    let watcher = wait_for(&world, false);
    assert_eq!((&watcher["running"], &watcher["pid"]), (&json!(false), &Value::Null));
    world.slapd.stop().unwrap();
    for errors in 1..=2 {
        assert_eq!(world.watch_once(&[]).code(), Some(1));
        assert_eq!(wait_for(&world, true)["errors"], errors);
    }
    let (_, text) = run(&world, &["status"]);
    assert!(text.contains("is not running") && text.contains("2 consecutive errors"), "{text}");
    world.slapd.restart().unwrap();
    world.once();
    wait_for(&world, false);
}
