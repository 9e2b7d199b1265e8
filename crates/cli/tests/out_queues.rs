//! The queues of school authorities, as the built command shows them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use assert_cmd::Command;
use idspool_spool::{Fault, FaultClass, ItemName, Spool};
use serde_json::{Value, json};

const ANNA: &str = "uid=anna,cn=schueler,cn=users,ou=a,dc=example,dc=org";

/// An installation with the authorities `north` (active), `south` (deactivated) and `broken`, and a queue of one
/// that is gone.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.write(
            "idspool.toml",
            "[ox]\nenabled = false\n[kelvin]\nenabled = true\ndata_dir = 'k'\n",
        );
        place.authority("north", true);
        place.authority("south", false);
        place.write("k/conf/school_authorities/broken.json", "{ half");
        place.queue("gone");
        place
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn authority(&self, name: &str, active: bool) {
        let users = json!({
            "username": "name", "firstname": "firstname", "lastname": "lastname", "school": "school",
            "schools": "schools", "roles": "roles", "ucsschoolRecordUID": "record_uid",
            "ucsschoolSourceUID": "source_uid"
        });
        let document = json!({
            "name": name, "active": active, "plugins": ["kelvin"],
            "url": format!("https://{name}.example.org/ucsschool/kelvin/v1/"),
            "plugin_configs": {"kelvin": {
                "username": "idc", "password": "hush-hush",
                "mapping": {"users": users, "school_classes": {"name": "name", "school": "school"}}
            }}
        });
        self.write(&format!("k/conf/school_authorities/{name}.json"), &document.to_string());
    }

    fn queue(&self, authority: &str) -> Spool {
        Spool::create(self.0.path().join("k/out_queues").join(authority)).unwrap()
    }

    fn enqueue(&self, authority: &str) -> ItemName {
        let item = json!({
            "id": "0f3c9c6a-0000-103f-8000-000000000001", "udm_object_type": "users/user", "dn": ANNA,
            "options": [], "object": {"username": "anna"},
            "user_passwords": {
                "userPassword": ["{crypt}secret"], "sambaNTPassword": "secret", "krb5Key": ["c2VjcmV0"],
                "krb5KeyVersionNumber": 1, "sambaPwdLastSet": 1,
            },
        });
        self.queue(authority).enqueue(item.to_string().as_bytes()).unwrap()
    }

    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let output = Command::cargo_bin("idspool")
            .unwrap()
            .args(arguments)
            .current_dir(self.0.path())
            .env_remove("IDSPOOL_CONFIG")
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(text).unwrap())
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let (_, text) = self.run(arguments);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

#[test]
fn status_tells_of_each_queue_whether_it_is_worked_on() {
    let place = Place::new();
    place.enqueue("north");
    place.enqueue("south");
    let status = place.json(&["--json", "status"]);
    let rows: Vec<_> = status["queues"]
        .as_array()
        .unwrap()
        .iter()
        .map(|queue| {
            let text = |key: &str| queue[key].as_str().map(str::to_owned);
            (text("queue").unwrap(), text("school_authority"), queue["active"].as_bool().unwrap())
        })
        .collect();
    let row = |name: &str, authority: Option<&str>, active| {
        (name.to_owned(), authority.map(str::to_owned), active)
    };
    assert_eq!(
        rows,
        [
            row("listener", None, true),
            row("kelvin", Some(""), true),
            row("kelvin/broken", Some("broken"), false),
            row("kelvin/gone", Some("gone"), false),
            row("kelvin/north", Some("north"), true),
            row("kelvin/south", Some("south"), false),
        ]
    );
    assert_eq!(status["queues"][4]["waiting"], 1);
    let (code, text) = place.run(&["status"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("the school authority is deactivated: what arrives waits"), "{text}");
    assert!(text.contains("the file of the school authority cannot be used"), "{text}");
    assert!(text.contains("there is no such school authority"), "{text}");
}

#[test]
fn items_of_an_authority_are_listed_removed_and_restored() {
    let place = Place::new();
    let name = place.enqueue("north");
    place.enqueue("south");
    let (_, list) = place.run(&["queue", "list", "--queue", "kelvin/north"]);
    assert_eq!(list.lines().count(), 1, "{list}");
    assert!(list.contains("kelvin/north") && list.contains(ANNA), "{list}");
    let (_, shown) = place.run(&["queue", "show", name.as_str(), "--queue", "kelvin/north"]);
    assert!(shown.contains("anna") && !shown.contains("secret"), "{shown}");
    let (code, text) = place.run(&["queue", "remove", name.as_str(), "--queue", "kelvin/north"]);
    assert_eq!(code, 0, "{text}");
    assert!(place.queue("north").names().unwrap().is_empty());
    place.run(&["queue", "restore", name.as_str(), "--queue", "kelvin/north"]);
    assert_eq!(place.queue("north").names().unwrap(), [name]);
    let (code, text) = place.run(&["queue", "list", "--queue", "kelvin/nobody"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("there is no queue 'kelvin/nobody'"), "{text}");
}

#[test]
fn the_fault_of_one_authority_is_explained() {
    let place = Place::new();
    let name = place.enqueue("north");
    let consumer = place.queue("north").consumer("test").unwrap();
    consumer
        .record_fault(&Fault {
            item: Some(name.clone()),
            class: FaultClass::Permanent,
            message: "PATCH users/anna: status 422: value is not a valid email address".into(),
            remedy: None,
            next_attempt: None,
        })
        .unwrap();
    let (code, text) = place.run(&["status"]);
    assert_eq!(code, 1, "{text}");
    let (code, text) = place.run(&["explain"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("The queue 'kelvin/north' stands"), "{text}");
    let error = place.json(&["current-error", "--queue", "kelvin/north"]);
    assert_eq!(error["errors"], "1");
    assert_eq!(place.json(&["current-error", "--queue", "kelvin/south"])["errors"], "0");
    let item = place.json(&["--json", "explain", name.as_str(), "--queue", "kelvin/north"]);
    assert_eq!(item["item"]["effect"], "new");
    assert_eq!(item["fault"]["class"], "permanent");
}

#[test]
fn the_check_and_the_report_know_the_authorities_and_keep_secrets() {
    let place = Place::new();
    let (code, text) = place.run(&["config", "check"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("broken.json"), "{text}");
    let report = place.json(&["support-info"]);
    let authorities = report["kelvin"]["authorities"].as_array().unwrap();
    assert_eq!(authorities.len(), 3, "{report:#}");
    assert!(report["queues"].as_array().unwrap().iter().any(|q| q["queue"] == "kelvin/north"));
    for text in [text, report.to_string()] {
        assert!(!text.contains("hush-hush"), "{text}");
    }
}
