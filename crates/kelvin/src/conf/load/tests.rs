use idspool_service::Kelvin;
use serde_json::{Value, json};

use super::*;
use crate::conf::{ClientCertificate, Plugin, SslContext};
use std::collections::BTreeSet;

/// A configuration folder.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("conf/school_authorities")).unwrap();
        Self(dir)
    }

    fn layout(&self) -> Layout {
        Layout::new(&Kelvin { data_dir: self.0.path().into(), ..Kelvin::default() })
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join("conf").join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn authority(&self, name: &str, document: &Value) {
        self.write(&format!("school_authorities/{name}.json"), &document.to_string());
    }

    fn load(&self) -> Loaded {
        load(&self.layout()).unwrap()
    }

    /// What is said of one authority with this file.
    fn read(&self, document: &Value) -> (Result<Arc<Authority>, String>, Vec<String>) {
        self.authority("a", document);
        let mut loaded = self.load();
        let read = loaded.authorities.pop().unwrap().map_err(|problem| problem.to_string());
        (read, loaded.warnings)
    }
}

/// The complete example of id-connector 5.2.
fn example() -> Value {
    json!({
        "name": "a", "active": true, "url": "https://kelvin.a.example/ucsschool/kelvin/v1/",
        "plugins": ["kelvin"],
        "plugin_configs": {"kelvin": {
            "username": "idc", "password": "s3cret", "sync_password_hashes": true,
            "mapping": {
                "users": {"firstname": "firstname", "lastname": "lastname", "username": "name",
                    "school": "school", "schools": "schools", "roles": "roles",
                    "ucsschoolRecordUID": "record_uid", "ucsschoolSourceUID": "source_uid"},
                "users_teacher": {"username": "name"},
                "school_classes": {"name": "name", "description": "description", "school": "school", "users": "users"}}}},
    })
}

/// The example with another value at `pointer`; `null` in place of it takes the key away.
fn with(pointer: &str, value: Value) -> Value {
    let mut document = example();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        parent.remove(key);
    } else {
        parent.insert(key.to_owned(), value);
    }
    document
}

const CONFIG: &str = "/plugin_configs/kelvin";

#[test]
fn without_files_there_is_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::new(&Kelvin { data_dir: dir.path().into(), ..Kelvin::default() });
    let loaded = load(&layout).unwrap();
    assert!(loaded.authorities.is_empty() && loaded.warnings.is_empty());
    assert_eq!(loaded.mapping.iter().count(), 0);
}

#[test]
fn s5_2_the_example_is_understood() {
    let (authority, warnings) = Place::new().read(&example());
    let authority = authority.unwrap();
    assert_eq!(warnings, [""; 0]);
    assert!(authority.active && authority.sync_password_hashes);
    assert_eq!(authority.plugin, Plugin::Kelvin);
    assert_eq!(authority.username, "idc");
    assert_eq!(authority.password.expose(), "s3cret");
    assert_eq!(authority.mappings.users.as_ref().unwrap()["username"], "name");
    assert_eq!(authority.mappings.users_by_role["teacher"].len(), 1);
    assert_eq!(authority.mappings.school_classes.as_ref().unwrap()["users"], "users");
    assert!(authority.ssl_context.check_hostname && authority.ssl_context.verify);
    assert!(!format!("{authority:?}").contains("s3cret"));
}

#[test]
fn s5_2_active_is_lenient_and_off_by_default() {
    let place = Place::new();
    for (value, active) in [
        (json!("yes"), true),
        (json!("True"), true),
        (json!(1), true),
        (json!("on"), true),
        (json!("off"), false),
        (json!(0), false),
        (Value::Null, false),
    ] {
        let (authority, _) = place.read(&with("/active", value.clone()));
        assert_eq!(authority.unwrap().active, active, "{value}");
    }
}

