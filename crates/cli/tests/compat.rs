//! The old names in `scripts/compat`, called in all the ways that the manual and its readers call them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use idspool_spool::{Fault, FaultClass, Spool};
use serde_json::{Value, json};

/// The data directory of an installation and its `resources`, with the scripts as they are installed.
struct Place(tempfile::TempDir);

const NAMES: [&str; 13] = [
    "change_attribute_mapping",
    "change_attribute_mapping.py",
    "check_sync_status",
    "check_sync_status.py",
    "get_current_error",
    "get_current_error.py",
    "listener_trash_cleaner",
    "rebuild-old.db",
    "remove-from-ox-db-cache",
    "schedule_group",
    "schedule_school",
    "schedule_user",
    "update-ox-db-cache",
];

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::create_dir(place.path("data")).unwrap();
        fs::create_dir(place.path("resources")).unwrap();
        fs::write(place.path("idspool.toml"), "[ox]\ndata_dir = 'data'\n").unwrap();
        for name in NAMES {
            install(name, &place.script(name));
        }
        symlink(env!("CARGO_BIN_EXE_idspool"), place.path("resources/idspool")).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn script(&self, name: &str) -> PathBuf {
        self.path("resources").join(name)
    }

    /// Exit status, standard output, standard error of `program` in the installation's environment.
    fn run(&self, program: impl AsRef<OsStr>, arguments: &[&str]) -> (i32, String, String) {
        self.run_in("/usr/bin:/bin", program, arguments)
    }

    fn run_in(
        &self,
        path: &str,
        program: impl AsRef<OsStr>,
        arguments: &[&str],
    ) -> (i32, String, String) {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(self.0.path())
            .env_clear()
            .env("PATH", path)
            .env("IDSPOOL_CONFIG", self.path("idspool.toml"))
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn queue(&self) -> Spool {
        Spool::create(self.path("data/listener")).unwrap()
    }

    /// Lets the queue stand at an item, whose path is handed back.
    fn stop(&self, message: &str) -> PathBuf {
        let name = self.queue().enqueue(b"{}").unwrap();
        let fault = Fault {
            item: Some(name.clone()),
            class: FaultClass::Permanent,
            message: message.into(),
            remedy: None,
            next_attempt: None,
        };
        self.queue().consumer("test").unwrap().record_fault(&fault).unwrap();
        self.queue().path_of(&name)
    }
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/compat")
}

/// Copies what the link leads to. By another process: a descriptor of ours, open for writing, could get
/// into the child of another test, and then the copy cannot be executed.
fn install(name: &str, target: &Path) {
    let copied = Command::new("cp").arg("-L").arg(scripts().join(name)).arg(target).status();
    assert!(copied.unwrap().success(), "{name}");
}

#[test]
fn every_old_name_is_there() {
    let mut found: Vec<String> = fs::read_dir(scripts())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "old-names")
        .collect();
    found.sort_unstable();
    assert_eq!(found, NAMES);
    for name in NAMES {
        let mode = fs::metadata(scripts().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{name} can be executed");
    }
}

#[test]
fn s2_7_get_current_error_of_a_fresh_system_is_healthy_in_every_way_to_call_it() {
    let place = Place::new();
    let healthy = (0, "{\"errors\": \"0\"}\n".to_owned(), String::new());
    for name in ["get_current_error.py", "get_current_error"] {
        let script = place.script(name);
        let path = script.to_str().unwrap();
        assert_eq!(place.run(&script, &[]), healthy, "{name}");
        for shell in ["sh", "dash", "bash"] {
            assert_eq!(place.run(shell, &[path]), healthy, "{shell} {name}");
        }
        // Python must not even warn about the part that is for sh.
        assert_eq!(place.run("python3", &["-W", "error", path]), healthy, "python3 {name}");
    }
}

