//! Reading an item that somebody may be writing, editing or removing at the same time.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;

use crate::Error;

/// An item that nobody has written to for this long is taken for finished. `cp` and editors write
/// a file within milliseconds; a script that pauses between two writes does not pause for seconds.
const SETTLED_AFTER: Duration = Duration::from_secs(3);

/// Content of an item at one moment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReadItem {
    /// The bytes; with [`Spool::read_prefix`](crate::Spool::read_prefix) only the first ones.
    pub bytes: Vec<u8>,
    /// Size of the file in bytes.
    pub size: u64,
    /// When the file was last written to.
    pub modified: SystemTime,
    read_at: SystemTime,
}

impl ReadItem {
    /// Time between the last write to the file and the reading; zero when the clocks disagree.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.read_at.duration_since(self.modified).unwrap_or_default()
    }

    /// How long to wait until the item counts as finished; zero when it does (promise S2).
    ///
    /// Only content that cannot be parsed, or is empty, needs to be asked: somebody else may be
    /// writing it. What idspool enqueues is whole from the start.
    #[must_use]
    pub fn settles_in(&self) -> Duration {
        // A time in the future, left by a clock that was ahead, must not delay the item until then.
        match self.modified.duration_since(self.read_at) {
            Ok(ahead) if ahead > SETTLED_AFTER => Duration::ZERO,
            _ => SETTLED_AFTER.saturating_sub(self.age()),
        }
    }

    /// Whether nobody has written to the item for some seconds, see [`Self::settles_in`].
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.settles_in().is_zero()
    }

    /// Whether `bytes` is all of the file.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        u64::try_from(self.bytes.len()).is_ok_and(|length| length >= self.size)
    }
}

/// Reads the whole file, which may have at most `limit` bytes.
pub(crate) fn read_all(path: &Path, limit: u64, now: SystemTime) -> Result<ReadItem, Error> {
    let opened = Opened::open(path)?;
    let too_large = |size| Error::TooLarge { path: path.to_owned(), size, limit };
    if opened.size > limit {
        return Err(too_large(opened.size));
    }
    // One byte more than allowed, because the file may be growing.
    let most = usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(1);
    let item = opened.read(path, most, now)?;
    match u64::try_from(item.bytes.len()) {
        Ok(length) if length <= limit => Ok(item),
        _ => Err(too_large(item.size.max(limit.saturating_add(1)))),
    }
}

/// Reads the first `most` bytes of the file.
pub(crate) fn read_prefix(path: &Path, most: usize, now: SystemTime) -> Result<ReadItem, Error> {
    Opened::open(path)?.read(path, most, now)
}

struct Opened {
    file: File,
    size: u64,
    modified: SystemTime,
}

impl Opened {
    fn open(path: &Path) -> Result<Self, Error> {
        // Without NONBLOCK a named pipe would hold us for ever; with NOFOLLOW a link leads nowhere.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match open(path, flags, Mode::empty()) {
            Err(Errno::NOENT) => return Err(Error::NotFound { path: path.to_owned() }),
            Err(Errno::LOOP | Errno::NXIO) => {
                return Err(Error::NotAFile { path: path.to_owned() });
            }
            other => File::from(other.map_err(Error::io("open", path))?),
        };
        let data = file.metadata().map_err(Error::io("look at", path))?;
        if !data.is_file() {
            return Err(Error::NotAFile { path: path.to_owned() });
        }
        let modified = data.modified().map_err(Error::io("look at", path))?;
        Ok(Self { file, size: data.len(), modified })
    }

    fn read(self, path: &Path, most: usize, now: SystemTime) -> Result<ReadItem, Error> {
        // One byte more than expected, so that the end of the file is found without growing.
        let expected = usize::try_from(self.size).unwrap_or(most).saturating_add(1);
        let mut bytes = Vec::with_capacity(expected.min(most));
        self.file
            .take(u64::try_from(most).unwrap_or(u64::MAX))
            .read_to_end(&mut bytes)
            .map_err(Error::io("read", path))?;
        Ok(ReadItem { bytes, size: self.size, modified: self.modified, read_at: now })
    }
}