#[test]
fn what_cannot_be_served_is_told_with_its_place() {
    let place = Place::new();
    let in_config = |key: &str| format!("{CONFIG}/{key}");
    for (pointer, value, expected) in [
        ("/name".into(), Value::Null, "name: field required"),
        ("/name".into(), json!(1), "name: str type expected"),
        ("/name".into(), json!("b"), "its \"name\" is 'b', but file and queue are those of 'a'"),
        ("/url".into(), Value::Null, "url: field required"),
        ("/url".into(), json!("kelvin"), "url: invalid or missing URL scheme"),
        (
            "/url".into(),
            json!("https://u:s3cret@h/ucsschool/kelvin/v1/"),
            "Bad Kelvin URL in school authority 'a': user name and password",
        ),
        ("/active".into(), json!("maybe"), "active: value could not be parsed to a boolean"),
        ("/plugins".into(), Value::Null, "plugins: none is named"),
        ("/plugins".into(), json!([]), "plugins: none is named"),
        ("/plugins".into(), json!(["kelvin", "x"]), "there is no plugin 'x'"),
        (
            "/plugins".into(),
            json!(["kelvin", "kelvin-partial-group-sync"]),
            "they exclude each other",
        ),
        ("/plugins".into(), json!([1]), "plugins.0: str type expected"),
        ("/plugins".into(), json!("kelvin"), "plugins: value is not a valid list"),
        ("/plugin_configs".into(), Value::Null, "plugin_configs: field required"),
        ("/plugin_configs".into(), json!({}), "plugin_configs.kelvin is missing"),
        (
            "/plugin_configs".into(),
            json!({"kelvin": 1}),
            "plugin_configs.kelvin: value is not a valid dict",
        ),
        (
            in_config("username"),
            Value::Null,
            "Missing 'username' in Kelvin plugin configuration of school authority 'a'",
        ),
        (in_config("password"), json!(""), "Missing 'password' in Kelvin plugin configuration"),
        (
            in_config("password"),
            json!("**********"),
            "plugin_configs.kelvin.password: ten asterisks",
        ),
        (
            in_config("sync_password_hashes"),
            json!("perhaps"),
            "sync_password_hashes must be true or false",
        ),
        (in_config("mapping"), Value::Null, "mapping is missing"),
        (
            in_config("mapping"),
            json!({"school_classes": {"name": "name"}}),
            "mapping.users is missing",
        ),
        (in_config("mapping"), json!({"users": {"username": 1}}), "the target of 'username'"),
        (in_config("mapping"), json!({"users": []}), "mapping.users must be an object"),
        (in_config("ssl_context"), json!([]), "ssl_context must be an object"),
        (in_config("ssl_context"), json!({"verify_mode": "none"}), "verify_mode must be 0"),
        (in_config("ssl_context"), json!({"client_key": "k.pem"}), "belong together"),
    ] {
        let (read, _) = place.read(&with(&pointer, value));
        let problem = read.unwrap_err();
        assert!(problem.contains(expected) && problem.contains("a.json"), "{problem}");
        assert!(!problem.contains("s3cret"), "{problem}");
    }
}

#[test]
fn s5_3_guardians_and_wards_belong_together() {
    const BOTH: &str = "Configuration for legal_guardians and legal_wards must either both be configured, or not at all. ";
    let place = Place::new();
    let guardian = json!({"ucsschoolLegalGuardian": "legal_guardians"});
    let ward = json!({"ucsschoolLegalWard": "legal_wards"});
    let both =
        json!({"ucsschoolLegalGuardian": "legal_guardians", "ucsschoolLegalWard": "legal_wards"});
    let no_wards = format!("{BOTH}legal_guardians has been configured, but not legal_wards.");
    let no_guardians = format!("{BOTH}legal_wards has been configured, but not legal_guardians.");
    for (mapping, expected) in [
        (json!({"users": both}), None),
        (json!({"users": guardian}), Some(&no_wards)),
        (json!({"users": ward}), Some(&no_guardians)),
        (
            json!({"users": {"a": "b"}, "users_student": guardian, "users_legal_guardian": ward}),
            None,
        ),
        (json!({"users": both, "users_student": {"a": "b"}}), Some(&no_guardians)),
        (json!({"users": both, "users_student": {}}), None),
        (json!({"users": ward, "users_student": guardian}), None),
    ] {
        for plugin in ["kelvin", "kelvin-partial-group-sync"] {
            let mut document = with("/plugins", json!([plugin]));
            let config = json!({"username": "u", "password": "p", "mapping": mapping});
            document["plugin_configs"] = json!({plugin: config});
            let (read, _) = place.read(&document);
            let found = read.err();
            assert_eq!(
                found.as_ref().map(|problem| problem.ends_with(expected.unwrap())),
                expected.map(|_| true),
                "{mapping}: {found:?}"
            );
        }
    }
}

