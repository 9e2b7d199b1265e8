//! `idspool-converter` as a process: obstacles and how they go away, signals, exit statuses.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

mod common;

use std::time::{Duration, Instant};

use common::{OEHLER, SOON, Site, VERTRIEB, age, items, wait_for_items};
use idspool_tests::Slapd;
use rustix::process::Signal;

#[test]
fn a_second_converter_is_kept_out() {
    let site = Site::new();
    let first = site.program(&[]);
    first.wait_for("reads", SOON).unwrap();
    let second = site.once_as_process();
    assert_eq!(second.code(), Some(3));
    assert!(second.log().contains(&first.pid().to_string()), "{}", second.log());
    // The kernel takes the lock from the dead.
    first.kill().unwrap();
    assert_eq!(site.once_as_process().code(), Some(0));
}

#[test]
fn one_change_goes_through_at_once_and_is_logged_with_both_names() {
    let site = Site::new();
    let daemon = site.program(&[]);
    daemon.wait_for("reads", SOON).unwrap();
    site.change(OEHLER, "users/user", "modify");
    let name = site.listener.names().unwrap().first().map(ToString::to_string);
    let new = wait_for_items(&site.ox(), 1).remove(0);
    let line = daemon.wait_for("users/user", SOON).unwrap();
    assert!(line.contains(&format!("{OEHLER} -> ox ({new})")), "{line}");
    // It may be gone before we could look.
    if let Some(name) = name {
        assert!(line.contains(&format!("{name}: ")), "{line}");
    }
    assert_eq!(daemon.terminate(SOON).unwrap().code(), Some(0));
    assert!(site.listener.names().unwrap().is_empty());
}

#[test]
fn once_without_ldap_fails_clearly_and_loses_nothing() {
    let mut site = Site::new();
    site.change(OEHLER, "users/user", "modify");
    site.slapd.stop().unwrap();
    let ended = site.once_as_process();
    assert_eq!(ended.code(), Some(1));
    assert!(ended.log().contains("directory.url"), "{}", ended.log());
    assert_eq!(site.listener.names().unwrap().len(), 1);
    let state = site.listener.state().unwrap();
    assert_eq!((state.errors, state.filename), (1, None));
}

#[test]
fn ldap_may_come_and_go_and_is_complained_of_once() {
    let mut site = Site::new();
    let user = site.slapd.entry_uuid(OEHLER).unwrap();
    let daemon = site.program(&[]);
    daemon.wait_for("reads", SOON).unwrap();
    let mut after = 0;
    for round in 1..=2 {
        site.slapd.kill().unwrap();
        for _ in 0..5 {
            site.change_of(&user, OEHLER, "users/user", "modify");
        }
        let complaint = daemon.wait_for_after(after, "Cannot look objects up", SOON).unwrap();
        let state = idspool_tests::poll(SOON, || {
            site.listener.state().ok().filter(|state| state.attempts >= 2)
        });
        assert!(state.unwrap().next_attempt.is_some());
        site.slapd.restart().unwrap();
        wait_for_items(&site.ox(), round * 5);
        after = daemon.wait_for_after(complaint.0, "Going on", SOON).unwrap().0;
        let state = idspool_tests::poll(SOON, || {
            site.listener.state().ok().filter(idspool_spool::SpoolState::is_healthy)
        });
        assert!(state.is_some());
    }
    let ended = daemon.terminate(SOON).unwrap();
    let complaints = ended.lines.iter().filter(|line| line.contains("ERROR")).count();
    assert_eq!(complaints, 2, "{}", ended.log());
    assert_eq!(items(&site.ox()).len(), 10);
}

#[test]
fn a_wrong_password_is_named_and_not_tried_in_a_loop() {
    let site = Site::new();
    std::fs::write(site.root.path().join("password"), "wrong").unwrap();
    site.change(OEHLER, "users/user", "modify");
    let ended = site.once_as_process();
    assert_eq!(ended.code(), Some(1));
    assert!(ended.log().contains("directory.bind_password_file"), "{}", ended.log());
    assert!(!ended.log().contains("wrong\""), "{}", ended.log());

    let daemon = site.program(&[]);
    daemon.wait_for("wrong bind password", SOON).unwrap();
    let started = Instant::now();
    let before = site.listener.state().unwrap().attempts;
    let state = idspool_tests::poll(SOON, || {
        site.listener.state().ok().filter(|state| state.attempts >= before + 3)
    })
    .unwrap();
    // 0.5 s, 1 s, 2 s: three more attempts take at least one and a half seconds.
    assert!(started.elapsed() >= Duration::from_millis(1400), "{:?}", started.elapsed());
    assert_eq!(state.class, Some(idspool_spool::FaultClass::Permanent));
    let ended = daemon.terminate(SOON).unwrap();
    assert_eq!(ended.code(), Some(0));
    assert_eq!(ended.lines.iter().filter(|line| line.contains("ERROR")).count(), 1);
}

