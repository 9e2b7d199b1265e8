//! The built command, on real spools.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use assert_cmd::Command;
use idspool_spool::{Fault, FaultClass, ItemName, Spool};
use serde_json::{Value, json};

struct Place {
    folder: tempfile::TempDir,
}

const ANNA: &str = "uid=anna,cn=users,dc=example,dc=org";

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("idspool.toml"), "[ox]\ndata_dir = 'ox'\n").unwrap();
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn ox(&self) -> Spool {
        Spool::create(self.path().join("ox/listener")).unwrap()
    }

    fn enqueue(&self, dn: &str) -> ItemName {
        let item = json!({
            "id": "0f3c9c6a-0000-103f-8000-000000000001", "udm_object_type": "users/user", "dn": dn,
            "options": [], "object": {"password": "{crypt}secret", "username": "anna"},
        });
        self.ox().enqueue(item.to_string().as_bytes()).unwrap()
    }

    /// Runs the command and returns its exit status and standard output.
    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let output = Command::cargo_bin("idspool")
            .unwrap()
            .args(arguments)
            .current_dir(self.path())
            .env_remove("IDSPOOL_CONFIG")
            .env_remove("REQUESTS_CA_BUNDLE")
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(text).unwrap())
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let (_, text) = self.run(arguments);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    fn stop_at(&self, name: &ItemName) -> PathBuf {
        let spool = self.ox();
        let consumer = spool.consumer("test").unwrap();
        consumer
            .record_fault(&Fault {
                item: Some(name.clone()),
                class: FaultClass::Permanent,
                message: "The displayname is already used".into(),
                remedy: Some("allow duplicate display names in OX".into()),
                next_attempt: None,
            })
            .unwrap();
        spool.path_of(name)
    }
}

#[test]
fn status_of_a_fresh_system_is_healthy() {
    let place = Place::new();
    let (exit, text) = place.run(&["status"]);
    assert_eq!(exit, 0);
    assert!(text.contains("nothing waits") && text.contains("idspool-ox is not running"), "{text}");
}

#[test]
fn status_tells_where_why_and_what_to_do() {
    let place = Place::new();
    let faulty = place.enqueue(ANNA);
    place.enqueue(ANNA);
    let path = place.stop_at(&faulty);
    let (exit, text) = place.run(&["status"]);
    assert_eq!(exit, 1);
    for expected in
        ["2 items wait", "STOPPED since", path.to_str().unwrap(), "displayname", "allow dup"]
    {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    let ox = place.json(&["--json", "status"])["queues"][1].clone();
    assert_eq!(ox["item"], json!(path));
    assert_eq!(
        (&ox["stopped"], &ox["errors"], &ox["waiting"]),
        (&json!(true), &json!(1), &json!(2))
    );
    assert_eq!(ox["class"], "permanent");
}

#[test]
fn status_names_the_running_consumer() {
    let place = Place::new();
    let _consumer = place.ox().consumer("idspool-ox").unwrap();
    let ox = place.json(&["status", "--json"])["queues"][1].clone();
    assert_eq!((&ox["running"], &ox["pid"]), (&json!(true), &json!(std::process::id())));
}

#[test]
fn current_error_prints_what_the_manual_shows() {
    let place = Place::new();
    assert_eq!(place.run(&["current-error"]), (0, "{\"errors\": \"0\"}\n".into()));
    let path = place.stop_at(&place.enqueue(ANNA));
    let expected = format!(
        "{{\"errors\": \"1\", \"message\": \"The displayname is already used\", \"filename\": \"{}\"}}\n",
        path.display()
    );
    assert_eq!(place.run(&["current-error"]), (0, expected));
}

#[test]
fn list_shows_order_type_and_the_faulty_one() {
    let place = Place::new();
    let faulty = place.enqueue(ANNA);
    let second = place.enqueue("uid=bert,cn=users,dc=example,dc=org");
    place.stop_at(&faulty);
    let (_, text) = place.run(&["queue", "list"]);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with('!') && lines[0].contains(faulty.as_str()), "{text}");
    assert!(lines[1].contains("users/user") && lines[1].contains("uid=bert"), "{text}");
    let (_, text) = place.run(&["queue", "list", "--json", "--limit", "1"]);
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&line["faulty"], &line["dn"]), (&json!(true), &json!(ANNA)));
    assert!(!text.contains(second.as_str()));
}

