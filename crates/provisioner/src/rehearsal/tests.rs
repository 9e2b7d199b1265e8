//! A rehearsal against a recipient that notes what it is given; spool and snapshots are real.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::SystemTime;

use idspool_service::shutdown::Shutdown;
use serde_json::{Value, json};

use super::*;
use crate::engine::{Ended, Engine, Mode};
use crate::objects::Indexing;
use crate::recipient::{Delivery, Facts, Key, Outcome};

/// Notes each delivery. Users queue their group again, unless it waits.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Recipient for Notes {
    fn rank(&self, head: &ItemHead) -> Option<u8> {
        match (head.udm_object_type.as_str(), head.deleted) {
            ("oxmail/oxcontext", false) => Some(0),
            ("users/user", _) => Some(2),
            ("groups/group", _) => Some(3),
            ("oxmail/oxcontext", true) => Some(6),
            _ => None,
        }
    }

    fn keys(&self, _: &ConvertedItem, _: Option<&ConvertedItem>) -> Vec<Key> {
        Vec::new()
    }

    fn deliver(&self, delivery: &Delivery<'_>) -> Result<Outcome, Fault> {
        let item = delivery.item;
        let known = if delivery.previous.is_some() { "known" } else { "new" };
        self.0.lock().unwrap().push(format!("{} {known}", item.dn));
        let Some(object) = &item.object else { return Ok(Outcome::Gone) };
        if object.contains_key("faulty") {
            return Err(Fault::permanent("refused"));
        }
        if let Some(owner) = object.get("waits for").and_then(Value::as_str)
            && delivery.waiting.has(owner)
        {
            return Err(Fault::permanent("taken").waiting_for(owner));
        }
        if object.contains_key("group") && !delivery.waiting.has("group") {
            delivery.queue.enqueue(&item_bytes("groups/group", "group", json!({}))).unwrap();
        }
        let mut object = object.clone();
        object.insert("oxDbId".into(), 7.into());
        Ok(Outcome::Keep { object, facts: Facts { remote_id: Some(7), ..Facts::default() } })
    }
}

fn item_bytes(module: &str, id: &str, object: Value) -> Vec<u8> {
    ConvertedItem {
        id: id.into(),
        udm_object_type: module.into(),
        dn: format!("cn={id},dc=x"),
        options: None,
        object: object.as_object().cloned(),
        resync: false,
        old_data: None,
        user_passwords: None,
    }
    .to_queue_bytes()
}

const INDEXING: Indexing = Indexing {
    facts_of: |_| Facts::default(),
    references_of: |_| Vec::new(),
    names_of: |_| Vec::new(),
};

struct Place {
    folder: tempfile::TempDir,
    queue: Spool,
    copies: Spool,
    _elsewhere: tempfile::TempDir,
    notes: Notes,
}

impl Place {
    fn new() -> Self {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let queue = Spool::create(folder.path().join("listener")).unwrap();
        let copies = Spool::create(elsewhere.path()).unwrap();
        Self { folder, queue, copies, _elsewhere: elsewhere, notes: Notes::default() }
    }

    fn add(&self, module: &str, id: &str, object: Value) -> ItemName {
        self.queue.enqueue(&item_bytes(module, id, object)).unwrap()
    }

    /// All steps, as `id: ok` or `id: fault`.
    fn rehearse(&self, is_wanted: &dyn Fn(&ItemName) -> bool) -> Vec<String> {
        let objects = Objects::view(self.queue.dir(), INDEXING).unwrap();
        let mut rehearsal =
            Rehearsal::new(&self.queue, &self.copies, &self.notes, &objects, is_wanted).unwrap();
        let mut steps = Vec::new();
        while let Some(step) = rehearsal.step().unwrap() {
            let id = step.head.map_or("?".to_owned(), |head| head.id);
            let copy = match (step.is_copy, step.overtaken) {
                (true, _) => " copy",
                (_, Some(_)) => " early",
                _ => "",
            };
            let follows: String =
                step.follows.iter().map(|head| format!(" +{}", head.id)).collect();
            let result = step.result.map_or_else(|fault| fault.message, |()| "ok".into());
            steps.push(format!("{id}{copy}: {result}{follows}"));
        }
        steps
    }

    fn everything(&self) -> Vec<String> {
        self.rehearse(&|_| true)
    }

    fn delivered(&self) -> Vec<String> {
        std::mem::take(&mut self.notes.0.lock().unwrap())
    }

