//! What happens when the hook, the spool or the listener fails: nothing is lost, and the order stays.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use idspool_tests::poll;
use serde_json::{Value, json};

use super::{Site, dn, modified, modify, nothing, real, scripts, stand_in, user};

#[test]
fn changes_wait_while_the_hook_is_missing_and_arrive_in_order() {
    let site = Site::new();
    let mut listener = site.start();
    modify(&mut listener, 0);
    listener.postrun();
    site.settings(Path::new("/nonexistent/idspool-listener"), "");
    for number in 1..5 {
        modify(&mut listener, number);
    }
    listener.postrun();
    assert_eq!((site.items(), site.lines("pending.jsonl").len()), (modified([0]), 4));
    assert_eq!(fs::metadata(site.state("pending.jsonl")).unwrap().mode() & 0o777, 0o600);
    listener.wait_for("/nonexistent/idspool-listener");
    let told = listener.log().matches("cannot report changes").count();
    assert_eq!(told, 1, "once a minute is enough: {}", listener.log());
    // Restarted, still missing, one more; then it is there.
    listener.kill();
    let mut listener = site.start();
    modify(&mut listener, 5);
    real(&site);
    modify(&mut listener, 6);
    assert_eq!(site.lines("pending.jsonl").len(), 6, "not tried for each change");
    listener.set("RETRY_SECONDS", 0.0);
    modify(&mut listener, 7);
    assert_eq!(site.items(), modified(0..8));
    assert!(!site.state("pending.jsonl").exists());
    listener.wait_for("sent 7 pending changes");
}

#[test]
fn what_is_pending_goes_with_the_first_pause_or_by_hand() {
    let site = Site::new();
    site.settings(Path::new("/nonexistent"), "");
    let mut listener = site.start();
    modify(&mut listener, 1);
    real(&site);
    listener.postrun();
    assert_eq!(site.items(), modified([1]));
    let by_hand = || site.python().arg(scripts().join("idspool.py")).output().unwrap();
    let quiet = by_hand();
    assert!(quiet.status.success() && quiet.stderr.is_empty() && quiet.stdout.is_empty());
    site.settings(Path::new("/nonexistent"), "");
    modify(&mut listener, 2);
    let failed = by_hand();
    assert_eq!(failed.status.code(), Some(1));
    assert!(String::from_utf8(failed.stderr).unwrap().contains("cannot run /nonexistent"));
    real(&site);
    let sent = by_hand();
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    assert_eq!(site.items(), modified([1, 2]));
    // The module does not know of it, and goes on.
    listener.set("RETRY_SECONDS", 0.0);
    modify(&mut listener, 3);
    assert_eq!(site.items(), modified([1, 2, 3]));
}

#[test]
fn a_spool_that_cannot_be_written_and_a_wrong_configuration_lose_nothing() {
    let site = Site::new();
    let config = site.idspool.path().join("idspool.toml");
    let right = fs::read_to_string(&config).unwrap();
    let mut listener = site.start();
    listener.set("RETRY_SECONDS", 0.0);
    listener.set("LOG_SECONDS", 0.0);
    modify(&mut listener, 0);
    let (spool, away) = (site.idspool.listener_spool(), site.idspool.path().join("away"));
    fs::rename(&spool, &away).unwrap();
    fs::write(&spool, "").unwrap();
    modify(&mut listener, 1);
    listener.wait_for(spool.to_str().unwrap());
    fs::remove_file(&spool).unwrap();
    fs::rename(&away, &spool).unwrap();
    // Exit status 2, as for a change that cannot be right; but this one can.
    fs::write(&config, "[listener]\nspol = 'x'\n").unwrap();
    modify(&mut listener, 2);
    listener.wait_for("spol");
    assert_eq!(site.lines("pending.jsonl").len(), 2);
    fs::write(&config, right).unwrap();
    modify(&mut listener, 3);
    assert_eq!((site.items(), site.lines("rejected.jsonl").len()), (modified(0..4), 0));
}

