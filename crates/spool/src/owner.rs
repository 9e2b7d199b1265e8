//! Whose a file is that root makes: that of the owner of its directory.
//!
//! An administrator's command runs as root, the services do not. Root's private files in their
//! directories would be unreadable for them, and an item among these would stop its queue.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags, RawMode, fchown, fstat, openat};
use rustix::io::Errno;
use rustix::process::{Gid, Uid, geteuid};

use crate::Error;
use crate::durable::parent_of;
use crate::file_system::PRIVATE_FILE;

/// How often a file is tried that others make and remove at the same time.
const ATTEMPTS: usize = 100;

/// Opens the private file at `path` for reading and writing, and makes an empty one if there is none.
/// One that root makes belongs to the owner of the directory.
///
/// For files that are locked or changed in place; others are replaced
/// ([`durable::replace`](crate::durable::replace)). It is not made durable.
///
/// # Errors
///
/// [`Error::Io`]
pub fn open_or_create(path: impl AsRef<Path>) -> Result<File, Error> {
    let path = path.as_ref();
    let opened = || -> io::Result<OwnedFd> {
        let directory = File::open(parent_of(path))?;
        let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
        Ok(open_or_create_at(&directory, name, OFlags::empty())?)
    };
    opened().map(File::from).map_err(Error::io("open", path))
}

pub(crate) fn open_or_create_at(
    directory: impl AsFd,
    name: impl rustix::path::Arg + Copy,
    flags: OFlags,
) -> rustix::io::Result<OwnedFd> {
    let flags = flags | OFlags::RDWR | OFlags::CLOEXEC;
    for _ in 0..ATTEMPTS {
        match openat(&directory, name, flags, Mode::empty()) {
            Err(Errno::NOENT) => {}
            other => return other,
        }
        match create_at(&directory, name, flags, PRIVATE_FILE) {
            // Another process has just made it, or it is a link to nothing.
            Err(Errno::EXIST) => {}
            other => return other,
        }
    }
    Err(Errno::NOENT)
}

/// Creates a file; refuses an existing name.
pub(crate) fn create_at(
    directory: impl AsFd,
    name: impl rustix::path::Arg,
    flags: OFlags,
    mode: RawMode,
) -> rustix::io::Result<OwnedFd> {
    let flags = flags | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = openat(&directory, name, flags, Mode::from_raw_mode(mode))?;
    settle(&file, directory)?;
    Ok(file)
}

/// Gives a file or directory that this process has just made to the owner of its directory.
///
/// Only for what was made with a flag that refuses existing files: whoever owns the directory could
/// otherwise have put a link to a foreign file there, and get that.
pub(crate) fn settle(made: impl AsFd, directory: impl AsFd) -> rustix::io::Result<()> {
    if !geteuid().is_root() {
        return Ok(());
    }
    let (own, wanted) = (fstat(&made)?, fstat(directory)?);
    if (own.st_uid, own.st_gid) == (wanted.st_uid, wanted.st_gid) {
        return Ok(());
    }
    let owner = (Uid::from_raw(wanted.st_uid), Gid::from_raw(wanted.st_gid));
    match fchown(made, Some(owner.0), Some(owner.1)) {
        // Root of a container may not have the right, or not know the owner; a file system may know
        // no owners. Then who makes the file is its user, and an item must not be lost over it.
        Err(Errno::PERM | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::*;
    use crate::simulation::{Lacks, Simulation};
    use crate::{Replacements, Spool, SystemClock, durable};

    /// A folder of another user and group, where this process may give one away.
    struct Foreign {
        folder: tempfile::TempDir,
        owner: (u32, u32),
    }

    impl Foreign {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            if geteuid().is_root() {
                chown(folder.path(), Some(4711), Some(4712)).unwrap();
            }
            let metadata = fs::metadata(folder.path()).unwrap();
            Self { owner: (metadata.uid(), metadata.gid()), folder }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        /// Everything in it has its owner and is closed to others; how many that are.
        fn check(&self) -> usize {
            fn walk(folder: &Path, visit: &mut dyn FnMut(&Path)) {
                for entry in fs::read_dir(folder).unwrap() {
                    let path = entry.unwrap().path();
                    visit(&path);
                    if path.is_dir() {
                        walk(&path, visit);
                    }
                }
            }
            let mut count = 0;
            walk(self.folder.path(), &mut |path| {
                let metadata = fs::symlink_metadata(path).unwrap();
                assert_eq!((metadata.uid(), metadata.gid()), self.owner, "{}", path.display());
                assert_eq!(metadata.permissions().mode() & 0o077, 0, "{}", path.display());
                count += 1;
            });
            count
        }
    }

    #[test]
    fn what_root_makes_belongs_to_the_owner_of_the_directory() {
        let place = Foreign::new();
        let spool = Spool::create(place.path("a/queue")).unwrap();
        let consumer = spool.consumer("tester").unwrap();
        spool.enqueue(b"{}").unwrap();
        durable::replace(place.path("a/file"), b"x", 0o600).unwrap();
        let mut replacements = Replacements::new(place.path("a"));
        replacements.add("many", b"x", 0o600).unwrap();
        replacements.commit().unwrap();
        open_or_create(place.path("a/lock")).unwrap();
        drop(consumer);
        // a, queue, .last, .lock, the item, file, many, lock
        assert_eq!(place.check(), 8);
    }

    #[test]
    fn items_written_under_a_name_belong_to_the_owner_as_well() {
        let place = Foreign::new();
        let files = Simulation::new(None, Lacks { unnamed_files: true, ..Lacks::default() });
        let spool = Spool::with(place.folder.path().into(), Arc::new(files), Arc::new(SystemClock))
            .unwrap();
        spool.enqueue(b"{}").unwrap();
        assert_eq!(place.check(), 2, "the item and .last");
    }

    #[test]
    fn what_is_there_already_stays_whose_it_is() {
        let place = Foreign::new();
        let elsewhere = tempfile::NamedTempFile::new().unwrap();
        symlink(elsewhere.path(), place.path("link")).unwrap();
        symlink("/nowhere/at/all", place.path("dangling")).unwrap();
        fs::write(place.path("own"), "content").unwrap();
        open_or_create(place.path("own")).unwrap();
        open_or_create(place.path("link")).unwrap();
        assert!(open_or_create(place.path("dangling")).is_err(), "nothing is made through a link");
        for path in [elsewhere.path(), &place.path("own")] {
            assert_eq!(fs::metadata(path).unwrap().uid(), geteuid().as_raw());
        }
        assert_eq!(fs::read(place.path("own")).unwrap(), b"content");
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("absent/lock");
        let error = open_or_create(&path).unwrap_err().to_string();
        assert!(error.contains(&path.display().to_string()), "{error}");
    }
}