    /// Content and time of everything below the folder.
    fn state(&self) -> BTreeMap<std::path::PathBuf, (SystemTime, Vec<u8>)> {
        fn visit(path: &Path, state: &mut BTreeMap<std::path::PathBuf, (SystemTime, Vec<u8>)>) {
            let bytes = fs::read(path).unwrap_or_default();
            let modified = fs::metadata(path).unwrap().modified().unwrap();
            state.insert(path.to_owned(), (modified, bytes));
            for entry in fs::read_dir(path).into_iter().flatten() {
                visit(&entry.unwrap().path(), state);
            }
        }
        let mut state = BTreeMap::new();
        visit(self.folder.path(), &mut state);
        state
    }
}

#[test]
fn the_order_is_that_of_the_loop_and_nothing_changes() {
    let place = Place::new();
    place.add("oxmail/oxcontext", "c1", json!(null));
    place.add("users/user", "u1", json!({}));
    place.add("oxmail/oxcontext", "c2", json!({}));
    place.add("users/user", "u1", json!({"title": "x"}));
    let before = place.state();
    let steps = place.everything();
    assert_eq!(steps, ["c2: ok", "u1: ok", "u1: ok", "c1: ok"]);
    let rehearsed = place.delivered();
    // What never was known is removed without asking the recipient.
    assert_eq!(rehearsed, ["cn=c2,dc=x new", "cn=u1,dc=x new", "cn=u1,dc=x known"]);
    assert_eq!(place.state(), before);

    let objects = Objects::open(place.queue.dir(), INDEXING).unwrap();
    let consumer = place.queue.consumer("test").unwrap();
    let ended = Engine::new(consumer, &place.notes, &objects, Shutdown::new()).run(Mode::Once);
    assert_eq!(ended.unwrap(), Ended::Done);
    assert_eq!(place.delivered(), rehearsed, "the loop does the same");
}

#[test]
fn faults_are_named_and_what_is_behind_them_goes_on() {
    let place = Place::new();
    place.add("users/user", "u1", json!({"faulty": true}));
    place.add("users/user", "u2", json!({}));
    place.add("container/ou", "o1", json!({}));
    fs::write(place.queue.dir().join("2026-01-01-00-00-00-000000.json"), "{").unwrap();
    let steps = place.everything();
    assert_eq!(steps.len(), 4, "{steps:?}");
    assert!(steps[0].starts_with("?: ") && steps[0].contains("000000.json"), "{steps:?}");
    assert!(steps[1].starts_with("o1: ") && steps[1].contains("not handled here"), "{steps:?}");
    assert_eq!(steps[2..], ["u1: refused", "u2: ok"]);
}

#[test]
fn an_item_that_needs_what_another_object_has_goes_behind_that() {
    let place = Place::new();
    place.add("users/user", "u1", json!({"waits for": "u3"}));
    place.add("users/user", "u2", json!({}));
    place.add("users/user", "u3", json!({}));
    assert_eq!(place.everything(), ["u3: ok", "u1: ok", "u2: ok"]);
    // Each waits for the other.
    place.add("users/user", "u3", json!({"waits for": "u1"}));
    place.add("users/user", "u1", json!({}));
    assert_eq!(
        place.everything(),
        ["u3: ok", "u3: taken", "u1: taken", "u2: ok", "u1: ok"],
        "faults are named, and all behind them is rehearsed"
    );
}

#[test]
fn items_that_follow_are_rehearsed_as_well() {
    let place = Place::new();
    place.add("users/user", "u1", json!({"group": true}));
    place.add("users/user", "u2", json!({"group": true}));
    let steps = place.everything();
    assert_eq!(steps, ["u1: ok +group", "u2: ok", "group copy: ok"]);
    assert_eq!(place.copies.names().unwrap(), []);
}

#[test]
fn an_object_whose_item_is_faulty_or_unwanted_goes_on_waiting() {
    let place = Place::new();
    place.add("groups/group", "group", json!({"faulty": true}));
    let wanted = place.add("users/user", "u1", json!({"group": true}));
    assert_eq!(place.rehearse(&|name| *name == wanted), ["u1: ok"]);
    assert_eq!(place.everything(), ["u1: ok", "group: refused"]);
    let last = place.add("groups/group", "group", json!({}));
    assert_eq!(place.rehearse(&|name| *name == last), ["group early: ok"]);
}
