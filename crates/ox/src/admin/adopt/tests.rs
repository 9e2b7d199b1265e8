//! Data directories as the connector leaves them, made by code.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::*;

/// A connector's data directory and, beside it, ours.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// One context with one user, complete.
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["listener/old", "secrets", "conf/ca-certificates"] {
            fs::create_dir_all(place.old().join(folder)).unwrap();
        }
        place.write("secrets/contexts.json", &credentials(&["10", "master"]));
        place.snapshot("c-10", "oxmail/oxcontext", json!({"name": "context10", "contextid": 10}));
        place.snapshot("u-1", "users/user", user("anna", 10, 42));
        place.write("ModuleAccessDefinitions.properties", "# a\n# b\n\npremium=webmail,usm\n\n");
        place
    }

    fn old(&self) -> PathBuf {
        self.folder.path().join("old-data")
    }

    fn new_data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.old().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn snapshot(&self, id: &str, object_type: &str, object: Value) {
        let dn = format!("cn={id},dc=example,dc=org");
        self.write(&format!("listener/old/{id}.json"), &item(id, object_type, &dn, object));
    }

    fn config(&self) -> Ox {
        Ox { data_dir: self.new_data(), ..Ox::default() }
    }

    fn source(&self) -> Source {
        Source { data: self.old(), listener: None }
    }

    fn inspect(&self) -> Report {
        let config = self.config();
        inspect(&self.source(), &config, &Settings::new(&config).unwrap(), &mut Silent).unwrap()
    }

    fn take_over(&self, way: Way, config: &Ox) -> Result<Done, AdoptError> {
        let settings = Settings::new(config).unwrap();
        let listener = self.folder.path().join("listener");
        super::take_over(&self.source(), way, config, &settings, &listener, &mut Silent)
    }

    /// The examples of a finding.
    fn examples(&self, topic: &str) -> Vec<String> {
        let report = self.inspect();
        let found = report.findings.into_iter().find(|finding| finding.topic == topic);
        found.map(|finding| finding.examples).unwrap_or_default()
    }
}

fn user(name: &str, context: impl Into<Value>, id: i64) -> Value {
    json!({
        "isOxUser": "OK", "oxContext": context.into(), "username": name, "oxAccess": "premium",
        "mailPrimaryAddress": format!("{name}@example.org"), "oxDbId": id, "oxDbUsername": name,
    })
}

fn item(id: &str, object_type: &str, dn: &str, object: Value) -> String {
    let item = json!({
        "id": id, "udm_object_type": object_type, "dn": dn, "object": object, "options": ["default"],
    });
    format!("{item:#}")
}

fn credentials(keys: &[&str]) -> String {
    let entries: serde_json::Map<String, Value> = keys
        .iter()
        .map(|key| ((*key).to_owned(), json!({"adminuser": "oxadmin", "adminpass": "s3cr3t"})))
        .collect();
    Value::Object(entries).to_string()
}

/// Everything below a folder: names, contents and times.
fn state(folder: &Path) -> Vec<(PathBuf, Vec<u8>, SystemTime)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        if path.is_dir() {
            found.extend(state(&path));
            found.push((path, Vec::new(), modified));
        } else {
            let bytes = fs::read(&path).unwrap();
            found.push((path, bytes, modified));
        }
    }
    found.sort();
    found
}

#[test]
fn a_sound_directory_needs_nobody_and_looking_changes_nothing() {
    let place = Place::new();
    place.write(
        "listener/2026-01-01-00-00-00-000001.json",
        &item("u-1", "users/user", "cn=x", json!(null)),
    );
    let before = state(&place.old());
    let report = place.inspect();
    assert!(!report.needs_a_person(), "{:?}", report.findings);
    let users = report.counts.types["users/user"];
    assert_eq!((users.snapshots, users.active, users.with_id), (1, 1, 1));
    assert_eq!((users.waiting, users.waiting_removals), (1, 1));
    assert_eq!(state(&place.old()), before);
    assert!(!place.new_data().exists());
}

