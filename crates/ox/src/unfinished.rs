//! Deletions that a crash could leave half done.
//!
//! Removing a user takes the groups with it that become empty, and removing a context takes its
//! credentials with it. Once the first call is answered, OX no longer tells what is left to do:
//! so it is noted on disk before, in `unfinished/<entry uuid>.json`, and done at the next attempt.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Mutex;

use idspool_provisioner::Fault;
use idspool_spool::durable;
use serde::{Deserialize, Serialize};

use crate::small_file;

/// Name of the folder in the data directory.
pub(crate) const FOLDER: &str = "unfinished";
/// More than a note of all groups of a user.
const LARGEST: u64 = 16 << 20;

/// What is left to do once the object itself is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unfinished {
    /// Groups of this context that had no other member.
    Groups { context: i32, groups: Vec<(i32, String)> },
    /// The credentials of this context.
    Credentials { context: i32 },
}

/// The folder of notes.
pub(crate) struct Notes {
    folder: PathBuf,
    /// The ids that have a note, so that the ordinary item costs nothing.
    ids: Mutex<HashSet<String>>,
    /// Notes that stay in memory; `None`: they go to the disk.
    rehearsed: Option<Mutex<HashMap<String, Unfinished>>>,
}

impl Notes {
    /// Sees what an earlier run left.
    pub(crate) fn open(folder: PathBuf) -> Result<Self, Fault> {
        let mut ids = HashSet::new();
        match fs::read_dir(&folder) {
            Ok(files) => {
                for file in files.flatten() {
                    let name = file.file_name();
                    let id = name.to_str().and_then(|name| name.strip_suffix(".json"));
                    ids.extend(id.filter(|id| !id.starts_with('.')).map(str::to_owned));
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                return Err(Fault::transient(format!("list {}: {error}", folder.display())));
            }
        }
        Ok(Self { folder, ids: Mutex::new(ids), rehearsed: None })
    }

    /// The same notes for a dry run: what is noted or cleared counts in this process and stays in
    /// memory.
    pub(crate) fn rehearsing(folder: PathBuf) -> Result<Self, Fault> {
        Ok(Self { rehearsed: Some(Mutex::default()), ..Self::open(folder)? })
    }

    /// The note of an object.
    pub(crate) fn get(&self, id: &str) -> Result<Option<Unfinished>, Fault> {
        if !crate::lock(&self.ids).contains(id) {
            return Ok(None);
        }
        if let Some(note) =
            self.rehearsed.as_ref().and_then(|notes| crate::lock(notes).get(id).cloned())
        {
            return Ok(Some(note));
        }
        let path = self.path(id);
        let bytes = match small_file::read(&path, LARGEST) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(Fault::transient(format!("read {}: {error}", path.display())));
            }
        };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            Fault::permanent(format!("{} is damaged: {error}", path.display())).with_remedy(
                "remove the file; groups without members may be left in OX, or an entry in contexts.json",
            )
        })
    }

    /// Notes it durably.
    pub(crate) fn set(&self, id: &str, unfinished: &Unfinished) -> Result<(), Fault> {
        if let Some(notes) = &self.rehearsed {
            crate::lock(notes).insert(id.to_owned(), unfinished.clone());
            crate::lock(&self.ids).insert(id.to_owned());
            return Ok(());
        }
        let failed = |error: &dyn std::fmt::Display| {
            Fault::transient(format!("write {}: {error}", self.path(id).display()))
        };
        durable::create_dirs(&self.folder).map_err(|error| failed(&error))?;
        let bytes = serde_json::to_vec(unfinished).map_err(|error| failed(&error))?;
        durable::replace(self.path(id), &bytes, 0o600).map_err(|error| failed(&error))?;
        crate::lock(&self.ids).insert(id.to_owned());
        Ok(())
    }

    /// Everything is done. If the process dies before the removal reaches the disk, the rest is found
    /// done at the next look: harmless, so no fsync.
    pub(crate) fn clear(&self, id: &str) -> Result<(), Fault> {
        let is_noted = crate::lock(&self.ids).remove(id);
        if let Some(notes) = &self.rehearsed {
            crate::lock(notes).remove(id);
        } else if is_noted {
            let path = self.path(id);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(Fault::transient(format!("remove {}: {error}", path.display())));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn path(&self, id: &str) -> PathBuf {
        // Item ids are checked to be fit for a file name before a delivery begins.
        self.folder.join(format!("{id}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_survives_a_restart_until_it_is_cleared() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("unfinished");
        let note = Unfinished::Groups { context: 10, groups: vec![(7, "a \"team\"".into())] };
        let notes = Notes::open(folder.clone()).unwrap();
        assert_eq!(notes.get("u-1").unwrap(), None);
        notes.set("u-1", &note).unwrap();
        let notes = Notes::open(folder.clone()).unwrap();
        assert_eq!(notes.get("u-1").unwrap(), Some(note));
        notes.clear("u-1").unwrap();
        notes.clear("u-1").unwrap();
        assert_eq!(Notes::open(folder).unwrap().get("u-1").unwrap(), None);
    }

    #[test]
    fn a_damaged_note_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("u-1.json"), "{").unwrap();
        let fault = Notes::open(dir.path().to_owned()).unwrap().get("u-1").unwrap_err();
        assert!(fault.message.contains("u-1.json is damaged"), "{}", fault.message);
    }
}