#[test]
fn idspool_is_found_beside_the_script_beside_its_link_and_in_the_path() {
    let place = Place::new();
    let healthy = (0, "{\"errors\": \"0\"}\n".to_owned(), String::new());
    fs::create_dir(place.path("bin")).unwrap();
    let link = place.path("bin/get_current_error.py");
    symlink(place.script("get_current_error.py"), &link).unwrap();
    assert_eq!(place.run(&link, &[]), healthy, "beside what the link leads to");
    fs::rename(place.path("resources/idspool"), place.path("bin/idspool")).unwrap();
    assert_eq!(place.run(&link, &[]), healthy, "beside the link");
    let in_path = format!("{}:/usr/bin:/bin", place.path("bin").display());
    let script = place.script("get_current_error.py");
    assert_eq!(place.run_in(&in_path, &script, &[]), healthy, "in PATH");
    let (exit, out, err) = place.run(&script, &[]);
    assert_eq!((exit, out.as_str()), (127, ""));
    assert!(err.contains("get_current_error.py: idspool is neither in"), "{err}");
}

#[test]
fn the_manuals_calls_of_change_attribute_mapping() {
    let place = Place::new();
    let script = place.script("change_attribute_mapping.py");
    let script = script.to_str().unwrap();
    let python = |arguments: &[&str]| place.run("python3", &[&[script], arguments].concat());
    let source = |property: &str| {
        let (exit, out, _) = python(&["dump"]);
        assert_eq!(exit, 0);
        let mapping = out.strip_prefix("Dump current configuration.\n").unwrap();
        let mapping: Value = serde_json::from_str(mapping).unwrap();
        mapping[property]["ldap_attribute"].clone()
    };
    let (exit, out, err) = python(&["modify", "--set", "userfield01", "description"]);
    assert_eq!((exit, err.as_str()), (0, ""));
    assert!(out.starts_with("Modifying mapping\n"), "{out}");
    assert_eq!(source("userfield01"), "description");
    assert_eq!(python(&["modify", "--unset", "userfield01"]).0, 0);
    assert_eq!(source("userfield01"), json!(null));
    let alternatives = ["modify", "--set_alternatives", "email1", "title", "city"];
    assert_eq!(python(&alternatives).0, 0);
    assert_eq!(python(&["modify", "--unset_alternatives", "email1"]).0, 0);
    assert_eq!(
        python(&["restore_default"]),
        (0, "Restoring default configuration.\n".to_owned(), String::new())
    );
    assert_eq!(source("userfield01"), "oxUserfield01");
    // Arguments with blanks arrive as one; exit status and message come through.
    let (exit, _, err) = python(&["modify", "--set", "note", "two words"]);
    assert_eq!(exit, 2);
    assert!(err.contains("'two words' cannot be the name"), "{err}");
    let (exit, ..) = place.run(place.script("change_attribute_mapping"), &["dump"]);
    assert_eq!(exit, 0);
}

/// The plugin of the manual, with the path of this installation.
const NAGIOS: &str = r#"#!/bin/bash

nagiosCheck () {
    result=$(RESOURCES/get_current_error.py)
    status=$(echo ${result} | jq ' if .errors == "0" then 0 else 1 end')

    case $status in
    0)
        echo "OK: No errors found."
        exit 0
        ;;
    1)
        error_msg=$(echo ${result} | jq ' .message ')
        error_file=$(echo ${result} | jq ' .filename ')
        echo "WARNING: ${error_msg}. This error is caused by the listener file ${error_file}"
        exit 1
        ;;
    esac
}

nagiosCheck
"#;

