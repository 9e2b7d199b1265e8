//! Whether a small file changed since it was last read.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// What `stat` says about one state of a file. A file that is not there has a stamp as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp(Option<(u64, u64, u64, i64, i64)>);

impl Stamp {
    /// The stamp of the file now. Size, change time in nanoseconds and inode together: replacing a
    /// file changes the inode, writing into it the time.
    pub(crate) fn of(path: &Path) -> Self {
        Self(
            fs::metadata(path).ok().map(|m| (m.dev(), m.ino(), m.len(), m.ctime(), m.ctime_nsec())),
        )
    }
}