#[test]
fn a_change_that_cannot_be_right_is_kept_aside_and_holds_nothing_up() {
    let site = Site::new();
    let mut listener = site.start();
    let mut wrong = user(1);
    wrong["entryUUID"] = json!(["no-uuid"]);
    modify(&mut listener, 0);
    listener.handler(&dn(1), &wrong, &nothing(), "a");
    listener.handler("no DN", &user(2), &nothing(), "a");
    modify(&mut listener, 3);
    listener.postrun();
    assert_eq!(site.items(), modified([0, 3]));
    let aside = site.lines("rejected.jsonl");
    let first: Value = serde_json::from_str(&aside[0]).unwrap();
    assert_eq!((aside.len(), first["change"]["dn"].as_str()), (2, Some(dn(1).as_str())));
    assert!(first["problem"].as_str().unwrap().contains("entry_uuid"), "{first}");
    assert_eq!(fs::metadata(site.state("rejected.jsonl")).unwrap().mode() & 0o777, 0o600);
    listener.wait_for(&format!(
        "refused: \"{{\\\"entry_uuid\\\": \\\"no-uuid\\\", \\\"dn\\\": \\\"{}",
        dn(1)
    ));
    // Without any UUID there is nothing to look up.
    wrong["entryUUID"] = json!([]);
    listener.handler(&dn(1), &wrong, &nothing(), "a");
    listener.wait_for("has no entryUUID");
}

#[test]
fn a_hook_that_hangs_or_talks_nonsense_is_given_up() {
    let site = Site::new();
    let mark = site.idspool.path().join("mark");
    let mut listener = site.start();
    stand_in(&site, &format!("#!/bin/sh\necho $$ >{}\nexec sleep 1000\n", mark.display()));
    let seconds = modify(&mut listener, 0);
    assert!(seconds >= 3.0, "{seconds}");
    listener.wait_for("has not answered for 3 seconds");
    let hung: i32 = fs::read_to_string(&mark).unwrap().trim().parse().unwrap();
    assert!(!Path::new(&format!("/proc/{hung}")).exists(), "it is killed and reaped");
    listener.set("RETRY_SECONDS", 0.0);
    listener.set("LOG_SECONDS", 0.0);
    stand_in(&site, "#!/bin/sh\nread line\necho '[1]'\nread line\n");
    modify(&mut listener, 1);
    listener.wait_for("answers");
    stand_in(&site, "#!/bin/sh\nexec cat /dev/zero\n");
    modify(&mut listener, 2);
    listener.wait_for("answers without end");
    stand_in(&site, "#!/bin/sh\necho 'no room' >&2\nexit 1\n");
    modify(&mut listener, 3);
    listener.wait_for("status 1: no room");
    assert_eq!(site.lines("pending.jsonl").len(), 4);
    real(&site);
    modify(&mut listener, 4);
    assert_eq!(site.items(), modified(0..5));
}

#[test]
fn a_hook_that_was_ended_is_started_again_for_the_next_change() {
    let site = Site::new();
    let mut listener = site.start();
    modify(&mut listener, 0);
    let children = format!("/proc/{0}/task/{0}/children", listener.pid());
    let hook = fs::read_to_string(children).unwrap();
    assert!(Command::new("kill").args(["-9", hook.trim()]).status().unwrap().success());
    let status = format!("/proc/{}/stat", hook.trim());
    let is_over =
        || fs::read_to_string(&status).map_or(true, |stat| stat.contains(") Z ")).then_some(());
    poll(Duration::from_secs(60), is_over).unwrap();
    modify(&mut listener, 1);
    assert_eq!((site.items(), listener.log()), (modified([0, 1]), String::new()));
    // With the first pause it goes away.
    listener.postrun();
    assert_eq!(
        fs::read_to_string(format!("/proc/{0}/task/{0}/children", listener.pid())).unwrap(),
        ""
    );
}

