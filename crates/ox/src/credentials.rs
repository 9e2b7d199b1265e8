//! `contexts.json`: login and password of each context's administrator, and of the master administrator
//! (ox-provisioning 7).
//!
//! Administrators edit the file by hand. It is read again whenever it changed, and read again under a
//! lock before it is written, so that no edit is lost; unknown entries and keys survive.

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fs2::FileExt as _;
use idspool_ox_soap::{ContextId, Credentials};
use idspool_service::Secret;
use idspool_spool::durable;
use serde_json::{Map, Value, json};
use tracing::{info, warn};

use crate::stamp::Cached;

const MASTER: &str = "master";
/// The largest credentials file that is read: 100,000 contexts have 15 MB.
const LIMIT: u64 = 64 << 20;

/// The credentials file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CredentialsError {
    /// It cannot be read.
    #[error("read credentials file {path}: {problem}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        problem: String,
    },
    /// It is not what it should be. The text never quotes its content.
    #[error("credentials file {path}: {problem}", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        problem: String,
    },
    /// It cannot be written.
    #[error("write credentials file {path}: {problem}", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        problem: String,
    },
}

/// The credentials file.
pub(crate) struct CredentialsFile {
    path: PathBuf,
    current: Cached<Arc<Map<String, Value>>>,
}

