//! The router on real files: what it takes, where it stands, what it leaves behind.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail as a test does")]

#[path = "routing/kill.rs"]
mod kill;
#[path = "routing/news.rs"]
mod news;
#[path = "routing/place.rs"]
mod place;

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use idspool_directory::Error;
use idspool_kelvin::routing::state::{Kind, RoutingState};
use idspool_kelvin::routing::{HashSource, LdapHashes, Reason, RouterError};
use idspool_provisioner::{Ended, Mode};
use idspool_spool::FaultClass;
use idspool_tests::{BASE_DN, READER_DN, READER_PASSWORD, Slapd};
use idspool_udm::{EntryUuid, UserPasswords};
use place::{Place, SOON, authority, class, deleted, pupil};
use serde_json::json;

#[test]
fn each_authority_gets_what_concerns_it() {
    let place = Place::new(&[authority("a"), authority("b")]);
    place.map(&[("SCHOOLA", "a"), ("schoolb", "b"), ("x", "gone")]);
    for item in [
        pupil(1, "one", &["SchoolA"], 1),
        pupil(2, "two", &["SchoolA", "SchoolB", "Other"], 1),
        class(7, "SchoolB", 1),
        pupil(1, "one", &["SchoolB"], 2),
        json!({"id": "admin", "dn": "uid=Administrator,dc=x", "udm_object_type": "users/user",
               "options": ["default"], "object": {"username": "Administrator", "password": "{crypt}x"}}),
        json!({"id": "o", "dn": "ou=SchoolA,dc=x", "udm_object_type": "container/ou", "options": [], "object": {}}),
        pupil(3, "three", &["Other"], 1),
        pupil(4, "four", &["X"], 1),
        deleted(2, "two"),
        deleted(9, "nine"),
    ] {
        place.put(&item);
    }
    let log = place.logged(|| assert_eq!(place.once(), Ended::Done));
    assert_eq!(place.shown("a"), ["u1 v1", "u2 v1", "u1 v2", "u2 deleted"]);
    assert_eq!(place.shown("b"), ["u2 v1", "c7 v1", "u1 v2", "u2 deleted"]);
    assert!(place.waiting().is_empty());
    let former = place.items("a")[2].old_data.clone().unwrap();
    assert_eq!((former.schools, former.record_uid), (vec!["SchoolA".into()], Some("rec1".into())));
    let state = RoutingState::existing(&place.layout.routing_state()).unwrap().unwrap();
    assert_eq!(
        state.counters().unwrap(),
        [
            (Reason::UnsupportedType, 1),
            (Reason::NoSchoolUser, 1),
            (Reason::UnknownSchool, 2),
            (Reason::NotMapped, 2),
            (Reason::UnknownDeletion, 1),
            (Reason::UnknownAuthority, 1)
        ]
    );
    assert!(state.find("u2", Kind::User).unwrap().unwrap().deleted.is_some());
    for line in [
        "Copied '{1}' to out queue 'a' (active).",
        "School missing in school authority mapping, ignoring: 'Other'",
        "Discarding invalid file '{5}': No UCS@school user object class: \"options\"=\"[\"default\"]\"",
        "Discarding invalid file '{6}': Unsupported UDM object type: \"udm_object_type\"=\"container/ou\"",
        "Ignoring object without current or previous school authority entries (DN: 'uid=three,ou=Other,dc=x' entryUUID: 'u3').",
        "Ignoring unknown school authority 'gone' for DN 'uid=four,ou=X,dc=x' ('u4').",
        "*** CANNOT DELETE OBJECT FROM TARGET SYSTEM(S)! ***",
        "No previous data stored for DN 'uid=nine,dc=x' (entryUUID 'u9').",
    ] {
        let line = place.with_names(line);
        assert!(log.contains(&line), "{line}\n{log}");
    }
    assert!(!log.contains("{crypt}"));
}

#[test]
fn without_any_authority_nothing_is_taken_until_there_is_one() {
    let place = Place::new(&[]);
    place.map(&[("SchoolA", "a")]);
    place.put(&pupil(1, "one", &["SchoolA"], 1));
    assert_eq!(place.once(), Ended::Done);
    assert_eq!(place.waiting().len(), 1);
    let daemon = place.daemon(None);
    place.write_authority(&authority("a"));
    place.reload();
    daemon.stop.wake();
    place.wait_for("a", 1);
    daemon.end();
    assert!(place.waiting().is_empty());
}