#[test]
fn the_manuals_nagios_plugin_works() {
    let place = Place::new();
    let resources = place.path("resources");
    let plugin = place.path("check_ox");
    fs::write(&plugin, NAGIOS.replace("RESOURCES", resources.to_str().unwrap())).unwrap();
    let check = || place.run("bash", &[plugin.to_str().unwrap()]);
    assert_eq!(check(), (0, "OK: No errors found.\n".to_owned(), String::new()));
    let item =
        place.stop("The displayname \"Anna\" is already used;\nexceptionId 1170523631-4 (\u{e4})");
    let (exit, out, err) = check();
    assert_eq!((exit, err.as_str()), (1, ""));
    assert_eq!(
        out,
        format!(
            "WARNING: \"The displayname \\\"Anna\\\" is already used;\\nexceptionId 1170523631-4 (\u{e4})\". \
             This error is caused by the listener file \"{}\"\n",
            item.display()
        )
    );
}

#[test]
fn a_queue_that_cannot_be_looked_at_is_not_reported_healthy() {
    let place = Place::new();
    // In place of missing rights, which root does not know.
    fs::write(place.path("data/listener"), "").unwrap();
    let (exit, out, err) = place.run(place.script("get_current_error.py"), &[]);
    assert_eq!((exit, out.as_str()), (2, ""));
    assert!(err.contains("data/listener"), "{err}");
    fs::remove_file(place.path("data/listener")).unwrap();
    fs::remove_dir(place.path("data")).unwrap();
    fs::write(place.path("data"), "").unwrap();
    assert_eq!(place.run(place.script("get_current_error.py"), &[]).0, 2);
}

#[test]
fn the_commands_for_cache_and_index() {
    let place = Place::new();
    fs::create_dir_all(place.path("data/listener/old")).unwrap();
    let dn = "uid=anna,cn=users,dc=example,dc=org";
    let object = json!({"isOxUser": "OK", "oxContext": 10, "username": "anna", "oxDbId": 5});
    let snapshot = json!({"id": "u-1", "udm_object_type": "users/user", "dn": dn, "options": [], "object": object});
    fs::write(place.path("data/listener/old/u-1.json"), snapshot.to_string()).unwrap();
    let run = |name: &str, arguments: &[&str]| place.run(place.script(name), arguments);
    let said = |out: &str| (0, out.to_owned(), String::new());
    assert_eq!(
        run("update-ox-db-cache", &["--delete"]),
        said("Found 1 files.\n1 files updated.\n")
    );
    let (exit, _, err) = run("update-ox-db-cache", &["--build-cache", "--build-cache-size", "50"]);
    assert_eq!(exit, 1);
    assert!(err.contains("contexts.json"), "{err}");
    assert_eq!(
        run("rebuild-old.db", &["--fix-existing-keys"]),
        said("No errors found. Leaving DB untouched\n")
    );
    assert_eq!(
        run("rebuild-old.db", &["--complete-rebuild"]),
        said("Read 1 files. Writing everything now...\nDone\n")
    );
    assert_eq!(run("remove-from-ox-db-cache", &[dn]), said(&format!("Removing {dn}\n")));
    assert_eq!(run("remove-from-ox-db-cache", &[dn]), said(&format!("{dn} not found\n")));
    let _running = place.queue().consumer("idspool-ox").unwrap();
    assert_eq!(run("update-ox-db-cache", &[]).0, 3);
}

#[test]
fn check_sync_status_takes_the_options_that_it_had() {
    let place = Place::new();
    fs::create_dir_all(place.path("data/listener")).unwrap();
    let text =
        "[directory]\nurl = 'ldap://127.0.0.1:1'\nbase_dn = 'dc=x'\n[ox]\ndata_dir = 'data'\n";
    fs::write(place.path("idspool.toml"), text).unwrap();
    let options = [
        "--dn",
        "uid=anna,dc=x",
        "--udm_module",
        "users/user",
        "--ox_context",
        "10",
        "--resync",
        "--udm_admin_account",
        "Administrator",
        "--udm_password_file",
        "/nonexistent",
        "--udm_host",
        "https://ucs",
    ];
    for name in ["check_sync_status.py", "check_sync_status"] {
        let (exit, out, err) = place.run(place.script(name), &options);
        assert_eq!((exit, out.as_str()), (2, "Search object with dn: uid=anna,dc=x\n"), "{err}");
        assert!(err.contains("cannot connect to ldap://127.0.0.1:1"), "{err}");
    }
    let script = place.script("check_sync_status.py");
    let (exit, _, err) = place.run("python3", &[script.to_str().unwrap()]);
    assert_eq!(exit, 2);
    assert!(err.contains("--dn"), "{err}");
}

