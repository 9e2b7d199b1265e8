//! The loop against a recipient that notes what it is given; the spool, the snapshots and the files
//! are real.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::SystemTime;
use std::{fs, thread};

use idspool_spool::Spool;
use idspool_udm::{ConvertedItem, ItemHead};
use serde_json::{Map, Value, json};

mod detour;

use super::commit::GROUP;
use super::*;
use crate::objects::Indexing;
use crate::recipient::{Delivery, Facts, Key, Outcome};

/// Notes each delivery; fails for the DNs in `failing`.
#[derive(Default)]
struct Notes {
    delivered: Mutex<Vec<String>>,
    failing: Mutex<HashMap<String, Fault>>,
    told: Mutex<Option<Sender<String>>>,
    removes_unknown: bool,
}

impl Recipient for Notes {
    fn rank(&self, head: &ItemHead) -> Option<u8> {
        match (head.udm_object_type.as_str(), head.deleted) {
            ("oxmail/oxcontext", false) => Some(1),
            ("users/user", _) => Some(3),
            ("groups/group", _) => Some(4),
            ("oxmail/oxcontext", true) => Some(7),
            _ => None,
        }
    }

    fn keys(&self, _: &ConvertedItem, _: Option<&ConvertedItem>) -> Vec<Key> {
        Vec::new()
    }

    fn removes_unknown(&self, _: &ConvertedItem) -> bool {
        self.removes_unknown
    }

    fn deliver(&self, delivery: &Delivery<'_>) -> Result<Outcome, Fault> {
        let item = delivery.item;
        if let Some(fault) = self.failing.lock().unwrap().get(&item.dn) {
            self.tell(format!("fault {}", item.dn));
            return Err(fault.clone());
        }
        let line = format!(
            "{} {}{}{}",
            item.dn,
            if delivery.previous.is_some() { "known" } else { "new" },
            if delivery.forced { " forced" } else { "" },
            if delivery.facts.is_some() { " noted" } else { "" },
        );
        self.delivered.lock().unwrap().push(line.clone());
        self.tell(line);
        match &item.object {
            None => Ok(Outcome::Gone),
            Some(object) => {
                let mut object = object.clone();
                object.insert("oxDbId".into(), 7.into());
                Ok(Outcome::Keep {
                    object,
                    facts: Facts { remote_id: Some(7), ..Facts::default() },
                })
            }
        }
    }
}

impl Notes {
    fn tell(&self, line: String) {
        if let Some(told) = &*self.told.lock().unwrap() {
            told.send(line).unwrap();
        }
    }

    fn delivered(&self) -> Vec<String> {
        std::mem::take(&mut self.delivered.lock().unwrap())
    }
}

/// As [`Notes`], and does something else before each delivery.
struct Hooked<'a, F>(&'a Notes, F);

impl<F: Fn(&Delivery<'_>) + Send + Sync> Recipient for Hooked<'_, F> {
    fn rank(&self, head: &ItemHead) -> Option<u8> {
        self.0.rank(head)
    }

    fn keys(&self, item: &ConvertedItem, previous: Option<&ConvertedItem>) -> Vec<Key> {
        self.0.keys(item, previous)
    }

    fn deliver(&self, delivery: &Delivery<'_>) -> Result<Outcome, Fault> {
        (self.1)(delivery);
        self.0.deliver(delivery)
    }
}

struct Place {
    folder: tempfile::TempDir,
    spool: Spool,
    notes: Notes,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::create(folder.path().join("listener")).unwrap();
        Self { folder, spool, notes: Notes::default() }
    }

    fn queue(&self) -> PathBuf {
        self.folder.path().join("listener")
    }

    fn objects(&self) -> Objects {
        let indexing = Indexing {
            facts_of: |_| Facts::default(),
            references_of: |_| Vec::new(),
            names_of: |_| Vec::new(),
        };
        Objects::open(&self.queue(), indexing).unwrap()
    }

    fn once(&self) -> Ended {
        let objects = self.objects();
        let consumer = self.spool.consumer("test").unwrap();
        let ended = Engine::new(consumer, &self.notes, &objects, Shutdown::new()).run(Mode::Once);
        objects.close().unwrap();
        ended.unwrap()
    }

    fn waiting(&self) -> usize {
        self.spool.names().unwrap().len()
    }
}

fn user(number: u8, object: Value) -> Vec<u8> {
    item("users/user", &format!("uid=u{number},dc=x"), number, object)
}

