//! Where objects live at the recipient, by DN, for lists of thousands of members.
//!
//! What the index says is kept in memory in a bounded map. It counts only while the snapshot is the file
//! it was read from: one look at the file's modification time tells, and tells a vanished file as well.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{MutexGuard, PoisonError};

use idspool_udm::dn;

use super::{Error, Objects};
use crate::Facts;

/// Where an object lives at the recipient.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    /// See [`Facts::scope`](crate::Facts::scope).
    pub scope: Option<i64>,
    /// See [`Facts::remote_id`](crate::Facts::remote_id).
    pub remote_id: Option<i64>,
}

/// As many as a hash table with 65,536 slots holds: about 6 MB.
const MOST: usize = 57_344;
/// Length of an entry UUID.
const UUID: usize = 36;

/// Places by DN.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Two hashes of the DN in place of the text, which would take more than all the rest.
    by_dn: HashMap<(u64, u64), Remembered>,
    seeds: (RandomState, RandomState),
}

#[derive(Debug, Clone, Copy)]
struct Remembered {
    place: Place,
    id: [u8; UUID],
    /// Modification time of the snapshot that it was read from.
    stamp: i64,
}

impl Places {
    fn key(&self, dn: &str) -> (u64, u64) {
        (self.seeds.0.hash_one(dn), self.seeds.1.hash_one(dn))
    }

    fn get(&self, dn: &str) -> Option<Remembered> {
        self.by_dn.get(&self.key(dn)).copied()
    }

    fn insert(&mut self, dn: &str, remembered: Remembered) {
        if self.by_dn.len() >= MOST {
            // Rare, and cheaper than keeping an order of use.
            self.by_dn.clear();
        }
        self.by_dn.insert(self.key(dn), remembered);
    }

    /// `dn` in normalised form.
    pub(super) fn forget(&mut self, dn: &str) {
        self.by_dn.remove(&self.key(dn));
    }

    pub(super) fn clear(&mut self) {
        self.by_dn.clear();
    }
}

impl Objects {
    /// Where the object with this DN lives, in whatever spelling. `None`: nobody knows the DN.
    ///
    /// No file is read, unless a snapshot was edited by somebody else.
    ///
    /// # Errors
    /// [`Error::SnapshotMissing`] when the object is known but its snapshot was taken away; or the
    /// index or an edited snapshot cannot be read.
    pub fn place(&self, dn: &str) -> Result<Option<Place>, Error> {
        let key = dn::key(dn);
        let remembered = self.places().get(&key);
        if let Some(Remembered { place, id, stamp }) = remembered
            && let Ok(id) = std::str::from_utf8(&id)
            && !self.is_staged(id)
            && self.stamp_now(id)? == Some(stamp)
        {
            return Ok(Some(place));
        }
        let Some(indexed) = self.on_index(|index| index.by_dn(&key))? else { return Ok(None) };
        if self.is_staged(&indexed.id) {
            return Ok(Some(Place::of(&indexed.facts)));
        }
        let Some(stamp) = self.stamp_now(&indexed.id)? else {
            let path = self.path_of(&indexed.id)?;
            return Err(Error::SnapshotMissing { path, dn: dn.to_owned() });
        };
        if stamp != indexed.stamp {
            return Ok(self
                .snapshot(&indexed.id)?
                .map(|item| Place::of(&(self.indexing.facts_of)(&item))));
        }
        let place = Place::of(&indexed.facts);
        if let Ok(id) = indexed.id.as_bytes().try_into() {
            self.places().insert(&key, Remembered { place, id, stamp });
        }
        Ok(Some(place))
    }

    fn is_staged(&self, id: &str) -> bool {
        self.staged().states.contains_key(id)
    }

    pub(super) fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    fn of(facts: &Facts) -> Self {
        Self { scope: facts.scope, remote_id: facts.remote_id }
    }
}
