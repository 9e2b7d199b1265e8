//! What a take-over leaves, whole or interrupted.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::*;

#[test]
fn a_copy_has_bytes_and_times_and_is_closed_to_others() {
    let place = Place::new();
    let past = SystemTime::now() - Duration::from_secs(1_000_000);
    let snapshot = place.old().join("listener/old/u-1.json");
    fs::File::options().write(true).open(&snapshot).unwrap().set_modified(past).unwrap();
    fs::set_permissions(&snapshot, fs::Permissions::from_mode(0o644)).unwrap();
    place.write("secrets/context12.secret", " pw \n");
    place.write(
        "listener/2026-01-01-00-00-00.json",
        &item("u-1", "users/user", "cn=x", json!(null)),
    );
    let before = state(&place.old());
    let done = place.take_over(Way::Copy, &place.config()).unwrap();
    assert_eq!(done.copied, 6);
    assert_eq!(state(&place.old()), before, "the source stays as it is");
    let copy = place.new_data().join("listener/old/u-1.json");
    assert_eq!(fs::read(&copy).unwrap(), fs::read(&snapshot).unwrap());
    let metadata = fs::metadata(&copy).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert_eq!(metadata.modified().unwrap(), fs::metadata(&snapshot).unwrap().modified().unwrap());
    assert!(place.new_data().join("listener/2026-01-01-00-00-00.json").exists());
    // The index knows the user by DN, with its id.
    let queue = place.new_data().join("listener");
    let objects = idspool_provisioner::Objects::open(&queue, crate::OxRecipient::INDEXING).unwrap();
    let known = objects.by_dn("CN=u-1,DC=example,DC=org").unwrap().unwrap();
    assert_eq!((known.facts.scope, known.facts.remote_id), (Some(10), Some(42)));
    assert_eq!(known.facts.digest, None, "so the next item is delivered in full");
    let credentials = fs::read_to_string(place.new_data().join("secrets/contexts.json")).unwrap();
    let credentials: Value = serde_json::from_str(&credentials).unwrap();
    assert_eq!(credentials["12"]["adminpass"], "pw");
    assert_eq!(credentials["10"]["adminpass"], "s3cr3t");
    let again = place.take_over(Way::Copy, &place.config()).unwrap_err().to_string();
    assert!(again.contains("has snapshots already"), "{again}");
}

#[test]
fn an_interrupted_copy_is_resumed_and_idspool_does_not_start_before() {
    let place = Place::new();
    let config = place.config();
    // What a kill in the middle of the copy leaves: the mark, one snapshot, one that lost its content.
    let old = place.new_data().join("listener/old");
    fs::create_dir_all(&old).unwrap();
    fs::copy(place.old().join("listener/old/u-1.json"), old.join("u-1.json")).unwrap();
    fs::write(old.join("c-10.json"), "").unwrap();
    let mark = json!({"source": place.old().canonicalize().unwrap()}).to_string();
    fs::write(place.new_data().join(".adopting"), mark).unwrap();
    let refused = refuse_half_done(&place.new_data()).unwrap_err().to_string();
    assert!(refused.contains("idspool ox adopt"), "{refused}");
    let done = place.take_over(Way::Copy, &config).unwrap();
    assert_eq!(done.copied, 3, "profiles, credentials and the snapshot without content");
    let copied = fs::read(old.join("c-10.json")).unwrap();
    assert_eq!(copied, fs::read(place.old().join("listener/old/c-10.json")).unwrap());
    refuse_half_done(&place.new_data()).unwrap();
}

/// The connector's files are root's; idspool should have a user of its own.
#[test]
fn what_root_copies_belongs_to_the_owner_of_the_target() {
    let place = Place::new();
    fs::create_dir(place.new_data()).unwrap();
    let root = rustix::process::geteuid().is_root();
    let owner = if root { 4711 } else { rustix::process::geteuid().as_raw() };
    std::os::unix::fs::chown(place.new_data(), Some(owner), None).unwrap();
    place.take_over(Way::Copy, &place.config()).unwrap();
    for name in
        ["listener", "listener/.objects.sqlite", "listener/old/u-1.json", "secrets/contexts.json"]
    {
        let metadata = fs::metadata(place.new_data().join(name)).unwrap();
        assert_eq!(metadata.uid(), owner, "{name}");
    }
}

#[test]
fn in_place_the_files_of_root_go_to_the_owner_of_the_directory() {
    let place = Place::new();
    let root = rustix::process::geteuid().is_root();
    let owner = if root { 4711 } else { rustix::process::geteuid().as_raw() };
    std::os::unix::fs::chown(place.old(), Some(owner), None).unwrap();
    let config = Ox { data_dir: place.old(), ..Ox::default() };
    place.take_over(Way::InPlace, &config).unwrap();
    for name in ["listener", "listener/.objects.sqlite", "listener/old", "listener/old/u-1.json"] {
        let metadata = fs::metadata(place.old().join(name)).unwrap();
        assert_eq!(metadata.uid(), owner, "{name}");
    }
}

