//! Objects of which something waits in a queue.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};

use idspool_spool::{ItemName, Spool};
use idspool_udm::{ItemHead, ListenerItem};

use super::error::Error;

/// As much of a queue file as nearly always tells whose it is.
const PREFIX: usize = 512;
/// The largest queue file that is read.
const LIMIT: u64 = 64 << 20;

/// Objects of which something waits. Everything is kept as hashes: some 40 bytes for each file.
pub(crate) struct Waiting {
    queue: PathBuf,
    listener: PathBuf,
    hasher: RandomState,
    /// Object to the number of its files.
    found: HashMap<u64, u32>,
    /// File to object, of the files that were there at the last look.
    files: HashMap<u64, Option<u64>>,
    /// Queue files, listener files.
    pub(crate) counts: (usize, usize),
}

impl Waiting {
    pub(crate) fn new(queue: &Path, listener: &Path) -> Result<Self, Error> {
        let mut waiting = Self {
            queue: queue.to_owned(),
            listener: listener.to_owned(),
            hasher: RandomState::new(),
            found: HashMap::new(),
            files: HashMap::new(),
            counts: (0, 0),
        };
        waiting.look_again()?;
        Ok(waiting)
    }

    /// Whether something of the object waited when this looked last.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.count(id) > 0
    }

    /// How many files of the object waited when this looked last.
    pub(crate) fn count(&self, id: &str) -> u32 {
        self.found.get(&self.key(id)).copied().unwrap_or(0)
    }

    /// What waits now. Only files that are new are read.
    pub(crate) fn look_again(&mut self) -> Result<(), Error> {
        let before = std::mem::take(&mut self.files);
        self.found.clear();
        // The listener's first: an item is in the second queue before it leaves the first.
        let (listener, queue) = (self.listener.clone(), self.queue.clone());
        let listed = self.add(&listener, &before, |content| {
            Some(ListenerItem::parse(content).ok()?.entry_uuid.to_string())
        })?;
        let queued =
            self.add(&queue, &before, |content| Some(ItemHead::parse(content).ok()?.id))?;
        self.counts = (queued, listed);
        Ok(())
    }

    fn add(
        &mut self,
        folder: &Path,
        before: &HashMap<u64, Option<u64>>,
        id_of: impl Fn(&[u8]) -> Option<String>,
    ) -> Result<usize, Error> {
        // A queue that nobody wrote to yet.
        if folder.try_exists().is_ok_and(|exists| !exists) {
            return Ok(0);
        }
        let spool = Spool::open(folder)?;
        let names = spool.names()?;
        for name in &names {
            let file = self.hasher.hash_one((folder, name.as_str()));
            let object = match before.get(&file) {
                Some(Some(object)) => Some(*object),
                // It may have been written in the meantime.
                Some(None) | None => read_id(&spool, name, &id_of)?.map(|id| self.key(&id)),
            };
            self.files.insert(file, object);
            if let Some(object) = object {
                *self.found.entry(object).or_default() += 1;
            }
        }
        Ok(names.len())
    }

    fn key(&self, id: &str) -> u64 {
        self.hasher.hash_one(id.to_lowercase())
    }
}

/// `None`: it was done a moment ago, or nobody can tell whose it is.
fn read_id(
    spool: &Spool,
    name: &ItemName,
    id_of: impl Fn(&[u8]) -> Option<String>,
) -> Result<Option<String>, Error> {
    use idspool_spool::Error::{NotAFile, NotFound, TooLarge};
    let prefix = match spool.read_prefix(name, PREFIX) {
        Ok(prefix) => prefix,
        Err(NotFound { .. } | NotAFile { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if let Some(head) = ItemHead::scan(&prefix.bytes) {
        return Ok(Some(head.id));
    }
    match spool.read(name, LIMIT) {
        Ok(content) => Ok(id_of(&content.bytes)),
        Err(NotFound { .. } | NotAFile { .. } | TooLarge { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
