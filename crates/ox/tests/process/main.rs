//! The program `idspool-ox` as an administrator meets it: a data directory, environment variables, exit status and log,
//! against the strict stand-in server over HTTP.

// So that clippy knows it for test code.
#[cfg(test)]
mod cache;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod mapping;
#[cfg(test)]
mod objects;
#[cfg(test)]
mod place;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use idspool_sandbox::ox::{ContextSpec, Failure, Options};
use idspool_spool::Spool;
use idspool_tests::Daemon;
use rustix::process::Signal;
use serde_json::{Value, json};

use place::{ANNA, Place, anna, context, item, profile};

/// Longer than anything here takes on a loaded machine.
const LONG: Duration = Duration::from_secs(60);

/// Two contexts, the premium profile and Anna in context 10, delivered.
fn with_anna() -> Place {
    let place = Place::new(Options::default());
    place.enqueue(&context(10));
    place.enqueue(&context(11));
    place.enqueue(&profile("premium", &["webmail", "contacts", "webdavxml"]));
    place.enqueue(&anna(json!({})));
    assert_eq!(place.run().code(), Some(0));
    place.server_calls();
    place
}

#[test]
fn s5_8_the_life_of_a_user_over_http() {
    let place = Place::new(Options::default());
    // Order of files is not the order of work: contexts first, whatever their names.
    place.enqueue(&anna(json!({})));
    place.enqueue(&profile("premium", &["webmail", "contacts", "webdavxml"]));
    place.enqueue(&context(11));
    place.enqueue(&context(10));
    let run = place.run();
    assert_eq!(run.code(), Some(0), "{}", run.log());
    assert_eq!(
        place.server_calls(),
        [
            "OXContextService.getData NoSuchContextException",
            "OXContextService.create ok",
            "OXContextService.getData NoSuchContextException",
            "OXContextService.create ok",
            "OXUserService.exists ok",
            "OXUserService.create ok",
            "OXUserService.changeByModuleAccess ok",
        ]
    );
    assert_eq!(place.rights(10, "anna"), ["contacts", "webdavXml", "webmail"]);
    assert_eq!(place.snapshot(ANNA)["object"]["oxDbId"], json!(3));

    // Nothing changed, then one attribute, then the rights, then the address.
    let mut changes = json!({});
    place.enqueue(&anna(changes.clone()));
    place.run();
    assert_eq!(place.server_calls(), [""; 0]);
    changes["title"] = json!("Dr. <&> \u{e4}");
    place.enqueue(&anna(changes.clone()));
    place.run();
    assert_eq!(place.server_calls(), ["OXUserService.change ok"]);
    assert_eq!(place.text(10, "anna", "title").as_deref(), Some("Dr. <&> \u{e4}"));
    place.enqueue(&profile("premium", &["webmail"]));
    place.enqueue(&anna(changes.clone()));
    place.run();
    assert_eq!(
        place.server_calls(),
        ["OXUserService.change ok", "OXUserService.changeByModuleAccess ok"]
    );
    assert_eq!(place.rights(10, "anna"), ["webmail"]);
    changes["mailPrimaryAddress"] = json!("anna.neu@example.org");
    place.enqueue(&anna(changes.clone()));
    place.run();
    assert_eq!(place.server_calls(), ["OXUserService.getData ok", "OXUserService.change ok"]);
    let sender = place.text(10, "anna", "defaultSenderAddress");
    assert_eq!(sender.as_deref(), Some("anna.neu@example.org"));

    // Moved and renamed at once: the copy is found by the old name.
    changes["oxContext"] = json!("11");
    changes["username"] = json!("anne");
    place.enqueue(&anna(changes.clone()));
    place.run();
    assert_eq!(
        place.server_calls(),
        [
            "OXUserService.exists ok",
            "OXUserCopyService.copyUser ok",
            "OXUserService.getData ok",
            "OXUserService.change ok",
            "OXUserService.changeByModuleAccess ok",
            "OXGroupService.listGroupsForUser ok",
            "OXUserService.delete ok",
        ]
    );
    assert_eq!(place.text(10, "anna", "name"), None);
    assert_eq!(place.text(11, "anne", "language").as_deref(), Some("de_DE"));

    // Off, and gone.
    changes["isOxUser"] = json!("Not");
    place.enqueue(&anna(changes));
    place.run();
    assert_eq!(
        place.server_calls(),
        ["OXGroupService.listGroupsForUser ok", "OXUserService.delete ok"]
    );
    assert!(!place.snapshot_path(ANNA).exists());
    place.enqueue(&item("c-11", "oxmail/oxcontext", "cn=context11,dc=example,dc=org", Value::Null));
    place.run();
    assert_eq!(place.server_calls(), ["OXContextService.getData ok", "OXContextService.delete ok"]);
    assert_eq!(place.credentials().get("11"), None);
    assert_eq!(place.queued(), 0);
}