impl CredentialsFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, current: Cached::new() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The administrator of a context; `None` when the file has no entry for it.
    ///
    /// # Errors
    /// The file or the entry cannot be read.
    pub(crate) fn context(&self, id: ContextId) -> Result<Option<Credentials>, CredentialsError> {
        self.entry(&id.to_string())
    }

    /// The master administrator; `None` when the file has no such entry.
    ///
    /// # Errors
    /// The file or the entry cannot be read.
    pub(crate) fn master(&self) -> Result<Option<Credentials>, CredentialsError> {
        self.entry(MASTER)
    }

    /// Writes the entry of a context.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub(crate) fn set_context(
        &self,
        id: ContextId,
        credentials: &Credentials,
    ) -> Result<(), CredentialsError> {
        self.update(|entries| set(entries, &id.to_string(), credentials))
    }

    /// Removes the entry of a context, if there is one.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub(crate) fn remove_context(&self, id: ContextId) -> Result<(), CredentialsError> {
        self.update(|entries| {
            entries.remove(&id.to_string());
        })
    }

    /// What is done once at start: the file is created when it is missing, the master entry is written
    /// when a password is configured, and the files of older versions are taken over.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub(crate) fn prepare(
        &self,
        master_admin: &str,
        master_password: Option<&Secret>,
        admin_name: impl Fn(ContextId) -> String,
    ) -> Result<(), CredentialsError> {
        if !self.path.exists() {
            if let Some(dir) = self.path.parent() {
                durable::create_dirs(dir).map_err(|error| self.write_error(&error))?;
            }
            self.update(|_| {})?;
        }
        self.warn_of_mode();
        let password = master_password.map(|password| password.expose().trim());
        match password.filter(|password| !password.is_empty()) {
            Some(password) => {
                let credentials = Credentials::new(master_admin, password);
                if self.master().ok().flatten().as_ref() != Some(&credentials) {
                    self.update(|entries| set(entries, MASTER, &credentials))?;
                }
                info!("Master credentials successfully set");
            }
            None => info!("Master credentials not set"),
        }
        self.migrate(admin_name)
    }

    /// Takes over `context<digits>.secret` files, which hold nothing but the password. An entry that is
    /// there already is newer and stays.
    fn migrate(&self, admin_name: impl Fn(ContextId) -> String) -> Result<(), CredentialsError> {
        let Some(dir) = self.path.parent() else { return Ok(()) };
        let Ok(files) = fs::read_dir(dir) else { return Ok(()) };
        let mut names: Vec<String> = files
            .filter_map(|file| file.ok()?.file_name().into_string().ok())
            .filter(|name| name.ends_with(".secret"))
            .collect();
        names.sort_unstable();
        for name in names {
            let id = name
                .strip_prefix("context")
                .and_then(|rest| rest.strip_suffix(".secret"))
                .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|digits| digits.parse::<ContextId>().ok());
            let Some(id) = id else {
                warn!("{name} does not fit the scheme context<number>.secret: it is not migrated");
                continue;
            };
            if self.raw()?.contains_key(&id.to_string()) {
                info!("{name} is already migrated");
                continue;
            }
            let path = dir.join(&name);
            let password = fs::read_to_string(&path)
                .map_err(|error| CredentialsError::Read { path, problem: error.to_string() })?;
            let password = password.trim();
            if password.is_empty() {
                warn!("{name} is empty: it is not migrated");
                continue;
            }
            let credentials = Credentials::new(admin_name(id), password);
            // Unless somebody else was faster.
            self.update(|entries| {
                if !entries.contains_key(&id.to_string()) {
                    set(entries, &id.to_string(), &credentials);
                }
            })?;
            info!("{name} migrated");
        }
        Ok(())
    }

    fn warn_of_mode(&self) {
        if let Ok(metadata) = fs::metadata(&self.path)
            && metadata.permissions().mode() & 0o077 != 0
        {
            warn!(
                "{} holds passwords but can be read by others: chmod 600 it",
                self.path.display()
            );
        }
    }

    fn entry(&self, key: &str) -> Result<Option<Credentials>, CredentialsError> {
        let entries = self.raw()?;
        let Some(entry) = entries.get(key) else { return Ok(None) };
        let text = |name: &str| {
            entry.get(name).and_then(Value::as_str).ok_or_else(|| CredentialsError::Content {
                path: self.path.clone(),
                problem: format!("entry '{key}' has no text '{name}'"),
            })
        };
        Ok(Some(Credentials::new(text("adminuser")?, text("adminpass")?)))
    }

    fn raw(&self) -> Result<Arc<Map<String, Value>>, CredentialsError> {
        self.current.get(&self.path, || self.read().map(Arc::new))
    }

    fn read(&self) -> Result<Map<String, Value>, CredentialsError> {
        let failed = |error: &dyn std::fmt::Display| CredentialsError::Read {
            path: self.path.clone(),
            problem: error.to_string(),
        };
        let content =
            |problem: String| CredentialsError::Content { path: self.path.clone(), problem };
        let length = fs::metadata(&self.path).map_err(|error| failed(&error))?.len();
        if length > LIMIT {
            return Err(content(format!("larger than {LIMIT} bytes")));
        }
        let bytes = fs::read(&self.path).map_err(|error| failed(&error))?;
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(entries)) => Ok(entries),
            Ok(_) => Err(content("expected an object".to_owned())),
            // serde_json's message may quote the text; the place is enough.
            Err(error) => {
                Err(content(format!("not JSON at line {} column {}", error.line(), error.column())))
            }
        }
    }

    /// Reads the file under the lock, changes it, and writes it when it differs.
    fn update(&self, change: impl FnOnce(&mut Map<String, Value>)) -> Result<(), CredentialsError> {
        let _lock = self.lock()?;
        let (before, exists) = match self.read() {
            Ok(entries) => (entries, true),
            Err(CredentialsError::Read { .. }) if self.is_missing() => (Map::new(), false),
            Err(error) => return Err(error),
        };
        let mut entries = before.clone();
        change(&mut entries);
        if entries == before && exists {
            return Ok(());
        }
        // Sorted explicitly: whether serde_json sorts depends on features that others switch on.
        let sorted: std::collections::BTreeMap<&String, &Value> = entries.iter().collect();
        let text =
            serde_json::to_string_pretty(&sorted).map_err(|error| self.write_error(&error))?;
        durable::replace(&self.path, text.as_bytes(), 0o600)
            .map_err(|error| self.write_error(&error))?;
        Ok(())
    }

    fn is_missing(&self) -> bool {
        matches!(fs::metadata(&self.path), Err(error) if error.kind() == ErrorKind::NotFound)
    }

    /// The lock stands beside the file, because the file itself is replaced.
    fn lock(&self) -> Result<File, CredentialsError> {
        let mut name = std::ffi::OsString::from(".");
        name.push(self.path.file_name().unwrap_or_default());
        name.push(".lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(self.path.with_file_name(name))
            .map_err(|error| self.write_error(&error))?;
        lock.lock_exclusive().map_err(|error| self.write_error(&error))?;
        Ok(lock)
    }

    fn write_error(&self, error: &dyn std::fmt::Display) -> CredentialsError {
        CredentialsError::Write { path: self.path.clone(), problem: error.to_string() }
    }
}

/// Sets login and password of an entry; other keys of it stay.
fn set(entries: &mut Map<String, Value>, key: &str, credentials: &Credentials) {
    let entry = entries.entry(key).or_insert_with(|| json!({}));
    if !entry.is_object() {
        *entry = json!({});
    }
    if let Some(entry) = entry.as_object_mut() {
        entry.insert("adminuser".to_owned(), credentials.login.clone().into());
        entry.insert("adminpass".to_owned(), credentials.password.expose().into());
    }
}

#[cfg(test)]
mod tests {
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
}
