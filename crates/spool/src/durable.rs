//! Replacing a file so that a crash leaves the old one or the new one, never half of either.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use crate::enqueue::{Directory, create_draft};
use crate::file_system::{FileSystem, SystemFiles, write_all};
use crate::{Error, owner};

/// Prefix of a file that is going to replace another.
pub(crate) const DRAFT_PREFIX: &str = ".tmp-";

/// Replaces the content of `path`, or creates it, with the permission bits `mode`.
///
/// A file that root writes belongs to the owner of the directory.
///
/// Durable when it returns: written beside `path`, fsynced, renamed, directory fsynced. A symbolic
/// link at `path` is replaced, not followed.
///
/// # Errors
///
/// [`Error::Io`]; the old content is still there unless the last step, the sync of the directory,
/// was the one that failed. Then either may be.
pub fn replace(path: impl AsRef<Path>, bytes: &[u8], mode: u32) -> Result<(), Error> {
    replace_in(&SystemFiles, path.as_ref(), bytes, mode)
}

/// Creates the directory `path` and what is missing above it, with mode 0700, durably. What
/// root makes belongs to the owner of the directory above.
///
/// # Errors
///
/// [`Error::Io`] when one of them cannot be created.
pub fn create_dirs(path: impl AsRef<Path>) -> Result<(), Error> {
    create_dirs_in(&SystemFiles, path.as_ref())
}

pub(crate) fn create_dirs_in(files: &dyn FileSystem, path: &Path) -> Result<(), Error> {
    let path = absolute(path)?;
    let mut missing: Vec<&Path> = Vec::new();
    for directory in path.ancestors() {
        if directory.is_dir() {
            break;
        }
        missing.push(directory);
    }
    for directory in missing.into_iter().rev() {
        match rustix::fs::mkdir(directory, Mode::from_raw_mode(0o700)) {
            // Another process wants the same directory.
            Err(rustix::io::Errno::EXIST) => continue,
            other => other.map_err(Error::io("create the directory", directory))?,
        }
        if let Some(parent) = directory.parent() {
            settle(directory, parent).map_err(Error::io("set the owner of", directory))?;
            // S1: an item is not durable in a directory that a power loss takes away.
            sync_directory(files, parent)?;
        }
    }
    Ok(())
}

fn settle(directory: &Path, parent: &Path) -> rustix::io::Result<()> {
    // A link that somebody has put in its place is not followed.
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let made = rustix::fs::open(directory, flags, Mode::empty())?;
    let parent = rustix::fs::open(parent, flags.difference(OFlags::NOFOLLOW), Mode::empty())?;
    owner::settle(made, parent)
}

pub(crate) fn replace_in(
    files: &dyn FileSystem,
    path: &Path,
    bytes: &[u8],
    mode: u32,
) -> Result<(), Error> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return Err(Error::io("replace", path)(std::io::Error::from(
            std::io::ErrorKind::InvalidFilename,
        )));
    };
    let parent = parent_of(path);
    let directory = Directory::open(files, parent)?;
    let (draft, file) = create_draft(&directory, DRAFT_PREFIX, mode)
        .map_err(Error::io("create a new version of", path))?;
    let written = write_all(files, file.as_fd(), bytes)
        .and_then(|()| files.set_mode(file.as_fd(), mode))
        // S1: data before name; otherwise a power loss leaves an empty file under the name.
        .and_then(|()| files.sync_file(file.as_fd()))
        .and_then(|()| files.rename_over(directory.handle.as_fd(), &draft, name));
    if let Err(cause) = written {
        // The fault above is the one to report.
        let _ = files.unlink(directory.handle.as_fd(), &draft);
        return Err(Error::io("replace", path)(cause));
    }
    // S1: the new name is durable only after this.
    files.sync_directory(directory.handle.as_fd()).map_err(Error::io("sync the directory", parent))
}

pub(crate) fn sync_directory(files: &dyn FileSystem, path: &Path) -> Result<(), Error> {
    let directory = Directory::open(files, path)?;
    files.sync_directory(directory.handle.as_fd()).map_err(Error::io("sync the directory", path))
}

/// The directory in which a file is.
pub(crate) fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

pub(crate) fn absolute(path: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(path).map_err(Error::io("find the absolute path of", path))
}
