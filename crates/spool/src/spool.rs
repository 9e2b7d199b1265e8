//! The spool directory: what producers, consumers and operators share.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::clock::{Clock, SystemClock};
use crate::consumer::Consumer;
use crate::enqueue::{Directory, Producer};
use crate::file_system::{FileSystem, Kind, SystemFiles};
use crate::read::{self, ReadItem};
use crate::{Error, ItemName, SpoolState, durable};

/// Fault state of the consumer.
pub(crate) const STATE_FILE: &str = ".state.json";

/// A spool directory. Clones are cheap and may be used by many threads.
#[derive(Clone, Debug)]
pub struct Spool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    files: Arc<dyn FileSystem>,
    clock: Arc<dyn Clock>,
    producer: Producer,
}

impl Spool {
    /// Opens the spool at `dir`, and creates the directory (mode 0700) if it is missing.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when it cannot be created or opened.
    pub fn create(dir: impl Into<PathBuf>) -> Result<Self, Error> {
        let dir = dir.into();
        durable::create_dirs(&dir)?;
        Self::open(dir)
    }

    /// Opens the spool at `dir`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when there is no such directory, or it cannot be opened.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::with(dir.into(), Arc::new(SystemFiles), Arc::new(SystemClock))
    }

    /// Opens the spool at `dir`, with names and ages made from another clock.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn open_with_clock(dir: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        Self::with(dir.into(), Arc::new(SystemFiles), clock)
    }

    pub(crate) fn with(
        dir: PathBuf,
        files: Arc<dyn FileSystem>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let path = durable::absolute(&dir)?;
        drop(Directory::open(files.as_ref(), &path)?);
        Ok(Self(Arc::new(Shared { path, files, clock, producer: Producer::new() })))
    }

    /// The directory, as an absolute path.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.0.path
    }

    /// The absolute path of an item.
    #[must_use]
    pub fn path_of(&self, name: &ItemName) -> PathBuf {
        self.0.path.join(name.as_str())
    }

    /// The names of all waiting items in the order of work. Reads the directory once.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the directory cannot be read.
    pub fn names(&self) -> Result<Vec<ItemName>, Error> {
        let mut names = Vec::new();
        self.list(&mut |name, kind| {
            if kind == Kind::Regular {
                names.extend(ItemName::of_file(name));
            }
        })?;
        names.sort_unstable();
        Ok(names)
    }

    /// Puts one item at the end of the queue. It survives kill -9 and power loss when this returns,
    /// and its name is greater than that of every enqueue that returned before.
    ///
    /// # Errors
    ///
    /// Any error means that nothing was acknowledged: the item is not in the queue, or, when even
    /// taking it back failed, may be in it once more than needed.
    pub fn enqueue(&self, content: &[u8]) -> Result<ItemName, Error> {
        let mut names = self.enqueue_slices(&[content])?;
        names.pop().ok_or_else(|| Error::NamesExhausted { path: self.0.path.clone() })
    }

    /// Puts many items at the end of the queue, in this order, and makes them durable together:
    /// much cheaper than one by one. Returns their names, ascending.
    ///
    /// # Errors
    ///
    /// As [`Self::enqueue`]; none of the items is acknowledged.
    pub fn enqueue_group<T: AsRef<[u8]>>(&self, contents: &[T]) -> Result<Vec<ItemName>, Error> {
        let contents: Vec<&[u8]> = contents.iter().map(AsRef::as_ref).collect();
        self.enqueue_slices(&contents)
    }

    /// Reads an item of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::TooLarge`], [`Error::NotAFile`], else [`Error::Io`].
    pub fn read(&self, name: &ItemName, limit: u64) -> Result<ReadItem, Error> {
        read::read_all(&self.path_of(name), limit, self.0.clock.now())
    }

    /// Reads the first `max` bytes of an item, for a cheap look at what it is.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::NotAFile`], else [`Error::Io`].
    pub fn read_prefix(&self, name: &ItemName, max: usize) -> Result<ReadItem, Error> {
        read::read_prefix(&self.path_of(name), max, self.0.clock.now())
    }

    /// Removes an item; `false` when it was gone already. Not made durable: an item that comes back
    /// after a power loss is done again, which is harmless (S5).
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when it cannot be removed.
    pub fn remove(&self, name: &ItemName) -> Result<bool, Error> {
        let directory = self.directory()?;
        match directory.files.unlink(directory.handle.as_fd(), name.as_str()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::io("remove", &self.path_of(name))(error)),
        }
    }

    /// Becomes the consumer of this spool; `program` is named to whoever tries the same.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] when another process is it (promise S6), else [`Error::Io`].
    pub fn consumer(&self, program: &str) -> Result<Consumer, Error> {
        Consumer::new(self.clone(), program)
    }

    /// How the consumer stands. Needs no lock, and none of the consumer's attention.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the state file cannot be read, [`Error::State`] when it is no state file.
    pub fn state(&self) -> Result<SpoolState, Error> {
        let path = self.0.path.join(STATE_FILE);
        match std::fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map_err(|cause| Error::State { path, cause })
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(SpoolState::default()),
            Err(error) => Err(Error::io("read", &path)(error)),
        }
    }

    /// Makes the next enqueue believe that the machine was started anew. The clones must be gone.
    #[cfg(test)]
    pub(crate) fn pretend_boot(&mut self, boot_id: &str) {
        let shared = Arc::get_mut(&mut self.0).unwrap();
        shared.producer.boot_id = boot_id.to_owned();
    }

    pub(crate) fn directory(&self) -> Result<Directory<'_>, Error> {
        Directory::open(self.0.files.as_ref(), &self.0.path)
    }

    pub(crate) fn files(&self) -> &dyn FileSystem {
        self.0.files.as_ref()
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.0.clock.as_ref()
    }

    /// Calls `visit` with everything in the directory.
    pub(crate) fn list(&self, visit: &mut dyn FnMut(&[u8], Kind)) -> Result<(), Error> {
        let directory = self.directory()?;
        directory
            .files
            .list(directory.handle.as_fd(), visit)
            .map_err(Error::io("list", directory.path))
    }

    fn enqueue_slices(&self, contents: &[&[u8]]) -> Result<Vec<ItemName>, Error> {
        if contents.is_empty() {
            return Ok(Vec::new());
        }
        let directory = self.directory()?;
        self.0.producer.enqueue(&directory, self.clock(), contents)
    }
}
