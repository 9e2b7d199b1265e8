//! What a look at a directory finds.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::*;

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
fn what_is_no_file_holds_nobody_up() {
    let place = Place::new();
    for name in [
        "listener/old/u-2.json",
        "listener/2026-01-01-00-00-00-000001.json",
        "secrets/contexts.json",
        "AttributeMapping.json",
        "ModuleAccessDefinitions.properties",
    ] {
        let path = place.old().join(name);
        let _may_be_there = fs::remove_file(&path);
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
    }
    fs::create_dir(place.old().join("listener/old/u-3.json")).unwrap();
    let named = place.examples("unreadable");
    // What is no file is no item of the queue either.
    assert_eq!(named.len(), 5, "{named:?}");
    assert_eq!(place.inspect().counts.waiting, 0);
    let done = place.take_over(Way::Copy, &place.config()).unwrap();
    assert_eq!(done.copied, 2, "the two snapshots");
}