#[test]
fn a_picture_arrives_as_it_is() {
    let place = with_anna();
    place.enqueue(&anna(json!({"jpegPhoto": "/9j/4AAQSkZJRgABAQ=="})));
    assert_eq!(place.run().code(), Some(0));
    assert_eq!(place.text(10, "anna", "image1").as_deref(), Some("/9j/4AAQSkZJRgABAQ=="));
    assert_eq!(place.text(10, "anna", "image1ContentType").as_deref(), Some("image/jpeg"));
}

#[test]
fn s5_3_5_empty_groups_go_with_their_last_member() {
    let place = with_anna();
    for (name, members) in [("alone", &[3][..]), ("with the admin", &[2, 3])] {
        place.create_group(10, name, members);
    }
    place.server_calls();
    place.enqueue(&item(ANNA, "users/user", place::ANNA_DN, Value::Null));
    place.run();
    assert_eq!(
        place.server_calls(),
        [
            "OXGroupService.listGroupsForUser ok",
            "OXUserService.delete ok",
            "OXGroupService.delete ok",
        ]
    );
    let groups = place.server.inspect(|world| {
        world.context(10).unwrap().groups().map(|group| group.name.clone()).collect::<Vec<_>>()
    });
    assert_eq!(groups, ["users", "with the admin"]);
}

#[test]
fn a_lost_answer_at_any_call_changes_nothing_in_the_end() {
    let expected = {
        let place = with_anna();
        place.enqueue(&anna(json!({"oxContext": 11, "username": "anne"})));
        place.run();
        place.state()
    };
    for operation in [
        "OXUserService.exists",
        "OXUserCopyService.copyUser",
        "OXUserService.getData",
        "OXUserService.change",
        "OXUserService.changeByModuleAccess",
        "OXGroupService.listGroupsForUser",
        "OXUserService.delete",
    ] {
        for kind in ["storage", "late-close", "http502"] {
            let place = with_anna();
            let failure = format!("{operation}:1:{kind}");
            place.server.fail(failure.parse::<Failure>().unwrap()).unwrap();
            place.enqueue(&anna(json!({"oxContext": 11, "username": "anne"})));
            let first = place.run();
            // The client repeats a read whose connection broke by itself.
            if first.code() != Some(0) {
                assert_eq!(first.code(), Some(1), "{failure}: {}", first.log());
                assert_eq!(place.queued(), 1, "{failure}");
                assert_eq!(place.run().code(), Some(0), "{failure}");
            }
            assert_eq!(place.state(), expected, "{failure}");
        }
    }
}

