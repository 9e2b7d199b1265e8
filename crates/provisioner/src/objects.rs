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

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{fs, io};

use idspool_spool::{Replacements, boot_id, durable, remove_drafts};
use idspool_udm::ConvertedItem;

pub use self::error::Error;
pub use self::places::Place;
use self::places::Places;
pub use self::reconcile::Rebuilt;
use self::scratch::{Aside, Scratch};
use crate::Facts;
use crate::index::Index;

mod commit;
mod error;
mod lookup;
mod places;
mod reconcile;
mod scratch;

/// What the index notes of an object, as far as its snapshot tells.
#[derive(Debug, Clone, Copy)]
pub struct Indexing {
    /// Facts where the delivery itself is unknown (no digest, no rights).
    pub facts_of: fn(&ConvertedItem) -> Facts,
    /// DNs of the objects that this one refers to, in any spelling; see [`Objects::referring`].
    pub references_of: fn(&ConvertedItem) -> Vec<String>,
    /// Names that the recipient gives to one object only, as it has them of this one; see
    /// [`Objects::holding`].
    pub names_of: fn(&ConvertedItem) -> Vec<String>,
}

/// The snapshots of one recipient and the index over them.
#[derive(Debug)]
pub struct Objects {
    folder: PathBuf,
    index: Mutex<Index>,
    staged: Mutex<Staged>,
    places: Mutex<Places>,
    indexing: Indexing,
    /// Where changes go when nothing may be changed in the queue.
    scratch: Option<Scratch>,
}

/// States that are not on disk yet, and the times that their files will have.
#[derive(Debug)]
struct Staged {
    files: Replacements,
    states: HashMap<String, (ConvertedItem, i64)>,
    /// Objects whose snapshots are to be removed.
    removed: BTreeSet<String>,
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
    /// Its DN in normalised form; empty when the DN now belongs to another object, or was forgotten.
    pub dn: String,
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

impl Objects {
    /// Opens the snapshots of the queue in `queue`, making `old/` and the index if they are missing,
    /// and brings the index up to date.
    ///
    /// # Errors
    /// The folder or the index cannot be made or read.
    pub fn open(queue: &Path, indexing: Indexing) -> Result<Self, Error> {
        let folder = queue.join(FOLDER);
        durable::create_dirs(&folder)?;
        remove_drafts(&folder)?;
        let path = queue.join(INDEX);
        let index = Index::open(&path).map_err(|source| Error::Index { path, source })?;
        let objects = Self::over(folder, index, indexing, None);
        if !objects.is_clean()? {
            objects.reconcile()?;
        }
        // From here on the index counts as behind until `close` says otherwise.
        objects.on_index(|index| index.set_note("clean", ""))?;
        Ok(objects)
    }

    /// Opens a view of the snapshots of the queue in `queue`: nothing there is changed, touched or
    /// locked, whoever else works with it, and nothing need be there yet. What is stored or forgotten
    /// here counts here alone, and is gone with the view.
    ///
    /// The view has an index of its own in the system's temporary folder, which is brought up to date
    /// with the snapshots as they are now. Without an index in the queue that means reading all of
    /// them, which the log tells.
    ///
    /// # Errors
    /// The temporary folder cannot be written, or the snapshots cannot be read.
    pub fn view(queue: &Path, indexing: Indexing) -> Result<Self, Error> {
        let scratch = Scratch::new()?;
        let original = queue.join(INDEX);
        if !scratch.copy_index(&original)? {
            tracing::info!("No index {}: reading all snapshots", original.display());
        }
        let path = scratch.index();
        let index = Index::open(&path).map_err(|source| Error::Index { path, source })?;
        let objects = Self::over(queue.join(FOLDER), index, indexing, Some(scratch));
        if !objects.is_clean()? {
            objects.reconcile()?;
        }
        Ok(objects)
    }

    /// Opens the index of the queue in `queue` as it is, beside whoever works with it: for looking
    /// objects up and for [`Objects::forget_dn`]. `None`: there is none yet, or one of another version.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn beside(queue: &Path, indexing: Indexing) -> Result<Option<Self>, Error> {
        let path = queue.join(INDEX);
        let index = Index::existing(&path).map_err(|source| Error::Index { path, source })?;
        Ok(index.map(|index| Self::over(queue.join(FOLDER), index, indexing, None)))
    }

