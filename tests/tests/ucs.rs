//! The listener module for Univention Corporate Server: every call becomes the right item, none is lost, and the
//! listener is left as it was. The hook and the spool are real; what stands in is the listener itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod listening;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use idspool_tests::{Installation, Slapd, poll, program};
use listening::{Listener, Site, dn, entry, scripts, user, uuid};
use serde_json::{Value, json};

fn nothing() -> Value {
    json!({})
}

fn modify(listener: &mut Listener, number: usize) -> f64 {
    listener.handler(&dn(number), &user(number), &user(number), "m")
}

fn modified(numbers: impl IntoIterator<Item = usize>) -> Vec<(String, String)> {
    numbers.into_iter().map(|number| (dn(number), "modify".to_owned())).collect()
}

fn pair(dn: &str, command: &str) -> (String, String) {
    (dn.to_owned(), command.to_owned())
}

/// A program in place of the hook.
fn stand_in(site: &Site, text: &str) {
    let path = site.idspool.path().join("stand-in");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    site.settings(&path, "timeout = 3");
}

fn real(site: &Site) {
    site.settings(&program("idspool-listener").unwrap(), "");
}

#[test]
fn each_call_for_a_wanted_object_is_one_item_when_it_returns() {
    let site = Site::new();
    let mut listener = site.start();
    let types = listener.ask(&json!({"get": "idspool_ucs.kind.OBJECT_TYPES"}))["value"].clone();
    let types: Vec<String> = serde_json::from_value(types).unwrap();
    for (number, object_type) in types.iter().enumerate() {
        let entry = entry(number, object_type);
        for (new, old, call, command) in [
            (&entry, &nothing(), "a", "add"),
            (&entry, &entry, "m", "modify"),
            // Gone by the time the listener looked.
            (&nothing(), &entry, "m", "delete"),
            (&Value::Null, &entry, "d", "delete"),
            (&entry, &Value::Null, "m", "add"),
        ] {
            listener.handler(&dn(number), new, old, call);
            let last = site.files().pop().unwrap();
            let expected = json!({"entry_uuid": uuid(number), "dn": dn(number), "object_type": object_type,
                                  "command": command});
            assert_eq!(last, expected);
        }
    }
    assert_eq!(site.files().len(), 5 * types.len());
    assert_eq!(site.lines("pending.jsonl").len() + site.lines("rejected.jsonl").len(), 0);
}

#[test]
fn the_types_are_those_of_the_hook() {
    let site = Site::new();
    let output =
        site.idspool.command("idspool-listener", &["hook", "--entry-uuid", &uuid(1)]).unwrap();
    let mut output = output;
    output.args(["--dn", "cn=a", "--object-type", "no/type", "--command", "add"]);
    let message = String::from_utf8(output.output().unwrap().stderr).unwrap();
    let known = message.trim().split("give one of ").nth(1).unwrap();
    let types = site.start().ask(&json!({"get": "idspool_ucs.kind.OBJECT_TYPES"}))["value"].clone();
    let types: Vec<String> = serde_json::from_value(types).unwrap();
    assert_eq!(types.join(", "), known);
}

#[test]
fn what_idspool_does_not_handle_leads_to_nothing() {
    let site = Site::new();
    let mut listener = site.start();
    let schema = json!({"objectClass": ["top", "subentry", "subschema"], "entryUUID": [uuid(1)]});
    listener.handler("cn=Subschema", &schema, &nothing(), "n");
    for object_type in ["computers/windows", "users/ldap", "USERS/USER", "groups/group "] {
        let entry = entry(2, object_type);
        for (new, old, command) in [
            (&entry, &nothing(), "a"),
            (&entry, &entry, "m"),
            (&nothing(), &entry, "d"),
            (&nothing(), &entry, "r"),
        ] {
            listener.handler(&dn(2), new, old, command);
        }
    }
    // The listener makes this one up when it may not read a container.
    let fake = json!({"objectClass": ["organizationalUnit"], "ou": ["x"],
                      "entryUUID": ["00000000-0000-0000-0000-000000000000"]});
    listener.handler("ou=x,dc=example,dc=org", &fake, &nothing(), "n");
    listener.handler(&dn(3), &nothing(), &nothing(), "d");
    listener.handler(&dn(3), &Value::Null, &Value::Null, "d");
    listener.call(&json!({"call": "setdata", "key": "bindpw", "value": "secret"}));
    listener.call(&json!({"call": "clean"}));
    listener.postrun();
    assert!(site.files().is_empty() && listener.log().is_empty(), "{}", listener.log());
    // Nothing to report is no reason to start anything.
    assert!(!site.idspool.listener_spool().exists());
    assert!(fs::read_dir(site.state("")).unwrap().next().is_none());
}