#[test]
fn what_is_wrong_with_snapshots_is_named() {
    let place = Place::new();
    place.write("listener/old/u-2.json", "{\"id\": \"u-2\"");
    place.write("listener/old/u-3.json", &item("u-4", "users/user", "cn=x", json!({})));
    place.write("listener/old/u-5.json", &item("u-5", "users/user", "cn=x", json!(null)));
    place.snapshot("u-6", "users/user", user("berta", 10, 42));
    place.write(
        "listener/old/u-7.json",
        &item("u-7", "users/user", "CN=U-1 , dc=example,dc=org", user("carl", "10", 43)),
    );
    place.snapshot("u-8", "users/user", json!({"isOxUser": true, "oxContext": null}));
    place.snapshot("u-9", "users/user", json!({"isOxUser": "OK", "oxContext": "ten"}));
    place.snapshot("u-a", "users/user", json!({"isOxUser": "OK", "oxContext": 11}));
    place.snapshot("s-1", "oxmail/shared_account", json!({}));
    place.write("listener/old/u-1.json.tmp", "{");
    assert!(place.examples("snapshot-damaged")[0].starts_with("u-2.json: "));
    assert_eq!(place.examples("snapshot-name"), ["u-3.json holds u-4"]);
    assert_eq!(place.examples("snapshot-deleted"), ["u-5.json: cn=x"]);
    let mut twice =
        place.examples("id-twice")[0].split(", ").map(str::to_owned).collect::<Vec<_>>();
    twice.sort();
    assert_eq!(twice, ["u-1.json", "u-6.json"]);
    assert!(place.examples("dn-twice")[0].contains("u-7.json"), "one DN in two spellings");
    assert_eq!(place.examples("context-text").len(), 2);
    assert_eq!(place.examples("no-context"), ["cn=u-8,dc=example,dc=org"]);
    assert!(place.examples("context-unusable")[0].contains("'oxContext'"));
    assert_eq!(place.examples("no-id"), ["cn=u-a,dc=example,dc=org"]);
    assert_eq!(place.examples("credentials-context"), ["context 11 with 1 objects"]);
    assert!(place.examples("unhandled-type")[0].starts_with("oxmail/shared_account"));
    assert_eq!(place.examples("temporary"), ["u-1.json.tmp"]);
    assert!(place.inspect().needs_a_person());
}

#[test]
fn what_is_wrong_with_the_queue_is_named() {
    let place = Place::new();
    place.write(
        "listener/2026-01-01-00-00-00.json",
        &item("n-1", "users/user", "cn=n", user("n", 10, 9)),
    );
    place.write(
        "listener/2026-01-01-00-00-01-000001.json",
        &item("n-1", "users/user", "cn=n", json!(null)),
    );
    place.write("listener/2026-01-01-00-00-02-000001.json", "Traceback");
    place.write(
        "listener/2026-01-01-00-00-03-000001.json",
        &item("s", "oxmail/shared_account", "cn=s", json!({})),
    );
    place.write("listener/2026-01-01-00-00-04-000001.json.tmp", "{");
    assert_eq!(place.examples("queue-by-hand"), ["2026-01-01-00-00-00.json"]);
    assert_eq!(
        place.examples("queue-created-deleted"),
        ["2026-01-01-00-00-00.json and 2026-01-01-00-00-01-000001.json: cn=n"]
    );
    assert!(place.examples("queue-damaged")[0].starts_with("2026-01-01-00-00-02-000001.json: "));
    assert!(place.examples("queue-unknown-type")[0].ends_with("oxmail/shared_account"));
    assert_eq!(place.examples("temporary"), ["2026-01-01-00-00-04-000001.json.tmp"]);
    assert_eq!(place.inspect().counts.waiting, 4);
}