fn item(object_type: &str, dn: &str, number: u8, object: Value) -> Vec<u8> {
    let id = format!("00000000-0000-103f-8000-0000000000{number:02}");
    json!({"id": id, "udm_object_type": object_type, "dn": dn, "object": object, "options": []})
        .to_string()
        .into_bytes()
}

#[test]
fn items_become_snapshots_in_order() {
    let place = Place::new();
    place.spool.enqueue(&user(1, json!({"a": "1"}))).unwrap();
    place.spool.enqueue(&user(2, json!({}))).unwrap();
    place.spool.enqueue(&user(1, json!({"a": "2"}))).unwrap();
    assert_eq!(place.once(), Ended::Done);
    assert_eq!(
        place.notes.delivered(),
        ["uid=u1,dc=x new", "uid=u2,dc=x new", "uid=u1,dc=x known noted"]
    );
    assert_eq!(place.waiting(), 0);
    let snapshot =
        place.objects().snapshot("00000000-0000-103f-8000-000000000001").unwrap().unwrap();
    let mut expected = Map::new();
    expected.insert("a".into(), "2".into());
    expected.insert("oxDbId".into(), 7.into());
    assert_eq!(snapshot.object, Some(expected));
}

#[test]
fn contexts_go_first_and_their_removal_last() {
    let place = Place::new();
    place.spool.enqueue(&item("oxmail/oxcontext", "cn=c8", 8, json!({}))).unwrap();
    assert_eq!(place.once(), Ended::Done);
    place.notes.delivered();
    place.spool.enqueue(&item("oxmail/oxcontext", "cn=c8", 8, Value::Null)).unwrap();
    place.spool.enqueue(&user(1, json!({}))).unwrap();
    place.spool.enqueue(&item("oxmail/oxcontext", "cn=c9", 9, json!({}))).unwrap();
    assert_eq!(place.once(), Ended::Done);
    assert_eq!(place.notes.delivered(), ["cn=c9 new", "uid=u1,dc=x new", "cn=c8 known noted"]);
}

#[test]
fn created_and_deleted_while_the_queue_stood_is_both_done_in_order() {
    let place = Place::new();
    place.spool.enqueue(&user(1, json!({}))).unwrap();
    place.spool.enqueue(&user(1, Value::Null)).unwrap();
    assert_eq!(place.once(), Ended::Done);
    assert_eq!(place.notes.delivered(), ["uid=u1,dc=x new", "uid=u1,dc=x known noted"]);
    assert_eq!(place.objects().snapshot("00000000-0000-103f-8000-000000000001").unwrap(), None);
}

#[test]
fn a_delete_of_what_was_never_delivered_is_dropped() {
    let place = Place::new();
    place.spool.enqueue(&user(1, Value::Null)).unwrap();
    assert_eq!(place.once(), Ended::Done);
    assert_eq!((place.notes.delivered(), place.waiting()), (vec![], 0));
}

#[test]
fn a_recipient_that_finds_objects_by_itself_is_told_of_it() {
    let mut place = Place::new();
    place.notes.removes_unknown = true;
    place.spool.enqueue(&user(1, Value::Null)).unwrap();
    assert_eq!(place.once(), Ended::Done);
    assert_eq!((place.notes.delivered(), place.waiting()), (vec!["uid=u1,dc=x new".into()], 0));
}

#[test]
fn a_hand_made_name_and_the_resync_mark_force_the_call() {
    let place = Place::new();
    fs::write(place.queue().join("2026-11-21-10-00-00.json"), user(1, json!({}))).unwrap();
    let mut marked: Value = serde_json::from_slice(&user(2, json!({}))).unwrap();
    marked["resync"] = true.into();
    place.spool.enqueue(marked.to_string().as_bytes()).unwrap();
    assert_eq!(place.once(), Ended::Done);
    assert_eq!(place.notes.delivered(), ["uid=u1,dc=x new forced", "uid=u2,dc=x new forced"]);
    let snapshot = place.objects().snapshot("00000000-0000-103f-8000-000000000002").unwrap();
    assert!(!snapshot.unwrap().resync, "the mark belongs to the item, not to the state");
}

