//! The last delivered state of each object.
//!
//! `old/<id>.json` holds the state itself, in the form that the OX Connector writes
//! (ox-provisioning 2.2 and 2.4), so that an administrator and the scripts of its manual can read it.
//! The files are the truth; the index beside them only saves reading them.
//!
//! New states are collected and made durable as a group ([`Objects::commit`]): one sync for many
//! objects. Until then they count here, and on disk the former states stand.
//!
//! The index is compared with the files when there is doubt: after a restart of the machine, after a
//! process that did not end properly, and when `old/` was changed from outside while nothing ran.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{fs, io};

use idspool_spool::{Replacements, boot_id, durable, remove_drafts};
use idspool_udm::{ConvertedItem, dn};

use crate::Facts;
use crate::index::{Index, Indexed};

/// Derives what the index notes of an object from its snapshot alone, where the delivery itself is
/// unknown (no digest, no rights).
pub type FactsOf = fn(&ConvertedItem) -> Facts;

/// The snapshots of one recipient and the index over them.
#[derive(Debug)]
pub struct Objects {
    folder: PathBuf,
    index: Mutex<Index>,
    staged: Mutex<Staged>,
    facts_of: FactsOf,
}

/// States that are not on disk yet, and the times that their files will have.
#[derive(Debug)]
struct Staged {
    files: Replacements,
    states: HashMap<String, (ConvertedItem, i64)>,
    /// Snapshots that were removed, which is not durable yet.
    removed: usize,
}

/// An object found by its DN.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// Its entry UUID.
    pub id: String,
    /// Its UDM module.
    pub module: String,
    /// What is noted of it.
    pub facts: Facts,
    /// Its snapshot.
    pub path: PathBuf,
}

/// Name of the sub-folder of a queue that holds the snapshots.
const FOLDER: &str = "old";
/// Name of the index in the queue's folder; a dot-name is never an item.
const INDEX: &str = ".objects.sqlite";
/// Snapshots are as personal as the directory.
const MODE: u32 = 0o600;
/// More than any real object: a user with a large photo and certificate is below 1 MiB.
const LARGEST: u64 = 64 << 20;
/// Rows written as one transaction when the index is made.
const TOGETHER: usize = 1000;

impl Objects {
    /// Opens the snapshots of the queue in `queue`, making `old/` and the index if they are missing,
    /// and brings the index up to date.
    ///
    /// # Errors
    /// The folder or the index cannot be made or read.
    pub fn open(queue: &Path, facts_of: FactsOf) -> Result<Self, Error> {
        let folder = queue.join(FOLDER);
        durable::create_dirs(&folder)?;
        remove_drafts(&folder)?;
        let path = queue.join(INDEX);
        let index = Index::open(&path).map_err(|source| Error::Index { path, source })?;
        let staged =
            Staged { files: Replacements::new(&folder), states: HashMap::new(), removed: 0 };
        let objects =
            Self { folder, index: Mutex::new(index), staged: Mutex::new(staged), facts_of };
        let state = objects.state_on_disk()?;
        let noted = objects.on_index(|index| index.note("clean"))?;
        if noted.as_deref() != Some(state.as_str()) {
            objects.reconcile()?;
        }
        // From here on the index counts as behind until `close` says otherwise.
        objects.on_index(|index| index.set_note("clean", ""))?;
        Ok(objects)
    }

    /// Notes that the index is complete, so that the next start need not compare it.
    ///
    /// # Errors
    /// The index cannot be written.
    pub fn close(self) -> Result<(), Error> {
        self.commit()?;
        let state = self.state_on_disk()?;
        self.on_index(|index| index.set_note("clean", &state))
    }

    /// The snapshot of an object; `None` when it was never delivered.
    ///
    /// # Errors
    /// The file cannot be read or is no snapshot.
    pub fn snapshot(&self, id: &str) -> Result<Option<ConvertedItem>, Error> {
        Ok(self.load(id)?.map(|(item, _)| item))
    }

    /// The snapshot together with what was noted at its delivery. The latter is `None` when the
    /// snapshot was put there or edited by somebody else since.
    ///
    /// # Errors
    /// As for [`Objects::snapshot`].
    pub fn previous(&self, id: &str) -> Result<Option<(ConvertedItem, Option<Facts>)>, Error> {
        let Some((item, stamp)) = self.load(id)? else { return Ok(None) };
        let indexed = self.on_index(|index| index.by_id(id))?;
        let facts = indexed.filter(|indexed| indexed.stamp == stamp).map(|indexed| indexed.facts);
        Ok(Some((item, facts)))
    }

