//! Finding objects by DN, by what they refer to, and all of them.

use idspool_udm::dn;

use super::reconcile::marked;
use super::{Error, Known, Objects};
use crate::index::{Index, Indexed};

/// Objects that [`Objects::each`] holds in memory at a time.
const PAGE: usize = 500;

impl Objects {
    /// The object with this DN, in whatever spelling.
    ///
    /// # Errors
    /// [`Error::SnapshotMissing`] when it is known but its snapshot was taken away; or the index
    /// cannot be read.
    pub fn by_dn(&self, dn: &str) -> Result<Option<Known>, Error> {
        let key = dn::key(dn);
        let Some(indexed) = self.on_index(|index| index.by_dn(&key))? else { return Ok(None) };
        let known = self.known(indexed);
        if self.has_snapshot(&known.id)? {
            Ok(Some(known))
        } else {
            Err(Error::SnapshotMissing { path: known.path, dn: dn.to_owned() })
        }
    }

    /// The objects that refer to this DN, in whatever spelling, in the order of their ids.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn referring(&self, dn: &str) -> Result<Vec<Known>, Error> {
        let key = dn::key(dn);
        let found = self.on_index(|index| index.referring(&key))?;
        Ok(found.into_iter().map(|indexed| self.known(indexed)).collect())
    }

    /// The objects of which the recipient has this name, in the order of their ids.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn holding(&self, name: &str) -> Result<Vec<Known>, Error> {
        let found = self.on_index(|index| index.referring(&marked(name)))?;
        Ok(found.into_iter().map(|indexed| self.known(indexed)).collect())
    }

    /// The objects that have this id at the recipient, in the order of their own ids.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn by_remote_id(&self, scope: i64, remote_id: i64) -> Result<Vec<Known>, Error> {
        let found = self.on_index(|index| index.by_remote_id(scope, remote_id))?;
        Ok(found.into_iter().map(|indexed| self.known(indexed)).collect())
    }

    /// Calls `visit` with each known object in the order of ids, also with those whose snapshot is gone.
    /// The objects may be changed meanwhile, by `visit` itself, too.
    ///
    /// # Errors
    /// The index cannot be read, or the first error of `visit`.
    pub fn each<E: From<Error>>(
        &self,
        mut visit: impl FnMut(Known) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut last = String::new();
        loop {
            let page = self.on_index(|index| index.page(&last, PAGE))?;
            let Some(end) = page.last() else { return Ok(()) };
            last.clone_from(&end.id);
            for indexed in page {
                visit(self.known(indexed))?;
            }
        }
    }

    /// Number of known objects, those whose snapshot is gone included.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn count(&self) -> Result<usize, Error> {
        self.on_index(Index::count)
    }

    /// Whether the last delivered state of an object is there.
    ///
    /// # Errors
    /// `id` is not fit for a file name, or the file cannot be looked at.
    pub fn has_snapshot(&self, id: &str) -> Result<bool, Error> {
        let staged = self.staged();
        if staged.states.contains_key(id) || staged.removed.contains(id) {
            return Ok(!staged.removed.contains(id));
        }
        drop(staged);
        Ok(self.stamp_now(id)?.is_some())
    }

    /// Forgets which object has this DN, in whatever spelling. Its snapshot stays, and makes the DN
    /// known again when the object is delivered or the index is made anew. `false`: it was not known.
    /// Durable at once.
    ///
    /// # Errors
    /// The index cannot be written.
    pub fn forget_dn(&self, dn: &str) -> Result<bool, Error> {
        let key = dn::key(dn);
        self.on_index(|index| index.gather())?;
        let indexed = self.on_index(|index| index.by_dn(&key))?;
        if let Some(indexed) = &indexed {
            if self.has_snapshot(&indexed.id)? {
                self.on_index(|index| index.forget_dn(&key))?;
            } else {
                self.on_index(|index| index.remove(&indexed.id))?;
            }
        }
        self.places().forget(&key);
        self.commit()?;
        Ok(indexed.is_some())
    }

    fn known(&self, indexed: Indexed) -> Known {
        let Indexed { id, module, facts, dn, .. } = indexed;
        let path = self.folder.join(format!("{id}.json"));
        Known { id, module, facts, dn, path }
    }
}