#[test]
fn once_stops_at_the_first_faulty_item_and_counts() {
    let place = Place::new();
    let fault = Fault::permanent("The displayname is already used").with_remedy("rename");
    place.notes.failing.lock().unwrap().insert("uid=u2,dc=x".into(), fault);
    for number in 1..4 {
        place.spool.enqueue(&user(number, json!({}))).unwrap();
    }
    for errors in 1..4 {
        assert_eq!(place.once(), Ended::Stopped);
        let state = place.spool.state().unwrap();
        assert_eq!((state.errors, state.attempts), (errors, errors));
        assert_eq!(state.remedy.as_deref(), Some("rename"));
        assert_eq!(
            state.filename,
            place.spool.names().unwrap().first().map(|n| place.spool.path_of(n))
        );
    }
    assert_eq!(place.notes.delivered(), ["uid=u1,dc=x new"]);
    place.notes.failing.lock().unwrap().clear();
    assert_eq!(place.once(), Ended::Done);
    assert_eq!(place.notes.delivered(), ["uid=u2,dc=x new", "uid=u3,dc=x new"]);
    assert!(place.spool.state().unwrap().is_healthy());
}

#[test]
fn bad_files_are_named_and_block() {
    for (content, expected) in [
        ("{\"id\": \"x\"", "2000"),
        ("", "2000"),
        ("[]", "2000"),
        (r#"{"id":"x","udm_object_type":"users/user","dn":"d","options":[]}"#, "object"),
        (
            r#"{"id":"../x","udm_object_type":"users/user","dn":"d","object":{},"options":[]}"#,
            "\"id\"",
        ),
        (r#"{"id":"x","udm_object_type":"a/b","dn":"d","object":{},"options":[]}"#, "a/b"),
    ] {
        let place = Place::new();
        let path = place.queue().join("2000-01-01-00-00-00.json");
        fs::write(&path, content).unwrap();
        let long_ago = SystemTime::now() - Duration::from_secs(60);
        fs::File::options().write(true).open(&path).unwrap().set_modified(long_ago).unwrap();
        place.spool.enqueue(&user(1, json!({}))).unwrap();
        assert_eq!(place.once(), Ended::Stopped, "{content}");
        let state = place.spool.state().unwrap();
        let message = state.message.unwrap();
        assert!(message.contains(expected), "{content}: {message}");
        assert_eq!(state.class, Some(FaultClass::Permanent), "{content}");
        assert_eq!(state.filename, Some(path.clone()));
        assert!(place.notes.delivered().is_empty(), "nothing behind it may start");
        fs::remove_file(&path).unwrap();
        assert_eq!(place.once(), Ended::Done);
        assert_eq!(place.notes.delivered(), ["uid=u1,dc=x new"]);
    }
}

/// Runs the daemon while `script` acts from outside, and stops it.
fn daemon(place: &Place, script: impl FnOnce(&Receiver<String>)) -> Ended {
    let (sender, receiver) = channel();
    *place.notes.told.lock().unwrap() = Some(sender);
    let objects = place.objects();
    let consumer = place.spool.consumer("test").unwrap();
    let (shutdown, waker) = (Shutdown::new(), consumer.waker());
    let engine = Engine::new(consumer, &place.notes, &objects, shutdown.clone());
    thread::scope(|scope| {
        let running = scope.spawn(|| engine.run(Mode::Daemon).unwrap());
        // A script that fails must stop the daemon, too, or the test never ends.
        let scripted = catch_unwind(AssertUnwindSafe(|| script(&receiver)));
        shutdown.request();
        waker.wake();
        let ended = running.join().unwrap();
        scripted.unwrap_or_else(|panic| resume_unwind(panic));
        ended
    })
}

fn next(receiver: &Receiver<String>) -> String {
    receiver.recv_timeout(Duration::from_secs(20)).unwrap()
}

#[test]
fn the_daemon_goes_on_at_once_when_the_faulty_file_is_removed() {
    let place = Place::new();
    let fault = Fault::permanent("no");
    place.notes.failing.lock().unwrap().insert("uid=u1,dc=x".into(), fault);
    let faulty = place.spool.enqueue(&user(1, json!({}))).unwrap();
    place.spool.enqueue(&user(2, json!({}))).unwrap();
    let ended = daemon(&place, |receiver| {
        for _ in 0..3 {
            assert_eq!(next(receiver), "fault uid=u1,dc=x");
        }
        // The next attempt would come after four seconds.
        let removed = Instant::now();
        fs::remove_file(place.spool.path_of(&faulty)).unwrap();
        assert_eq!(next(receiver), "uid=u2,dc=x new");
        assert!(removed.elapsed() < Duration::from_secs(3), "{:?}", removed.elapsed());
    });
    assert_eq!(ended, Ended::Requested);
    assert!(place.spool.state().unwrap().is_healthy());
}

#[test]
fn a_queue_whose_faulty_file_was_removed_no_longer_stands() {
    let place = Place::new();
    let fault = Fault::permanent("no");
    place.notes.failing.lock().unwrap().insert("uid=u1,dc=x".into(), fault);
    let faulty = place.spool.enqueue(&user(1, json!({}))).unwrap();
    assert_eq!(place.once(), Ended::Stopped);
    assert_eq!(place.spool.state().unwrap().errors, 1);
    fs::remove_file(place.spool.path_of(&faulty)).unwrap();
    // Nothing waits behind it whose success would clear the state.
    assert_eq!(place.once(), Ended::Done);
    assert!(place.spool.state().unwrap().is_healthy());
}

#[test]
fn the_daemon_tries_an_edited_file_at_once() {
    let place = Place::new();
    place.notes.failing.lock().unwrap().insert("uid=u1,dc=x".into(), Fault::permanent("no"));
    let faulty = place.spool.enqueue(&user(1, json!({}))).unwrap();
    daemon(&place, |receiver| {
        for _ in 0..3 {
            assert_eq!(next(receiver), "fault uid=u1,dc=x");
        }
        let edited = Instant::now();
        fs::write(place.spool.path_of(&faulty), user(3, json!({}))).unwrap();
        assert_eq!(next(receiver), "uid=u3,dc=x new");
        assert!(edited.elapsed() < Duration::from_secs(3), "{:?}", edited.elapsed());
    });
}

#[test]
fn a_context_that_arrives_while_a_user_is_faulty_goes_first() {
    let place = Place::new();
    place
        .notes
        .failing
        .lock()
        .unwrap()
        .insert("uid=u1,dc=x".into(), Fault::transient("no context"));
    place.spool.enqueue(&user(1, json!({}))).unwrap();
    daemon(&place, |receiver| {
        assert_eq!(next(receiver), "fault uid=u1,dc=x");
        place.spool.enqueue(&item("oxmail/oxcontext", "cn=c9", 9, json!({}))).unwrap();
        while next(receiver) != "cn=c9 new" {}
        place.notes.failing.lock().unwrap().clear();
        // The user is tried again at once, perhaps before the line above.
        while next(receiver) != "uid=u1,dc=x new" {}
    });
}

#[test]
fn half_a_file_is_waited_for_in_its_place_and_not_called_faulty() {
    // Cut off within the head, and behind it.
    for length in [20, 2000] {
        let place = Place::new();
        let whole = user(1, json!({"description": "x".repeat(4000)}));
        let path = place.queue().join("2000-01-01-00-00-00.json");
        fs::write(&path, whole.get(..length).unwrap()).unwrap();
        // It might be a later state of the same object, so it must not overtake.
        place.spool.enqueue(&user(2, json!({}))).unwrap();
        daemon(&place, |receiver| {
            let early = receiver.recv_timeout(Duration::from_millis(200));
            assert_eq!(early.ok(), None, "{length}");
            fs::write(&path, &whole).unwrap();
            assert_eq!(next(receiver), "uid=u1,dc=x new forced");
            assert_eq!(next(receiver), "uid=u2,dc=x new");
        });
        assert!(place.spool.state().unwrap().is_healthy());
    }
}

#[test]
fn a_delete_after_the_snapshot_was_removed_by_hand_forgets_the_dn() {
    let place = Place::new();
    place.spool.enqueue(&user(1, json!({}))).unwrap();
    assert_eq!(place.once(), Ended::Done);
    let objects = place.objects();
    fs::remove_file(place.queue().join("old/00000000-0000-103f-8000-000000000001.json")).unwrap();
    assert!(objects.by_dn("uid=u1,dc=x").is_err(), "known, and without snapshot");
    place.spool.enqueue(&user(1, Value::Null)).unwrap();
    let consumer = place.spool.consumer("test").unwrap();
    Engine::new(consumer, &place.notes, &objects, Shutdown::new()).run(Mode::Once).unwrap();
    assert_eq!(objects.by_dn("uid=u1,dc=x").unwrap(), None);
}

#[test]
fn a_file_edited_during_its_delivery_is_taken_again() {
    let place = Place::new();
    let edit = |delivery: &Delivery<'_>| {
        if delivery.item.dn == "uid=u1,dc=x" {
            fs::write(delivery.path, user(2, json!({}))).unwrap();
            let later = SystemTime::now() + Duration::from_secs(1);
            let file = fs::File::options().write(true).open(delivery.path).unwrap();
            file.set_modified(later).unwrap();
        }
    };
    place.spool.enqueue(&user(1, json!({}))).unwrap();
    let objects = place.objects();
    let consumer = place.spool.consumer("test").unwrap();
    let recipient = Hooked(&place.notes, edit);
    let ended = Engine::new(consumer, &recipient, &objects, Shutdown::new()).run(Mode::Once);
    assert_eq!(ended.unwrap(), Ended::Done);
    assert_eq!(place.notes.delivered(), ["uid=u1,dc=x new", "uid=u2,dc=x new"]);
}

#[test]
fn s3_1_what_arrives_during_a_pass_does_not_go_before_what_waits() {
    let place = Place::new();
    place.spool.enqueue(&user(1, json!({}))).unwrap();
    place.spool.enqueue(&item("groups/group", "cn=g", 7, json!({}))).unwrap();
    // A user for each user: without an end of the pass the group would never have its turn.
    let follow = |delivery: &Delivery<'_>| {
        if delivery.item.dn == "uid=u1,dc=x" {
            delivery.queue.enqueue(&user(2, json!({}))).unwrap();
            let context = item("oxmail/oxcontext", "cn=c8", 8, json!({}));
            delivery.queue.enqueue(&context).unwrap();
        }
    };
    let objects = place.objects();
    let consumer = place.spool.consumer("test").unwrap();
    let recipient = Hooked(&place.notes, follow);
    let ended = Engine::new(consumer, &recipient, &objects, Shutdown::new()).run(Mode::Once);
    assert_eq!(ended.unwrap(), Ended::Done);
    let expected = ["uid=u1,dc=x new", "cn=g new", "cn=c8 new", "uid=u2,dc=x new"];
    assert_eq!(place.notes.delivered(), expected);
}

