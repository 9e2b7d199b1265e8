//! Where objects live at the recipient, by DN, for lists of thousands of members.
//!
//! What the index says is kept in memory in a bounded map. It counts only while the snapshot is the file
//! it was read from: one look at the file's modification time tells, and tells a vanished file as well.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{MutexGuard, PoisonError};

use idspool_udm::dn;
use rustix::fs::{AtFlags, Mode, OFlags, open, statat};

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
/// What follows it in the name of a snapshot.
const SUFFIX: &[u8] = b".json";

/// Places by DN.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Two hashes of the DN in place of the text, which would take more than all the rest.
    by_dn: HashMap<(u64, u64), Remembered>,
    seeds: (RandomState, RandomState),
    /// The folder of the snapshots: its path need not be walked for each of thousands of members.
    folder: Option<OwnedFd>,
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

    /// Whether the snapshot still is the file that it was. `false` means that somebody has to look closer.
    fn is_unchanged(&mut self, folder: &Path, remembered: &Remembered) -> bool {
        if self.folder.is_none() {
            self.folder = open(folder, OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).ok();
        }
        let Some(folder) = &self.folder else { return false };
        let mut name = [0; UUID + SUFFIX.len()];
        let (id, suffix) = name.split_at_mut(UUID);
        id.copy_from_slice(&remembered.id);
        suffix.copy_from_slice(SUFFIX);
        let Ok(stat) = statat(folder, &name[..], AtFlags::empty()) else { return false };
        stamp_of_stat(&stat) == Some(remembered.stamp)
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
        if let Some(place) = self.remembered_place(&key) {
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

    /// What is remembered of a DN in normalised form, if it still holds.
    fn remembered_place(&self, key: &str) -> Option<Place> {
        // A view has states of its own beside the files.
        if self.scratch.is_some() {
            return None;
        }
        let mut places = self.places();
        let remembered = places.get(key)?;
        let id = std::str::from_utf8(&remembered.id).ok()?;
        (!self.is_staged(id) && places.is_unchanged(&self.folder, &remembered))
            .then_some(remembered.place)
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

/// As the index notes it: nanoseconds since 1970.
fn stamp_of_stat(stat: &rustix::fs::Stat) -> Option<i64> {
    let nanoseconds = i64::try_from(stat.st_mtime_nsec).ok()?;
    stat.st_mtime.checked_mul(1_000_000_000)?.checked_add(nanoseconds)
}