#[test]
fn without_any_disk_changes_are_kept_in_memory_and_saved_later() {
    let site = Site::new();
    let mut listener = site.start();
    listener.set("RETRY_SECONDS", 0.0);
    listener.set("LOG_SECONDS", 0.0);
    stand_in(&site, "#!/bin/sh\nexit 1\n");
    let (state, away) = (site.state(""), site.idspool.path().join("state-away"));
    fs::rename(&state, &away).unwrap();
    let held = modify(&mut listener, 0);
    let next = modify(&mut listener, 1);
    assert!(
        held >= 3.0,
        "the first one is held: nothing is acknowledged that is not safe ({held})"
    );
    assert!(next < 3.0, "but not each ({next})");
    listener.wait_for("cannot keep 1 changes on disk");
    fs::rename(&away, &state).unwrap();
    modify(&mut listener, 2);
    assert_eq!(site.lines("pending.jsonl").len(), 3);
    real(&site);
    modify(&mut listener, 3);
    assert_eq!(site.items(), modified(0..4));
}

#[test]
fn a_pending_file_that_was_cut_or_edited_is_still_sent() {
    let site = Site::new();
    site.settings(Path::new("/nonexistent"), "");
    let mut listener = site.start();
    modify(&mut listener, 0);
    listener.kill();
    let whole = fs::read_to_string(site.state("pending.jsonl")).unwrap();
    // A write that a crash cut off, after what an administrator left behind.
    fs::write(site.state("pending.jsonl"), format!("\n{whole}\n  \nrubbish\n{}", &whole[..40]))
        .unwrap();
    let mut listener = site.start();
    modify(&mut listener, 1);
    real(&site);
    listener.set("RETRY_SECONDS", 0.0);
    modify(&mut listener, 2);
    assert_eq!(site.items(), modified(0..3));
    let aside = site.lines("rejected.jsonl");
    assert!(aside.len() == 1 && aside[0].contains("rubbish"), "{aside:?}");
    assert!(!site.state("pending.jsonl").exists());
}

#[test]
fn what_the_hook_took_before_it_failed_is_not_sent_again() {
    let site = Site::new();
    let mut listener = site.start();
    listener.set("RETRY_SECONDS", 0.0);
    site.settings(Path::new("/nonexistent"), "");
    for number in 0..3 {
        modify(&mut listener, number);
    }
    stand_in(
        &site,
        "#!/bin/sh\nread line\necho '{\"enqueued\":true}'\nread line\necho '{\"failed\":\"no room\"}'\nread line\n",
    );
    listener.postrun();
    let left = site.lines("pending.jsonl");
    assert!(left.len() == 2 && left[0].contains(&dn(1)), "{left:?}");
    real(&site);
    listener.postrun();
    assert_eq!(site.items(), modified([1, 2]));
}

#[test]
fn a_killed_listener_has_lost_nothing_that_it_was_told_is_done() {
    let site = Site::new();
    for round in 0..6 {
        let mut listener = site.start();
        let first = site.items().last().map_or(0, |(dn, _)| {
            dn.trim_start_matches("uid=user").split(',').next().unwrap().parse::<usize>().unwrap()
                + 1
        });
        // Some by the direct way, some by the pending file.
        if round % 2 == 1 {
            site.settings(Path::new("/nonexistent"), "");
        }
        modify(&mut listener, first);
        real(&site);
        listener.set("RETRY_SECONDS", 0.05);
        for number in first + 1..first + 400 {
            let request = json!({"call": "handler", "dn": dn(number), "new": user(number), "old": user(number),
                                 "command": "m"});
            listener.send(&request);
        }
        let enough = site.files().len() + 20 + 15 * round;
        poll(Duration::from_secs(60), || (site.files().len() > enough).then_some(())).unwrap();
        // The stand-in had said "done" for so many; the one before is `first`, the one to `set` counts, too.
        let done = listener.kill().saturating_sub(1);
        let mut listener = site.start();
        listener.postrun();
        let mut found = site.items();
        found.dedup();
        assert_eq!(found, modified(0..found.len()), "in order, none missing");
        assert!(found.len() > first + done, "{} {first} {done}", found.len());
    }
}
