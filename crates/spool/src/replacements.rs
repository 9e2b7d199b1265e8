//! New versions of many files of one directory, made durable with one sync for all of them.
//!
//! What [`durable::replace`](crate::durable::replace) does for one file, for the price of one file.
//! Nothing is seen under its name before [`Replacements::commit`]; a crash before it leaves the old
//! versions, a crash within it the new ones of some of the files, each whole.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::Stat;

use crate::Error;
use crate::durable::DRAFT_PREFIX;
use crate::enqueue::{Directory, FEW, create_draft, is_unsupported};
use crate::file_system::{FileSystem, SystemFiles, write_all};

/// Files of one directory that wait for their new versions to be made durable. Dropping it gives the
/// new versions up.
#[derive(Debug)]
pub struct Replacements {
    files: Arc<dyn FileSystem>,
    path: PathBuf,
    /// The directory, opened before the first draft is written.
    handle: Option<OwnedFd>,
    drafts: Vec<Draft>,
}

#[derive(Debug)]
struct Draft {
    name: String,
    draft: String,
    file: OwnedFd,
}

impl Replacements {
    /// None yet, in the directory at `path`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self::with_files(Arc::new(SystemFiles), path.into())
    }

    pub(crate) fn with_files(files: Arc<dyn FileSystem>, path: PathBuf) -> Self {
        Self { files, path, handle: None, drafts: Vec::new() }
    }

    /// Number of files that wait. Each holds a descriptor.
    #[must_use]
    pub fn len(&self) -> usize {
        self.drafts.len()
    }

    /// Whether no file waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.drafts.is_empty()
    }

    /// Writes a new version of the file `name`, to be seen after [`Self::commit`]. Returns the
    /// modification time that the file will have.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; the versions written before still wait.
    pub fn add(&mut self, name: &str, bytes: &[u8], mode: u32) -> Result<SystemTime, Error> {
        let path = self.path.join(name);
        if self.handle.is_none() {
            // S1: syncfs(2) reports only writes that were lost since its descriptor was opened.
            self.handle = Some(Directory::open(&*self.files, &self.path)?.handle);
        }
        let directory = Directory::open(&*self.files, &self.path)?;
        let (draft, file) = create_draft(&directory, DRAFT_PREFIX, mode)
            .map_err(Error::io("create a new version of", &path))?;
        let written = write_all(&*self.files, file.as_fd(), bytes)
            .and_then(|()| self.files.set_mode(file.as_fd(), mode))
            .and_then(|()| self.files.stat(file.as_fd()));
        match written {
            Ok(stat) => {
                self.drafts.push(Draft { name: name.to_owned(), draft, file });
                Ok(modified_of(&stat))
            }
            Err(cause) => {
                // The fault above is the one to report.
                let _ = self.files.unlink(directory.handle.as_fd(), &draft);
                Err(Error::io("write a new version of", &path)(cause))
            }
        }
    }

    /// Gives up the new version of a file.
    pub fn cancel(&mut self, name: &str) {
        let Ok(directory) = self.files.open_directory(&self.path) else { return };
        self.drafts.retain(|draft| {
            if draft.name == name {
                // A draft that stays is removed with the other abandoned ones.
                let _ = self.files.unlink(directory.as_fd(), &draft.draft);
            }
            draft.name != name
        });
    }

    /// Makes all new versions durable and puts them in their places, in the order of [`Self::add`].
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; the versions that are not in their places yet are given up.
    pub fn commit(&mut self) -> Result<(), Error> {
        if self.drafts.is_empty() {
            return Ok(());
        }
        let result = match self.handle.take() {
            Some(directory) => self.put(directory.as_fd()),
            None => Ok(()),
        };
        if result.is_err() {
            self.give_up();
        }
        self.drafts.clear();
        result
    }

    fn put(&self, directory: BorrowedFd<'_>) -> Result<(), Error> {
        // S1: data before name; otherwise a power loss leaves empty files under the names.
        if self.drafts.len() <= FEW || !self.sync_all(directory)? {
            for Draft { name, file, .. } in &self.drafts {
                let path = || self.path.join(name);
                self.files
                    .sync_file(file.as_fd())
                    .map_err(|cause| Error::io("sync a new version of", &path())(cause))?;
            }
        }
        for Draft { name, draft, .. } in &self.drafts {
            let path = || self.path.join(name);
            self.files
                .rename_over(directory, draft, name)
                .map_err(|cause| Error::io("replace", &path())(cause))?;
        }
        // S1: the new versions are durable under their names only after this.
        self.files.sync_directory(directory).map_err(Error::io("sync the directory", &self.path))
    }

    /// `false` when the file system cannot be synced as a whole.
    fn sync_all(&self, directory: BorrowedFd<'_>) -> Result<bool, Error> {
        match self.files.sync_file_system(directory) {
            Ok(()) => Ok(true),
            Err(error) if is_unsupported(&error) => Ok(false),
            Err(error) => Err(Error::io("sync the file system of", &self.path)(error)),
        }
    }

    fn give_up(&self) {
        let Ok(directory) = self.files.open_directory(&self.path) else { return };
        for Draft { draft, .. } in &self.drafts {
            // One that is in its place already is not found here.
            let _ = self.files.unlink(directory.as_fd(), draft);
        }
    }
}

impl Drop for Replacements {
    fn drop(&mut self) {
        self.give_up();
    }
}