#[test]
fn what_is_wrong_with_the_other_files_is_named_without_secrets() {
    let place = Place::new();
    place.snapshot("p-1", "oxmail/accessprofile", json!({"name": "lost", "displayName": "Lost"}));
    place.snapshot(
        "u-2",
        "users/user",
        json!({"isOxUser": "OK", "oxContext": 10, "oxAccess": "lost"}),
    );
    place.snapshot(
        "u-3",
        "users/user",
        json!({"isOxUser": "OK", "oxContext": 10, "oxAccess": "none"}),
    );
    place.snapshot(
        "u-4",
        "users/user",
        json!({"isOxUser": "OK", "oxContext": 11, "oxAccess": "nosuch"}),
    );
    place.write("ModuleAccessDefinitions.properties", "# a\n# b\n\nnone=\n\npremium=webmail\n\n");
    place.write("secrets/contexts.json", &credentials(&["10"]));
    place.write("secrets/context11.secret", "pw-of-eleven");
    place.write("secrets/context.secret", "pw-of-none");
    place.write("AttributeMapping.json", "{\"given_name\": {");
    place.write("conf/ca-certificates/ca.pem", "no certificate");
    place.write("listener/old.db", "\u{1}");
    place.write("listener/meta.db", "\u{1}");
    fs::set_permissions(
        place.old().join("secrets/contexts.json"),
        fs::Permissions::from_mode(0o644),
    )
    .unwrap();
    assert_eq!(place.examples("empty-profile"), ["'lost' with 1 users", "'none' with 1 users"]);
    assert_eq!(place.examples("profile-unknown"), ["'nosuch' with 1 users"]);
    assert_eq!(place.examples("secret-files"), ["context11.secret"]);
    assert_eq!(place.examples("secret-files-odd"), ["context.secret"]);
    assert_eq!(place.examples("credentials-context"), [""; 0], "11 is taken over from its file");
    assert_eq!(place.examples("credentials-master").len(), 1);
    assert_eq!(place.examples("mapping-not-json").len(), 1);
    assert_eq!(place.examples("certificates").len(), 1);
    assert_eq!(place.examples("not-read"), ["listener/meta.db", "listener/old.db"]);
    assert_eq!(place.examples("error-state").len(), 1);
    assert_eq!(place.examples("running-recently").len(), 2, "databases written just now");
    assert!(place.examples("open-access").iter().any(|path| path.ends_with("contexts.json")));
    place.write("AttributeMapping.json", "{\"given_nam\": {}}");
    assert!(place.examples("mapping-invalid")[0].contains("given_nam"));
    place.write("secrets/contexts.json", "{\"10\": {\"adminpass\": \"s3cr3t\"");
    assert!(place.examples("credentials")[0].contains("not JSON"));
    let text = serde_json::to_string(&place.inspect()).unwrap();
    for secret in ["s3cr3t", "pw-of-eleven", "pw-of-none"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn a_forgotten_identifier_is_found_in_the_snapshots() {
    let place = Place::new();
    for (id, name) in [("u-1", "anna"), ("u-2", "berta")] {
        let mut object = user(name, 10, id.len() as i64);
        object["employeeNumber"] = json!(format!("E-{name}"));
        object["oxDbUsername"] = json!(format!("E-{name}"));
        place.snapshot(id, "users/user", object);
    }
    place.snapshot(
        "g-1",
        "groups/group",
        json!({"isOxGroup": "OK", "name": "team", "oxDbGroupname": "g-1"}),
    );
    assert_eq!(
        place.examples("identifier"),
        [
            "1 of 1 groups: OX_GROUP_IDENTIFIER=entryUUID fits all of them",
            "2 of 2 users: OX_USER_IDENTIFIER=employeeNumber fits all of them",
        ]
    );
}

#[test]
fn a_folder_that_is_none_is_refused() {
    let place = Place::new();
    let config = place.config();
    let source = Source { data: place.old().join("secrets"), listener: None };
    let settings = Settings::new(&config).unwrap();
    let error = inspect(&source, &config, &settings, &mut Silent).unwrap_err().to_string();
    assert!(error.contains("no folder 'listener'"), "{error}");
}

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
