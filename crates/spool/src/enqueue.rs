//! Putting items into a spool, one or many at a time (promises S1, S2, S3).

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::io::Errno;

use crate::Error;
use crate::clock::Clock;
use crate::file_system::{FileSystem, PRIVATE_FILE, write_all};
use crate::mark::Mark;
use crate::name::{ItemName, Stamp};

/// Items that wait for one sync of the whole file system. Each holds a descriptor meanwhile, and
/// 1024 descriptors are the usual limit of a process.
const LARGEST_BATCH: usize = 512;

/// Up to here an fsync for each file is cheaper than a sync of the file system, which also writes
/// what other programs have left to write.
pub(crate) const FEW: usize = 4;

/// Prefix of a file that is being written where files without a name are not supported.
pub(crate) const DRAFT_PREFIX: &str = ".in-";

/// An open spool directory.
///
/// It is opened anew for every enqueue: the kernel reports a lost write once per descriptor that
/// was open when it happened, so a shared one could tell it to another thread than ours.
#[derive(Debug)]
pub(crate) struct Directory<'a> {
    pub(crate) files: &'a dyn FileSystem,
    pub(crate) path: &'a Path,
    pub(crate) handle: OwnedFd,
}

impl<'a> Directory<'a> {
    pub(crate) fn open(files: &'a dyn FileSystem, path: &'a Path) -> Result<Self, Error> {
        let handle = files.open_directory(path).map_err(Error::io("open the directory", path))?;
        Ok(Self { files, path, handle })
    }
}

/// What a producer keeps from one enqueue to the next.
#[derive(Debug)]
pub(crate) struct Producer {
    pub(crate) boot_id: String,
    /// Cleared when the file system turns out not to support files without a name.
    pub(crate) can_be_unnamed: AtomicBool,
}

impl Producer {
    pub(crate) fn new() -> Self {
        Self { boot_id: crate::mark::boot_id(), can_be_unnamed: AtomicBool::new(true) }
    }

    /// Enqueues all of `contents` or none. They are durable when this returns.
    pub(crate) fn enqueue(
        &self,
        directory: &Directory<'_>,
        clock: &dyn Clock,
        contents: &[&[u8]],
    ) -> Result<Vec<ItemName>, Error> {
        let mut published =
            Published { directory, names: Vec::with_capacity(contents.len()), is_kept: false };
        let mut rest = contents;
        while !rest.is_empty() {
            let batch = self.write_batch(directory, rest)?;
            let count = batch.len();
            match self.publish(batch, clock, &mut published) {
                // Files without a name can be made but not named here; do this batch again.
                Err(Refused::Unnameable) => continue,
                Err(Refused::Fault(error)) => return Err(error),
                Ok(()) => rest = rest.get(count..).unwrap_or_default(),
            }
        }
        // S1: the names themselves are durable only after this.
        directory
            .files
            .sync_directory(directory.handle.as_fd())
            .map_err(Error::io("sync the directory", directory.path))?;
        published.is_kept = true;
        Ok(std::mem::take(&mut published.names))
    }