fn modified_of(stat: &Stat) -> SystemTime {
    let seconds = u64::try_from(stat.st_mtime).unwrap_or_default();
    let nanoseconds = u32::try_from(stat.st_mtime_nsec).unwrap_or_default();
    UNIX_EPOCH + Duration::new(seconds, nanoseconds)
}

/// Removes drafts that a process left behind which died before it could.
///
/// Only for a directory in which nobody else replaces files.
///
/// # Errors
///
/// [`Error::Io`] when the directory cannot be listed.
pub fn remove_drafts(path: impl AsRef<Path>) -> Result<(), Error> {
    let (files, path) = (SystemFiles, path.as_ref());
    let directory = Directory::open(&files, path)?;
    let mut drafts = Vec::new();
    files
        .list(directory.handle.as_fd(), &mut |name, _| {
            if let Ok(name) = std::str::from_utf8(name)
                && name.starts_with(DRAFT_PREFIX)
            {
                drafts.push(name.to_owned());
            }
        })
        .map_err(Error::io("list", path))?;
    for draft in drafts {
        // Nothing reads it, so one that cannot be removed does no harm.
        let _ = files.unlink(directory.handle.as_fd(), &draft);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use rustix::io::Errno;

    use super::*;
    use crate::simulation::{Lacks, Simulation, Trouble};

    const COUNT: usize = FEW + 2;

    fn name(index: usize) -> String {
        format!("{index}.json")
    }

    /// All files in two versions; the second goes through `trouble`.
    fn replaced(
        files: &Arc<Simulation>,
        path: &Path,
        version: &str,
        count: usize,
    ) -> Result<(), Error> {
        let mut replacements = Replacements::with_files(files.clone(), path.to_owned());
        for index in 0..count {
            replacements.add(&name(index), format!("{version} {index}").as_bytes(), 0o600)?;
        }
        replacements.commit()
    }

    fn content(path: &Path) -> BTreeMap<String, Vec<u8>> {
        fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| {
                (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
            })
            .collect()
    }

    #[test]
    fn s1_each_file_is_old_or_new_whatever_step_fails_and_new_when_it_returned() {
        for count in [1, FEW, COUNT] {
            for trouble in [
                Trouble::Crash,
                Trouble::Once(Errno::NOSPC),
                Trouble::Once(Errno::IO),
                Trouble::Once(Errno::ROFS),
                Trouble::ShortWrite,
            ] {
                for step in 0.. {
                    let folder = tempfile::tempdir().unwrap();
                    let files = Arc::new(Simulation::new(Some((step, trouble)), Lacks::default()));
                    let result = replaced(&files, folder.path(), "old", count)
                        .and_then(|()| replaced(&files, folder.path(), "new", count));
                    let context = format!("{count} files, {trouble:?} at step {step}");
                    for remains in files.after_power_loss() {
                        for index in 0..count {
                            let found = remains.get(&name(index)).map(Vec::as_slice);
                            let (old, new) = (format!("old {index}"), format!("new {index}"));
                            if result.is_ok() {
                                assert_eq!(found, Some(new.as_bytes()), "{context}");
                            } else {
                                let whole = [None, Some(old.as_bytes()), Some(new.as_bytes())];
                                assert!(whole.contains(&found), "{found:?}, {context}");
                            }
                        }
                    }
                    if !files.had_trouble() {
                        assert!(result.is_ok(), "{result:?}, {context}");
                        break;
                    }
                    if !matches!(trouble, Trouble::Crash) {
                        let drafts = content(folder.path())
                            .into_keys()
                            .filter(|name| name.starts_with(DRAFT_PREFIX));
                        assert_eq!(drafts.count(), 0, "{context}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_last_version_of_a_file_counts_and_a_cancelled_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let mut replacements = Replacements::new(folder.path());
        for (name, text) in [("a", "1"), ("a", "2"), ("b", "1")] {
            replacements.add(name, text.as_bytes(), 0o600).unwrap();
        }
        replacements.cancel("b");
        assert!(!folder.path().join("a").exists(), "nothing is seen before the commit");
        replacements.commit().unwrap();
        assert_eq!(content(folder.path()), BTreeMap::from([("a".to_owned(), b"2".to_vec())]));
        assert!(replacements.is_empty());
    }

    #[test]
    fn the_time_of_the_new_version_is_known_beforehand() {
        let folder = tempfile::tempdir().unwrap();
        let mut replacements = Replacements::new(folder.path());
        let time = replacements.add("a", b"1", 0o600).unwrap();
        replacements.commit().unwrap();
        assert_eq!(fs::metadata(folder.path().join("a")).unwrap().modified().unwrap(), time);
    }

    #[test]
    fn what_is_dropped_or_left_behind_leaves_no_draft() {
        let folder = tempfile::tempdir().unwrap();
        let mut replacements = Replacements::new(folder.path());
        replacements.add("a", b"1", 0o600).unwrap();
        drop(replacements);
        assert_eq!(content(folder.path()), BTreeMap::new());
        fs::write(folder.path().join(".tmp-1-1"), "left behind").unwrap();
        fs::write(folder.path().join("kept"), "").unwrap();
        remove_drafts(folder.path()).unwrap();
        assert_eq!(content(folder.path()).into_keys().collect::<Vec<_>>(), ["kept"]);
    }
}
