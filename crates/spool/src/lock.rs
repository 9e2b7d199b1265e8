//! Locks that keep a second process out, and say who has them (promise S6).

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process;

use chrono::{DateTime, Utc};
use fs2::FileExt;

use crate::error::Holder;
use crate::{Error, owner};

pub(crate) const FILE: &str = ".lock";

/// More than any holder writes about itself.
const LONGEST_HOLDER: u64 = 4096;

/// A locked file, signed by its holder. Goes away with the value, or with the process however it dies.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

impl FileLock {
    /// Takes the lock of a file, which is made if it is missing.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] names who has it; [`Error::Io`] when the file cannot be used.
    pub fn take(path: &Path, program: &str, now: DateTime<Utc>) -> Result<Self, Error> {
        let mut file = owner::open_or_create(path)?;
        // S6: the kernel gives this lock to one process and takes it back when that dies.
        match FileExt::try_lock_exclusive(&file) {
            Err(error) if is_held(&error) => return Err(held(path)),
            other => other.map_err(Error::io("lock", path))?,
        }
        let holder = Holder {
            pid: Some(process::id()),
            program: Some(program.to_owned()),
            since: Some(now),
        };
        // S8: a full disk must not keep a consumer from starting, since it is the one that frees
        // space. Then the lock holds all the same, and only the name of its holder is missing.
        if let Err(error) = sign(&mut file, &holder) {
            tracing::warn!("cannot write the holder of the lock to {}: {error}", path.display());
        }
        Ok(Self { _file: file })
    }

    /// Who has the lock of a file at the moment.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the file cannot be read.
    pub fn holder(path: &Path) -> Result<Option<Holder>, Error> {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(Error::io("open", path))?,
        };
        let holder = signed(&file);
        // The lock is not touched when its signature is a dead process's: even a shared lock, held
        // for a moment, would turn away a consumer that starts just then.
        let is_alive =
            holder.pid.is_none_or(|pid| Path::new("/proc").join(pid.to_string()).exists());
        if !is_alive {
            return Ok(None);
        }
        Ok(FileExt::try_lock_shared(&file).is_err().then_some(holder))
    }
}

/// The right to consume a spool. Goes away with the value, or with the process however it dies.
#[derive(Debug)]
pub(crate) struct ConsumerLock {
    /// The directory itself is locked as well, so that `rm .lock` does not let anybody in.
    directory: File,
    _file: FileLock,
}

impl ConsumerLock {
    pub(crate) fn take(spool: &Path, program: &str, now: DateTime<Utc>) -> Result<Self, Error> {
        let path = spool.join(FILE);
        let directory = File::open(spool).map_err(Error::io("open the directory", spool))?;
        // S6: the kernel gives this lock to one process and takes it back when that dies.
        match FileExt::try_lock_exclusive(&directory) {
            Err(error) if is_held(&error) => return Err(held(&path)),
            // NFS locks no directories; the lock file has to do there.
            Ok(()) | Err(_) => {}
        }
        // S6: as above, and in the place where administrators look.
        let file = FileLock::take(&path, program, now)?;
        Ok(Self { directory, _file: file })
    }

    /// Whether the locked directory is the one that stands at `spool` now.
    pub(crate) fn is_of(&self, spool: &Path) -> io::Result<bool> {
        let (ours, theirs) = (self.directory.metadata()?, std::fs::metadata(spool)?);
        Ok((ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino()))
    }
}

fn is_held(error: &io::Error) -> bool {
    error.kind() == fs2::lock_contended_error().kind()
}

fn held(path: &Path) -> Error {
    let holder = File::open(path).map(|file| signed(&file)).unwrap_or_default();
    Error::Locked { path: path.to_owned(), holder }
}

/// What the holder wrote about itself. Whoever has just taken the lock has not signed yet; then it is
/// unknown.
fn signed(file: &File) -> Holder {
    let mut bytes = Vec::new();
    file.take(LONGEST_HOLDER)
        .read_to_end(&mut bytes)
        .ok()
        .and_then(|_| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

fn sign(file: &mut File, holder: &Holder) -> io::Result<()> {
    let mut line = serde_json::to_vec(holder)?;
    line.push(b'\n');
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&line)
}