#[test]
fn s4_4_roles_to_ignore_are_checked() {
    let place = Place::new();
    let partial = |roles: Value| {
        let mut document = with("/plugins", json!(["kelvin-partial-group-sync"]));
        let mut config = document["plugin_configs"]["kelvin"].take();
        config["school_classes_ignore_roles"] = roles;
        document["plugin_configs"] = json!({"kelvin-partial-group-sync": config});
        place.read(&document)
    };
    let (authority, warnings) = partial(json!(["teacher", "legal_guardian"]));
    let roles = authority.unwrap().ignored_roles.clone();
    assert_eq!(roles, BTreeSet::from(["legal_guardian".into(), "teacher".into()]));
    assert_eq!(warnings, [""; 0]);
    for roles in [json!("teacher"), json!(["pupil"]), json!([1])] {
        let problem = partial(roles).0.unwrap_err();
        assert!(problem.contains("must be a list of roles: school_admin, staff"), "{problem}");
    }
    let (authority, warnings) =
        place.read(&with(&format!("{CONFIG}/school_classes_ignore_roles"), json!(["teacher"])));
    assert!(authority.unwrap().ignored_roles.is_empty());
    assert!(warnings[0].contains("kelvin-partial-group-sync only"), "{warnings:?}");
}

#[test]
fn certificates_are_found_beside_the_configuration() {
    let place = Place::new();
    let context = json!({"check_hostname": false, "ca_file": "ca.pem", "client_certificate": "/c.pem",
        "client_key": "k.pem", "options": 1});
    let (authority, warnings) = place.read(&with(&format!("{CONFIG}/ssl_context"), context));
    let context = authority.unwrap().ssl_context.clone();
    let conf = place.layout().conf;
    let client = ClientCertificate { certificate: "/c.pem".into(), key: conf.join("k.pem") };
    let expected = SslContext {
        check_hostname: false,
        verify: true,
        ca_file: Some(conf.join("ca.pem")),
        client: Some(client),
    };
    assert_eq!(context, expected);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
}

#[test]
fn what_can_be_lived_with_is_a_warning() {
    let place = Place::new();
    let mut document = with("/url", json!("http://127.0.0.1:8000/ucsschool/kelvin/v1/"));
    document["plugin_configs"]["kelvin"]["mapping"]["users_pupil"] = json!({});
    document["plugin_configs"]["kelvin"]["mapping"]["users_student"] = json!({});
    let (authority, warnings) = place.read(&document);
    assert!(!authority.unwrap().mappings.users_by_role.contains_key("student"));
    for expected in ["clear text", "users_pupil is no mapping", "users_student is empty"] {
        assert!(warnings.iter().any(|warning| warning.contains(expected)), "{warnings:?}");
    }
    let path = place.layout().authorities().join("a.json");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let warnings = place.load().warnings;
    assert!(warnings.iter().any(|warning| warning.contains("mode 0644")), "{warnings:?}");
}

#[test]
fn two_authorities_with_one_server_are_warned_of() {
    let place = Place::new();
    let at = |name: &str, url: &str| {
        let mut document = with("/url", json!(url));
        document["name"] = json!(name);
        place.authority(name, &document);
    };
    at("a", "https://kelvin.example/ucsschool/kelvin/v1/");
    at("b", "https://other.example/ucsschool/kelvin/v1/");
    assert!(place.load().warnings.is_empty());
    at("b", "https://Kelvin.example/ucsschool/kelvin/v2/");
    let warnings = place.load().warnings;
    assert!(warnings.len() == 1 && warnings[0].contains("'a', 'b'"), "{warnings:?}");
}

