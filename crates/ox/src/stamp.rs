//! Small files that are read again only when they changed.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What `stat` says about one state of a file. A file that is not there has a stamp as well.
///
/// Size, change time in nanoseconds and inode together: replacing a file changes the inode, writing
/// into it the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp(Option<(u64, u64, u64, i64, i64)>);

/// File systems count time in ticks of some milliseconds. Within one, a second write of the same
/// length shows in no stamp.
const TICK: Duration = Duration::from_millis(50);

impl Stamp {
    /// The stamp of the file now.
    pub(crate) fn of(path: &Path) -> Self {
        let metadata = fs::metadata(path).ok();
        Self(metadata.map(|m| (m.dev(), m.ino(), m.len(), m.ctime(), m.ctime_nsec())))
    }

    /// Whether a later change will show in the stamp.
    fn is_reliable(self) -> bool {
        let Some((.., seconds, nanoseconds)) = self.0 else { return true };
        let changed = u64::try_from(seconds).ok().zip(u32::try_from(nanoseconds).ok());
        let changed = changed.map(|(s, n)| UNIX_EPOCH + Duration::new(s, n));
        let age = changed.and_then(|changed| SystemTime::now().duration_since(changed).ok());
        age.is_some_and(|age| age > TICK)
    }
}

/// What was last read from one file.
#[derive(Debug)]
pub(crate) struct Cached<T>(Mutex<Option<(Seen, T)>>);

/// How long a remembered value holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// While the file has this stamp.
    At(Stamp),
    /// Whatever the file says.
    Pinned,
}

impl<T: Clone> Cached<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// What the file says now: as remembered, or by `read` when it changed. Errors are not remembered.
    pub(crate) fn get<E>(&self, path: &Path, read: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let mut current = crate::lock(&self.0);
        let stamp = Stamp::of(path);
        if let Some((seen, value)) = current.as_ref()
            && (*seen == Seen::Pinned || *seen == Seen::At(stamp))
        {
            return Ok(value.clone());
        }
        // The stamp is older than what is read: at worst the file is read once more.
        let value = read()?;
        *current = stamp.is_reliable().then(|| (Seen::At(stamp), value.clone()));
        Ok(value)
    }

    /// From now on this counts, and the file no longer does.
    pub(crate) fn pin(&self, value: T) {
        *crate::lock(&self.0) = Some((Seen::Pinned, value));
    }
}
