use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use serde_json::{Value, json};

use super::*;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn admin(&self) -> MappingAdmin {
        MappingAdmin::new(self.0.path())
    }

    fn write(&self, text: &str) {
        fs::write(self.admin().path(), text).unwrap();
    }

    fn text(&self) -> String {
        fs::read_to_string(self.admin().path()).unwrap()
    }

    fn entry(&self, property: &str) -> Value {
        serde_json::from_str::<Value>(&self.text()).unwrap()[property].clone()
    }
}

fn set(property: &str, source: &str) -> Edits {
    Edits {
        set: vec![Set { property: property.into(), source: source.into() }],
        ..Edits::default()
    }
}

fn unset(property: &str) -> Edits {
    Edits { unset: vec![property.into()], ..Edits::default() }
}

fn alternatives(property: &str, sources: &[&str]) -> Edits {
    let sources = sources.iter().map(|&source| source.to_owned()).collect();
    Edits {
        set_alternatives: vec![Alternatives { property: property.into(), sources }],
        ..Edits::default()
    }
}

#[test]
fn s8_1_the_default_is_written_with_all_keys_in_the_order_of_the_mapping() {
    let place = Place::new();
    place.admin().restore_default().unwrap();
    let text = place.text();
    assert!(
        text.starts_with(
            "{\n    \"display_name\": {\n        \"ldap_attribute\": \"oxDisplayName\",\n        \
             \"nillable\": true,\n        \"multi_value\": false,\n        \"special_handling\": \"DEFAULT\",\n        \
             \"alternative_attributes\": [\n            \"displayName\"\n        ],\n        \"position\": null\n    },\n    \
             \"given_name\": {"
        ),
        "{text}"
    );
    for (property, expected) in [
        (
            "email1",
            json!({"ldap_attribute": "mailPrimaryAddress", "nillable": false, "multi_value": false,
            "special_handling": "DEFAULT", "alternative_attributes": [], "position": null}),
        ),
        (
            "telephone_home2",
            json!({"ldap_attribute": "homeTelephoneNumber", "nillable": true, "multi_value": false,
            "special_handling": "DEFAULT", "alternative_attributes": [], "position": 1}),
        ),
        (
            "aliases",
            json!({"ldap_attribute": "mailAlternativeAddress", "nillable": true, "multi_value": true,
            "special_handling": "DEFAULT", "alternative_attributes": [], "position": null}),
        ),
        (
            "image1",
            json!({"ldap_attribute": "jpegPhoto", "nillable": true, "multi_value": false,
            "special_handling": "IMAGE", "alternative_attributes": [], "position": null}),
        ),
    ] {
        assert_eq!(place.entry(property), expected, "{property}");
    }
    assert_eq!(place.admin().dump().unwrap(), (text, Origin::File));
}

#[test]
fn the_written_default_means_the_built_in_mapping() {
    let place = Place::new();
    place.admin().restore_default().unwrap();
    let file = crate::mapping::MappingFile::new(place.admin().path().to_owned());
    assert_eq!(file.current().unwrap(), mapping::Mapping::built_in());
}

#[test]
fn s8_2_effects_of_modify() {
    let place = Place::new();
    let admin = place.admin();
    assert_eq!(admin.modify(&set("userfield01", "description")).unwrap(), Origin::BuiltIn);
    assert_eq!(place.entry("userfield01")["ldap_attribute"], "description");
    assert_eq!(admin.modify(&alternatives("email1", &["a", "b"])).unwrap(), Origin::File);
    assert_eq!(place.entry("email1")["alternative_attributes"], json!(["a", "b"]));
    assert_eq!(place.entry("userfield01")["ldap_attribute"], "description");
    let off = Edits { unset_alternatives: vec!["email1".into()], ..Edits::default() };
    admin.modify(&off).unwrap();
    assert_eq!(place.entry("email1")["alternative_attributes"], json!([]));
    assert_eq!(place.entry("email1")["ldap_attribute"], "mailPrimaryAddress");
    admin.modify(&unset("display_name")).unwrap();
    assert_eq!(place.entry("display_name")["ldap_attribute"], json!(null));
    assert_eq!(place.entry("display_name")["alternative_attributes"], json!([]));
}

#[test]
fn s8_2_set_after_unset_keeps_all_flags() {
    let place = Place::new();
    let admin = place.admin();
    admin.restore_default().unwrap();
    let before = ["telephone_home2", "image1", "aliases", "birthday"].map(|p| place.entry(p));
    for property in ["telephone_home2", "image1", "aliases", "birthday"] {
        admin.modify(&unset(property)).unwrap();
    }
    let sources = ["homeTelephoneNumber", "jpegPhoto", "mailAlternativeAddress", "birthday"];
    for (property, source) in
        ["telephone_home2", "image1", "aliases", "birthday"].iter().zip(sources)
    {
        admin.modify(&set(property, source)).unwrap();
    }
    assert_eq!(
        ["telephone_home2", "image1", "aliases", "birthday"].map(|p| place.entry(p)),
        before
    );
}