    /// What is noted of an object.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn facts(&self, id: &str) -> Result<Option<Facts>, Error> {
        Ok(self.on_index(|index| index.by_id(id))?.map(|indexed| indexed.facts))
    }

    /// The object with this DN, in whatever spelling.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn by_dn(&self, dn: &str) -> Result<Option<Known>, Error> {
        let key = dn::key(dn);
        Ok(self.on_index(|index| index.by_dn(&key))?.map(|indexed| self.known(indexed)))
    }

    /// Where the snapshot of an object is, whether or not it exists.
    ///
    /// # Errors
    /// `id` is not fit for a file name.
    pub fn path_of(&self, id: &str) -> Result<PathBuf, Error> {
        Ok(self.folder.join(file_name(id)?))
    }

    /// Makes this the last delivered state of an object. It counts at once, and is durable after
    /// [`Objects::commit`].
    ///
    /// # Errors
    /// The file or the index cannot be written.
    pub fn store(&self, item: &ConvertedItem, facts: &Facts) -> Result<(), Error> {
        let name = file_name(&item.id)?;
        let mut staged = self.staged();
        let modified = staged.files.add(&name, &item.to_snapshot_bytes(), MODE)?;
        let stamp = stamp(modified);
        staged.states.insert(item.id.clone(), (item.clone(), stamp));
        self.on_index(|index| {
            index.gather().and_then(|()| index.put(item, &dn::key(&item.dn), facts, stamp))
        })
    }

    /// Notes facts of an object whose state is stored already.
    ///
    /// # Errors
    /// The index cannot be written.
    pub fn note(&self, item: &ConvertedItem, facts: &Facts) -> Result<(), Error> {
        let Some((_, stamp)) = self.load(&item.id)? else { return self.store(item, facts) };
        self.on_index(|index| {
            index.gather().and_then(|()| index.put(item, &dn::key(&item.dn), facts, stamp))
        })
    }

    /// Removes the snapshot of an object and its entry in the index. Not being there is fine. Counts at
    /// once, and is durable after [`Objects::commit`].
    ///
    /// # Errors
    /// The file cannot be removed or the index not be written.
    pub fn forget(&self, id: &str) -> Result<(), Error> {
        let name = file_name(id)?;
        let mut staged = self.staged();
        staged.files.cancel(&name);
        staged.states.remove(id);
        let path = self.folder.join(name);
        match fs::remove_file(&path) {
            Ok(()) => staged.removed += 1,
            Err(source) if source.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(Error::File { operation: "remove", path, source }),
        }
        self.on_index(|index| index.gather().and_then(|()| index.remove(id)))
    }

    /// Number of changes that are not durable yet.
    pub fn uncommitted(&self) -> usize {
        let staged = self.staged();
        staged.files.len() + staged.removed
    }

    /// Makes all stored states and all removals durable (S5).
    ///
    /// # Errors
    /// A file or the index cannot be written. What was stored since the last commit does not count
    /// any more: the items have to be delivered again.
    pub fn commit(&self) -> Result<(), Error> {
        let mut staged = self.staged();
        staged.states.clear();
        if !staged.files.is_empty() {
            staged.files.commit()?;
        } else if staged.removed > 0 {
            // Otherwise a power loss could bring the snapshot of a deleted object back, after the item
            // that would remove it again is gone.
            fs::File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(
                |source| Error::File { operation: "sync", path: self.folder.clone(), source },
            )?;
        }
        staged.removed = 0;
        self.on_index(Index::keep)
    }

    /// Brings the index to the state of the files. Only files that are new or were touched since are
    /// read.
    ///
    /// # Errors
    /// The folder cannot be listed or the index not be written. A snapshot that cannot be read is
    /// named in the log and left out: the object's own next item shows it.
    pub fn reconcile(&self) -> Result<(), Error> {
        // Looked up one by one, not held in memory: a million snapshots are ordinary.
        let mut changed = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(|source| self.folder_error(source))? {
            let name = entry.map_err(|source| self.folder_error(source))?.file_name();
            let Some(id) = name.to_str().and_then(|name| name.strip_suffix(".json")) else {
                continue;
            };
            let Ok(path) = self.path_of(id) else { continue };
            let Ok(stamp) = stamp_of(&path) else { continue };
            if self.on_index(|index| index.stamp(id))? != Some(stamp) {
                changed.push((id.to_owned(), stamp));
            }
        }
        let mut gone = Vec::new();
        self.on_index(|index| {
            index.each(|id| {
                if !self.folder.join(format!("{id}.json")).exists() {
                    gone.push(id.to_owned());
                }
            })
        })?;
        if changed.is_empty() && gone.is_empty() {
            return Ok(());
        }
        self.on_index(|index| {
            index.gather()?;
            gone.iter().try_for_each(|id| index.remove(id))?;
            index.keep()
        })?;
        // Oldest first: where two snapshots claim one DN, it belongs to the newer one.
        changed.sort_by_key(|(_, stamp)| *stamp);
        for group in changed.chunks(TOGETHER) {
            self.on_index(Index::gather)?;
            group.iter().try_for_each(|(id, stamp)| self.read_into(id, *stamp))?;
            self.on_index(Index::keep)?;
        }
        tracing::info!(
            "Index brought up to date: {} snapshots read, {} gone",
            changed.len(),
            gone.len()
        );
        Ok(())
    }

    fn read_into(&self, id: &str, stamp: i64) -> Result<(), Error> {
        match self.load_file(id) {
            Ok(Some((item, _))) if item.id == id => {
                let facts = (self.facts_of)(&item);
                self.on_index(|index| index.put(&item, &dn::key(&item.dn), &facts, stamp))
            }
            Ok(Some(_)) => {
                tracing::warn!(
                    "snapshot {id}.json holds another object than its name says: ignored"
                );
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(error) => {
                tracing::warn!("{error}: left out of the index");
                Ok(())
            }
        }
    }

    fn load(&self, id: &str) -> Result<Option<(ConvertedItem, i64)>, Error> {
        let staged = self.staged().states.get(id).cloned();
        if staged.is_some() { Ok(staged) } else { self.load_file(id) }
    }

    fn load_file(&self, id: &str) -> Result<Option<(ConvertedItem, i64)>, Error> {
        let path = self.path_of(id)?;
        let failed = |source| Error::File { operation: "read", path: path.clone(), source };
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(failed(source)),
        };
        if metadata.len() > LARGEST {
            return Err(failed(io::Error::other(format!("larger than {LARGEST} bytes"))));
        }
        let bytes = fs::read(&path).map_err(failed)?;
        let item = ConvertedItem::parse(&bytes)
            .map_err(|source| Error::Snapshot { path: path.clone(), source: Box::new(source) })?;
        Ok(Some((item, stamp_of_metadata(&metadata))))
    }

    fn known(&self, indexed: Indexed) -> Known {
        let path = self.folder.join(format!("{}.json", indexed.id));
        Known { id: indexed.id, module: indexed.module, facts: indexed.facts, path }
    }

    /// Changes whenever the machine restarts or a file in the folder is added, replaced or removed.
    fn state_on_disk(&self) -> Result<String, Error> {
        Ok(format!("{} {}", boot_id(), stamp_of(&self.folder)?))
    }

    fn on_index<T>(&self, work: impl FnOnce(&Index) -> rusqlite::Result<T>) -> Result<T, Error> {
        work(&self.lock()).map_err(|source| self.index_error(source))
    }

    fn staged(&self) -> MutexGuard<'_, Staged> {
        self.staged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Index> {
        // SQLite rolls an interrupted statement back, so a panic elsewhere leaves nothing half done.
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn index_error(&self, source: rusqlite::Error) -> Error {
        Error::Index { path: self.folder.with_file_name(INDEX), source }
    }

    fn folder_error(&self, source: io::Error) -> Error {
        Error::File { operation: "list", path: self.folder.clone(), source }
    }
}

