//! Making new states and removals durable, as a group (S5).

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::{Error, INDEX, Objects};
use crate::index::Index;

impl Objects {
    /// Number of changes that are not durable yet.
    pub fn uncommitted(&self) -> usize {
        let staged = self.staged();
        staged.files.len() + staged.removed.len()
    }

    /// Makes all stored states and all removals durable (S5).
    ///
    /// # Errors
    /// A file or the index cannot be written. What was stored since the last commit does not count
    /// any more: the items have to be delivered again.
    pub fn commit(&self) -> Result<(), Error> {
        let mut staged = self.staged();
        staged.states.clear();
        let removed = std::mem::take(&mut staged.removed);
        staged.files.commit()?;
        self.on_index(Index::keep)?;
        if removed.is_empty() {
            return Ok(());
        }
        // The index first: an object that it knows and that has no snapshot counts as damage, and what refers
        // to it would be faulty for ever.
        self.sync_index()?;
        for id in &removed {
            let path = self.path_of(id)?;
            match fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::File { operation: "remove", path, source });
                }
                _ => {}
            }
        }
        // Otherwise a power loss could bring the snapshot of a deleted object back, after the item
        // that would remove it again is gone.
        Self::sync(&self.folder)
    }

    /// Makes what was written to the index durable; its own commits are not.
    fn sync_index(&self) -> Result<(), Error> {
        let index = self.folder.with_file_name(INDEX);
        let mut log = index.clone().into_os_string();
        log.push("-wal");
        let log = PathBuf::from(log);
        // Not there on file systems where SQLite cannot have one.
        Self::sync(if log.exists() { &log } else { &index })
    }

    fn sync(path: &Path) -> Result<(), Error> {
        let failed = |source| Error::File { operation: "sync", path: path.to_owned(), source };
        fs::File::open(path).and_then(|file| file.sync_all()).map_err(failed)
    }
}