#[test]
fn signals_stop_it_also_while_ldap_is_silent() {
    for signal in [Signal::TERM, Signal::INT] {
        let site = Site::new();
        let daemon = site.program(&[]);
        daemon.wait_for("reads", SOON).unwrap();
        site.change(OEHLER, "users/user", "modify");
        wait_for_items(&site.ox(), 1);
        site.change(VERTRIEB, "groups/group", "modify");
        site.slapd.freeze().unwrap();
        let started = Instant::now();
        daemon.signal(signal).unwrap();
        let ended = daemon.wait(SOON).unwrap();
        assert_eq!(ended.code(), Some(0), "{}", ended.log());
        assert!(started.elapsed() < Duration::from_secs(20), "the time limit of LDAP is 30 s");
        site.slapd.thaw().unwrap();
        assert_eq!(site.once_as_process().code(), Some(0));
        assert!(site.listener.names().unwrap().is_empty());
    }
}

#[test]
fn removing_or_mending_the_faulty_item_lets_it_go_on_at_once() {
    let site = Site::new();
    let rubbish = [site.write("2001-a.json", "rubbish"), site.write("2001-b.json", "rubbish")];
    rubbish.iter().for_each(|path| age(path));
    let uuid = site.change(OEHLER, "users/user", "modify");
    let daemon = site.program(&[]);
    daemon.wait_for("Error while processing", SOON).unwrap();
    assert!(site.ox().names().unwrap().is_empty());
    let started = Instant::now();
    std::fs::remove_file(&rubbish[0]).unwrap();
    daemon.wait_for("2001-b.json", SOON).unwrap();
    let good =
        format!(r#"{{"entry_uuid": "{uuid}", "dn": "{OEHLER}", "object_type": "users/user"}}"#);
    std::fs::write(&rubbish[1], good).unwrap();
    wait_for_items(&site.ox(), 2);
    assert!(
        started.elapsed() < Duration::from_secs(25),
        "not by the next look half a minute later"
    );
    let ended = daemon.terminate(SOON).unwrap();
    assert_eq!(ended.code(), Some(0));
    assert!(site.listener.state().unwrap().is_healthy());
}

#[test]
fn a_consumer_that_cannot_be_written_loses_nothing() {
    let site = Site::new();
    let daemon = site.program(&[]);
    daemon.wait_for("reads", SOON).unwrap();
    let queue = site.ox().dir().to_owned();
    let away = queue.with_file_name("away");
    std::fs::rename(&queue, &away).unwrap();
    for _ in 0..3 {
        site.change(OEHLER, "users/user", "modify");
    }
    let line = daemon.wait_for("Cannot write for a consumer", SOON).unwrap();
    assert!(line.contains(queue.to_str().unwrap()), "{line}");
    assert_eq!(site.listener.names().unwrap().len(), 3);
    std::fs::rename(&away, &queue).unwrap();
    wait_for_items(&site.ox(), 3);
    daemon.wait_for("Going on", SOON).unwrap();
    assert_eq!(daemon.terminate(SOON).unwrap().code(), Some(0));
    assert!(site.listener.names().unwrap().is_empty());
}

#[test]
fn wrong_configuration_is_refused() {
    let site = Site::new();
    for (directory, more, named) in [
        ("colour = 'red'", "", "colour"),
        ("", "enabled = false", "ox.enabled"),
        ("ca_certificates = 'none'\nstart_tls = true", "", "directory.ca_certificates"),
    ] {
        site.configure(directory, more);
        let ended = site.once_as_process();
        assert_eq!(ended.code(), Some(2), "{}", ended.log());
        assert!(ended.log().contains(named), "{}", ended.log());
    }
    site.configure("", "");
    std::fs::remove_file(site.root.path().join("password")).unwrap();
    let ended = site.once_as_process();
    assert_eq!(ended.code(), Some(2), "{}", ended.log());
    assert!(ended.log().contains("password"), "{}", ended.log());
}

#[test]
fn tls_is_used_when_configured() {
    let site = Site::with(Slapd::builder().tls().start().unwrap(), "");
    site.change(OEHLER, "users/user", "modify");
    site.configure("start_tls = true", "");
    let ended = site.once_as_process();
    assert_eq!(ended.code(), Some(1));
    assert!(ended.log().contains("directory.ca_certificates"), "{}", ended.log());
    let authority = site.slapd.certificates().unwrap().authority_directory();
    let directory = format!("start_tls = true\nca_certificates = '{}'", authority.display());
    site.configure(&directory, "");
    assert_eq!(site.once_as_process().code(), Some(0));
    assert_eq!(items(&site.ox()).len(), 1);
}