fn stamp_of(path: &Path) -> Result<i64, Error> {
    fs::metadata(path).map(|metadata| stamp_of_metadata(&metadata)).map_err(|source| Error::File {
        operation: "read",
        path: path.to_owned(),
        source,
    })
}

fn stamp_of_metadata(metadata: &fs::Metadata) -> i64 {
    metadata.modified().map(stamp).unwrap_or(0)
}

fn stamp(time: SystemTime) -> i64 {
    let age = time.duration_since(UNIX_EPOCH).ok();
    age.and_then(|age| i64::try_from(age.as_nanos()).ok()).unwrap_or(0)
}

/// Name of the snapshot of an object.
///
/// An id comes from a file that anybody may have written; it must not lead out of the folder.
fn file_name(id: &str) -> Result<String, Error> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if id.is_empty() || id.len() > 128 || !id.bytes().all(is_plain) {
        return Err(Error::BadId { id: id.chars().take(80).collect() });
    }
    Ok(format!("{id}.json"))
}

/// What can go wrong with the kept states.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An id that cannot name a file.
    #[error("'{id}' is no usable object id: expected letters, digits, hyphens")]
    BadId {
        /// The id, shortened.
        id: String,
    },
    /// A file or folder.
    #[error("failed to {operation} {}: {source}", path.display())]
    File {
        /// What was being done.
        operation: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A durable write.
    #[error(transparent)]
    Write(#[from] idspool_spool::Error),
    /// A snapshot that is none.
    #[error(
        "snapshot {} is damaged: {source}; restore it from a backup, or remove it and re-provision the object",
        path.display()
    )]
    Snapshot {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<idspool_udm::Error>,
    },
    /// The index.
    #[error("failed to use the index {}: {source}; it can be removed, it is made anew", path.display())]
    Index {
        /// Its file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

#[cfg(test)]
mod tests;
