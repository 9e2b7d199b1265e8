//! The administrator's files and queues of school authorities (id-connector 2.5, 5).
//!
//! Files are replaced as a whole, under a lock that makes those who edit take turns: a reader sees the old file
//! or the new one. A running `idspool-kelvin` follows by itself.

mod error;
mod remove;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use fs2::FileExt as _;
use idspool_service::Secret;
use idspool_spool::durable;
use serde::Serialize as _;
use serde_json::{Map, Value};

pub use error::AdminError;
pub use remove::Removed;

use crate::Layout;
use crate::conf::{self, AuthorityName, Plugin};

/// Mode of a file that was not there before.
const PRIVATE: u32 = 0o600;

/// What an authority's file must be fit for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standard {
    /// It can be served at once.
    Servable,
    /// It is one (id-connector 5.2); what is missing may be added later.
    WellFormed,
}

/// The administrator's files and queues of one data directory.
#[derive(Debug, Clone)]
pub struct Authorities {
    layout: Layout,
}

impl Authorities {
    /// Those of this place.
    pub fn new(layout: Layout) -> Self {
        Self { layout }
    }

    /// Where everything is.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The content of an authority's file, with its secrets.
    ///
    /// # Errors
    /// There is none, or it is no JSON object.
    pub fn document(&self, name: &AuthorityName) -> Result<Map<String, Value>, AdminError> {
        let path = self.layout.authority(name);
        conf::read_object(&path)
            .map_err(|reason| AdminError::Content { path, reason })?
            .ok_or_else(|| self.unknown(name))
    }

    /// Adds an authority, and makes its queue. Returns what is odd in its file.
    ///
    /// # Errors
    /// The document does not hold to the standard, the authority is there already, or files cannot be written.
    pub fn add(
        &self,
        document: &Map<String, Value>,
        standard: Standard,
    ) -> Result<(AuthorityName, Vec<String>), AdminError> {
        let _turn = self.lock()?;
        let violations = conf::violations(document);
        if !violations.is_empty() {
            return Err(AdminError::Invalid { violations });
        }
        let name = document.get("name").and_then(Value::as_str).unwrap_or_default();
        let name: AuthorityName = name.parse()?;
        let warnings = self.check(&name, document, standard)?;
        let path = self.layout.authority(&name);
        if fs::symlink_metadata(&path).is_ok() {
            return Err(AdminError::Exists { name });
        }
        self.write(&path, &Value::Object(document.clone()))?;
        durable::create_dirs(self.layout.out_queue(&name))?;
        Ok((name, warnings))
    }

    /// Starts or stops the work on an authority's queue. Returns whether it was otherwise before.
    ///
    /// # Errors
    /// There is no such authority, or its file cannot be read or written.
    pub fn set_active(&self, name: &AuthorityName, active: bool) -> Result<bool, AdminError> {
        self.edit(name, |document| {
            let before = document.insert("active".into(), active.into());
            Ok(before != Some(active.into()))
        })
    }

    /// Another password of the Kelvin account.
    ///
    /// # Errors
    /// There is no such authority, it has no plugin that idspool knows, or its file cannot be read or written.
    pub fn set_password(&self, name: &AuthorityName, password: &Secret) -> Result<(), AdminError> {
        if password.is_empty() || password.expose() == conf::MASK {
            return Err(AdminError::BadPassword);
        }
        self.edit(name, |document| {
            let configs = document.get_mut("plugin_configs").and_then(Value::as_object_mut);
            let mut is_set = false;
            for (plugin, config) in configs.into_iter().flatten() {
                if let Some(config) =
                    config.as_object_mut().filter(|_| Plugin::of(plugin).is_some())
                {
                    config.insert("password".into(), password.expose().into());
                    is_set = true;
                }
            }
            if is_set { Ok(()) } else { Err(AdminError::NoPlugin { name: name.clone() }) }
        })
    }