#[test]
fn s8_2_the_order_of_effects_is_fixed() {
    let place = Place::new();
    let both = Edits {
        set: vec![Set { property: "note".into(), source: "description".into() }],
        unset: vec!["note".into()],
        set_alternatives: vec![Alternatives {
            property: "note".into(),
            sources: vec!["city".into()],
        }],
        unset_alternatives: vec!["display_name".into()],
    };
    place.admin().modify(&both).unwrap();
    assert_eq!(place.entry("note")["ldap_attribute"], json!(null));
    assert_eq!(place.entry("note")["alternative_attributes"], json!(["city"]));
    assert_eq!(place.entry("display_name")["alternative_attributes"], json!([]));
}

#[test]
fn s8_2_what_is_refused_leaves_the_file_as_it_is() {
    let place = Place::new();
    let admin = place.admin();
    let with_good = |bad: Edits| Edits { set: [set("note", "city").set, bad.set].concat(), ..bad };
    for (edits, expected) in [
        (unset("email1"), "Cannot unset non-nillable property 'email1'"),
        (set("given_nam", "x"), "'given_nam' is no OX property"),
        (unset("x"), "'x' is no OX property"),
        (alternatives("x", &["y"]), "'x' is no OX property"),
        (set("note", ""), "`--unset` ends"),
        (alternatives("note", &["a b"]), "'a b' cannot be the name"),
        (set("note", "a\nb"), "'a\\nb' cannot be the name"),
    ] {
        let error = admin.modify(&with_good(edits)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!admin.path().exists(), "{expected}");
    }
    admin.modify(&set("note", "description")).unwrap();
    let before = (place.text(), fs::metadata(admin.path()).unwrap().ino());
    admin.modify(&with_good(unset("email1"))).unwrap_err();
    assert_eq!((place.text(), fs::metadata(admin.path()).unwrap().ino()), before);
}

#[test]
fn what_an_edit_does_not_concern_survives() {
    let place = Place::new();
    place.write(
        r#"{"note": {"ldap_attribute": "x", "later": [1]}, "city_home": {"ldap_attribute": null}}"#,
    );
    place.admin().modify(&set("title", "y")).unwrap();
    let document: Value = serde_json::from_str(&place.text()).unwrap();
    assert_eq!(
        document,
        json!({
            "note": {"ldap_attribute": "x", "later": [1]},
            "city_home": {"ldap_attribute": null},
            "title": {"ldap_attribute": "y", "nillable": true, "multi_value": false,
                "special_handling": "DEFAULT", "alternative_attributes": [], "position": null},
        })
    );
}

#[test]
fn a_file_that_is_no_mapping_is_not_overwritten_unasked() {
    let place = Place::new();
    for (text, problem) in
        [("{\"note\": ", "not JSON"), ("{\"nonsense\": {}}", "'nonsense'"), ("[]", "object")]
    {
        place.write(text);
        let error = place.admin().modify(&set("note", "x")).unwrap_err().to_string();
        assert!(error.contains(problem) && error.contains("restore-default"), "{error}");
        assert_eq!(place.text(), text);
    }
    place.write("{");
    let (text, origin) = place.admin().dump().unwrap();
    assert_eq!(origin, Origin::BuiltInForBadFile);
    place.admin().restore_default().unwrap();
    assert_eq!(place.text(), text);
}

#[test]
fn the_mode_of_the_file_stays_and_a_new_one_is_private() {
    let place = Place::new();
    let admin = place.admin();
    let mode = || fs::metadata(admin.path()).unwrap().permissions().mode() & 0o777;
    admin.modify(&set("note", "x")).unwrap();
    assert_eq!(mode(), 0o600);
    fs::set_permissions(admin.path(), fs::Permissions::from_mode(0o640)).unwrap();
    admin.modify(&set("note", "y")).unwrap();
    assert_eq!(mode(), 0o640);
    assert_eq!(place.entry("note")["ldap_attribute"], "y");
}

#[test]
fn a_link_stays_a_link() {
    let place = Place::new();
    let managed = place.0.path().join("managed.json");
    fs::write(&managed, "{}").unwrap();
    std::os::unix::fs::symlink(&managed, place.admin().path()).unwrap();
    place.admin().modify(&set("note", "x")).unwrap();
    assert!(fs::symlink_metadata(place.admin().path()).unwrap().is_symlink());
    assert!(fs::read_to_string(managed).unwrap().contains("\"note\""));
}

#[test]
fn no_edit_is_lost_when_many_edit_at_once() {
    let place = Place::new();
    std::thread::scope(|scope| {
        for number in 1..=20 {
            let admin = place.admin();
            scope.spawn(move || {
                admin
                    .modify(&set(&format!("userfield{number:02}"), &format!("custom{number}")))
                    .unwrap();
            });
        }
    });
    for number in 1..=20 {
        let entry = place.entry(&format!("userfield{number:02}"));
        assert_eq!(entry["ldap_attribute"], format!("custom{number}"));
    }
}

#[test]
fn without_a_data_directory_nothing_is_made() {
    let place = Place::new();
    let missing = place.0.path().join("missing");
    let error = MappingAdmin::new(&missing).modify(&Edits::default()).unwrap_err().to_string();
    assert!(error.contains("ox.data_dir"), "{error}");
    assert!(!missing.exists());
}
