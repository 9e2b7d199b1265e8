//! Whether files are still those that were read.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What files and folders looked like at one moment.
#[derive(Debug, Clone, Default)]
pub struct Stamp {
    seen: Vec<(PathBuf, State)>,
    taken: Option<SystemTime>,
}

/// Size, change time in nanoseconds and inode together: replacing a file changes the inode, writing into it the
/// time. `None`: not there, or not to be seen.
type State = Option<(u64, u64, u64, i64, i64)>;

/// File systems count time in ticks of some milliseconds. Within one, a second write of the same length shows in
/// no stamp.
const TICK: Duration = Duration::from_millis(50);

impl Stamp {
    /// An empty stamp: nothing was looked at.
    pub(super) fn begin() -> Self {
        Self { seen: Vec::new(), taken: Some(SystemTime::now()) }
    }

    /// Notes how a file, or folder, looks now. To be called before it is read: at worst it is read once more.
    pub(super) fn note(&mut self, path: &Path) {
        self.seen.push((path.to_owned(), state(path)));
    }

    /// Whether nothing changed since. A file that was being written when it was noted counts as changed.
    pub fn is_current(&self) -> bool {
        self.seen.iter().all(|(path, seen)| state(path) == *seen && self.is_settled(seen))
    }

    /// Whether something changed since, as far as can be seen.
    pub fn has_changed(&self) -> bool {
        self.seen.iter().any(|(path, seen)| state(path) != *seen)
    }

    /// The same files as they look now.
    pub fn renewed(&self) -> Self {
        let mut stamp = Self::begin();
        self.seen.iter().for_each(|(path, _)| stamp.note(path));
        stamp
    }

    fn is_settled(&self, seen: &State) -> bool {
        let Some((.., seconds, nanoseconds)) = *seen else { return true };
        let changed = u64::try_from(seconds).ok().zip(u32::try_from(nanoseconds).ok());
        let changed = changed.map(|(s, n)| UNIX_EPOCH + Duration::new(s, n));
        let (Some(changed), Some(taken)) = (changed, self.taken) else { return true };
        // A time in the future, left by a clock that was ahead, must not mean a reading for ever.
        taken.duration_since(changed).map_or(true, |age| age > TICK)
    }
}

fn state(path: &Path) -> State {
    let metadata = fs::metadata(path).ok()?;
    let time = (metadata.ctime(), metadata.ctime_nsec());
    Some((metadata.dev(), metadata.ino(), metadata.len(), time.0, time.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp_of(paths: &[&Path]) -> Stamp {
        let mut stamp = Stamp::begin();
        paths.iter().for_each(|path| stamp.note(path));
        // As if the files had been lying there for long.
        stamp.taken = stamp.taken.map(|taken| taken + 2 * TICK);
        stamp
    }

    #[test]
    fn every_kind_of_change_shows() {
        let dir = tempfile::tempdir().unwrap();
        let (file, absent) = (dir.path().join("file"), dir.path().join("absent"));
        fs::write(&file, "one").unwrap();
        let stamp = || stamp_of(&[dir.path(), &file, &absent]);

        let unchanged = stamp();
        assert!(unchanged.is_current());
        fs::write(&file, "other").unwrap();
        assert!(!unchanged.is_current(), "another length");

        let before = stamp();
        fs::write(&absent, "").unwrap();
        assert!(!before.is_current(), "a new file");

        let before = stamp();
        fs::remove_file(&file).unwrap();
        assert!(!before.is_current() && before.has_changed(), "a file that is gone");
        assert!(!before.renewed().has_changed());
    }

    #[test]
    fn a_file_that_was_just_written_is_read_once_more() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "one").unwrap();
        let mut stamp = Stamp::begin();
        stamp.note(&file);
        stamp.taken = fs::metadata(&file).unwrap().modified().ok();
        assert!(!stamp.is_current());
    }
}
