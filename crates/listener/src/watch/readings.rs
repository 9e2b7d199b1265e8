//! What the converter has read of objects, compared with what we know.
//!
//! Between two messages of the server an entry may have been something else: a group that is made and
//! deleted again while nobody follows was in the `groups` of its members for a moment, and whoever read
//! them in that moment has what no change will ever correct. So the converter leaves a
//! [`Reading`] of each object, and what is not as in the index goes out once more. When that says
//! the same again, the index is what cannot know, as with entries that no filter shows it.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use idspool_directory::RawUuid;
use idspool_udm::{EntryUuid, Module, READINGS, Reading, Ties};
use rusqlite::{OptionalExtension as _, params};

use super::content::{Stage, entry_uuid};
use super::delivery::{READ_AGAIN, now};
use super::error::WatchError;
use super::index::Index;
use super::kind::{self, Command};
use super::name;
use super::outbox::NewItem;
use super::tree::Node;
use super::work::Work;

/// How often new ones are looked for.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// Whoever reads may be ahead of the messages by that long, in milliseconds.
const AHEAD: i64 = 2000;

/// Files that are taken together.
const TOGETHER: usize = 256;

/// Longest file that is read; a reading has some 60 bytes, and 1,000 objects are converted together.
const MAX_SIZE: u64 = 1 << 24;

/// Objects that are looked at together, with all groups that they are in.
const CHUNK: usize = 64;

pub(super) fn folder(spool: &Path) -> PathBuf {
    spool.join(READINGS)
}

impl Work {
    /// Takes in what was read, and makes items of what is not as we know it. After a refresh we know
    /// everything, and need not wait for messages.
    pub(super) fn check_readings(&mut self, is_refreshed: bool) -> Result<(), WatchError> {
        if is_refreshed {
            self.index.transaction(|| self.index.look_at_all(now()))?;
        }
        let wait = if is_refreshed { 0 } else { AHEAD };
        loop {
            let paths = self.waiting_readings()?;
            let readings: Vec<Reading> = paths.iter().flat_map(|path| read(path)).collect();
            self.index.transaction(|| {
                let due = now() + wait;
                readings.iter().try_for_each(|reading| self.index.note_reading(reading, due))
            })?;
            let mut removed = 0;
            for path in &paths {
                removed += usize::from(remove(path)?);
            }
            if !is_refreshed || paths.len() < TOGETHER || removed == 0 {
                break;
            }
        }
        while self.look_into_doubtful()? {}
        Ok(())
    }

    fn waiting_readings(&self) -> Result<Vec<PathBuf>, WatchError> {
        let folder = folder(&self.settings.spool);
        let mut names = Vec::new();
        let files = match fs::read_dir(&folder) {
            // Somebody does not want the comparison.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(failed("read", &folder))?,
        };
        for file in files {
            let name = file.map_err(failed("read", &folder))?.file_name();
            if !name.as_encoded_bytes().starts_with(b".") {
                names.push(name);
            }
        }
        // The one that was read last counts.
        names.sort_unstable();
        names.truncate(TOGETHER);
        Ok(names.iter().map(|name| folder.join(name)).collect())
    }

    /// `true`: there may be more.
    fn look_into_doubtful(&mut self) -> Result<bool, WatchError> {
        let doubtful = self.index.doubtful(now(), CHUNK);
        let doubtful = doubtful.map_err(|error| self.index.failed(error))?;
        if doubtful.is_empty() {
            return Ok(false);
        }
        self.correct(&doubtful)?;
        let index = &self.index;
        let pass = self.pass(Stage::Persist);
        index.transaction(|| {
            for (uuid, digest) in &doubtful {
                let node = index.by_uuid(*uuid)?;
                let module = node.as_ref().and_then(|node| pass.wanted(node.module));
                let (Some(node), Some(module)) = (node, module) else {
                    index.forget_reading(*uuid)?;
                    continue;
                };
                if index.ties(&node)?.digest() == *digest {
                    index.forget_reading(*uuid)?;
                    continue;
                }
                let command = Command::Modify;
                let (uuid, rank) = (node.uuid, 0);
                index.add_item(NewItem { uuid, module, command, dn: None, rank, csn: "" })?;
                index.note_told(uuid)?;
            }
            Ok(())
        })?;
        Ok(doubtful.len() == CHUNK)
    }