#[test]
fn s5_an_items_file_stays_until_its_state_is_on_disk() {
    let place = Place::new();
    let count = GROUP + 10;
    for number in 0..count {
        place.spool.enqueue(&user(u8::try_from(number).unwrap(), json!({}))).unwrap();
    }
    let objects = place.objects();
    let seen = Mutex::new(Vec::new());
    let look = |delivery: &Delivery<'_>| {
        let old = delivery.queue.dir().join("old");
        let snapshots = fs::read_dir(old).unwrap().filter(|entry| {
            entry.as_ref().unwrap().path().extension().is_some_and(|e| e == "json")
        });
        let waiting = delivery.queue.names().unwrap().len();
        seen.lock().unwrap().push((snapshots.count(), waiting));
    };
    let watcher = Hooked(&place.notes, look);
    let consumer = place.spool.consumer("test").unwrap();
    let ended = Engine::new(consumer, &watcher, &objects, Shutdown::new()).run(Mode::Once);
    assert_eq!(ended.unwrap(), Ended::Done);
    for (snapshots, waiting) in seen.into_inner().unwrap() {
        assert_eq!(snapshots + waiting, count, "a file goes when its state is there");
    }
    assert_eq!(fs::read_dir(place.queue().join("old")).unwrap().count(), count);
    assert_eq!(place.waiting(), 0);
}

