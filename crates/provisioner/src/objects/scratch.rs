//! Where a view keeps what differs from the queue: a private folder that goes away with it.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::{Error, INDEX, MODE};
use crate::PrivateFolder;

/// What a view has of its own: an index, and the changed snapshots.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: PrivateFolder,
    changed: Mutex<Changed>,
}

/// Changed snapshots, one behind the other in a file without a name: an import changes 100,000 of
/// them, and as many files take far longer.
#[derive(Debug)]
struct Changed {
    file: File,
    end: u64,
    /// `None`: the snapshot is gone.
    places: HashMap<Box<str>, Option<Place>>,
}

/// What a view has of a snapshot.
pub(super) enum Aside<T> {
    /// What is in the queue counts.
    Untouched,
    /// It was removed here.
    Gone,
    /// It was changed here.
    Changed(T),
}

/// Where a changed snapshot is in the file.
#[derive(Debug, Clone, Copy)]
struct Place {
    at: u64,
    length: usize,
}

/// How often the copying of an index is tried that somebody is writing.
const ATTEMPTS: usize = 100;

impl Scratch {
    pub(super) fn new() -> Result<Self, Error> {
        let folder = PrivateFolder::new("idspool-view").map_err(|source| Error::File {
            operation: "create a folder in",
            path: std::env::temp_dir(),
            source,
        })?;
        let changed = folder.path().join("changed");
        let opened =
            OpenOptions::new().read(true).write(true).create_new(true).mode(MODE).open(&changed);
        // Without a name it goes away with the process, however that ends.
        let opened = opened.and_then(|file| fs::remove_file(&changed).map(|()| file));
        let failed = |source| Error::File { operation: "create", path: changed.clone(), source };
        let file = opened.map_err(failed)?;
        let changed = Mutex::new(Changed { file, end: 0, places: HashMap::new() });
        Ok(Self { folder, changed })
    }

    pub(super) fn index(&self) -> PathBuf {
        self.folder.path().join(INDEX)
    }

    /// Copies an index with its write-ahead log, which another process may be writing. `false`: there
    /// is none.
    ///
    /// The log is copied after the file: what goes from the log into the file meanwhile is in the copy
    /// of the log, unless the log was begun anew. So the copy is good when the log was not.
    pub(super) fn copy_index(&self, original: &Path) -> Result<bool, Error> {
        let log = beside(original, "-wal");
        for _ in 0..ATTEMPTS {
            let before = (state_of(original)?, beginning_of(&log)?);
            let Some((_, _, modified)) = before.0 else { return Ok(false) };
            if before.1.is_none() && is_recent(modified) {
                // Within one tick of the file system's clock a second change would not show.
                std::thread::park_timeout(Duration::from_millis(20));
                continue;
            }
            copy(original, &self.index())?;
            copy(&log, &beside(&self.index(), "-wal"))?;
            let after = (state_of(original)?, beginning_of(&log)?);
            let is_whole = match (&before.1, &after.1) {
                (Some(before), Some(after)) => before == after,
                (None, None) => before.0 == after.0,
                _ => false,
            };
            if is_whole {
                return Ok(true);
            }
        }
        Err(Error::File {
            operation: "copy",
            path: original.to_owned(),
            source: io::Error::other("it changes all the time"),
        })
    }

    /// Puts the changed snapshot of an object aside; its stamp.
    pub(super) fn write(&self, id: &str, bytes: &[u8]) -> Result<i64, Error> {
        let mut changed = self.changed();
        let place = Place { at: changed.end, length: bytes.len() };
        changed
            .file
            .write_all_at(bytes, place.at)
            .map_err(|source| self.failed("write", source))?;
        changed.end = changed.end.saturating_add(bytes.len() as u64);
        changed.places.insert(id.into(), Some(place));
        Ok(place.stamp())
    }

    /// Notes that the snapshot of an object is gone.
    pub(super) fn hide(&self, id: &str) {
        self.changed().places.insert(id.into(), None);
    }

    /// The stamp of a snapshot, as far as it was changed here.
    pub(super) fn stamp(&self, id: &str) -> Aside<i64> {
        match self.changed().places.get(id) {
            None => Aside::Untouched,
            Some(None) => Aside::Gone,
            Some(Some(place)) => Aside::Changed(place.stamp()),
        }
    }

    /// A snapshot and its stamp, as far as it was changed here.
    pub(super) fn read(&self, id: &str) -> Result<Aside<(Vec<u8>, i64)>, Error> {
        let changed = self.changed();
        let place = match changed.places.get(id) {
            None => return Ok(Aside::Untouched),
            Some(None) => return Ok(Aside::Gone),
            Some(Some(place)) => place,
        };
        let mut bytes = vec![0; place.length];
        let read = changed.file.read_exact_at(&mut bytes, place.at);
        read.map_err(|source| self.failed("read", source))?;
        Ok(Aside::Changed((bytes, place.stamp())))
    }

    fn changed(&self) -> MutexGuard<'_, Changed> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, operation: &'static str, source: io::Error) -> Error {
        Error::File { operation, path: self.folder.path().join("changed"), source }
    }
}

impl Place {
    /// Different for each state, and never that of a file.
    fn stamp(&self) -> i64 {
        -1 - i64::try_from(self.at).unwrap_or(i64::MAX - 1)
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Copies a file; one that does not exist leaves none.
fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let failed = |source| Error::File { operation: "copy", path: from.to_owned(), source };
    match fs::remove_file(to) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(failed(source)),
        _ => {}
    }
    match File::open(from) {
        Ok(mut from) => {
            let mut to = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(MODE)
                .open(to)
                .map_err(failed)?;
            io::copy(&mut from, &mut to).map(|_| ()).map_err(failed)
        }
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(failed(source)),
    }
}

/// Inode, size and modification time.
fn state_of(path: &Path) -> Result<Option<(u64, u64, SystemTime)>, Error> {
    let metadata = fs::metadata(path).and_then(|metadata| {
        metadata.modified().map(|modified| (metadata.ino(), metadata.len(), modified))
    });
    match metadata {
        Ok(state) => Ok(Some(state)),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::File { operation: "read", path: path.to_owned(), source }),
    }
}

fn is_recent(time: SystemTime) -> bool {
    time.elapsed().is_ok_and(|age| age < Duration::from_millis(20))
}

/// Inode and header of a write-ahead log, which has new salts each time it is begun anew. `None`: there
/// is none, or it is empty.
fn beginning_of(log: &Path) -> Result<Option<(u64, Vec<u8>)>, Error> {
    let read = || -> io::Result<_> {
        let file = File::open(log)?;
        let inode = file.metadata()?.ino();
        let mut header = Vec::new();
        file.take(32).read_to_end(&mut header)?;
        Ok((inode, header))
    };
    match read() {
        Ok((_, header)) if header.is_empty() => Ok(None),
        Ok(beginning) => Ok(Some(beginning)),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::File { operation: "read", path: log.to_owned(), source }),
    }
}