    /// The school mapping as written: schools in their spelling.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn mapping(&self) -> Result<BTreeMap<String, String>, AdminError> {
        let document = self.mapping_document()?;
        let mapping = document.get("mapping").and_then(Value::as_object);
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Ok(mapping
            .into_iter()
            .flatten()
            .map(|(school, name)| (school.clone(), text(name)))
            .collect())
    }

    /// Gives a school to an authority, or with `None` to nobody. Returns the authority that it had.
    ///
    /// Whether the authority exists is not checked, as in the ID Connector (id-connector 5.5).
    ///
    /// # Errors
    /// The school's name is empty, or the file cannot be read or written.
    pub fn map(
        &self,
        school: &str,
        authority: Option<&AuthorityName>,
    ) -> Result<Option<String>, AdminError> {
        if school.trim().is_empty() || school.chars().any(char::is_control) {
            return Err(AdminError::BadSchool);
        }
        let _turn = self.lock()?;
        let mut document = self.mapping_document()?;
        let path = self.layout.school_mapping();
        let mapping = document
            .entry("mapping")
            .or_insert_with(|| Map::new().into())
            .as_object_mut()
            .ok_or_else(|| AdminError::Content {
                path: path.clone(),
                reason: "\"mapping\" must be an object".into(),
            })?;
        // Spellings of one school, of which the last one counted.
        let spelled: Vec<String> = mapping
            .keys()
            .filter(|key| key.to_lowercase() == school.to_lowercase())
            .cloned()
            .collect();
        let mut before = None;
        for key in &spelled {
            before = mapping.remove(key);
        }
        if let Some(authority) = authority {
            mapping.insert(school.to_owned(), authority.as_str().into());
        } else if spelled.is_empty() {
            return Ok(None);
        }
        self.write(&path, &Value::Object(document))?;
        Ok(before.map(|name| name.as_str().map_or_else(|| name.to_string(), str::to_owned)))
    }

    fn mapping_document(&self) -> Result<Map<String, Value>, AdminError> {
        let path = self.layout.school_mapping();
        let document = conf::read_object(&path);
        Ok(document.map_err(|reason| AdminError::Content { path, reason })?.unwrap_or_default())
    }

    fn edit<T>(
        &self,
        name: &AuthorityName,
        change: impl FnOnce(&mut Map<String, Value>) -> Result<T, AdminError>,
    ) -> Result<T, AdminError> {
        let _turn = self.lock()?;
        let mut document = self.document(name)?;
        let done = change(&mut document)?;
        self.write(&self.layout.authority(name), &Value::Object(document))?;
        Ok(done)
    }

    fn check(
        &self,
        name: &AuthorityName,
        document: &Map<String, Value>,
        standard: Standard,
    ) -> Result<Vec<String>, AdminError> {
        match conf::read_authority(name, document, &self.layout.conf) {
            Ok((_, warnings)) => Ok(warnings),
            Err(reason) if standard == Standard::Servable => {
                Err(AdminError::NotServable { name: name.clone(), reason })
            }
            Err(reason) => Ok(vec![reason]),
        }
    }

    fn unknown(&self, name: &AuthorityName) -> AdminError {
        AdminError::Unknown { name: name.clone(), folder: self.layout.authorities() }
    }

    /// Those who edit take turns; the lock goes with the value.
    fn lock(&self) -> Result<File, AdminError> {
        durable::create_dirs(&self.layout.conf)?;
        let path = self.layout.conf.join(".edit.lock");
        let lock = idspool_spool::open_or_create(&path)?;
        lock.lock_exclusive().map_err(AdminError::file("lock", &path))?;
        Ok(lock)
    }

    /// Keys sorted and four spaces, as the ID Connector writes it.
    fn write(&self, path: &Path, document: &Value) -> Result<(), AdminError> {
        let folder = self.layout.authorities();
        if path.starts_with(&folder) && !folder.is_dir() {
            durable::create_dirs(&folder)?;
            fs::set_permissions(&folder, Permissions::from_mode(0o750))
                .map_err(AdminError::file("change the mode of", &folder))?;
        }
        let mut text = Vec::new();
        let form = serde_json::ser::PrettyFormatter::with_indent(b"    ");
        let mut serializer = serde_json::Serializer::with_formatter(&mut text, form);
        document
            .serialize(&mut serializer)
            .map_err(|error| AdminError::file("write", path)(error.into()))?;
        text.push(b'\n');
        // A link, say into a folder of managed configuration, stays one.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mode = fs::metadata(&target)
            .map_or(PRIVATE, |file| file.permissions().mode() & 0o770 | PRIVATE);
        Ok(durable::replace(&target, &text, mode)?)
    }
}