    /// Writes as many of `contents` as one batch holds, and makes their data durable.
    fn write_batch<'a>(
        &self,
        directory: &'a Directory<'a>,
        contents: &[&[u8]],
    ) -> Result<Vec<Draft<'a>>, Error> {
        let mut drafts: Vec<Draft<'a>> = Vec::with_capacity(contents.len().min(LARGEST_BATCH));
        for content in contents.iter().take(LARGEST_BATCH) {
            match self.create(directory) {
                Ok(draft) => drafts.push(draft),
                // No descriptor left: what is open makes a batch, and closing it frees some.
                Err(error) if !drafts.is_empty() && is_out_of_descriptors(&error) => break,
                Err(error) => return Err(Error::io("create an item in", directory.path)(error)),
            }
            if let Some(draft) = drafts.last() {
                write_all(directory.files, draft.file.as_fd(), content)
                    .map_err(Error::io("write an item in", directory.path))?;
            }
        }
        // S1, S2: data before name. An fsync that failed must not be repeated: the kernel has
        // dropped the data and would report success.
        let must_sync_each = drafts.len() <= FEW || !self.sync_all(directory)?;
        if must_sync_each {
            for draft in &drafts {
                directory
                    .files
                    .sync_file(draft.file.as_fd())
                    .map_err(Error::io("sync an item in", directory.path))?;
            }
        }
        Ok(drafts)
    }

    /// `false` when the file system cannot be synced as a whole.
    fn sync_all(&self, directory: &Directory<'_>) -> Result<bool, Error> {
        match directory.files.sync_file_system(directory.handle.as_fd()) {
            Ok(()) => Ok(true),
            Err(error) if is_unsupported(&error) => Ok(false),
            Err(error) => Err(Error::io("sync the file system of", directory.path)(error)),
        }
    }

    fn create<'a>(&self, directory: &'a Directory<'a>) -> io::Result<Draft<'a>> {
        if self.can_be_unnamed.load(Ordering::Relaxed) {
            match directory.files.create_unnamed(directory.handle.as_fd()) {
                Ok(file) => {
                    return Ok(Draft { directory, file, name: None });
                }
                // Kernels that do not know the flag take it for an attempt to write a directory.
                Err(error) if is_unsupported(&error) || is(&error, Errno::ISDIR) => {
                    self.can_be_unnamed.store(false, Ordering::Relaxed);
                }
                Err(error) => return Err(error),
            }
        }
        let (name, file) = create_draft(directory, DRAFT_PREFIX, PRIVATE_FILE)?;
        Ok(Draft { directory, file, name: Some(name) })
    }

    /// Gives the drafts their names, in order.
    fn publish(
        &self,
        batch: Vec<Draft<'_>>,
        clock: &dyn Clock,
        published: &mut Published<'_>,
    ) -> Result<(), Refused> {
        let directory = published.directory;
        let mut mark = Mark::lock(directory, &self.boot_id)?;
        let count = batch.len();
        let mut left = count;
        let mut next = mark.reserve(Stamp::of(clock.now()), left)?;
        for mut draft in batch {
            let name = loop {
                let name = next.name();
                match draft.publish(&name) {
                    Ok(()) => break name,
                    // S3: somebody made an item of this name by hand; it stays what it is.
                    Err(error) if is(&error, Errno::EXIST) => next = mark.reserve(next, left)?,
                    Err(error)
                        if draft.name.is_none()
                            && left == count
                            && (is_unsupported(&error) || is(&error, Errno::NOENT)) =>
                    {
                        self.can_be_unnamed.store(false, Ordering::Relaxed);
                        return Err(Refused::Unnameable);
                    }
                    Err(error) => {
                        let path = directory.path.join(name.as_str());
                        return Err(Error::io("give a name to", &path)(error).into());
                    }
                }
            };
            published.names.push(name);
            left -= 1;
            if left > 0 {
                next = next
                    .after(1)
                    .ok_or_else(|| Error::NamesExhausted { path: directory.path.to_owned() })?;
            }
        }
        Ok(())
    }
}

/// Creates a file under a name that nobody else uses.
pub(crate) fn create_draft(
    directory: &Directory<'_>,
    prefix: &str,
    mode: u32,
) -> io::Result<(String, OwnedFd)> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{prefix}{}-{number}", process::id());
        match directory.files.create_named(directory.handle.as_fd(), &name, mode) {
            // Left behind by a process that had our id, or in use by one of another container.
            Err(error) if is(&error, Errno::EXIST) => {}
            other => return other.map(|file| (name, file)),
        }
    }
}

/// An item that is being written: not in the queue yet, and gone when dropped.
#[derive(Debug)]
struct Draft<'a> {
    directory: &'a Directory<'a>,
    file: OwnedFd,
    /// `None` for a file without a name, and after it was published.
    name: Option<String>,
}

impl Draft<'_> {
    fn publish(&mut self, name: &ItemName) -> io::Result<()> {
        let (files, handle) = (self.directory.files, self.directory.handle.as_fd());
        // S2, S3: from here on the item is in the queue, whole; an existing one is never replaced.
        match &self.name {
            Some(draft) => files.rename_new(handle, draft, name.as_str())?,
            None => files.name_unnamed(self.file.as_fd(), handle, name.as_str())?,
        }
        self.name = None;
        Ok(())
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            // The fault that brought us here is the one to report; a consumer removes leftovers.
            let _ = self.directory.files.unlink(self.directory.handle.as_fd(), name);
        }
    }
}

/// Items of this enqueue that are in the queue already. They are taken back when it does not
/// succeed, the last first, so that what a crash leaves in between is a prefix.
struct Published<'a> {
    directory: &'a Directory<'a>,
    names: Vec<ItemName>,
    is_kept: bool,
}

impl Drop for Published<'_> {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        for name in self.names.iter().rev() {
            // Nothing was acknowledged: an item that stays is delivered once more than needed.
            let _ = self.directory.files.unlink(self.directory.handle.as_fd(), name.as_str());
        }
    }
}

enum Refused {
    Fault(Error),
    Unnameable,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Fault(error)
    }
}

fn is(error: &io::Error, errno: Errno) -> bool {
    Errno::from_io_error(error) == Some(errno)
}

pub(crate) fn is_unsupported(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL))
}

fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}
