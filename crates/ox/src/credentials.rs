//! `contexts.json`: login and password of each context's administrator, and of the master administrator
//! (ox-provisioning 7).
//!
//! Administrators edit the file by hand. It is read again whenever it changed, and read again under a
//! lock before it is written, so that no edit is lost; unknown entries and keys survive.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use idspool_ox_soap::{ContextId, Credentials};
use idspool_service::Secret;
use idspool_spool::durable;
use serde_json::{Map, Value, json};
use tracing::{info, warn};

use crate::edit_lock;
use crate::small_file;
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
    /// Changes stay in memory.
    is_rehearsal: bool,
}

impl CredentialsFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, current: Cached::new(), is_rehearsal: false }
    }

    /// The same file for a dry run: what is written counts in this process and stays in memory.
    pub(crate) fn rehearsing(path: PathBuf) -> Self {
        Self { is_rehearsal: true, ..Self::new(path) }
    }

    /// All entries; for comparing two states of the file.
    pub(crate) fn entries(&self) -> Result<Arc<Map<String, Value>>, CredentialsError> {
        self.raw()
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

    /// The contexts that have an entry, in ascending order.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn contexts(&self) -> Result<Vec<ContextId>, CredentialsError> {
        let entries = self.raw()?;
        let mut contexts: Vec<ContextId> =
            entries.keys().filter_map(|key| key.parse().ok()).collect();
        contexts.sort_unstable();
        Ok(contexts)
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
            if let Some(dir) = self.path.parent().filter(|_| !self.is_rehearsal) {
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
        for name in secret_files(dir) {
            let Some(id) = context_of_secret_file(&name) else {
                warn!("{name} does not fit the scheme context<number>.secret: it is not migrated");
                continue;
            };
            if self.raw()?.contains_key(&id.to_string()) {
                info!("{name} is already migrated");
                continue;
            }
            let path = dir.join(&name);
            let password = small_file::read(&path, LIMIT)
                .and_then(|bytes| String::from_utf8(bytes).map_err(io::Error::other))
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
        let bytes = small_file::read(&self.path, LIMIT).map_err(|error| failed(&error))?;
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
        if self.is_rehearsal {
            let mut entries = match self.raw() {
                Ok(entries) => (*entries).clone(),
                Err(CredentialsError::Read { .. }) if self.is_missing() => Map::new(),
                Err(error) => return Err(error),
            };
            change(&mut entries);
            self.current.pin(Arc::new(entries));
            return Ok(());
        }
        let _lock = edit_lock::take(&self.path).map_err(|error| self.write_error(&error))?;
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

    fn write_error(&self, error: &dyn std::fmt::Display) -> CredentialsError {
        CredentialsError::Write { path: self.path.clone(), problem: error.to_string() }
    }
}

/// Names of the files of a folder in which older versions kept single passwords.
pub(crate) fn secret_files(dir: &Path) -> Vec<String> {
    let Ok(files) = fs::read_dir(dir) else { return Vec::new() };
    let mut names: Vec<String> = files
        .filter_map(|file| file.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".secret"))
        .collect();
    names.sort_unstable();
    names
}

/// The context whose password is in the file of that name.
pub(crate) fn context_of_secret_file(name: &str) -> Option<ContextId> {
    name.strip_prefix("context")
        .and_then(|rest| rest.strip_suffix(".secret"))
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
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
mod tests;