#[test]
fn entries_without_a_type_are_told_apart_by_their_classes() {
    let user = [
        "posixAccount",
        "SHADOWACCOUNT",
        "sambaSamAccount",
        "person",
        "krb5Principal",
        "krb5KDCEntry",
    ];
    let mut computer = user.to_vec();
    computer.push("univentionHost");
    let site = Site::new();
    let mut listener = site.start();
    for (classes, more, expected) in [
        (user.to_vec(), json!({"uid": ["anna"]}), "users/user"),
        (user.to_vec(), json!({"uid": ["anna$"]}), ""),
        (user.to_vec(), json!({"uidNumber": ["0"]}), ""),
        (user.to_vec(), json!({"univentionObjectFlag": ["functional"]}), ""),
        (user[..5].to_vec(), json!({}), ""),
        (computer, json!({}), ""),
        (vec!["univentionGroup"], json!({"cn": ["a"]}), "groups/group"),
        (vec!["sambaGroupMapping"], json!({"cn": ["a"]}), "groups/group"),
        (vec!["univentionGroup"], json!({}), ""),
        (vec!["oxContext"], json!({}), "oxmail/oxcontext"),
        (vec!["oxAccessProfile"], json!({}), "oxmail/accessprofile"),
        (vec!["oxFunctionalAccount"], json!({}), "oxmail/functional_account"),
        (vec!["oxResourceObject"], json!({}), "oxresources/oxresources"),
        (vec!["organizationalUnit"], json!({}), "container/ou"),
        (vec!["organizationalUnit", "univentionBase"], json!({}), ""),
        (vec!["top"], json!({}), ""),
    ] {
        let mut entry = json!({"OBJECTCLASS": classes, "entryUUID": [uuid(1)]});
        for (key, value) in more.as_object().unwrap() {
            entry[key] = value.clone();
        }
        let before = site.files().len();
        listener.handler(&dn(1), &nothing(), &entry, "d");
        let found = site.files();
        let found = found.get(before).map_or("", |item| item["object_type"].as_str().unwrap());
        assert_eq!(found, expected, "{entry}");
    }
}

#[test]
fn names_of_any_kind_arrive_as_they_are() {
    let site = Site::new();
    let mut listener = site.start();
    let long = format!("cn={},dc=example,dc=org", "ä".repeat(100_000));
    let names = [
        "uid=jörg müller,cn=users,dc=example,dc=org",
        "cn=\\\"a\\\" 'b' $(touch x) `id` rm -rf *,dc=example,dc=org",
        "cn=two\\0Alines,dc=example,dc=org",
        "cn=--stdin,dc=example,dc=org",
        "cn=\u{1f600}\\,\\+,dc=example,dc=org",
        long.as_str(),
    ];
    for name in names {
        listener.handler(name, &user(1), &user(1), "m");
    }
    let found: Vec<String> = site.items().into_iter().map(|(dn, _)| dn).collect();
    assert_eq!(found.len(), names.len());
    for (found, name) in found.iter().zip(names) {
        assert!(found == name, "{:.80} {name:.80}", found);
    }
}

#[test]
fn a_rename_is_one_change_under_the_new_name() {
    let site = Site::new();
    let mut listener = site.start();
    listener.handler("uid=old,dc=x", &nothing(), &user(1), "r");
    assert!(site.files().is_empty(), "half a rename is no change");
    assert_eq!(fs::metadata(site.state("renamed.json")).unwrap().mode() & 0o777, 0o600);
    listener.handler("uid=new,dc=x", &user(1), &nothing(), "a");
    assert_eq!(site.items(), [pair("uid=new,dc=x", "modify")]);
    listener.postrun();
    assert_eq!(site.files().len(), 1, "the old name is forgotten");
    assert!(!site.state("renamed.json").exists());
    // The container that it moves to comes in between, when the listener did not know it.
    listener.handler("uid=old,dc=x", &nothing(), &user(2), "r");
    listener.handler("ou=new,dc=x", &entry(3, "container/ou"), &nothing(), "n");
    listener.handler("uid=old,ou=new,dc=x", &user(2), &nothing(), "a");
    listener.postrun();
    let rest = site.items().split_off(1);
    assert_eq!(rest, [pair("ou=new,dc=x", "add"), pair("uid=old,ou=new,dc=x", "modify")]);
}

