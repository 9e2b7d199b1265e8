//! `--once` as cron runs it: every minute, whether the one before has ended or not.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::cell::Cell;
use std::collections::VecDeque;
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use idspool_tests::{Daemon, Installation, Loading, Population, Sandbox, Slapd};
use serde_json::json;

/// Far more than a loaded test machine needs.
const SOON: Duration = Duration::from_secs(120);

const PROGRAMS: [&str; 2] = ["idspool-converter", "idspool-ox"];

fn hook_lines(idspool: &Installation, lines: &str) {
    let mut child = idspool
        .command("idspool-listener", &["hook", "--stdin"])
        .unwrap()
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn overlapping_and_killed_runs_deliver_everything_in_order_and_say_nothing() {
    let population = Population { users: 80 };
    // Without groups: a user whose groups are unknown yet is worth a warning.
    let ldif: String = population
        .ldif()
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("memberOf"))
        .collect();
    let slapd = Slapd::builder().loading(Loading::SlapAdd).extra_ldif(&ldif).start().unwrap();
    let sandbox = Sandbox::start(&["--latency", "5"]).unwrap();
    let idspool = Installation::new(&slapd.url(), sandbox.url()).unwrap();
    for object_type in ["oxmail/oxcontext", "oxmail/accessprofile"] {
        let filter = format!("(univentionObjectType={object_type})");
        assert!(idspool.hook_all(&slapd.cli(), &filter, object_type).unwrap() > 0);
    }
    // The first access profile is worth a warning, too.
    for program in PROGRAMS {
        assert!(idspool.run(program, &["--once"]).unwrap().status.success());
    }
    // Each user twice, all in an order that is not that of their names.
    let order: Vec<u32> = (0..80).map(|index| index * 37 % 80).collect();
    let lines = || {
        order.iter().map(|index| {
            let change = json!({"entry_uuid": population.entry_uuid(*index), "dn": population.dn(*index),
                                "object_type": "users/user", "command": "modify"});
            format!("{change}\n")
        })
    };
    hook_lines(&idspool, &lines().chain(lines()).collect::<String>());

    let mut running: VecDeque<Daemon> = VecDeque::new();
    let (mut killed, locked) = (0, Cell::new(0));
    let until = Instant::now() + SOON;
    let check = |daemon: Daemon| {
        let ended = daemon.wait(SOON).unwrap();
        assert!(ended.lines.is_empty() && ended.output.is_empty(), "{}", ended.log());
        match ended.code() {
            Some(0) => {}
            Some(3) => locked.set(locked.get() + 1),
            other => assert_eq!(other, None, "ended by a signal, or well"),
        }
    };
    let is_empty = || {
        Installation::waiting(&idspool.listener_spool()).is_empty()
            && Installation::waiting(&idspool.ox_queue()).is_empty()
    };
    for round in 0.. {
        if is_empty() {
            break;
        }
        assert!(Instant::now() < until, "not done in time");
        for program in PROGRAMS {
            running.push_back(idspool.start(program, &["--once", "--quiet"]).unwrap());
        }
        // Whatever is at work now is killed, again and again, and others go on.
        if round % 3 == 2 && killed < 12 {
            for mut daemon in running.drain(..) {
                if daemon.is_running() {
                    killed += 1;
                }
                drop(daemon);
            }
        }
        while running.len() > 6 {
            running.pop_front().map(check).unwrap();
        }
    }
    running.drain(..).for_each(check);
    let locked = locked.get();
    assert!(killed >= 2 && locked >= 2, "{killed} killed, {locked} found another at work");
    for program in PROGRAMS {
        check(idspool.start(program, &["--once", "--quiet"]).unwrap());
    }
    // OX numbers users in the order in which they come.
    let state = sandbox.get("/state").unwrap();
    let context = state["contexts"].as_array().unwrap().iter().find(|one| one["id"] == 10).unwrap();
    let mut users: Vec<(i64, String)> = context["users"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|user| user["contextadmin"] == false)
        .map(|user| (user["id"].as_i64().unwrap(), user["name"].as_str().unwrap().to_owned()))
        .collect();
    users.sort();
    let found: Vec<String> = users.into_iter().map(|(_, name)| name).collect();
    let expected: Vec<String> = order.iter().map(|index| population.uid(*index)).collect();
    assert_eq!(found, expected);
    for index in 0..80 {
        let snapshot = idspool.snapshot(&population.entry_uuid(index)).unwrap();
        assert_eq!(snapshot["object"]["username"], population.uid(index));
    }
}

#[test]
fn a_run_beside_another_one_says_so_in_one_line_or_not_at_all() {
    let sandbox = Sandbox::start(&[]).unwrap();
    let idspool = Installation::new("ldap://127.0.0.1:9", sandbox.url()).unwrap();
    for (program, started) in PROGRAMS.into_iter().zip(["idspool-converter", "Provisioning"]) {
        let daemon = idspool.start(program, &[]).unwrap();
        daemon.wait_for(started, SOON).unwrap();
        for (arguments, lines) in [(vec!["--once"], 1), (vec!["--once", "--quiet"], 0), (vec![], 1)]
        {
            let ended = idspool.start(program, &arguments).unwrap().wait(SOON).unwrap();
            assert_eq!((ended.code(), ended.lines.len()), (Some(3), lines), "{}", ended.log());
            if lines == 1 {
                assert!(ended.log().contains(program), "names the holder: {}", ended.log());
            }
        }
        assert!(daemon.terminate(SOON).unwrap().code() == Some(0));
        // A run without anything to do is quiet as well.
        let ended = idspool.start(program, &["--once", "--quiet"]).unwrap().wait(SOON).unwrap();
        assert_eq!((ended.code(), ended.log()), (Some(0), String::new()));
        // --quiet hides no fault.
        let spool =
            if program == "idspool-ox" { idspool.ox_queue() } else { idspool.listener_spool() };
        std::fs::write(spool.join("2026-01-01-00-00-00.json"), "{\"not\": \"an item\"}").unwrap();
        let ended = idspool.start(program, &["--once", "--quiet"]).unwrap().wait(SOON).unwrap();
        assert_eq!(ended.code(), Some(1));
        assert!(ended.log().contains("2026-01-01-00-00-00"), "{}", ended.log());
        // A daemon is no cron job.
        let refused = idspool.start(program, &["--quiet"]).unwrap().wait(SOON).unwrap();
        assert_eq!(refused.code(), Some(2));
    }
}
