//! Where a view keeps what differs from the queue: a private folder that goes away with it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{Error, INDEX, MODE};

/// A private folder in the system's temporary folder.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
}

/// How often the copying of an index is tried that somebody is writing.
const ATTEMPTS: usize = 100;
/// Names tried for the folder; those of dead processes may be in the way.
const NAMES: u32 = 1000;

impl Scratch {
    pub(super) fn new() -> Result<Self, Error> {
        let parent = std::env::temp_dir();
        for number in 0..NAMES {
            let path = parent.join(format!("idspool-view-{}-{number}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self { path }),
                Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(Error::File { operation: "create", path, source }),
            }
        }
        let source = io::ErrorKind::AlreadyExists.into();
        Err(Error::File { operation: "create a folder in", path: parent, source })
    }

    pub(super) fn index(&self) -> PathBuf {
        self.path.join(INDEX)
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

    /// Puts a changed snapshot aside.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<SystemTime, Error> {
        let path = self.path.join(name);
        write(&path, bytes).map_err(|source| Error::File { operation: "write", path, source })
    }

    /// Notes that a snapshot is gone.
    pub(super) fn hide(&self, name: &str) -> Result<(), Error> {
        self.write(name, b"").map(|_| ())
    }

    /// The file that stands for a changed snapshot; it is empty when the snapshot is gone.
    pub(super) fn changed(&self, name: &str) -> Option<PathBuf> {
        Some(self.path.join(name)).filter(|path| path.exists())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is private, and in a folder that the system clears.
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<SystemTime> {
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(MODE).open(path)?;
    file.write_all(bytes)?;
    file.metadata()?.modified()
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