#[test]
fn show_prints_content_and_fault_but_no_secret() {
    let place = Place::new();
    let name = place.enqueue(ANNA);
    place.stop_at(&name);
    let (exit, text) = place.run(&["queue", "show", name.as_str()]);
    assert_eq!(exit, 0);
    assert!(text.contains("displayname") && text.contains("\"anna\""), "{text}");
    assert!(!text.contains("crypt"), "{text}");
}

#[test]
fn removed_items_come_back_to_their_old_places() {
    let place = Place::new();
    let (first, second) = (place.enqueue(ANNA), place.enqueue(ANNA));
    let path = place.ox().path_of(&first);
    let content = std::fs::read(&path).unwrap();
    // By path, as the log names it.
    assert_eq!(place.run(&["queue", "remove", path.to_str().unwrap()]).0, 0);
    assert_eq!(place.ox().names().unwrap(), std::slice::from_ref(&second));
    assert!(place.run(&["queue", "list", "--removed"]).1.contains(first.as_str()));
    assert_eq!(place.run(&["queue", "restore", first.as_str()]).0, 0);
    assert_eq!(place.ox().names().unwrap(), [first, second]);
    assert_eq!(std::fs::read(&path).unwrap(), content);
}

#[test]
fn restore_does_not_replace_an_item_of_the_same_name() {
    let place = Place::new();
    let name = place.enqueue(ANNA);
    place.run(&["queue", "remove", name.as_str()]);
    let path = place.ox().path_of(&name);
    std::fs::write(&path, "another").unwrap();
    let (exit, text) = place.run(&["queue", "restore", name.as_str()]);
    assert_eq!(exit, 2);
    assert!(text.contains("exist"), "{text}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "another");
}

#[test]
fn one_unknown_name_leaves_all_items_where_they_are() {
    let place = Place::new();
    let name = place.enqueue(ANNA);
    let (exit, text) = place.run(&["queue", "remove", name.as_str(), "2020-01-01-00-00-00.json"]);
    assert_eq!(exit, 2);
    assert!(text.contains("2020-01-01-00-00-00.json"), "{text}");
    assert_eq!(place.ox().names().unwrap(), [name]);
}

#[test]
fn an_item_named_twice_is_removed_once() {
    let place = Place::new();
    let (first, second) = (place.enqueue(ANNA), place.enqueue(ANNA));
    let path = place.ox().path_of(&first);
    let (exit, text) =
        place.run(&["queue", "remove", first.as_str(), path.to_str().unwrap(), second.as_str()]);
    assert_eq!(exit, 0, "{text}");
    assert!(place.ox().names().unwrap().is_empty());
}

#[test]
fn remove_keeps_what_was_removed_under_the_same_name() {
    let place = Place::new();
    let (name, other) = (place.enqueue(ANNA), place.enqueue(ANNA));
    let path = place.ox().path_of(&name);
    let content = std::fs::read(&path).unwrap();
    place.run(&["queue", "remove", name.as_str()]);
    std::fs::write(&path, "another").unwrap();
    let (exit, text) = place.run(&["queue", "remove", other.as_str(), name.as_str()]);
    assert_eq!(exit, 2);
    let kept = place.ox().dir().join(".removed").join(name.as_str());
    assert!(text.contains(kept.to_str().unwrap()) && text.contains("delete or rename"), "{text}");
    assert_eq!(std::fs::read(kept).unwrap(), content);
    assert_eq!(place.ox().names().unwrap(), [name, other]);
}

#[test]
fn an_item_name_cannot_lead_elsewhere() {
    let place = Place::new();
    place.enqueue(ANNA);
    for bad in ["../idspool.toml", ".state.json", "/etc/passwd", "x"] {
        assert_eq!(place.run(&["queue", "remove", bad]).0, 2, "{bad}");
    }
}

#[test]
fn config_check_names_what_is_wrong() {
    let place = Place::new();
    std::fs::write(place.path().join("idspool.toml"), "[ox]\nsoap_server = 'ox.example.org'\n")
        .unwrap();
    let (exit, text) = place.run(&["config", "check"]);
    assert_eq!(exit, 2);
    assert!(
        text.contains("error: ox.soap_server: 'ox.example.org' must start with http"),
        "{text}"
    );
    std::fs::write(place.path().join("idspool.toml"), "[ox\n").unwrap();
    let (exit, text) = place.run(&["config", "check", "--json"]);
    assert_eq!(exit, 2);
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["problems"][0]["level"], "error");
}

