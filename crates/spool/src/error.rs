//! What can go wrong with a spool, and what the administrator can do about it.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::FaultClass;

/// A fault of the spool directory or of one file in it.
///
/// Messages carry their cause themselves, because they end up as one line in the state file and in
/// `current-error`; there is no `source()` that would print it twice.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file system refused an operation. Environment: goes away when its cause does.
    #[error("{operation} {}: {cause} ({})", path.display(), remedy_of(cause))]
    Io {
        /// What was being done, as a verb that reads before the path.
        operation: &'static str,
        /// The file or directory it was done to.
        path: PathBuf,
        /// What the operating system answered.
        cause: io::Error,
    },

    /// The text cannot be the name of an item.
    #[error(
        "use {name:?} as the name of an item: expected a file name that ends in .json, does not \
         start with a dot and holds no slash"
    )]
    InvalidName {
        /// The text as given.
        name: String,
    },

    /// Another process consumes this spool (promise S6).
    #[error(
        "lock {}: held by {holder} (stop that process first; the lock goes away with it)",
        path.display()
    )]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// Who holds it, as far as it has said so.
        holder: Holder,
    },

    /// The directory holds a name of the year 9999, so that no greater one can be given.
    #[error(
        "give a name greater than every other in {}: the greatest possible one is taken (move the \
         item of the year 9999 away and remove the file .last)",
        path.display()
    )]
    NamesExhausted {
        /// The spool directory.
        path: PathBuf,
    },

    /// The name is that of something other than a regular file.
    #[error("read {}: not a regular file (move it away)", path.display())]
    NotAFile {
        /// The thing in question.
        path: PathBuf,
    },

    /// The item is gone: an administrator removed it, or it was done already.
    #[error("read {}: the item is gone", path.display())]
    NotFound {
        /// Where it was.
        path: PathBuf,
    },

    /// The spool directory is gone, or another directory stands in its place.
    #[error(
        "follow {}: the directory was removed or replaced (create it again, or restore it)",
        path.display()
    )]
    DirectoryGone {
        /// The spool directory.
        path: PathBuf,
    },

    /// The state file holds something that idspool did not write.
    #[error("read the state in {}: {cause} (remove the file; it is written again)", path.display())]
    State {
        /// The state file.
        path: PathBuf,
        /// What is wrong with it.
        cause: serde_json::Error,
    },

    /// The item is larger than the reader allows.
    #[error(
        "read {}: it has {size} bytes, {limit} are allowed (look at the item; remove it if it is \
         no change of an object)",
        path.display()
    )]
    TooLarge {
        /// The item.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
        /// The greatest size allowed, in bytes.
        limit: u64,
    },
}

impl Error {
    /// Whether trying again can help without anybody changing the item.
    #[must_use]
    pub fn fault_class(&self) -> FaultClass {
        match self {
            Self::Io { .. } | Self::Locked { .. } | Self::DirectoryGone { .. } => {
                FaultClass::Transient
            }
            Self::InvalidName { .. }
            | Self::NamesExhausted { .. }
            | Self::NotAFile { .. }
            | Self::NotFound { .. }
            | Self::State { .. }
            | Self::TooLarge { .. } => FaultClass::Permanent,
        }
    }

    /// Builds the error for a refused operation; reads well in `map_err`.
    pub(crate) fn io<'a, E: Into<io::Error>>(
        operation: &'static str,
        path: &'a Path,
    ) -> impl FnOnce(E) -> Self + use<'a, E> {
        move |cause| Self::Io { operation, path: path.to_owned(), cause: cause.into() }
    }
}

/// What an administrator can do when the operating system answers like this.
fn remedy_of(cause: &io::Error) -> &'static str {
    match Errno::from_io_error(cause) {
        Some(Errno::NOSPC | Errno::DQUOT) => "free space or inodes on this file system",
        Some(Errno::ROFS) => {
            "mount the file system writable; look into the kernel log for why it is not"
        }
        Some(Errno::ACCESS | Errno::PERM) => {
            "give the user of this process read, write and search permission there"
        }
        Some(Errno::IO) => "check the disk and the kernel log",
        Some(Errno::NOENT) => "create the directory, or correct the configured path",
        Some(Errno::NOTDIR) => "correct the configured path: a part of it is no directory",
        Some(Errno::MFILE | Errno::NFILE) => "raise the limit of open files",
        Some(Errno::STALE) => "mount the file system again",
        _ => "check the file system and the kernel log",
    }
}

/// Who holds the lock of a spool, as the lock file says. All unknown in the moment between taking
/// the lock and signing it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Holder {
    /// Process id, as the holder sees itself (another one outside its container).
    pub pid: Option<u32>,
    /// Name of the program.
    pub program: Option<String>,
    /// When it took the lock.
    pub since: Option<DateTime<Utc>>,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.program.as_deref().unwrap_or("another process"))?;
        if let Some(pid) = self.pid {
            write!(f, ", process {pid}")?;
        }
        if let Some(since) = self.since {
            write!(f, ", since {}", since.to_rfc3339_opts(SecondsFormat::Secs, true))?;
        }
        Ok(())
    }
}