#[test]
fn s5_a_state_is_durable_before_the_next_item_that_could_meet_it_is_handed_over() {
    let place = Place::new();
    let id = |number: u8| format!("old/00000000-0000-103f-8000-0000000000{number:02}.json");
    let renamed =
        |number: u8, name: &str| item("users/user", &format!("uid={name}"), number, json!({}));
    // Created, then changed. The same facts again are no change for the recipient.
    place.spool.enqueue(&user(1, json!({"a": "1"}))).unwrap();
    place.spool.enqueue(&user(1, json!({"a": "2"}))).unwrap();
    place.spool.enqueue(&user(1, json!({"a": "3"}))).unwrap();
    // Another object takes the name that this one gives up.
    place.spool.enqueue(&renamed(2, "b")).unwrap();
    place.spool.enqueue(&renamed(2, "c")).unwrap();
    place.spool.enqueue(&renamed(3, "b")).unwrap();
    let seen = Mutex::new(Vec::new());
    let on_disk = |delivery: &Delivery<'_>| {
        let of =
            |number| fs::read_to_string(delivery.queue.dir().join(id(number))).unwrap_or_default();
        let value = of(1).split("\"a\": \"").nth(1).map(|rest| rest[..1].to_owned());
        let name = of(2).split("uid=").nth(1).map(|rest| rest[..1].to_owned());
        seen.lock().unwrap().push((value.unwrap_or_default(), name.unwrap_or_default()));
    };
    let objects = place.objects();
    let consumer = place.spool.consumer("test").unwrap();
    let recipient = Hooked(&place.notes, on_disk);
    let ended = Engine::new(consumer, &recipient, &objects, Shutdown::new()).run(Mode::Once);
    assert_eq!(ended.unwrap(), Ended::Done);
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen[1].0, "1", "before the second item of the first object: {seen:?}");
    assert_eq!(seen[4].1, "b", "before the rename: {seen:?}");
    assert_eq!(seen[5].1, "c", "before another object takes the name: {seen:?}");
}

