use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use idspool_service::Kelvin;
use idspool_spool::Spool;
use serde_json::{Value, json};

use super::*;
use crate::routing::state::{Identity, Kind, RoutingState, Told};

const ANNA: &str = "0b0c7f1e-0000-1040-8000-3f0a1f5f0001";
const BERT: &str = "0b0c7f1e-0000-1040-8000-3f0a1f5f0002";
const GONE: &str = "0b0c7f1e-0000-1040-8000-3f0a1f5f0005";
const FORGOTTEN: &str = "0b0c7f1e-0000-1040-8000-3f0a1f5f0006";
const READY: &str = "2025-11-20-08-15-00-000001_ready.json";

/// The directory of an ID Connector with two authorities, waiting changes and a memory that `diskcache` wrote, and
/// room for ours.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for name in ["north", "south"] {
            let mut file = authority(name);
            file["later"] = json!(1);
            place.write(&format!("app/conf/school_authorities/{name}.json"), &file);
            fs::create_dir_all(place.path(&format!("app/data/out_queues/{name}/trash"))).unwrap();
        }
        let mapping = json!({"mapping": {"School1": "north", "School2": "south"}});
        place.write("app/conf/schools_authorities_mapping.json", &mapping);
        place.write(&format!("app/data/listener/{READY}"), &user(ANNA));
        place.write("app/data/listener/2025-11-20-08-15-00-000002.json", &user(BERT));
        place.write(&format!("app/data/out_queues/north/{READY}"), &user(ANNA));
        let memory =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("src/admin/adopt/tests/old_data_db");
        copy_folder(&memory, &place.path("app/data/old_data_db"));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: &Value) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content.to_string()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn source(&self) -> Source {
        Source { directory: self.path("app"), listener: None }
    }

    /// The configuration for a take-over in place, or as a copy.
    fn config(&self, way: Way) -> Kelvin {
        let data_dir = match way {
            Way::InPlace => self.path("app/data"),
            Way::Copy => self.path("own"),
        };
        Kelvin { data_dir, ..Kelvin::default() }
    }

    fn inspect(&self) -> Report {
        inspect(&self.source(), &self.config(Way::InPlace), &mut |_, _, _| {}).unwrap()
    }

    fn take(&self, way: Way) -> Result<Done, AdoptError> {
        let spool = self.path("spool");
        take_over(&self.source(), way, &self.config(way), &spool, &mut |_, _, _| {})
    }

    fn layout(&self, way: Way) -> Layout {
        Layout::new(&self.config(way))
    }

    /// Examples of each finding.
    fn found(&self, topic: &str) -> Vec<String> {
        let report = self.inspect();
        let finding = report.findings.into_iter().find(|finding| finding.topic == topic);
        finding.map(|finding| finding.examples).unwrap_or_default()
    }
}

fn authority(name: &str) -> Value {
    json!({
        "name": name, "active": true, "url": "https://k.example/ucsschool/kelvin/v1/", "plugins": ["kelvin"],
        "plugin_configs": {"kelvin": {
            "username": "idc", "password": "s3cret", "mapping": {"users": {"username": "name"}}}},
    })
}

