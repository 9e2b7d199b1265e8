//! Data directories as the connector leaves them, made by code.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value, json};

use super::*;

mod found;
mod taken;

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