#[test]
fn a_rename_survives_a_kill_between_its_calls() {
    let site = Site::new();
    let mut listener = site.start();
    listener.handler("uid=old,dc=x", &nothing(), &user(1), "r");
    listener.kill();
    let mut listener = site.start();
    // Something else is first, and the time that counts is that of this process.
    modify(&mut listener, 2);
    listener.handler("uid=new,dc=x", &user(1), &nothing(), "a");
    listener.postrun();
    assert_eq!(site.items(), [pair(&dn(2), "modify"), pair("uid=new,dc=x", "modify")]);
}

#[test]
fn a_rename_to_nowhere_ends_as_a_deletion_but_not_at_once() {
    let site = Site::new();
    let mut listener = site.start();
    listener.handler("uid=old,dc=x", &nothing(), &user(1), "r");
    modify(&mut listener, 2);
    assert_eq!(site.items(), modified([2]));
    // Nothing happens for 15 seconds.
    listener.postrun();
    assert_eq!(site.items()[1..], [pair("uid=old,dc=x", "delete")]);
    // The changes never pause, and the listener was restarted.
    listener.handler("uid=old3,dc=x", &nothing(), &user(3), "r");
    listener.stop();
    let mut listener = site.start();
    modify(&mut listener, 4);
    assert_eq!(site.files().len(), 3);
    listener.set("RENAME_SECONDS", 0.0);
    // Also a change that is none of ours shows that time goes by.
    listener.handler("cn=x", &entry(5, "computers/windows"), &nothing(), "a");
    assert_eq!(site.items()[3..], [pair("uid=old3,dc=x", "delete")]);
    // A deletion in place of the second call.
    listener.set("RENAME_SECONDS", 3600.0);
    listener.handler("uid=old6,dc=x", &nothing(), &user(6), "r");
    listener.handler("uid=new6,dc=x", &nothing(), &user(6), "d");
    listener.postrun();
    assert_eq!(site.items()[4..], [pair("uid=new6,dc=x", "delete")]);
    assert_eq!(listener.log(), "");
}

#[test]
fn an_object_that_changes_its_type_is_told_as_what_it_was() {
    let site = Site::new();
    let mut listener = site.start();
    let computer = |number| entry(number, "computers/windows");
    listener.handler("cn=1", &computer(1), &user(1), "m");
    listener.handler("cn=2", &entry(2, "oxmail/functional_account"), &user(2), "m");
    listener.handler("cn=3", &user(3), &computer(3), "m");
    listener.handler("cn=4", &nothing(), &user(4), "r");
    listener.handler("cn=4b", &computer(4), &nothing(), "a");
    let found: Vec<_> = site
        .files()
        .iter()
        .map(|item| {
            ["dn", "object_type", "command"].map(|key| item[key].as_str().unwrap().to_owned())
        })
        .collect();
    let expected = [
        ["cn=1", "users/user", "delete"],
        ["cn=2", "users/user", "modify"],
        ["cn=3", "users/user", "add"],
        ["cn=4b", "users/user", "delete"],
    ];
    assert_eq!(found, expected);
}

#[test]
fn the_second_listing_of_all_objects_is_a_resync() {
    let site = Site::new();
    for (round, resync) in [(0, Value::Null), (1, json!(true))] {
        let mut listener = site.start();
        listener.call(&json!({"call": "clean"}));
        listener.call(&json!({"call": "initialize"}));
        for number in 0..3 {
            listener.handler(&dn(number), &user(number), &nothing(), "n");
        }
        modify(&mut listener, 3);
        listener.postrun();
        let found = site.files().split_off(4 * round);
        for item in &found[..3] {
            assert_eq!((&item["command"], &item["resync"]), (&json!("add"), &resync));
        }
        assert_eq!(found[3]["resync"], Value::Null);
    }
    // Started again for another reason: no resync.
    let mut listener = site.start();
    listener.handler(&dn(9), &user(9), &nothing(), "n");
    assert_eq!(site.files()[8]["resync"], Value::Null);
}

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