#[test]
fn what_went_well_before_a_fault_is_let_go() {
    let place = Place::new();
    place.notes.failing.lock().unwrap().insert("uid=u2,dc=x".into(), Fault::permanent("no"));
    for number in 1..4 {
        place.spool.enqueue(&user(number, json!({}))).unwrap();
    }
    assert_eq!(place.once(), Ended::Stopped);
    assert_eq!(place.waiting(), 2);
    assert_eq!(place.spool.state().unwrap().errors, 1);
}

#[test]
fn an_unchanged_item_writes_no_snapshot() {
    let place = Place::new();
    for _ in 0..2 {
        place.spool.enqueue(&user(1, json!({"oxDbId": 7}))).unwrap();
        assert_eq!(place.once(), Ended::Done);
    }
    let snapshot = place.queue().join("old/00000000-0000-103f-8000-000000000001.json");
    let before = fs::metadata(&snapshot).unwrap().modified().unwrap();
    place.spool.enqueue(&user(1, json!({"oxDbId": 7}))).unwrap();
    assert_eq!(place.once(), Ended::Done);
    assert_eq!(fs::metadata(&snapshot).unwrap().modified().unwrap(), before);
    assert_eq!(place.waiting(), 0);
}

#[test]
fn a_damaged_state_file_does_not_hide_a_fault() {
    let place = Place::new();
    place.notes.failing.lock().unwrap().insert("uid=u1,dc=x".into(), Fault::permanent("no"));
    place.spool.enqueue(&user(1, json!({}))).unwrap();
    fs::write(place.queue().join(".state.json"), "{").unwrap();
    assert_eq!(place.once(), Ended::Stopped);
    assert_eq!(place.spool.state().unwrap().message.as_deref(), Some("no"));
}

#[test]
fn a_folder_that_cannot_be_used_shows_in_the_state() {
    let place = Place::new();
    place.spool.enqueue(&user(1, json!({}))).unwrap();
    let objects = place.objects();
    fs::remove_dir(place.queue().join("old")).unwrap();
    let consumer = place.spool.consumer("test").unwrap();
    let ended = Engine::new(consumer, &place.notes, &objects, Shutdown::new()).run(Mode::Once);
    assert!(ended.is_err(), "{ended:?}");
    let state = place.spool.state().unwrap();
    assert_eq!((state.errors, state.filename), (1, None));
    assert!(state.message.unwrap().contains("old"));
    assert_eq!(place.waiting(), 1);
    // When the cause is gone the work goes on, and the state is that of a healthy queue.
    fs::create_dir(place.queue().join("old")).unwrap();
    drop(objects);
    assert_eq!(place.once(), Ended::Done);
    assert!(place.spool.state().unwrap().is_healthy());
}

#[test]
fn a_fault_ends_the_pass_whose_items_are_counted() {
    let place = Place::new();
    place.notes.failing.lock().unwrap().insert("uid=u2,dc=x".into(), Fault::permanent("no"));
    place.spool.enqueue(&user(1, json!({}))).unwrap();
    place.spool.enqueue(&user(2, json!({}))).unwrap();
    let objects = place.objects();
    let consumer = place.spool.consumer("test").unwrap();
    let mut engine = Engine::new(consumer, &place.notes, &objects, Shutdown::new());
    assert_eq!(engine.step(Mode::Daemon).unwrap(), None);
    assert_eq!(engine.delivered, 1);
    assert_eq!(engine.step(Mode::Daemon).unwrap(), None);
    assert_eq!(engine.delivered, 0, "the line was written");
}
