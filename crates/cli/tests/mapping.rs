//! `idspool ox mapping`, as a built command.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::path::PathBuf;
use std::process::Output;

use assert_cmd::Command;
use serde_json::{Value, json};

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("idspool.toml"), "[ox]\ndata_dir = 'ox'\n").unwrap();
        std::fs::create_dir(folder.path().join("ox")).unwrap();
        Self(folder)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("idspool").unwrap();
        command
            .args(["ox", "mapping"])
            .args(arguments)
            .current_dir(self.0.path())
            .env_remove("IDSPOOL_CONFIG")
            .env_remove("REQUESTS_CA_BUNDLE");
        command
    }

    /// Exit status, standard output, standard error.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        told(self.command(arguments).output().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("ox/AttributeMapping.json")
    }

    fn source(&self, property: &str) -> Value {
        let mapping: Value = serde_json::from_slice(&std::fs::read(self.file()).unwrap()).unwrap();
        mapping[property]["ldap_attribute"].clone()
    }
}

fn told(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn s8_2_the_commands_of_the_manual() {
    let place = Place::new();
    let modify = [
        "modify",
        "--set",
        "userfield01",
        "description",
        "--set",
        "given_name",
        "custom_attribute",
    ];
    let (exit, out, err) = place.run(&modify);
    assert_eq!(
        (exit, out.as_str()),
        (0, "Modifying mapping\nCurrent configuration not found. Using default mapping.\n")
    );
    assert!(err.contains("warning") && err.contains("'custom_attribute'"), "{err}");
    assert!(!err.contains("'description'"), "{err}");
    assert_eq!(place.source("userfield01"), "description");
    assert_eq!(place.source("given_name"), "custom_attribute");
    for arguments in [
        &["modify", "--unset", "userfield01"][..],
        &[
            "modify",
            "--set_alternatives",
            "email1",
            "CustomAttributeUserMail",
            "CustomAttributeUserMail2",
        ],
        &["modify", "--set-alternatives", "email2", "a", "--set-alternatives", "email3", "b", "c"],
        &["modify", "--unset_alternatives", "email2", "--unset-alternatives", "display_name"],
    ] {
        let (exit, out, _) = place.run(arguments);
        assert_eq!((exit, out.as_str()), (0, "Modifying mapping\n"), "{arguments:?}");
    }
    assert_eq!(place.source("userfield01"), json!(null));
    let (_, out, _) = place.run(&["dump"]);
    let (first, mapping) = out.split_once('\n').unwrap();
    assert_eq!(first, "Dump current configuration.");
    let mapping: Value = serde_json::from_str(mapping).unwrap();
    let alternatives = ["email1", "email2", "email3", "display_name"]
        .map(|property| mapping[property]["alternative_attributes"].clone());
    assert_eq!(
        alternatives,
        [
            json!(["CustomAttributeUserMail", "CustomAttributeUserMail2"]),
            json!([]),
            json!(["b", "c"]),
            json!([])
        ]
    );
    for name in ["restore_default", "restore-default"] {
        place.run(&["modify", "--unset", "note"]);
        let (exit, out, _) = place.run(&[name]);
        assert_eq!((exit, out.as_str()), (0, "Restoring default configuration.\n"));
        assert_eq!(place.source("note"), "oxNote");
    }
}

#[test]
fn s8_2_intended_a_refused_command_is_clear_and_changes_nothing() {
    let place = Place::new();
    for (arguments, expected) in [
        (&["modify", "--set", "given_nam", "x"][..], "'given_nam' is no OX property"),
        (&["modify", "--set", "note"], "2 values required for '--set <OX> <UDM>'"),
        (&["modify", "--set_alternatives", "email1"], "--set-alternatives"),
        (&["modify", "--unset", "email1"], "Cannot unset non-nillable property"),
        (&["modify", "--unset_alternatives", "x"], "'x' is no OX property"),
        (&["modify", "note", "x"], "unexpected argument"),
        (&[], "Usage"),
        (&["change"], "unrecognized subcommand"),
    ] {
        let (exit, out, err) = place.run(arguments);
        assert_eq!((exit, out.as_str()), (2, ""), "{arguments:?}");
        assert!(err.contains(expected), "{arguments:?}: {err}");
        assert!(!place.file().exists(), "{arguments:?}");
    }
}

#[test]
fn dump_without_a_file_shows_the_default() {
    let place = Place::new();
    let (exit, out, _) = place.run(&["dump"]);
    assert_eq!(exit, 0);
    let mapping = out
        .strip_prefix("Dump current configuration.\nCurrent configuration not found. Using default mapping.\n")
        .unwrap();
    assert_eq!(serde_json::from_str::<Value>(mapping).unwrap().as_object().unwrap().len(), 89);
    assert!(!place.file().exists());
    let (_, out, _) = place.run(&["dump", "--json"]);
    assert_eq!(out, mapping);
    std::fs::write(place.file(), "{").unwrap();
    let (exit, out, err) = place.run(&["dump", "--json"]);
    assert_eq!((exit, out.as_str()), (0, mapping));
    assert!(err.contains("is not JSON"), "{err}");
}

#[test]
fn everything_has_a_form_for_machines() {
    let place = Place::new();
    let answer = |arguments: &[&str]| -> Value {
        let (exit, out, err) = place.run(arguments);
        assert_eq!(exit, 0, "{err}");
        serde_json::from_str(&out).unwrap()
    };
    let modified = answer(&["--json", "modify", "--set", "note", "custom"]);
    assert_eq!(modified["done"], "modified");
    assert_eq!(modified["from_default"], true);
    assert_eq!(modified["unknown_udm_properties"], json!(["custom"]));
    assert_eq!(modified["file"], json!(place.file().canonicalize().unwrap()));
    assert_eq!(answer(&["restore_default", "--json"])["done"], "restored");
    let translated = answer(&["from-ucr", "--json", "--ldap2ox", "city:note"]);
    assert_eq!(translated["arguments"], json!(["--set", "note", "city"]));
    assert_eq!(translated["applied"], json!(null));
}

#[test]
fn s8_2_the_variables_of_ucr_become_a_command_that_works() {
    let place = Place::new();
    let dump = "ox/context/id: 10\n\
        ox/listener/user/ldap/attributes/mapping/ldap2ox: description:userfield01 uid:displayname\n\
        ox/listener/user/ldap/attributes/mapping/ldap2oxmulti: phone:telephone_business\n";
    let output = place.command(&["from-ucr"]).write_stdin(dump).output().unwrap();
    let (exit, out, _) = told(output);
    assert_eq!(exit, 0);
    let (line, command) = out.trim_end().split_once('\n').unwrap();
    assert_eq!(
        line,
        "Run the following command on the ox-connector server to update attribute mapping:"
    );
    assert_eq!(
        command,
        "idspool ox mapping modify --set userfield01 description --set display_name uid \
         --set telephone_business1 phone --set telephone_business2 phone"
    );
    assert!(!place.file().exists());
    let words: Vec<&str> =
        command.strip_prefix("idspool ox mapping ").unwrap().split(' ').collect();
    assert_eq!(place.run(&words).0, 0);
    assert_eq!(place.source("display_name"), "uid");

    let output = place
        .command(&["from-ucr", "--apply"])
        .env("ox_listener_user_ldap_attributes_mapping_ldap2ox", "city:note")
        .output()
        .unwrap();
    assert_eq!(told(output), (0, "Modifying mapping\n".to_owned(), String::new()));
    assert_eq!(place.source("note"), "city");

    let (exit, out, _) = told(place.command(&["from-ucr"]).write_stdin("").output().unwrap());
    assert_eq!((exit, out.as_str()), (0, "Nothing to do.\n"));
}

#[test]
fn s8_2_parts_without_counterpart_are_named() {
    let place = Place::new();
    let (exit, out, err) = place.run(&["from-ucr", "--ldap2ox", "a:assistant it's:note"]);
    assert_eq!(exit, 1);
    assert!(err.contains("'a:assistant'"), "{err}");
    assert!(out.ends_with("--set note 'it'\\''s'\n"), "{out}");
    let (exit, out, err) = place.run(&["from-ucr", "--ldap2ox", "nonsense"]);
    assert_eq!((exit, out.as_str()), (2, ""));
    assert!(err.contains("'nonsense'") && err.contains("udm_property:ox_property"), "{err}");
}
