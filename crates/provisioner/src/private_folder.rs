//! A private folder in the system's temporary folder.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use fs2::FileExt;

/// A folder that nobody else can look into, and that goes away with this value.
///
/// That of a process that was killed is removed when the next one is made. Which process is alive is
/// told by a lock and not by its id, which says nothing about a process of another container.
#[derive(Debug)]
pub struct PrivateFolder {
    path: PathBuf,
    _lock: File,
}

/// Names tried; those of other processes may be in the way.
const NAMES: u32 = 1000;

impl PrivateFolder {
    /// Makes one. Its name begins with `name`, which says what it is for.
    ///
    /// # Errors
    /// The temporary folder cannot be written. The error does not name it.
    pub fn new(name: &str) -> io::Result<Self> {
        Self::within(&std::env::temp_dir(), name)
    }

    fn within(parent: &Path, name: &str) -> io::Result<Self> {
        let prefix = format!("{name}-");
        for number in 0..NAMES {
            let path = parent.join(format!("{prefix}{}-{number}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            }
            // Before it was locked, another process may have taken it for abandoned.
            if let Some(lock) = lock(&path) {
                let folder = Self { path, _lock: lock };
                folder.sweep(parent, &prefix);
                return Ok(folder);
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the folders of this user that nobody holds any more. One that cannot be removed is as
    /// private as before.
    fn sweep(&self, parent: &Path, prefix: &str) {
        let (Ok(own), Ok(entries)) = (fs::metadata(&self.path), fs::read_dir(parent)) else {
            return;
        };
        for entry in entries.flatten() {
            let is_meant = entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix));
            // Those of other users are not ours to remove, whatever name they have.
            let is_ours =
                || entry.metadata().is_ok_and(|other| other.is_dir() && other.uid() == own.uid());
            if is_meant
                && is_ours()
                && let Some(_abandoned) = lock(&entry.path())
            {
                let _stays = fs::remove_dir_all(entry.path());
            }
        }
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        // What stays is private, and removed when the next one is made.
        let _stays = fs::remove_dir_all(&self.path);
    }
}

/// The lock of the folder at `path`; `None` when somebody else has it, or the folder is gone.
fn lock(path: &Path) -> Option<File> {
    let folder = File::open(path).ok()?;
    FileExt::try_lock_exclusive(&folder).ok()?;
    let (held, present) = (folder.metadata().ok()?, fs::symlink_metadata(path).ok()?);
    ((held.dev(), held.ino()) == (present.dev(), present.ino())).then_some(folder)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn names(parent: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(parent)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn it_is_closed_to_others_and_goes_away_with_its_content() {
        let parent = tempfile::tempdir().unwrap();
        let folder = PrivateFolder::within(parent.path(), "test").unwrap();
        let mode = fs::metadata(folder.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        fs::write(folder.path().join("file"), "content").unwrap();
        drop(folder);
        assert!(names(parent.path()).is_empty());
    }

    #[test]
    fn what_a_killed_process_left_goes_away_and_what_is_in_use_stays() {
        let parent = tempfile::tempdir().unwrap();
        let used = PrivateFolder::within(parent.path(), "test").unwrap();
        // What is left without its Drop: a folder that nobody has locked.
        let left = parent.path().join("test-1-0");
        fs::create_dir(&left).unwrap();
        fs::write(left.join("snapshot"), "personal").unwrap();
        for other in ["other-1-0", "test"] {
            fs::create_dir(parent.path().join(other)).unwrap();
        }
        std::os::unix::fs::symlink(parent.path().join("test"), parent.path().join("test-2-0"))
            .unwrap();
        let next = PrivateFolder::within(parent.path(), "test").unwrap();
        assert!(!left.exists());
        assert!(used.path().exists() && next.path().exists());
        drop((used, next));
        assert_eq!(names(parent.path()), ["other-1-0", "test", "test-2-0"]);
    }
}