#[test]
fn config_check_finds_what_the_programs_would_refuse() {
    let place = Place::new();
    let file = place.path().join("idspool.toml");
    for (text, expected) in [
        ("[directory]\nbase_dn = 'not a dn'", "error: directory.base_dn: "),
        ("[ox]\nimap_login = '{unclosed'", "error: ox: "),
        ("[ox]\nsoap_server = 'http://[bad'", "error: ox.soap_server: "),
        ("[ox]\ndefault_context = 99999999999", "error: ox: DEFAULT_CONTEXT"),
    ] {
        std::fs::write(&file, text).unwrap();
        let (exit, answer) = place.run(&["config", "check"]);
        assert_eq!(exit, 2, "{text}: {answer}");
        assert!(answer.contains(expected), "{text}: {answer}");
    }
}

#[test]
fn config_check_sees_a_folder_that_cannot_be_made() {
    let place = Place::new();
    std::fs::write(place.path().join("ox"), "a file, not a folder").unwrap();
    let (exit, text) = place.run(&["config", "check"]);
    assert_eq!(exit, 2);
    assert!(text.contains("queue ox") && text.contains("is not a folder"), "{text}");
}

#[test]
fn a_missing_configuration_file_is_an_error_that_names_it() {
    let place = Place::new();
    let (exit, text) = place.run(&["--config", "none.toml", "status"]);
    assert_eq!(exit, 2);
    assert!(text.contains("none.toml"), "{text}");
}

#[test]
fn names_are_checked_before_anything_is_looked_for() {
    assert!(ItemName::from_str("../x.json").is_err());
    let place = Place::new();
    assert_eq!(place.run(&["queue", "show", "--queue", "none", "a.json"]).0, 2);
}

#[test]
fn no_manual_page_takes_the_name_of_the_daemons_page() {
    let place = Place::new();
    let (status, text) = place.run(&["man", "pages"]);
    assert_eq!(status, 0, "{text}");
    let page = |name: &str| std::fs::read_to_string(place.path().join("pages").join(name));
    assert!(page("idspool-ox.1").is_err(), "that is the page of the program idspool-ox");
    assert!(page("idspool.1").unwrap().contains(r"idspool\-ox\-commands(1)"));
    assert!(page("idspool-ox-commands.1").unwrap().contains(r"idspool\-ox\-commands\-mapping(1)"));
    let test = page("idspool-kelvin-commands-authorities-test.1").unwrap();
    assert!(test.contains("idspool kelvin authorities test"), "{test}");
    assert!(
        page("idspool-ox-commands-mapping-modify.1").unwrap().contains("idspool ox mapping modify")
    );
}

#[test]
fn an_error_tells_its_cause_once() {
    let place = Place::new();
    std::fs::create_dir_all(place.path().join("ox/AttributeMapping.json")).unwrap();
    let (exit, text) = place.run(&["ox", "mapping", "dump"]);
    assert_eq!(exit, 2, "{text}");
    assert_eq!(text.to_lowercase().matches("is a directory").count(), 1, "{text}");
}

#[test]
fn a_name_shows_its_marks_of_direction() {
    let place = Place::new();
    place.enqueue("uid=\u{202e}anna\u{2066},dc=example");
    let (_, text) = place.run(&["queue", "list"]);
    assert!(text.contains("uid=\\u{202e}anna\\u{2066},dc=example"), "{text}");
}

#[test]
fn a_setting_that_is_a_named_pipe_is_not_waited_for() {
    let place = Place::new();
    place.ox();
    let pipe = place.path().join("ox/AttributeMapping.json");
    assert!(std::process::Command::new("mkfifo").arg(pipe).status().unwrap().success());
    let mut dump = Command::cargo_bin("idspool").unwrap();
    dump.args(["ox", "mapping", "dump"]).current_dir(place.path()).env_remove("IDSPOOL_CONFIG");
    let output = dump.timeout(std::time::Duration::from_secs(60)).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("no regular file"), "{text}");
}

#[test]
fn a_folder_that_cannot_be_looked_at_is_neither_empty_nor_missing() {
    let place = Place::new();
    // Stands for missing rights, which root does not lack.
    std::os::unix::fs::symlink("ox", place.path().join("ox")).unwrap();
    for arguments in [
        &["queue", "list", "--queue", "ox"][..],
        &["queue", "list", "--queue", "ox", "--removed"],
        &["ox", "cache", "forget", ANNA],
        &["ox", "mapping", "modify", "--set", "note", "city"],
    ] {
        let (exit, text) = place.run(arguments);
        assert_eq!(exit, 2, "{arguments:?}: {text}");
        assert!(!text.contains("there is no"), "{arguments:?}: {text}");
    }
}