#[test]
fn a_half_done_copy_of_another_directory_is_refused() {
    let place = Place::new();
    fs::create_dir_all(place.new_data()).unwrap();
    fs::write(place.new_data().join(".adopting"), r#"{"source": "/elsewhere"}"#).unwrap();
    let error = place.take_over(Way::Copy, &place.config()).unwrap_err().to_string();
    assert!(error.contains("copy of /elsewhere"), "{error}");
}

#[test]
fn prepared_files_of_the_target_are_kept_aside() {
    let place = Place::new();
    fs::create_dir_all(place.new_data().join("secrets")).unwrap();
    fs::write(place.new_data().join("secrets/contexts.json"), "{\"99\": {}}").unwrap();
    place.take_over(Way::Copy, &place.config()).unwrap();
    let kept = place.new_data().join("secrets/contexts.json.before-adopt");
    assert_eq!(fs::read_to_string(kept).unwrap(), "{\"99\": {}}");
}

#[test]
fn in_place_snapshots_keep_their_bytes_and_later_items_come_last() {
    let place = Place::new();
    let ahead = (chrono::Utc::now() + chrono::TimeDelta::hours(2)).format("%Y-%m-%d-%H-%M-%S");
    let name = format!("{ahead}-000007.json");
    place.write(&format!("listener/{name}"), &item("u-1", "users/user", "cn=x", json!(null)));
    let path = place.old().join("listener/old/u-1.json");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let (bytes, modified) =
        (fs::read(&path).unwrap(), fs::metadata(&path).unwrap().modified().unwrap());
    let config = Ox { data_dir: place.old(), ..Ox::default() };
    let done = place.take_over(Way::InPlace, &config).unwrap();
    assert_eq!((done.way, done.copied), (Way::InPlace, 0));
    assert!(done.closed >= 1);
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes);
    assert_eq!(metadata.modified().unwrap(), modified);
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    let spool = idspool_spool::Spool::open(place.old().join("listener")).unwrap();
    let next = spool.enqueue(b"{}").unwrap();
    assert!(next.as_str() > name.as_str(), "{next} after {name}");
}

#[test]
fn nothing_overtakes_items_that_are_not_copied_yet() {
    let place = Place::new();
    let ahead = (chrono::Utc::now() + chrono::TimeDelta::hours(2)).format("%Y-%m-%d-%H-%M-%S");
    let name = format!("{ahead}.json");
    place.write(&format!("listener/{name}"), &item("u-1", "users/user", "cn=x", json!(null)));
    // Copying fails in the middle, as a kill would end it.
    let snapshot = place.old().join("listener/old/u-1.json");
    fs::File::options().write(true).open(&snapshot).unwrap().set_len(LARGEST + 1).unwrap();
    let error = place.take_over(Way::Copy, &place.config()).unwrap_err().to_string();
    assert!(error.contains("u-1.json is larger than"), "{error}");
    assert!(refuse_half_done(&place.new_data()).is_err());
    // A converter that somebody starts all the same.
    let spool = idspool_spool::Spool::open(place.new_data().join("listener")).unwrap();
    let newer = spool.enqueue(b"{}").unwrap();
    assert!(newer.as_str() > name.as_str(), "{newer} after {name}");
}

#[test]
fn beside_a_running_idspool_nothing_is_done() {
    let place = Place::new();
    let config = Ox { data_dir: place.old(), ..Ox::default() };
    let spool = idspool_spool::Spool::open(place.old().join("listener")).unwrap();
    let _held = spool.consumer("idspool-ox").unwrap();
    let error = place.take_over(Way::InPlace, &config).unwrap_err();
    assert!(matches!(&error, AdoptError::Busy { holder } if holder.contains("idspool-ox")));
}

#[test]
fn listener_files_keep_their_order_and_their_wish() {
    let place = Place::new();
    let listener = place.folder.path().join("host");
    fs::create_dir(&listener).unwrap();
    let file = |name: &str, uuid: char| {
        let content = json!({
            "entry_uuid": format!("{uuid}0000000-0000-103f-8000-000000000001"), "dn": "uid=x,dc=x",
            "object_type": "users/user", "command": "m",
        });
        fs::write(listener.join(name), content.to_string()).unwrap();
    };
    file("2026-01-01-00-00-00.json", 'a');
    file("2026-01-01-00-00-01-000001.json", 'b');
    fs::write(listener.join("2026-01-01-00-00-02-000001.json"), "broken").unwrap();
    let config = Ox { data_dir: place.old(), ..Ox::default() };
    let settings = Settings::new(&config).unwrap();
    let spool = place.folder.path().join("listener");
    let source = Source { data: place.old(), listener: Some(listener) };
    let report = inspect(&source, &config, &settings, &mut Silent).unwrap();
    assert_eq!(report.counts.listener_items, 3);
    assert!(report.findings.iter().any(|finding| finding.topic == "listener-damaged"));
    let done =
        super::take_over(&source, Way::InPlace, &config, &settings, &spool, &mut Silent).unwrap();
    assert_eq!(done.listener_items, 3);
    let taken = idspool_spool::Spool::open(&spool).unwrap();
    let contents: Vec<String> = taken
        .names()
        .unwrap()
        .iter()
        .map(|name| fs::read_to_string(taken.path_of(name)).unwrap())
        .collect();
    let [first, second, third] = contents.as_slice() else { panic!("{contents:?}") };
    assert!(first.contains("a0000000") && first.contains("\"resync\":true"), "{first}");
    assert!(second.contains("b0000000") && !second.contains("resync"), "{second}");
    assert_eq!(third, "broken");
}