#[test]
fn one_bad_file_leaves_the_others_in_force() {
    let place = Place::new();
    place.authority("a", &example());
    place.write("school_authorities/b.json", "{\"password\": \"s3cret\", }");
    place.write("school_authorities/notes.txt", "");
    place.write("school_authorities/.a.json.swp", "");
    let loaded = place.load();
    let names: Vec<_> = loaded.names().map(AuthorityName::as_str).collect();
    assert_eq!(names, ["a", "b"]);
    assert!(loaded.authority(&"a".parse().unwrap()).is_some());
    let problem = loaded.problems().next().unwrap().to_string();
    assert!(problem.contains("school authority 'b'") && problem.contains("line 1"), "{problem}");
    assert!(!problem.contains("s3cret"));
    assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);
}

#[test]
fn s5_5_the_school_mapping_is_read() {
    let place = Place::new();
    place.authority("a", &example());
    let mapping = json!({"mapping": {"GymNord": "a", "RSSued": "b", "gymnord": "7"}});
    place.write("schools_authorities_mapping.json", &mapping.to_string());
    let loaded = place.load();
    assert_eq!(loaded.mapping.authority_of("GYMNORD").unwrap().as_str(), "7");
    assert_eq!(loaded.mapping.authority_of("rssued").unwrap().as_str(), "b");
    let expected =
        ["'gymnord' is there twice", "'gymnord' belongs to '7'", "'rssued' belongs to 'b'"];
    for (warning, expected) in loaded.warnings.iter().zip(expected) {
        assert!(warning.contains(expected), "{warning}");
    }
    assert_eq!(loaded.warnings.len(), 3);
    for (text, expected) in [
        ("{\"mapping\": {\"A\": null}}", "mapping.A: the name of a school authority"),
        ("{\"mapping\": {\"A\": \"../b\"}}", "mapping.A: '../b' cannot name"),
        ("{\"A\": \"b\"}", "must have the form"),
        ("{\"mapping\": ", "line 1"),
    ] {
        place.write("schools_authorities_mapping.json", text);
        let problem = load(&place.layout()).unwrap_err().to_string();
        assert!(problem.contains(expected) && problem.contains("mapping.json"), "{problem}");
    }
}

#[test]
fn a_folder_that_cannot_be_listed_is_not_an_empty_one() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("conf")).unwrap();
    fs::write(dir.path().join("conf/school_authorities"), "").unwrap();
    let layout = Layout::new(&Kelvin { data_dir: dir.path().into(), ..Kelvin::default() });
    assert!(load(&layout).unwrap_err().to_string().contains("cannot be read"));
}

#[test]
fn every_change_of_a_file_shows() {
    let place = Place::new();
    let settled = || {
        // Files that were just written count as changed until they are a moment old.
        loop {
            let loaded = place.load();
            if loaded.stamp.is_current() {
                return loaded;
            }
            std::thread::yield_now();
        }
    };
    let context = json!({"ca_file": "ca.pem"});
    place.authority("a", &with(&format!("{CONFIG}/ssl_context"), context));
    let loaded = settled();
    place.write("ca.pem", "renewed");
    assert!(!loaded.stamp.is_current(), "a certificate");
    let loaded = settled();
    place.authority("b", &example());
    assert!(!loaded.stamp.is_current(), "a new authority");
    let loaded = settled();
    place.write("schools_authorities_mapping.json", "{\"mapping\": {}}");
    assert!(!loaded.stamp.is_current(), "the mapping");
    let loaded = settled();
    fs::remove_file(place.layout().authorities().join("b.json")).unwrap();
    assert!(!loaded.stamp.is_current(), "a removed authority");
}

/// What the documentation shows can be used as it is.
#[test]
fn the_examples_of_the_documentation_are_right() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/kelvin.md");
    let page = fs::read_to_string(page).unwrap();
    let place = Place::new();
    let mut names = Vec::new();
    for example in page.split("```json\n").skip(1) {
        let example = example.split("```").next().unwrap();
        let document: Value = serde_json::from_str(example).unwrap();
        match document["name"].as_str() {
            Some(name) => {
                place.authority(name, &document);
                names.push(name.to_owned());
            }
            None => place.write("schools_authorities_mapping.json", example),
        }
    }
    assert_eq!(names, ["north", "south"]);
    let loaded = place.load();
    assert_eq!(loaded.usable().count(), 2, "{:?}", loaded.authorities);
    assert_eq!(loaded.mapping.iter().count(), 2);
    assert_eq!(loaded.warnings, [""; 0]);
}