fn user(id: &str) -> Value {
    json!({
        "id": id, "udm_object_type": "users/user", "dn": "uid=anna,dc=example,dc=org", "action": "add_mod",
        "options": ["default", "ucsschoolStudent"], "object": {"username": "anna", "school": ["School1"]},
        "old_data": {"record_uid": "4711", "schools": ["School1"], "source_uid": "SIS"},
        "user_passwords": null,
    })
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn names(folder: &Path) -> Vec<String> {
    Spool::open(folder).unwrap().names().unwrap().iter().map(ToString::to_string).collect()
}

/// What routing must know after the take-over.
fn check_state(layout: &Layout) {
    let state = RoutingState::existing(&layout.routing_state()).unwrap().unwrap();
    let anna = state.find(ANNA, Kind::User).unwrap().unwrap();
    assert_eq!(anna.schools, ["School1", "Schule Süd"]);
    let identity = Identity { record_uid: Some("4711".into()), source_uid: Some("SIS".into()) };
    assert_eq!(anna.identity, identity);
    assert_eq!(anna.told.keys().map(|name| name.as_str()).collect::<Vec<_>>(), ["north"]);
    assert_eq!(anna.told.values().next(), Some(&Told::default()));
    assert_eq!(anna.deleted, None);
    let bert = state.find(BERT, Kind::User).unwrap().unwrap();
    assert_eq!(bert.identity, Identity::default());
    assert!(state.find(GONE, Kind::User).unwrap().unwrap().deleted.is_some());
    assert_eq!(state.find(FORGOTTEN, Kind::User).unwrap(), None);
    let counts = state.counts().unwrap();
    assert_eq!((counts.users, counts.classes, counts.deleted), (2, 0, 1));
}

#[test]
fn what_is_there_is_counted() {
    let place = Place::new();
    let report = place.inspect();
    let counts = report.counts.clone();
    assert_eq!((counts.authorities, counts.schools), (2, 2));
    assert_eq!((counts.users, counts.groups), (3, 2), "what has expired does not count");
    assert_eq!(counts.in_queue, 2);
    assert_eq!(counts.out_queues, [("north".to_owned(), 1), ("south".to_owned(), 0)].into());
    assert!(!report.needs_a_person(), "{:?}", report.findings);
    assert!(!serde_json::to_string(&report).unwrap().contains("s3cret"));
}

#[test]
fn each_oddity_is_found() {
    let place = Place::new();
    let app = place.path("app");
    let write = |name: &str, text: &str| {
        let path = app.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    };
    place.write(&format!("app/data/out_queues/north/trash/{READY}"), &user(ANNA));
    write("data/listener/trash/2025-11-20-08-15-00-000009.json", "{}");
    write("data/listener/keep/x.json", "{}");
    write("data/listener/notes.txt", "");
    write("data/listener/2025-11-20-08-15-00-000003.json", "{\"id\": ");
    write("data/out_queues/west/2025-11-20-08-15-00-000003.json", "[]");
    write("conf/school_authorities/east.json", "{\"password\": \"s3cret\"");
    write("conf/plugins/plugins/mine.py", "");
    write("conf/tokens.secret", "0123");
    write("data/out_queues_trash/20251120_081500.old/x.json", "{}");
    fs::set_permissions(
        app.join("conf/school_authorities/north.json"),
        fs::Permissions::from_mode(0o644),
    )
    .unwrap();
    for (topic, expected) in [
        ("given-up", "north: uid=anna,dc=example,dc=org"),
        ("ignored", "2025-11-20-08-15-00-000009.json"),
        ("kept", "keep/x.json"),
        ("queue-odd", "notes.txt"),
        ("queue-damaged", "2025-11-20-08-15-00-000003.json"),
        ("abandoned", "west"),
        ("authority", "school authority 'east'"),
        ("plugins", "plugins/plugins/mine.py"),
        ("token-key", "tokens.secret"),
        ("removed-queues", "20251120_081500.old"),
        ("open-access", "north.json"),
    ] {
        let examples = place.found(topic);
        assert!(examples.iter().any(|example| example.contains(expected)), "{topic}: {examples:?}");
        assert!(!examples.concat().contains("s3cret"));
    }
    fs::remove_dir_all(app.join("data/old_data_db")).unwrap();
    assert_eq!(place.found("no-memory").len(), 1);
    write(
        "data/old_data_db/cache.db",
        "no database at all, but long enough to be looked at as if it were one",
    );
    assert!(place.found("no-memory")[0].contains("not a database"));
    write("conf/schools_authorities_mapping.json", "{");
    assert_eq!(place.found("configuration").len(), 1);
    let elsewhere = Source { directory: place.path("app/data"), listener: None };
    let error = inspect(&elsewhere, &place.config(Way::InPlace), &mut |_, _, _| {}).unwrap_err();
    assert!(error.to_string().contains("holds conf/ and data/"), "{error}");
}

#[test]
fn pipes_and_links_among_the_files_neither_hang_nor_are_followed() {
    let place = Place::new();
    let secret = place.path("secret");
    fs::write(&secret, "root:x").unwrap();
    let link = "out_queues/north/2025-11-20-08-15-00-000009.json";
    std::os::unix::fs::symlink(&secret, place.path("app/data").join(link)).unwrap();
    place.take(Way::Copy).unwrap();
    assert!(!place.config(Way::Copy).data_dir.join(link).exists());

    let place = Place::new();
    let memory = place.path("app/data/old_data_db/cache.db");
    fs::remove_file(&memory).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&memory).status().unwrap().success());
    let error = place.take(Way::Copy).unwrap_err().to_string();
    assert!(error.contains("old_data_db"), "{error}");
}

#[test]
fn a_directory_is_taken_over_in_place() {
    let place = Place::new();
    let file = place.path("app/conf/school_authorities/north.json");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let before = fs::read(place.path("app/data/listener").join(READY)).unwrap();
    let done = place.take(Way::InPlace).unwrap();
    assert_eq!((done.imported, done.copied), (3, 0));
    let layout = place.layout(Way::InPlace);
    assert_eq!((&done.data_dir, &done.conf_dir), (&layout.data, &layout.conf));
    check_state(&layout);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read(place.path("app/data/listener").join(READY)).unwrap(), before);

    let again = place.take(Way::InPlace).unwrap();
    assert_eq!(again.imported, 0, "what is known stays");
    check_state(&layout);
}