#[test]
fn rebuild_old_db_does_nothing_without_an_option() {
    let place = Place::new();
    let (exit, out, err) = place.run(place.script("rebuild-old.db"), &[]);
    assert_eq!((exit, out.as_str()), (0, ""));
    assert!(err.contains("--fix-existing-keys or --complete-rebuild"), "{err}");
}

#[test]
fn the_schedule_commands_have_help_and_check_their_arguments() {
    let place = Place::new();
    let config = "[directory]\nurl = 'ldap://127.0.0.1:1'\n[kelvin]\nenabled = true\n";
    fs::write(place.path("idspool.toml"), config).unwrap();
    for (name, argument) in [
        ("schedule_user", "<USERNAME>"),
        ("schedule_group", "<GROUPNAME>"),
        ("schedule_school", "<SCHOOL>"),
    ] {
        let script = place.script(name);
        for help in ["-h", "--help"] {
            let (exit, out, _) = place.run(&script, &[help]);
            assert!(exit == 0 && out.contains(argument), "{name}: {out}");
        }
        assert_eq!(place.run(&script, &[]).0, 2, "{name}");
        assert_eq!(place.run(&script, &["a", "1", "b"]).0, 2, "{name}");
        let (exit, _, err) = place.run(&script, &["a"]);
        assert_eq!(exit, 1, "{name}: {err}");
        assert!(err.contains("ldap://127.0.0.1:1"), "{err}");
    }
}

#[test]
fn the_trash_cleaner_removes_what_is_old_enough() {
    let place = Place::new();
    fs::write(place.path("idspool.toml"), "[kelvin]\ndata_dir = 'kelvin'\n").unwrap();
    let clean = |arguments: &[&str]| place.run(place.script("listener_trash_cleaner"), arguments);
    let silent = (0, String::new(), String::new());
    assert_eq!(clean(&[]), silent, "where there is no trash");
    let trash = place.path("kelvin/listener/trash");
    fs::create_dir_all(trash.join("folder")).unwrap();
    let days = |count: u64| std::time::Duration::from_secs(count * 86_400);
    let now = std::time::SystemTime::now();
    for (name, age) in [("old", days(30)), ("young", days(29)), ("ahead", days(0))] {
        let modified = if name == "ahead" { now + days(100) } else { now - age };
        let file = fs::File::create(trash.join(name)).unwrap();
        file.set_times(fs::FileTimes::new().set_modified(modified)).unwrap();
    }
    let left = || {
        let mut names: Vec<_> =
            fs::read_dir(&trash).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(clean(&["--state", "0"]), silent);
    assert_eq!(left().len(), 4);
    assert_eq!(clean(&[]), silent);
    assert_eq!(left(), ["ahead", "folder", "young"]);
    let by_environment = Command::new(place.script("listener_trash_cleaner"))
        .env("IDSPOOL_CONFIG", place.path("idspool.toml"))
        .env("IDSPOOL_KELVIN_TRASH_DELETE_OFFSET", "29")
        .status();
    assert!(by_environment.unwrap().success());
    assert_eq!(left(), ["ahead", "folder"]);
    assert_eq!(clean(&["-h"]).0, 0);
}

#[test]
fn an_unknown_name_says_so() {
    let place = Place::new();
    let other = place.script("other");
    install("old-names", &other);
    let (exit, _, err) = place.run(&other, &[]);
    assert_eq!(exit, 2);
    assert!(err.starts_with("other: no command of the OX Connector"), "{err}");
}