#[test]
fn without_a_mapping_nothing_is_taken_and_nobody_is_told_to_leave() {
    let place = Place::new(&[authority("a")]);
    place.map(&[("SchoolA", "a")]);
    place.put(&pupil(1, "one", &["SchoolA"], 1));
    assert_eq!(place.once(), Ended::Done);
    place.put(&pupil(1, "one", &["SchoolA"], 2));
    let path = place.layout.school_mapping();
    for content in [None, Some("{\"mapping\": {}}")] {
        match content {
            None => fs::remove_file(&path).unwrap(),
            Some(content) => fs::write(&path, content).unwrap(),
        }
        place.reload();
        let log = place.logged(|| assert_eq!(place.once(), Ended::Done));
        assert!(log.contains("schools_authorities_mapping.json"), "{log}");
        assert_eq!(place.waiting().len(), 1, "{content:?}");
        assert_eq!(place.shown("a"), ["u1 v1"], "{content:?}");
    }
    place.map(&[("SchoolA", "a")]);
    assert_eq!(place.once(), Ended::Done);
    assert_eq!(place.shown("a"), ["u1 v1", "u1 v2"]);
}

#[test]
fn an_authority_that_is_inactive_or_cannot_be_used_keeps_its_queue() {
    let mut inactive = authority("a");
    inactive["active"] = json!(false);
    let place = Place::new(&[inactive, json!({"name": "b", "url": "nonsense"})]);
    place.map(&[("SchoolA", "a"), ("SchoolB", "b")]);
    place.put(&pupil(1, "one", &["SchoolA", "SchoolB"], 1));
    let log = place.logged(|| assert_eq!(place.once(), Ended::Done));
    assert!(log.contains("to out queue 'a' (deactivated)."), "{log}");
    assert_eq!((place.shown("a").len(), place.shown("b").len()), (1, 1));
}

#[test]
fn a_changed_mapping_holds_for_the_next_item_and_the_former_authority_is_told() {
    let place = Place::new(&[authority("a"), authority("b")]);
    place.map(&[("SchoolA", "a")]);
    let daemon = place.daemon(None);
    place.put(&pupil(1, "one", &["SchoolA"], 1));
    place.wait_for("a", 1);
    place.map(&[("SchoolA", "b")]);
    place.put(&pupil(1, "one", &["SchoolA"], 2));
    place.wait_for("b", 1);
    place.wait_for("a", 2);
    daemon.end();
    assert_eq!(place.shown("a"), ["u1 v1", "u1 v2"]);
}

