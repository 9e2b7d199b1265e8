//! The few operations on files that producers and consumers need, behind one trait, so that tests
//! can make the n-th of them fail, or lose what a power loss would lose.
//!
//! Names are relative to an open directory: nothing happens in a directory that was put in its
//! place meanwhile.

use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, FileType, FlockOperation, Mode, OFlags, RawDir, RenameFlags, Stat, fchmod, flock,
    fstat, fsync, linkat, open, openat, renameat, renameat_with, statat, syncfs, unlinkat,
};
use rustix::io::Errno;

use crate::owner;

/// Items and our own files hold personal data.
pub(crate) const PRIVATE_FILE: u32 = 0o600;

/// One `getdents64` brings about 500 names.
const LIST_BUFFER: usize = 32 * 1024;

/// What a directory entry is, as far as the spool cares.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Regular,
    Other,
}

/// Operations on the file system. What they make belongs to the owner of the directory. Each is one step that a crash can come before or after.
pub(crate) trait FileSystem: fmt::Debug + Send + Sync {
    fn open_directory(&self, path: &Path) -> io::Result<OwnedFd>;
    /// A new file without a name: it vanishes with its descriptor unless it gets one.
    fn create_unnamed(&self, directory: BorrowedFd<'_>) -> io::Result<OwnedFd>;
    /// A new file; refuses an existing name.
    fn create_named(&self, directory: BorrowedFd<'_>, name: &str, mode: u32)
    -> io::Result<OwnedFd>;
    /// Opens for reading and writing, creates if absent, follows no link.
    fn open_or_create(&self, directory: BorrowedFd<'_>, name: &str) -> io::Result<OwnedFd>;
    /// Sets the permission bits, whatever the process's file mode creation mask took away.
    fn set_mode(&self, file: BorrowedFd<'_>, mode: u32) -> io::Result<()>;
    fn write(&self, file: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize>;
    fn read_at_start(&self, file: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize>;
    fn write_at_start(&self, file: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize>;
    fn sync_file(&self, file: BorrowedFd<'_>) -> io::Result<()>;
    /// Makes every file of the file system durable in one go.
    fn sync_file_system(&self, directory: BorrowedFd<'_>) -> io::Result<()>;
    fn sync_directory(&self, directory: BorrowedFd<'_>) -> io::Result<()>;
    /// Waits for the exclusive lock of an open file.
    fn lock(&self, file: BorrowedFd<'_>) -> io::Result<()>;
    fn stat(&self, file: BorrowedFd<'_>) -> io::Result<Stat>;
    /// Gives an unnamed file a name; refuses an existing one.
    fn name_unnamed(
        &self,
        file: BorrowedFd<'_>,
        directory: BorrowedFd<'_>,
        name: &str,
    ) -> io::Result<()>;
    /// Renames; refuses an existing target.
    fn rename_new(&self, directory: BorrowedFd<'_>, from: &str, to: &str) -> io::Result<()>;
    /// Renames; replaces an existing target.
    fn rename_over(&self, directory: BorrowedFd<'_>, from: &str, to: &str) -> io::Result<()>;
    fn unlink(&self, directory: BorrowedFd<'_>, name: &str) -> io::Result<()>;
    /// What stands under a name; `None` when nothing does.
    fn kind(&self, directory: BorrowedFd<'_>, name: &str) -> io::Result<Option<Kind>>;
    /// Calls `visit` with each name, in no order.
    fn list(&self, directory: BorrowedFd<'_>, visit: &mut dyn FnMut(&[u8], Kind))
    -> io::Result<()>;
}

/// Writes all of `bytes`, however many steps the operating system wants for it.
pub(crate) fn write_all(
    files: &dyn FileSystem,
    file: BorrowedFd<'_>,
    mut bytes: &[u8],
) -> io::Result<()> {
    while !bytes.is_empty() {
        match files.write(file, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The operating system's files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemFiles;

impl FileSystem for SystemFiles {
    fn open_directory(&self, path: &Path) -> io::Result<OwnedFd> {
        Ok(open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
    }

    fn create_unnamed(&self, directory: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        let flags = OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC;
        let file = openat(directory, c".", flags, Mode::from_raw_mode(PRIVATE_FILE))?;
        owner::settle(&file, directory)?;
        Ok(file)
    }

    fn create_named(
        &self,
        directory: BorrowedFd<'_>,
        name: &str,
        mode: u32,
    ) -> io::Result<OwnedFd> {
        Ok(owner::create_at(directory, name, OFlags::WRONLY, mode)?)
    }

    fn open_or_create(&self, directory: BorrowedFd<'_>, name: &str) -> io::Result<OwnedFd> {
        Ok(owner::open_or_create_at(directory, name, OFlags::NOFOLLOW)?)
    }

    fn set_mode(&self, file: BorrowedFd<'_>, mode: u32) -> io::Result<()> {
        Ok(fchmod(file, Mode::from_raw_mode(mode))?)
    }

    fn write(&self, file: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(file, bytes)?)
    }

    fn read_at_start(&self, file: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::pread(file, buffer, 0)?)
    }

    fn write_at_start(&self, file: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::pwrite(file, bytes, 0)?)
    }

    fn sync_file(&self, file: BorrowedFd<'_>) -> io::Result<()> {
        Ok(fsync(file)?)
    }

    fn sync_file_system(&self, directory: BorrowedFd<'_>) -> io::Result<()> {
        Ok(syncfs(directory)?)
    }

    fn sync_directory(&self, directory: BorrowedFd<'_>) -> io::Result<()> {
        Ok(fsync(directory)?)
    }

    fn lock(&self, file: BorrowedFd<'_>) -> io::Result<()> {
        Ok(rustix::io::retry_on_intr(|| flock(file, FlockOperation::LockExclusive))?)
    }

    fn stat(&self, file: BorrowedFd<'_>) -> io::Result<Stat> {
        Ok(fstat(file)?)
    }

    fn name_unnamed(
        &self,
        file: BorrowedFd<'_>,
        directory: BorrowedFd<'_>,
        name: &str,
    ) -> io::Result<()> {
        match linkat(file, c"", directory, name, AtFlags::EMPTY_PATH) {
            // Before Linux 6.10 only a privileged process may link by descriptor (open(2)).
            Err(Errno::NOENT) => {
                let path = format!("/proc/self/fd/{}", file.as_raw_fd());
                Ok(linkat(CWD, path, directory, name, AtFlags::SYMLINK_FOLLOW)?)
            }
            other => Ok(other?),
        }
    }

    fn rename_new(&self, directory: BorrowedFd<'_>, from: &str, to: &str) -> io::Result<()> {
        match renameat_with(directory, from, directory, to, RenameFlags::NOREPLACE) {
            // NFS and old FUSE file systems do not know the flag, but all of them know links.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                linkat(directory, from, directory, to, AtFlags::empty())?;
                Ok(unlinkat(directory, from, AtFlags::empty())?)
            }
            other => Ok(other?),
        }
    }

    fn rename_over(&self, directory: BorrowedFd<'_>, from: &str, to: &str) -> io::Result<()> {
        Ok(renameat(directory, from, directory, to)?)
    }

    fn unlink(&self, directory: BorrowedFd<'_>, name: &str) -> io::Result<()> {
        Ok(unlinkat(directory, name, AtFlags::empty())?)
    }

    fn kind(&self, directory: BorrowedFd<'_>, name: &str) -> io::Result<Option<Kind>> {
        match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(kind_of(FileType::from_raw_mode(stat.st_mode)))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn list(
        &self,
        directory: BorrowedFd<'_>,
        visit: &mut dyn FnMut(&[u8], Kind),
    ) -> io::Result<()> {
        // A description of its own: the position in a directory is shared by all its descriptors.
        let own = openat(
            directory,
            c".",
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        let mut buffer = Vec::with_capacity(LIST_BUFFER);
        let mut entries = RawDir::new(&own, buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name();
            let kind = match entry.file_type() {
                // Some file systems keep no types in their directories.
                FileType::Unknown => match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) => kind_of(FileType::from_raw_mode(stat.st_mode)),
                    Err(Errno::NOENT) => continue,
                    Err(error) => return Err(error.into()),
                },
                known => kind_of(known),
            };
            visit(name.to_bytes(), kind);
        }
        Ok(())
    }
}

fn kind_of(file_type: FileType) -> Kind {
    if file_type == FileType::RegularFile { Kind::Regular } else { Kind::Other }
}