    /// It may be us who are wrong: looks at these objects, at what names them, and at what we think
    /// names them.
    fn correct(&mut self, doubtful: &[(RawUuid, i64)]) -> Result<(), WatchError> {
        let uuids: Vec<EntryUuid> =
            doubtful.iter().filter_map(|(uuid, _)| entry_uuid(*uuid)).collect();
        let own = self.lookup.entries_by_uuid(&uuids, &["entryUUID"])?;
        let dns: Vec<&str> = own.values().map(|entry| entry.dn.as_str()).collect();
        let naming = self.lookup.entries_listing(&dns, "(objectClass=*)", &["entryUUID"])?;
        let naming = naming.iter().filter_map(|entry| entry.first_text("entryUUID")?.parse().ok());
        let supposed = self.index.supposed_sources(doubtful);
        let supposed = supposed.map_err(|error| self.index.failed(error))?;
        let supposed = supposed.into_iter().filter_map(entry_uuid);
        let all: BTreeSet<EntryUuid> = own.keys().cloned().chain(naming).chain(supposed).collect();
        let all: Vec<EntryUuid> = all.into_iter().collect();
        let read = self.lookup.entries_by_uuid(&all, &READ_AGAIN)?;
        let (index, pass) = (&self.index, self.pass(Stage::Persist));
        index.transaction(|| {
            for (uuid, entry) in &read {
                // What we have not heard of is told.
                let Some(node) = index.by_uuid(RawUuid::from(uuid))? else { continue };
                if node.hash != name::hash(&entry.dn) {
                    pass.relocate(&node, &entry.dn)?;
                }
                let is_changed = pass.read_again(&node, entry)?;
                // The others are compared with what was read of them.
                if is_changed && !doubtful.iter().any(|(doubtful, _)| *doubtful == node.uuid) {
                    let module = kind::module(node.module);
                    pass.changed(node.uuid, module, Command::Modify, "")?;
                }
            }
            Ok(())
        })?;
        self.settle_places(Stage::Persist)
    }
}

/// Removes what was taken. `false`: there is nothing (any more) that could be removed.
fn remove(path: &Path) -> Result<bool, WatchError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        // No file of the converter; it is looked at once more, and that is all.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory) => {
            Ok(false)
        }
        // Those behind it would never be looked at.
        Err(error) => Err(failed("remove", path)(error)),
    }
}

fn failed(operation: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> WatchError {
    move |cause| idspool_spool::Error::Io { operation, path: path.to_owned(), cause }.into()
}

/// Readings of a file. What is none was not written by the converter, and says nothing.
fn read(path: &Path) -> Vec<Reading> {
    let is_usable =
        fs::symlink_metadata(path).is_ok_and(|data| data.is_file() && data.len() <= MAX_SIZE);
    let text = if is_usable { fs::read_to_string(path).unwrap_or_default() } else { String::new() };
    text.lines().filter_map(Reading::parse).collect()
}

impl Index {
    /// What of an object depends on other entries, as far as we know.
    pub(super) fn ties(&self, node: &Node) -> rusqlite::Result<Ties> {
        let named = self.references(node.id)?.iter().map(|reference| reference.target).collect();
        let groups = match kind::module(node.module) {
            Some(Module::User | Module::Group) => self
                .connection
                .prepare_cached(
                    "SELECT entry.hash FROM reference JOIN entry ON entry.id = reference.source
                     WHERE reference.target = ?1 AND reference.member = 1",
                )?
                .query_map([node.hash], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?,
            _ => Default::default(),
        };
        Ok(Ties::new(node.hash, named, groups))
    }

    /// What we think names these objects.
    fn supposed_sources(&self, objects: &[(RawUuid, i64)]) -> rusqlite::Result<Vec<RawUuid>> {
        let mut found = Vec::new();
        for (uuid, _) in objects {
            if let Some(node) = self.by_uuid(*uuid)? {
                found.extend(self.sources(node.hash)?.into_iter().map(|(uuid, _)| uuid));
            }
        }
        Ok(found)
    }

    /// Takes in what was read of an object; if that is not what we know, it is looked at when `due`.
    fn note_reading(&self, reading: &Reading, due: i64) -> rusqlite::Result<()> {
        let uuid = RawUuid::from(&reading.uuid);
        let Some(node) = self.by_uuid(uuid)? else { return self.forget_reading(uuid) };
        let told: Option<i64> = self
            .connection
            .prepare_cached("SELECT digest FROM reading WHERE uuid = ?1 AND due IS NULL")?
            .query_row([uuid.0], |row| row.get(0))
            .optional()?;
        if told == Some(reading.digest) || self.ties(&node)?.digest() == reading.digest {
            return self.forget_reading(uuid);
        }
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO reading (uuid, digest, due) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![uuid.0, reading.digest, due])?;
        Ok(())
    }

    fn forget_reading(&self, uuid: RawUuid) -> rusqlite::Result<()> {
        self.connection.prepare_cached("DELETE FROM reading WHERE uuid = ?1")?.execute([uuid.0])?;
        Ok(())
    }

    /// It goes out once more.
    fn note_told(&self, uuid: RawUuid) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("UPDATE reading SET due = NULL WHERE uuid = ?1")?
            .execute([uuid.0])?;
        Ok(())
    }

    /// There is nothing more to wait for.
    fn look_at_all(&self, now: i64) -> rusqlite::Result<()> {
        self.connection.execute("UPDATE reading SET due = ?1 WHERE due IS NOT NULL", [now])?;
        Ok(())
    }

    /// What was read of objects, and is to be looked at now.
    fn doubtful(&self, now: i64, most: usize) -> rusqlite::Result<Vec<(RawUuid, i64)>> {
        self.connection
            .prepare_cached(
                // One that is due very late was written before the clock was set back.
                "SELECT uuid, digest FROM reading WHERE due <= ?1 OR due > ?2 LIMIT ?3",
            )?
            .query_map(params![now, now + 10 * AHEAD, most], |row| {
                Ok((RawUuid(row.get(0)?), row.get(1)?))
            })?
            .collect()
    }
}