#[test]
fn the_hook_runs_as_the_owner_of_the_spool_and_the_listener_stays_who_it_is() {
    let site = Site::new();
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    if !is_root {
        // What a listener that is not root can do about another user: say so, and keep the change.
        site.settings(&program("idspool-listener").unwrap(), "user = root");
        let mut listener = site.start();
        modify(&mut listener, 0);
        listener.wait_for("cannot become root without being root");
        assert_eq!(site.lines("pending.jsonl").len(), 1);
        return;
    }
    let (nobody, daemon) = (65534, 1);
    let root = site.idspool.path();
    let open =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    open(root, 0o755);
    open(&root.join("idspool.toml"), 0o644);
    let hook = root.join("idspool-listener");
    fs::copy(program("idspool-listener").unwrap(), &hook).unwrap();
    fs::create_dir_all(site.idspool.listener_spool()).unwrap();
    let own = |path: &Path, user| std::os::unix::fs::chown(path, Some(user), Some(user)).unwrap();
    own(&root.join("spool"), daemon);
    own(&site.idspool.listener_spool(), daemon);
    own(&site.state(""), nobody);
    for folder in [site.idspool.listener_spool(), site.state("")] {
        open(&folder, 0o700);
    }
    site.settings(&hook, "user = daemon");
    // Not for the listener's user to read.
    let ours = root.join("etc");
    fs::create_dir(&ours).unwrap();
    open(&ours, 0o700);
    fs::rename(root.join("ucs-listener.ini"), ours.join("ucs-listener.ini")).unwrap();
    std::os::unix::fs::symlink("etc/ucs-listener.ini", root.join("ucs-listener.ini")).unwrap();
    let mut install = Command::new(scripts().join("install"));
    let installed = install.env("DESTDIR", root).env("LISTENER_USER", "nobody").output().unwrap();
    assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
    open(&root.join("usr"), 0o755);
    let stand_in = root.join("ucs_listener.py");
    fs::copy(idspool_tests::data_file("ucs_listener.py"), &stand_in).unwrap();
    let mut command = site.python();
    command.arg(&stand_in).arg(root.join("usr/local/lib/idspool-ucs/idspool.py"));
    command.arg(nobody.to_string());
    let mut listener = Listener::start(command);
    modify(&mut listener, 0);
    assert_eq!(site.items(), modified([0]));
    // A hook of another user has to be ended as well.
    let mark = root.join("spool/mark");
    let hanging = root.join("stand-in");
    let script = format!(
        "#!/bin/sh\nwhile read -r line; do echo \"$line\"; done </proc/$$/status >{}\nexec sleep 1000\n",
        mark.display()
    );
    fs::write(&hanging, script).unwrap();
    open(&hanging, 0o755);
    listener.postrun();
    site.settings(&hanging, "user = daemon\ntimeout = 3");
    modify(&mut listener, 1);
    let status = fs::read_to_string(&mark).unwrap();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(!Path::new(&format!("/proc/{}", field("Pid:")[0])).exists());
    assert_eq!((field("Uid:"), field("Gid:")), (vec!["1".to_owned(); 4], vec!["1".to_owned(); 4]));
    assert!(!field("Groups:").contains(&"0".to_owned()), "nothing of root's is left: {status}");
    assert_eq!(field("SigBlk:"), ["0000000000000000"], "signals reach it");
    site.settings(&hook, "user = nobody-at-all");
    listener.set("RETRY_SECONDS", 0.0);
    listener.set("LOG_SECONDS", 0.0);
    modify(&mut listener, 2);
    listener.wait_for("there is no user nobody-at-all");
    let mut wrong = user(3);
    wrong["entryUUID"] = json!(["no-uuid"]);
    listener.handler(&dn(3), &wrong, &nothing(), "a");
    site.settings(&hook, "user = daemon");
    // Root sends by hand; what is kept stays the listener's.
    let sent = site.python().arg(scripts().join("idspool.py")).output().unwrap();
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    assert_eq!(site.lines("rejected.jsonl").len(), 1);
    modify(&mut listener, 4);
    assert_eq!(site.items(), modified([0, 1, 2, 4]));
    let owners = |folder: &Path| -> Vec<u32> {
        let entries = fs::read_dir(folder).unwrap();
        let mut found: Vec<u32> =
            entries.map(|entry| entry.unwrap().metadata().unwrap().uid()).collect();
        found.dedup();
        found
    };
    assert_eq!(owners(&site.idspool.listener_spool()), [daemon]);
    assert_eq!(owners(&site.state("")), [nobody]);
}

