//! Bringing the index to the state of the snapshots.

use std::{fs, io};

use idspool_udm::{ConvertedItem, dn};

use super::{Error, Objects, stamp_of};
use crate::Facts;
use crate::index::Index;

/// Rows written as one transaction when the index is made.
const TOGETHER: usize = 1000;

/// What [`Objects::rebuild`] found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Snapshots in the index.
    pub read: usize,
    /// Snapshots that are damaged or hold another object than their name says. The log names them.
    pub unreadable: usize,
}

impl Objects {
    /// Brings the index to the state of the files. Only files that are new or were touched since are
    /// read.
    ///
    /// An object whose file vanished stays known by its DN, so that whoever refers to it notices
    /// ([`Error::SnapshotMissing`]).
    ///
    /// # Errors
    /// The folder cannot be listed or the index not be written. A snapshot that cannot be read is
    /// named in the log and left out: the object's own next item shows it.
    pub fn reconcile(&self) -> Result<(), Error> {
        let lost = self.drop_the_nameless()?;
        let changed = self.changed_snapshots()?;
        if !changed.is_empty() {
            let found = self.read_all(changed, &mut |_| ())?;
            tracing::info!("Index brought up to date: {} snapshots read", found.read);
        }
        if let Some((first, count)) = lost {
            tracing::warn!(
                "{count} known objects have no snapshot any more, the first is {first}: what refers \
                 to them is faulty until they are re-provisioned or forgotten"
            );
        }
        Ok(())
    }

    /// Makes the index anew from all snapshots, and forgets everything else: objects whose snapshot is
    /// gone, and what was noted at deliveries. `progress` gets the number of snapshots read so far.
    ///
    /// # Errors
    /// As for [`Objects::reconcile`]; doing it again completes it.
    pub fn rebuild(&self, progress: &mut dyn FnMut(usize)) -> Result<Rebuilt, Error> {
        self.commit()?;
        self.on_index(Index::clear)?;
        self.places().clear();
        self.read_all(self.changed_snapshots()?, progress)
    }

    /// Removes objects without snapshot that cannot be found by a DN either. Tells about the others.
    fn drop_the_nameless(&self) -> Result<Option<(String, usize)>, Error> {
        let mut nameless = Vec::new();
        let mut lost = None;
        self.on_index(|index| {
            index.each_dn(|id, dn| {
                if !self.folder.join(format!("{id}.json")).exists() {
                    match dn {
                        None => nameless.push(id.to_owned()),
                        Some(dn) => lost.get_or_insert_with(|| (dn.to_owned(), 0)).1 += 1,
                    }
                }
            })
        })?;
        if !nameless.is_empty() {
            self.on_index(|index| {
                index.gather()?;
                nameless.iter().try_for_each(|id| index.remove(id))?;
                index.keep()
            })?;
        }
        Ok(lost)
    }

    /// Snapshots that the index does not know in their present form, the oldest first: where two claim
    /// one DN, it belongs to the newer one.
    fn changed_snapshots(&self) -> Result<Vec<(String, i64)>, Error> {
        // Looked up one by one, not held in memory: a million snapshots are ordinary.
        let mut changed = Vec::new();
        let entries = match fs::read_dir(&self.folder) {
            Err(source) if source.kind() == io::ErrorKind::NotFound && self.scratch.is_some() => {
                return Ok(changed);
            }
            entries => entries.map_err(|source| self.folder_error(source))?,
        };
        for entry in entries {
            let name = entry.map_err(|source| self.folder_error(source))?.file_name();
            let Some(id) = name.to_str().and_then(|name| name.strip_suffix(".json")) else {
                continue;
            };
            let Ok(path) = self.path_of(id) else { continue };
            let Ok(stamp) = stamp_of(&path) else { continue };
            if self.on_index(|index| index.stamp(id))? != Some(stamp) {
                changed.push((id.to_owned(), stamp));
            }
        }
        changed.sort_by_key(|(_, stamp)| *stamp);
        Ok(changed)
    }

    fn read_all(
        &self,
        changed: Vec<(String, i64)>,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Rebuilt, Error> {
        let mut found = Rebuilt::default();
        for group in changed.chunks(TOGETHER) {
            self.on_index(Index::gather)?;
            for (id, stamp) in group {
                if self.read_into(id, *stamp)? {
                    found.read += 1;
                } else {
                    found.unreadable += 1;
                }
                progress(found.read + found.unreadable);
            }
            self.on_index(Index::keep)?;
        }
        Ok(found)
    }

    /// `false`: it cannot be used.
    fn read_into(&self, id: &str, stamp: i64) -> Result<bool, Error> {
        match self.load_file(id) {
            Ok(Some((item, _))) if item.id == id => {
                let facts = (self.indexing.facts_of)(&item);
                self.put_into(&item, &facts, stamp)?;
                return Ok(true);
            }
            Ok(Some(_)) => {
                tracing::warn!(
                    "snapshot {id}.json holds another object than its name says: ignored"
                );
            }
            // Removed a moment ago.
            Ok(None) => {}
            Err(error) => tracing::warn!("{error}: left out of the index"),
        }
        Ok(false)
    }

    pub(super) fn put_into(
        &self,
        item: &ConvertedItem,
        facts: &Facts,
        stamp: i64,
    ) -> Result<(), Error> {
        let mut references: Vec<String> = (self.indexing.references_of)(item)
            .iter()
            .map(|dn| dn::key(dn).into_owned())
            .filter(|dn| !dn.is_empty())
            .chain((self.indexing.names_of)(item).iter().map(|name| marked(name)))
            .collect();
        references.sort_unstable();
        references.dedup();
        let key = dn::key(&item.dn);
        let former = self.on_index(|index| {
            let former = index.dn(&item.id)?;
            index.put(item, &key, facts, stamp)?;
            index.refer(&item.id, &references)?;
            Ok(former)
        })?;
        // Times of files may be too coarse to tell two states from each other.
        let mut places = self.places();
        for dn in former.as_deref().into_iter().chain([&*key]) {
            places.forget(dn);
        }
        Ok(())
    }
}

/// A name beside the DNs of references: no DN begins like that.
pub(super) fn marked(name: &str) -> String {
    format!("={name}")
}
