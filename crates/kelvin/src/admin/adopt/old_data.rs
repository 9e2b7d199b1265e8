//! What the ID Connector remembered of users and groups (id-connector 1.5): a folder that the Python package
//! `diskcache` keeps, with an SQLite file of entries and a file for each large value.

use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};
use serde_json::{Map, Value};

use super::pickle;
use crate::routing::state::Identity;

/// The SQLite file.
pub(super) const DATABASE: &str = "cache.db";
/// Bytes of the largest value, a group with some hundred thousand members.
const LARGEST: u64 = 32 << 20;
/// How `diskcache` says that a value is a pickle.
const PICKLED: i64 = 4;
/// How long the ID Connector remembered a deleted object.
const KEPT: TimeDelta = TimeDelta::days(7);

/// What is remembered of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remembered {
    /// Its entryUUID.
    pub(super) id: String,
    /// What it was.
    pub(super) data: Data,
    /// When it was deleted.
    pub(super) deleted: Option<DateTime<Utc>>,
}

/// Users have schools, groups have members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Data {
    User { schools: Vec<String>, identity: Identity },
    Group,
}

/// Calls `visit` with each entry that is still valid, or with what is wrong with one.
///
/// # Errors
/// The SQLite file cannot be read. Without it there is nothing to visit.
pub(super) fn each(
    folder: &Path,
    now: DateTime<Utc>,
    visit: &mut dyn FnMut(Result<Remembered, String>),
) -> Result<(), rusqlite::Error> {
    let path = folder.join(DATABASE);
    match path.metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        // Opening a named pipe would wait for ever.
        Ok(metadata) if !metadata.is_file() => {
            return Err(rusqlite::Error::InvalidPath(path));
        }
        _ => {}
    }
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut query = connection
        .prepare("SELECT key, raw, expire_time, mode, filename, value FROM Cache ORDER BY rowid")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let expires: Option<f64> = row.get(2).unwrap_or_default();
        let deleted =
            expires.and_then(|time| DateTime::from_timestamp_millis((time * 1000.0) as i64));
        if deleted.is_some_and(|expires| expires < now) {
            continue;
        }
        let found = entry(folder, row).map(|(id, data)| Remembered {
            id,
            data,
            deleted: deleted.map(|expires| expires - KEPT),
        });
        visit(found);
    }
    Ok(())
}

fn entry(folder: &Path, row: &Row<'_>) -> Result<(String, Data), String> {
    let failed = |error: rusqlite::Error| error.to_string();
    let id = match (row.get_ref(0).map_err(failed)?, row.get::<_, Option<i64>>(1).map_err(failed)?)
    {
        (ValueRef::Text(text), Some(1)) => String::from_utf8_lossy(text).into_owned(),
        (ValueRef::Blob(bytes), Some(0)) => match pickle::read(bytes) {
            Ok(Value::String(text)) => text,
            _ => return Err("an entry whose key is no text".into()),
        },
        _ => return Err("an entry whose key is no text".into()),
    };
    let shown: String = id.chars().take(80).collect();
    let value = value(folder, row).and_then(data);
    Ok((id, value.map_err(|problem| format!("{shown}: {problem}"))?))
}

fn value(folder: &Path, row: &Row<'_>) -> Result<Map<String, Value>, String> {
    let failed = |error: rusqlite::Error| error.to_string();
    let file: Option<String> = row.get(4).map_err(failed)?;
    let is_pickled = row.get::<_, Option<i64>>(3).map_err(failed)? == Some(PICKLED);
    let read;
    let bytes = match (&file, row.get_ref(5).map_err(failed)?) {
        (Some(file), _) => {
            read = large(folder, Path::new(file))?;
            &read[..]
        }
        (None, ValueRef::Blob(bytes) | ValueRef::Text(bytes)) => bytes,
        (None, _) => return Err("it has no value".into()),
    };
    let value = if is_pickled {
        pickle::read(bytes).map_err(|error| format!("its value cannot be read: {error}"))?
    } else {
        serde_json::from_slice(bytes)
            .map_err(|error| format!("its value cannot be read: {error}"))?
    };
    match value {
        Value::Object(map) => Ok(map),
        _ => Err("its value is no dictionary".into()),
    }
}

fn large(folder: &Path, file: &Path) -> Result<Vec<u8>, String> {
    let is_inside = file.components().all(|part| matches!(part, Component::Normal(_)));
    if !is_inside {
        return Err("the file of its value is elsewhere".into());
    }
    let path: PathBuf = folder.join(file);
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let metadata = std::fs::metadata(&path).map_err(failed)?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return Err(format!("{}: no regular file of at most {LARGEST} bytes", path.display()));
    }
    let mut bytes = Vec::new();
    File::open(&path).map_err(failed)?.take(LARGEST).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

fn data(value: Map<String, Value>) -> Result<Data, String> {
    if value.contains_key("users") && !value.contains_key("schools") {
        return Ok(Data::Group);
    }
    let schools = value.get("schools").and_then(Value::as_array).ok_or("it has no schools")?;
    let schools: Option<Vec<String>> =
        schools.iter().map(|school| school.as_str().map(str::to_owned)).collect();
    let text = |key: &str| match value.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(_) => Err(format!("its {key} is no text")),
    };
    let identity = Identity { record_uid: text("record_uid")?, source_uid: text("source_uid")? };
    Ok(Data::User { schools: schools.ok_or("its schools are no texts")?, identity })
}