    fn over(folder: PathBuf, index: Index, indexing: Indexing, scratch: Option<Scratch>) -> Self {
        let staged = Staged {
            files: Replacements::new(&folder),
            states: HashMap::new(),
            removed: BTreeSet::new(),
        };
        Self {
            folder,
            index: Mutex::new(index),
            staged: Mutex::new(staged),
            places: Mutex::default(),
            indexing,
            scratch,
        }
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

    /// The folder of the snapshots.
    pub fn folder(&self) -> &Path {
        &self.folder
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
        let bytes = item.to_snapshot_bytes();
        if let Some(scratch) = &self.scratch {
            return self.put(item, facts, scratch.write(&item.id, &bytes)?);
        }
        let mut staged = self.staged();
        let stamp = stamp(staged.files.add(&name, &bytes, MODE)?);
        staged.removed.remove(&item.id);
        staged.states.insert(item.id.clone(), (item.clone(), stamp));
        self.put(item, facts, stamp)
    }

    /// Notes facts of an object whose state is stored already.
    ///
    /// # Errors
    /// The index cannot be written.
    pub fn note(&self, item: &ConvertedItem, facts: &Facts) -> Result<(), Error> {
        let Some((_, stamp)) = self.load(&item.id)? else { return self.store(item, facts) };
        self.put(item, facts, stamp)
    }

    /// Changes what is noted of an object beside a delivery, when something became known of it. Snapshot, DN and
    /// references stay as they are; in particular a DN that another object took over stays with that one. An
    /// object that is not known is none the more so.
    ///
    /// # Errors
    /// The index cannot be written.
    pub fn amend(&self, id: &str, facts: &Facts) -> Result<(), Error> {
        let dn = self.on_index(|index| {
            index.gather()?;
            index.set_facts(id, facts)?;
            index.dn(id)
        })?;
        dn.iter().for_each(|dn| self.places().forget(dn));
        Ok(())
    }

    /// Removes the snapshot of an object and its entry in the index. Not being there is fine. Counts at
    /// once, and is durable after [`Objects::commit`].
    ///
    /// # Errors
    /// The index cannot be written.
    pub fn forget(&self, id: &str) -> Result<(), Error> {
        let name = file_name(id)?;
        if let Some(scratch) = &self.scratch {
            scratch.hide(id);
            return self.on_index(|index| index.gather().and_then(|()| index.remove(id)));
        }
        let mut staged = self.staged();
        staged.files.cancel(&name);
        staged.states.remove(id);
        if self.folder.join(name).exists() {
            staged.removed.insert(id.to_owned());
        }
        drop(staged);
        let dn = self.on_index(|index| {
            let dn = index.dn(id)?;
            index.gather()?;
            index.remove(id)?;
            Ok(dn)
        })?;
        dn.iter().for_each(|dn| self.places().forget(dn));
        Ok(())
    }

    fn load(&self, id: &str) -> Result<Option<(ConvertedItem, i64)>, Error> {
        let staged = self.staged();
        if staged.removed.contains(id) {
            return Ok(None);
        }
        let state = staged.states.get(id).cloned();
        drop(staged);
        if state.is_some() { Ok(state) } else { self.load_file(id) }
    }

    fn load_file(&self, id: &str) -> Result<Option<(ConvertedItem, i64)>, Error> {
        let path = self.path_of(id)?;
        let aside = self.scratch.as_ref().map_or(Ok(Aside::Untouched), |aside| aside.read(id))?;
        let (bytes, stamp) = match aside {
            Aside::Changed(changed) => changed,
            Aside::Gone => return Ok(None),
            Aside::Untouched => {
                let failed = |source| Error::File { operation: "read", path: path.clone(), source };
                let metadata = match fs::metadata(&path) {
                    Ok(metadata) => metadata,
                    Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
                    Err(source) => return Err(failed(source)),
                };
                // A named pipe would be waited for, for ever.
                if !metadata.is_file() {
                    return Err(failed(io::Error::other("it is no regular file")));
                }
                if metadata.len() > LARGEST {
                    return Err(failed(io::Error::other(format!("larger than {LARGEST} bytes"))));
                }
                (fs::read(&path).map_err(failed)?, stamp_of_metadata(&metadata))
            }
        };
        let item = ConvertedItem::parse(&bytes)
            .map_err(|source| Error::Snapshot { path, source: Box::new(source) })?;
        Ok(Some((item, stamp)))
    }

    /// Modification time of an object's snapshot as it is now, for whoever reads here; `None`: there is
    /// none.
    fn stamp_now(&self, id: &str) -> Result<Option<i64>, Error> {
        let path = self.path_of(id)?;
        match self.scratch.as_ref().map_or(Aside::Untouched, |aside| aside.stamp(id)) {
            Aside::Changed(stamp) => return Ok(Some(stamp)),
            Aside::Gone => return Ok(None),
            Aside::Untouched => {}
        }
        match fs::metadata(&path) {
            Ok(metadata) => Ok(Some(stamp_of_metadata(&metadata))),
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::File { operation: "look at", path, source }),
        }
    }

    fn put(&self, item: &ConvertedItem, facts: &Facts, stamp: i64) -> Result<(), Error> {
        self.on_index(Index::gather)?;
        self.put_into(item, facts, stamp)
    }

    /// Whether the index was complete when it was left, and nothing was changed since.
    fn is_clean(&self) -> Result<bool, Error> {
        let noted = self.on_index(|index| index.note("clean"))?;
        match self.state_on_disk() {
            Ok(state) => Ok(noted.as_deref() == Some(state.as_str())),
            // A view of what does not exist yet.
            Err(Error::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
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
        let path = match &self.scratch {
            Some(scratch) => scratch.index(),
            None => self.folder.with_file_name(INDEX),
        };
        Error::Index { path, source }
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

#[cfg(test)]
mod tests;