#[test]
fn a_directory_is_copied() {
    let place = Place::new();
    let done = place.take(Way::Copy).unwrap();
    assert_eq!((done.imported, done.copied), (3, 6), "three items, the mapping, two authorities");
    let layout = place.layout(Way::Copy);
    check_state(&layout);
    assert_eq!(names(&layout.in_queue()).len(), 2);
    assert_eq!(names(&layout.out_queue(&"north".parse().unwrap())), [READY]);
    let loaded = crate::conf::load(&layout).unwrap();
    assert_eq!(loaded.usable().count(), 2);
    assert_eq!(loaded.mapping.authority_of("school2").unwrap().as_str(), "south");
    let copied = fs::read_to_string(layout.authority(&"north".parse().unwrap())).unwrap();
    assert!(copied.contains("later"), "{copied}");

    let error = place.take(Way::Copy).unwrap_err().to_string();
    assert!(error.contains("has school authorities already"), "{error}");
}

#[test]
fn a_copy_that_broke_off_is_finished() {
    let place = Place::new();
    let layout = place.layout(Way::Copy);
    // A folder in the way of the authorities' draft makes the last step fail.
    let draft = layout.conf.join(".school_authorities.adopting/north.json/x");
    fs::create_dir_all(draft.parent().unwrap()).unwrap();
    fs::write(&draft, "").unwrap();
    place.take(Way::Copy).unwrap_err();
    assert!(crate::conf::load(&layout).unwrap().authorities.is_empty(), "nothing is consumed yet");
    fs::remove_dir_all(layout.conf.join(".school_authorities.adopting")).unwrap();
    let done = place.take(Way::Copy).unwrap();
    assert_eq!((done.imported, done.copied), (0, 2));
    check_state(&layout);
    assert_eq!(crate::conf::load(&layout).unwrap().usable().count(), 2);
}

#[test]
fn nobody_else_may_be_at_work() {
    let place = Place::new();
    for queue in ["app/data/listener", "app/data/out_queues/south", "spool"] {
        let consumer = Spool::create(place.path(queue)).unwrap().consumer("tester").unwrap();
        let error = place.take(Way::InPlace).unwrap_err();
        assert!(matches!(error, AdoptError::Busy { .. }), "{queue}: {error}");
        assert!(error.to_string().contains("tester"), "{error}");
        drop(consumer);
    }
    place.take(Way::InPlace).unwrap();
}

#[test]
fn later_changes_go_behind_those_that_wait() {
    let place = Place::new();
    let soon =
        (chrono::Utc::now() + chrono::TimeDelta::hours(2)).format("%Y-%m-%d-%H-%M-%S-%6f.json");
    place.write(&format!("app/data/out_queues/south/{soon}"), &user(ANNA));
    place.take(Way::InPlace).unwrap();
    let spool = Spool::open(place.path("app/data/out_queues/south")).unwrap();
    let next = spool.enqueue(b"{}").unwrap();
    assert!(next.as_str() > soon.to_string().as_str(), "{next}");
}

#[test]
fn listener_files_are_enqueued() {
    let place = Place::new();
    let item =
        json!({"entry_uuid": ANNA, "dn": "uid=anna", "object_type": "users/user", "command": "m"});
    place.write("host/2025-11-20-08-15-00-000001.json", &item);
    place.write(&format!("host/2025-11-20-08-15-00-000002_{ANNA}.json"), &item);
    let source = Source { listener: Some(place.path("host")), ..place.source() };
    let spool = place.path("spool");
    let config = place.config(Way::InPlace);
    let report = inspect(&source, &config, &mut |_, _, _| {}).unwrap();
    assert_eq!(report.counts.listener_items, 2);
    let done = take_over(&source, Way::InPlace, &config, &spool, &mut |_, _, _| {}).unwrap();
    assert_eq!(done.listener_items, 2);
    let spool = Spool::open(spool).unwrap();
    let read = |index: usize| -> Value {
        let names = spool.names().unwrap();
        serde_json::from_slice(&spool.read(&names[index], 1 << 20).unwrap().bytes).unwrap()
    };
    assert_eq!(read(0)["resync"], Value::Null);
    assert_eq!(read(1)["resync"], true, "what was scheduled stays a re-provisioning");
}