#[test]
fn a_file_that_cannot_be_understood_blocks_until_it_is_removed_or_mended() {
    let place = Place::new(&[authority("a")]);
    place.map(&[("SchoolA", "a")]);
    place.put(&pupil(1, "one", &["SchoolA"], 1));
    let broken = place.put_bytes(br#"{"id": "u2", "dn": "#);
    place.age(&broken);
    place.put(&pupil(3, "three", &["SchoolA"], 1));
    assert_eq!(place.once(), Ended::Stopped);
    assert_eq!(place.shown("a"), ["u1 v1"]);
    let state = place.in_queue.state().unwrap();
    assert_eq!(state.filename.as_deref(), Some(broken.as_path()));
    assert_eq!((state.errors, state.class), (1, Some(FaultClass::Permanent)));
    assert!(state.remedy.unwrap().contains("remove it"));
    let daemon = place.daemon(None);
    idspool_tests::poll(SOON, || (place.in_queue.state().unwrap().errors > 1).then_some(()))
        .unwrap();
    fs::write(&broken, pupil(2, "two", &["SchoolA"], 1).to_string()).unwrap();
    place.wait_for("a", 3);
    let broken = place.put_bytes(b"[]");
    place.age(&broken);
    place.put(&pupil(4, "four", &["SchoolA"], 1));
    idspool_tests::poll(SOON, || (!place.in_queue.state().unwrap().is_healthy()).then_some(()))
        .unwrap();
    fs::remove_file(&broken).unwrap();
    place.wait_for("a", 4);
    idspool_tests::poll(SOON, || place.in_queue.state().unwrap().is_healthy().then_some(()))
        .unwrap();
    daemon.end();
    assert_eq!(place.shown("a"), ["u1 v1", "u2 v1", "u3 v1", "u4 v1"]);
}

#[test]
fn half_a_file_is_waited_for_in_its_place() {
    let place = Place::new(&[authority("a")]);
    place.map(&[("SchoolA", "a")]);
    let text = pupil(1, "one", &["SchoolA"], 1).to_string();
    let half = place.put_bytes(&text.as_bytes()[..40]);
    place.put(&pupil(1, "one", &["SchoolA"], 2));
    let daemon = place.daemon(None);
    fs::write(&half, &text).unwrap();
    place.wait_for("a", 2);
    daemon.end();
    assert_eq!(place.shown("a"), ["u1 v1", "u1 v2"]);
    assert_eq!(place.in_queue.state().unwrap().errors, 0);
}

#[test]
fn an_out_queue_that_cannot_be_filled_is_named_and_the_others_get_each_item_once() {
    let place = Place::new(&[authority("a"), authority("b"), authority("c")]);
    place.map(&[("SchoolA", "a"), ("SchoolB", "b"), ("SchoolC", "c")]);
    fs::create_dir_all(place.layout.out_queues()).unwrap();
    fs::write(place.layout.out_queues().join("b"), "in the way").unwrap();
    place.put(&pupil(1, "one", &["SchoolA", "SchoolB", "SchoolC"], 1));
    place.put(&pupil(2, "two", &["SchoolA"], 1));
    let daemon = place.daemon(None);
    let stands = || {
        let state = place.in_queue.state().unwrap();
        (state.errors > 2).then_some(state)
    };
    let state = idspool_tests::poll(SOON, stands).unwrap();
    let message = state.message.unwrap();
    assert!(message.contains("out queue of 'b'") && message.contains("out_queues/b"), "{message}");
    assert_eq!(state.class, Some(FaultClass::Transient));
    assert_eq!(place.waiting().len(), 2);
    fs::remove_file(place.layout.out_queues().join("b")).unwrap();
    place.wait_for("b", 1);
    place.wait_for("c", 1);
    idspool_tests::poll(SOON, || place.waiting().is_empty().then_some(())).unwrap();
    daemon.end();
    assert_eq!(place.shown("a"), ["u1 v1", "u2 v1"]);
    assert_eq!((place.shown("b"), place.shown("c")), (vec!["u1 v1".into()], vec!["u1 v1".into()]));
}

#[test]
fn an_authority_removed_while_its_queue_could_not_be_filled_holds_nobody_up() {
    let place = Place::new(&[authority("a"), authority("b")]);
    place.map(&[("SchoolA", "a"), ("SchoolB", "b")]);
    fs::create_dir_all(place.layout.out_queues()).unwrap();
    fs::write(place.layout.out_queues().join("b"), "in the way").unwrap();
    place.put(&pupil(1, "one", &["SchoolA", "SchoolB"], 1));
    let daemon = place.daemon(None);
    idspool_tests::poll(SOON, || (!place.in_queue.state().unwrap().is_healthy()).then_some(()))
        .unwrap();
    fs::remove_file(place.layout.authorities().join("b.json")).unwrap();
    place.reload();
    daemon.stop.wake();
    idspool_tests::poll(SOON, || place.waiting().is_empty().then_some(())).unwrap();
    daemon.end();
    assert_eq!(place.shown("a"), ["u1 v1"]);
    let state = RoutingState::existing(&place.layout.routing_state()).unwrap().unwrap();
    let told = state.find("u1", Kind::User).unwrap().unwrap().told;
    assert_eq!(told.keys().map(|name| name.as_str()).collect::<Vec<_>>(), ["a"]);
}

#[test]
fn what_the_id_connector_left_is_taken_as_it_is() {
    let place = Place::new(&[authority("a"), authority("b")]);
    place.map(&[("SchoolA", "a"), ("SchoolB", "b")]);
    let mut item = pupil(1, "one", &["SchoolB"], 1);
    item["old_data"] = json!({"record_uid": "before", "schools": ["SchoolA"], "source_uid": null});
    item["action"] = json!("add_mod");
    let name = "2026-01-11-13-43-36-196082_ready.json";
    fs::write(place.layout.in_queue().join(name), item.to_string()).unwrap();
    let by_hand = "2026-01-11-13-43-37.json";
    fs::write(place.layout.in_queue().join(by_hand), pupil(2, "two", &["SchoolA"], 1).to_string())
        .unwrap();
    assert_eq!(place.once(), Ended::Done);
    let at_a = place.items("a");
    let old = at_a[0].old_data.clone().unwrap();
    assert_eq!((old.record_uid, old.schools), (Some("before".into()), vec!["SchoolA".into()]));
    assert!(!at_a[0].resync && at_a[1].resync, "a name without microseconds asks for everything");
    assert_eq!(place.shown("b"), ["u1 v1"]);
}

#[test]
fn a_damaged_state_is_named_and_nothing_is_taken() {
    let place = Place::new(&[authority("a")]);
    place.map(&[("SchoolA", "a")]);
    place.put(&pupil(1, "one", &["SchoolA"], 1));
    let damaged = "no database, but long enough to be taken for one".repeat(100);
    fs::write(place.layout.routing_state(), &damaged).unwrap();
    assert_eq!(place.once(), Ended::Stopped);
    assert_eq!(fs::read_to_string(place.layout.routing_state()).unwrap(), damaged);
    assert_eq!(place.waiting().len(), 1);
    let state = place.in_queue.state().unwrap();
    assert_eq!(state.class, Some(FaultClass::Permanent));
    assert!(state.message.unwrap().contains(".routing.sqlite"));
    let daemon = place.daemon(None);
    fs::rename(place.layout.routing_state(), place.root.path().join("aside")).unwrap();
    place.wait_for("a", 1);
    daemon.end();
}

#[test]
fn two_cannot_route_at_the_same_time() {
    let place = Place::new(&[]);
    let first = place.router(None).unwrap();
    let error = place.router(None).unwrap_err();
    assert!(matches!(error, RouterError::InQueue(idspool_spool::Error::Locked { .. })), "{error}");
    drop(first);
}

/// Answers what it is told to, and tells what it was asked.
#[derive(Debug)]
struct Answers {
    asked: Sender<Vec<EntryUuid>>,
    failures: Arc<Mutex<u32>>,
    known: HashMap<EntryUuid, UserPasswords>,
}

impl HashSource for Answers {
    fn hashes(&mut self, users: &[EntryUuid]) -> Result<HashMap<EntryUuid, UserPasswords>, Error> {
        let mut failures = self.failures.lock().unwrap();
        if *failures > 0 {
            *failures -= 1;
            return Err(Error::Closed { doing: "look up", url: "ldap://x".into() });
        }
        self.asked.send(users.to_vec()).unwrap();
        Ok(self.known.clone())
    }
}

fn passwords(hash: &str) -> UserPasswords {
    UserPasswords {
        user_password: vec![hash.to_owned()],
        samba_nt_password: "NT".into(),
        krb5_key: vec!["MD4=".into()],
        krb5_key_version_number: 1,
        samba_pwd_last_set: 2,
    }
}

fn uuid(number: u32) -> String {
    format!("00000000-0000-103f-8000-{number:012}")
}

fn answers(failures: u32) -> (Answers, Receiver<Vec<EntryUuid>>) {
    let (asked, receiver) = channel();
    let known = HashMap::from([(uuid(1).parse().unwrap(), passwords("{crypt}found"))]);
    (Answers { asked, failures: Arc::new(Mutex::new(failures)), known }, receiver)
}

#[test]
fn hashes_go_only_to_those_that_want_them_and_are_looked_up_where_they_are_missing() {
    let mut wanting = authority("a");
    wanting["plugin_configs"]["kelvin"]["sync_password_hashes"] = json!(true);
    let place = Place::new(&[wanting, authority("b")]);
    place.map(&[("SchoolA", "a"), ("SchoolB", "b")]);
    let with_uuid = |number: u32, name: &str, schools: &[&str]| {
        let mut item = pupil(number, name, schools, 1);
        item["id"] = json!(uuid(number));
        item
    };
    let mut given = with_uuid(3, "three", &["SchoolA", "SchoolB"]);
    given["object"]["password"] = json!("{crypt}given");
    given["user_passwords"] = serde_json::to_value(passwords("{crypt}given")).unwrap();
    for item in [
        with_uuid(1, "one", &["SchoolA", "SchoolB"]),
        with_uuid(2, "two", &["SchoolA"]),
        given,
        with_uuid(4, "four", &["SchoolB"]),
        class(7, "SchoolA", 1),
        deleted(8, "eight"),
    ] {
        place.put(&item);
    }
    let (source, asked) = answers(2);
    let daemon = place.daemon(Some(Box::new(source)));
    place.wait_for("a", 4);
    daemon.end();
    assert_eq!(
        asked.try_iter().collect::<Vec<_>>(),
        [[uuid(1), uuid(2)].map(|uuid| uuid.parse().unwrap())]
    );
    let hashes = |authority: &str| -> Vec<Option<String>> {
        let items = place.items(authority).into_iter();
        items.map(|item| item.user_passwords.map(|found| found.user_password.concat())).collect()
    };
    assert_eq!(
        hashes("a"),
        [Some("{crypt}found".to_owned()), None, Some("{crypt}given".to_owned()), None]
    );
    assert_eq!(hashes("b"), [None, None, None]);
    let has_property = |authority| {
        let mut items = place.items(authority).into_iter();
        items.any(|item| item.property("password").is_some())
    };
    assert!(!has_property("a") && !has_property("b"));
    let state = RoutingState::existing(&place.layout.routing_state()).unwrap().unwrap();
    assert!(state.counters().unwrap().contains(&(Reason::NoPasswordHashes, 1)));
}

#[test]
fn hashes_come_from_the_ldap_server_when_it_is_there_again() {
    const SCHMIDT: &str = "uid=a.schmidt,cn=schueler,cn=users,ou=gymnord,dc=example,dc=org";
    let mut slapd = Slapd::start().unwrap();
    let mut wanting = authority("a");
    wanting["plugin_configs"]["kelvin"]["sync_password_hashes"] = json!(true);
    let place = Place::new(&[wanting]);
    place.map(&[("gymnord", "a")]);
    let mut item = pupil(1, "a.schmidt", &["gymnord"], 1);
    item["id"] = json!(slapd.entry_uuid(SCHMIDT).unwrap());
    place.put(&item);
    slapd.kill().unwrap();
    let mut settings = idspool_directory::Settings::new(slapd.url(), BASE_DN);
    settings.credentials = Some(idspool_directory::Credentials::new(READER_DN, READER_PASSWORD));
    let daemon = place.daemon(Some(Box::new(LdapHashes::new(settings).unwrap())));
    let state = idspool_tests::poll(SOON, || {
        let state = place.in_queue.state().unwrap();
        (!state.is_healthy()).then_some(state)
    });
    assert!(state.unwrap().message.unwrap().contains("Cannot look password hashes up"));
    assert_eq!(place.waiting().len(), 1);
    slapd.restart().unwrap();
    place.wait_for("a", 1);
    daemon.end();
    let found = place.items("a")[0].user_passwords.clone().unwrap();
    assert_eq!(found.samba_nt_password, "15ECCE558036383E928264A64CC0C7AD");
    assert_eq!(found.krb5_key.len(), 3);
}

#[test]
fn a_stop_is_heard_while_something_is_in_the_way() {
    let place = Place::new(&[authority("a")]);
    place.map(&[("SchoolA", "a")]);
    let broken: PathBuf = place.put_bytes(b"[]");
    place.age(&broken);
    let router = place.router(None).unwrap();
    let stop = router.stop();
    let running = thread::spawn(move || router.run(Mode::Daemon));
    idspool_tests::poll(SOON, || (!place.in_queue.state().unwrap().is_healthy()).then_some(()))
        .unwrap();
    stop.stop();
    assert_eq!(running.join().unwrap(), Ended::Requested);
}