#[test]
fn exit_1_and_the_state_file_name_the_faulty_item() {
    let place = with_anna();
    place.enqueue(&anna(json!({"birthday": "soon"})));
    let run = place.run();
    assert_eq!(run.code(), Some(1));
    assert!(run.log().contains("Error while processing /"), "{}", run.log());
    let state = place.spool().state().unwrap();
    assert_eq!(state.errors, 1);
    let message = state.message.unwrap();
    assert!(message.starts_with("Object('users/user', 'uid=anna"), "{message}");
    assert!(message.contains("unknown date format"), "{message}");
    assert!(state.remedy.unwrap().contains("directory"));
    // Removing the file lets the queue go on.
    fs::remove_file(state.filename.unwrap()).unwrap();
    place.enqueue(&anna(json!({"title": "Dr."})));
    assert_eq!(place.run().code(), Some(0));
    assert_eq!(place.spool().state().unwrap().current_error(), r#"{"errors": "0"}"#);
}

#[test]
fn exit_2_for_settings_that_cannot_be_used() {
    let place = Place::new(Options::default());
    for (variable, value, expected) in [
        ("OX_IMAP_SERVER", "mail", "OX_IMAP_SERVER"),
        ("OX_SOAP_SERVER", "ftp://x", "OX server"),
        ("DEFAULT_CONTEXT", "ten", "DEFAULT_CONTEXT"),
        ("OX_IMAP_LOGIN", "{username.x}", "OX_IMAP_LOGIN"),
        ("OX_CONNECTOR_LOG_LEVEL", "loud", "loud"),
    ] {
        let run = place.run_with(&["--once"], &[(variable, value)]);
        assert_eq!(run.code(), Some(2), "{variable}: {}", run.log());
        assert!(run.log().contains(expected), "{variable}: {}", run.log());
    }
    assert_eq!(place.run_with(&["--nonsense"], &[]).code(), Some(2));
    assert_eq!(place.run_with(&["--once", "--config", "/nonexistent"], &[]).code(), Some(2));
    let help = place.run_with(&["--help"], &[]);
    assert_eq!(help.code(), Some(0));
    assert!(help.output.contains("--once") && help.output.contains("--data"));
}

#[test]
fn exit_3_while_another_instance_holds_the_lock() {
    let place = Place::new(Options::default());
    let _held = Spool::create(place.data().join("listener")).unwrap().consumer("a test").unwrap();
    let run = place.run();
    assert_eq!(run.code(), Some(3), "{}", run.log());
    assert!(run.log().contains("a test"), "{}", run.log());
}

#[test]
fn secrets_are_in_no_log_and_files_are_private() {
    let place = Place::new(Options::default());
    place.enqueue(&context(10));
    place.enqueue(&anna(json!({})));
    place.enqueue(&anna(json!({"birthday": "soon"})));
    let run = place.run_with(&["--once"], &[("OX_CONNECTOR_LOG_LEVEL", "DEBUG")]);
    let password = place.credentials()["10"]["adminpass"].as_str().unwrap().to_owned();
    assert_eq!(password.len(), 64);
    for secret in [password.as_str(), place::MASTER_PASSWORD, "dummy"] {
        assert!(!run.log().contains(secret), "{}", run.log());
    }
    assert!(run.log().contains("Master credentials successfully set"), "{}", run.log());
    let mode =
        |path: &str| fs::metadata(place.data().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("secrets/contexts.json"), 0o600);
    assert_eq!(mode("secrets"), 0o700);
    assert_eq!(mode(&format!("listener/old/{ANNA}.json")), 0o600);
}

#[test]
fn a_daemon_takes_items_as_they_come_and_stops_cleanly() {
    let place = Place::new(Options::default());
    let daemon = place.start();
    place.enqueue(&context(10));
    daemon.wait_for("Created context 'context10' (10).", LONG).unwrap();
    place.enqueue(&anna(json!({})));
    daemon.wait_for("Created user 'anna' in context 10 (id=3).", LONG).unwrap();
    daemon.wait_for("Successfully processed", LONG).unwrap();
    let ended = daemon.terminate(LONG).unwrap();
    assert_eq!(ended.code(), Some(0), "{}", ended.log());
    assert_eq!(place.queued(), 0);
}

#[test]
fn a_stop_in_the_middle_of_an_item_finishes_the_item() {
    let options = Options {
        contexts: vec![ContextSpec::new(10)],
        latency: Duration::from_millis(400),
        ..Options::default()
    };
    let place = Place::new(options);
    place.set_credentials(&json!({"10": {"adminuser": "oxadmin", "adminpass": "secret"}}));
    let daemon = place.start();
    place.enqueue(&anna(json!({})));
    place.enqueue(&anna(json!({"title": "Dr."})));
    // The first call is under way, another one is to come (none for the rights: no such profile).
    daemon.wait_for("Searching for anna", LONG).unwrap();
    let ended = daemon.terminate(LONG).unwrap();
    assert_eq!(ended.code(), Some(0), "{}", ended.log());
    assert_eq!(place.server_calls(), ["OXUserService.exists ok", "OXUserService.create ok"]);
    assert_eq!(place.queued(), 1, "the second item waits for the next start");
    assert_eq!(place.snapshot(ANNA)["object"]["oxDbId"], json!(3));
    assert_eq!(place.spool().state().unwrap().errors, 0, "a stop is no fault");
}

#[test]
fn killed_at_any_moment_it_goes_on_where_it_was() {
    let options = Options {
        contexts: vec![ContextSpec::new(10)],
        latency: Duration::from_millis(20),
        ..Options::default()
    };
    let place = Place::new(options);
    place.set_credentials(&json!({"10": {"adminuser": "oxadmin", "adminpass": "secret"}}));
    for number in 0..20 {
        let mut user = anna(json!({
            "username": format!("user{number}"), "oxDisplayName": format!("User {number}"),
            "mailPrimaryAddress": format!("user{number}@example.org"),
        }));
        user.id = format!("u-{number}");
        user.dn = format!("uid=user{number},dc=example,dc=org");
        place.enqueue(&user);
    }
    // Killed after a few more calls each time: wherever that is, in a call or between two writes.
    let mut kills = 0;
    while place.queued() > 0 {
        let daemon: Daemon = place.start();
        daemon.wait_for("Provisioning", LONG).unwrap();
        let target = place.server.calls(0).len() + 3 + kills % 5;
        let reached =
            || (place.server.calls(0).len() >= target || place.queued() == 0).then_some(());
        idspool_tests::poll(LONG, reached).unwrap();
        daemon.signal(Signal::KILL).unwrap();
        daemon.wait(LONG).unwrap();
        kills += 1;
        assert!(kills < 200);
    }
    assert!(kills > 3, "{kills}");
    for number in 0..20 {
        let name = format!("user{number}");
        let id = place.snapshot(&format!("u-{number}"))["object"]["oxDbId"].clone();
        assert_eq!(place.id(10, &name).map(Value::from), Some(id), "{name}");
        assert_eq!(place.text(10, &name, "given_name").as_deref(), Some("Anna"));
    }
    let users = place.server.inspect(|world| world.context(10).unwrap().users().len());
    assert_eq!(users, 21, "nobody is there twice");
}
