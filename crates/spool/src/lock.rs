//! The lock that keeps a second consumer out (promise S6).

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

/// The right to consume a spool. Goes away with the value, or with the process however it dies.
#[derive(Debug)]
pub(crate) struct ConsumerLock {
    /// The directory itself is locked as well, so that `rm .lock` does not let anybody in.
    directory: File,
    _file: File,
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
        let mut file = owner::open_or_create(&path)?;
        // S6: as above, and in the place where administrators look.
        match FileExt::try_lock_exclusive(&file) {
            Err(error) if is_held(&error) => return Err(held(&path)),
            other => other.map_err(Error::io("lock", &path))?,
        }
        let holder = Holder {
            pid: Some(process::id()),
            program: Some(program.to_owned()),
            since: Some(now),
        };
        // S8: a full disk must not keep the consumer from starting, since it is the one that frees
        // space. Then the lock holds all the same, and only the name of its holder is missing.
        if let Err(error) = sign(&mut file, &holder) {
            tracing::warn!("cannot write the holder of the lock to {}: {error}", path.display());
        }
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
pub(crate) fn signed(file: &File) -> Holder {
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