#[test]
fn installing_twice_changes_nothing_and_uninstalling_leaves_nothing_but_what_is_pending() {
    let root = tempfile::tempdir().unwrap();
    let user = Command::new("id").arg("-un").output().unwrap().stdout;
    let user = String::from_utf8(user).unwrap();
    let run = |arguments: &[&str]| {
        let mut install = Command::new(scripts().join("install"));
        install.args(arguments).env("DESTDIR", root.path()).env("LISTENER_USER", user.trim());
        let output = install.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    assert!(run(&[]).starts_with("installed"));
    assert_eq!(run(&[]), "up to date\n");
    let link = root.path().join("usr/lib/univention-directory-listener/system/idspool.py");
    let library = Path::new("/usr/local/lib/idspool-ucs/idspool.py");
    assert_eq!(fs::read_link(&link).unwrap(), library);
    let module = root.path().join("usr/local/lib/idspool-ucs/idspool.py");
    assert_eq!(fs::read(&module).unwrap(), fs::read(scripts().join("idspool.py")).unwrap());
    let state = root.path().join("var/lib/idspool-ucs-listener");
    assert_eq!(fs::metadata(&state).unwrap().mode() & 0o777, 0o700);
    fs::write(&module, "an older version").unwrap();
    assert!(run(&[]).starts_with("installed"));
    fs::write(state.join("pending.jsonl"), "{}\n").unwrap();
    assert!(run(&["--uninstall"]).contains("not sent: 1 changes"));
    let left = Command::new("find")
        .arg(root.path())
        .args(["-type", "f", "-o", "-type", "l"])
        .output()
        .unwrap();
    let left = String::from_utf8(left.stdout).unwrap();
    assert_eq!(left.trim(), state.join("pending.jsonl").to_str().unwrap());
}

#[test]
fn wrong_settings_are_named_and_lose_nothing() {
    let site = Site::new();
    let file = site.idspool.path().join("ucs-listener.ini");
    let right = fs::read_to_string(&file).unwrap();
    let mut listener = site.start();
    listener.set("RETRY_SECONDS", 0.0);
    listener.set("LOG_SECONDS", 0.0);
    for (number, (text, problem)) in [
        ("[listener]\nprogramm = x\n", "programm"),
        ("[listener]\ntimeout = soon\n", "soon"),
        ("[hook]\nuser = x\n", "hook"),
        ("user = x\n", "no section headers"),
    ]
    .into_iter()
    .enumerate()
    {
        fs::write(&file, text).unwrap();
        modify(&mut listener, number);
        listener.wait_for(problem);
    }
    fs::write(&file, right).unwrap();
    modify(&mut listener, 4);
    assert_eq!(site.items(), modified(0..5));
}

#[test]
fn a_python_of_2018_understands_it() {
    let check = "import ast, sys\nfor path in sys.argv[1:]:\n    ast.parse(open(path).read(), feature_version=(3, 7))";
    let folder = scripts().join("idspool_ucs");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "py"));
    files.push(scripts().join("idspool.py"));
    assert!(files.len() > 5, "{files:?}");
    let output = Command::new("python3").args(["-c", check]).args(files).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_rename_in_the_directory_reaches_the_queue_of_ox_as_one_item() {
    let slapd = Slapd::start().unwrap();
    let site = Site::of(Installation::new(&slapd.url(), "http://127.0.0.1:9").unwrap());
    let old = "uid=a.oehler,cn=users,dc=example,dc=org";
    let uuid = slapd.entry_uuid(old).unwrap();
    let mut entry = user(0);
    entry["entryUUID"] = json!([uuid]);
    let renamed = Command::new("ldapmodrdn")
        .args([
            "-x",
            "-r",
            "-H",
            &slapd.url(),
            "-D",
            idspool_tests::ADMIN_DN,
            "-w",
            idspool_tests::ADMIN_PASSWORD,
        ])
        .args([old, "uid=a.meier"])
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(renamed.success());
    let new = "uid=a.meier,cn=users,dc=example,dc=org";
    let mut listener = site.start();
    listener.handler(old, &nothing(), &entry, "r");
    listener.handler(new, &entry, &nothing(), "a");
    let output = site.idspool.run("idspool-converter", &["--once"]).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let queue = site.idspool.ox_queue();
    let waiting = Installation::waiting(&queue);
    assert_eq!(waiting.len(), 1);
    let item: Value = serde_json::from_slice(&fs::read(queue.join(&waiting[0])).unwrap()).unwrap();
    assert_eq!((item["id"].as_str(), item["dn"].as_str()), (Some(uuid.as_str()), Some(new)));
    assert_eq!(item["object"]["username"], "a.meier");
}
