//! Format, migration and edits of `contexts.json` (ox-provisioning 7).

use std::sync::Barrier;
use std::thread;

use super::*;
use crate::stamp::Stamp;

fn admin_name(id: ContextId) -> String {
    if id == ContextId::new(10) { "oxadmin".into() } else { format!("oxadmin-context{id}") }
}

struct Secrets(tempfile::TempDir);

impl Secrets {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("contexts.json")
    }

    fn file(&self) -> CredentialsFile {
        CredentialsFile::new(self.path())
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }
}

#[test]
fn s7_1_the_format_is_exact() {
    let secrets = Secrets::new();
    let file = secrets.file();
    file.prepare("oxadminmaster", Some(&Secret::new(" m4ster\n")), admin_name).unwrap();
    file.set_context(ContextId::new(9), &Credentials::new("oxadmin", "s3cr3t")).unwrap();
    assert_eq!(
        secrets.text(),
        "{\n  \"9\": {\n    \"adminpass\": \"s3cr3t\",\n    \"adminuser\": \"oxadmin\"\n  },\n  \
         \"master\": {\n    \"adminpass\": \"m4ster\",\n    \"adminuser\": \"oxadminmaster\"\n  }\n}"
    );
    assert_eq!(fs::metadata(secrets.path()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        file.context(ContextId::new(9)).unwrap(),
        Some(Credentials::new("oxadmin", "s3cr3t"))
    );
    file.remove_context(ContextId::new(9)).unwrap();
    file.remove_context(ContextId::new(9)).unwrap();
    assert_eq!(file.context(ContextId::new(9)).unwrap(), None);
    assert!(file.master().unwrap().is_some());
}

#[test]
fn s7_2_a_missing_file_is_created_empty() {
    let secrets = Secrets::new();
    let file = CredentialsFile::new(secrets.0.path().join("secrets/contexts.json"));
    file.prepare("oxadminmaster", None, admin_name).unwrap();
    assert_eq!(fs::read_to_string(file.path()).unwrap(), "{}");
    assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn s7_2_an_unchanged_master_password_rewrites_nothing() {
    let secrets = Secrets::new();
    let master = Secret::new("m");
    secrets.file().prepare("oxadminmaster", Some(&master), admin_name).unwrap();
    let before = Stamp::of(&secrets.path());
    secrets.file().prepare("oxadminmaster", Some(&master), admin_name).unwrap();
    assert_eq!(Stamp::of(&secrets.path()), before);
}

#[test]
fn s7_2_edits_by_hand_count_at_once_and_survive() {
    let secrets = Secrets::new();
    let file = secrets.file();
    file.prepare("oxadminmaster", None, admin_name).unwrap();
    assert_eq!(file.context(ContextId::new(7)).unwrap(), None);
    secrets.write(
        "contexts.json",
        r#"{"7": {"adminuser": "hand", "adminpass": "x", "note": "mine"}, "future": [1]}"#,
    );
    assert_eq!(file.context(ContextId::new(7)).unwrap(), Some(Credentials::new("hand", "x")));
    file.set_context(ContextId::new(8), &Credentials::new("a", "b")).unwrap();
    let written: Value = serde_json::from_str(&secrets.text()).unwrap();
    assert_eq!(written["7"]["note"], "mine");
    assert_eq!(written["future"], json!([1]));
    assert_eq!(written["8"]["adminuser"], "a");
}

#[test]
fn s7_2_flaw_existing_entries_survive_the_migration() {
    let secrets = Secrets::new();
    secrets.write("contexts.json", r#"{"10": {"adminuser": "oxadmin", "adminpass": "new"}}"#);
    secrets.write("context10.secret", "old\n");
    secrets.write("context11.secret", "eleven\n");
    secrets.write("master.secret", "x");
    secrets.write("contextX.secret", "x");
    secrets.write("context99999999999.secret", "x");
    for _ in 0..2 {
        secrets.file().prepare("oxadminmaster", None, admin_name).unwrap();
        let written: Value = serde_json::from_str(&secrets.text()).unwrap();
        assert_eq!(
            written,
            json!({
                "10": {"adminuser": "oxadmin", "adminpass": "new"},
                "11": {"adminuser": "oxadmin-context11", "adminpass": "eleven"},
            })
        );
    }
}

#[test]
fn s5_0_a_missing_or_unreadable_file_is_an_error() {
    let secrets = Secrets::new();
    let error = secrets.file().context(ContextId::new(10)).unwrap_err();
    assert!(matches!(error, CredentialsError::Read { .. }), "{error}");
    for (text, expected) in [
        ("", "not JSON at line 1"),
        ("{\"10\": {\"adminpass\": \"s3cr3t\"", "not JSON"),
        ("[]", "expected an object"),
    ] {
        secrets.write("contexts.json", text);
        let error = secrets.file().context(ContextId::new(10)).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("contexts.json"), "{error}");
        assert!(!error.contains("s3cr3t"));
    }
    secrets.write("contexts.json", r#"{"10": {"adminpass": "s3cr3t"}}"#);
    let error = secrets.file().context(ContextId::new(10)).unwrap_err().to_string();
    assert!(error.contains("entry '10' has no text 'adminuser'"), "{error}");
    assert!(!error.contains("s3cr3t"));
}

#[test]
fn a_broken_file_is_never_overwritten() {
    let secrets = Secrets::new();
    secrets.write("contexts.json", "{\"10\": ");
    let file = secrets.file();
    assert!(file.set_context(ContextId::new(8), &Credentials::new("a", "b")).is_err());
    assert!(file.prepare("m", Some(&Secret::new("x")), admin_name).is_err());
    assert_eq!(secrets.text(), "{\"10\": ");
}

#[test]
fn weak_point_5_concurrent_writers_lose_nothing() {
    let secrets = Secrets::new();
    secrets.file().prepare("m", None, admin_name).unwrap();
    let barrier = Barrier::new(4);
    thread::scope(|scope| {
        for writer in 0..4 {
            let (file, barrier) = (secrets.file(), &barrier);
            scope.spawn(move || {
                barrier.wait();
                for id in 0..10 {
                    let id = ContextId::new(writer * 100 + id);
                    file.set_context(id, &Credentials::new("a", "b")).unwrap();
                }
            });
        }
    });
    assert_eq!(secrets.file().read().unwrap().len(), 40);
}
