//! The consumer's own view of its fault state, and the writing of `.state.json`.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use crate::file_system::PRIVATE_FILE;
use crate::spool::STATE_FILE;
use crate::{Error, Fault, ItemName, Spool, SpoolState, durable};

/// The fault state as last written.
#[derive(Debug)]
pub(crate) struct Health(Mutex<Recorded>);

#[derive(Debug, Default)]
struct Recorded {
    state: SpoolState,
    /// What the faulty item looked like. Where the kernel reports no edits, this tells of one.
    faulty: Option<(ItemName, Option<Look>)>,
}

/// What changes when somebody edits or replaces a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Look {
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Look {
    fn at(path: &Path) -> Option<Self> {
        let data = std::fs::symlink_metadata(path).ok()?;
        Some(Self {
            inode: data.ino(),
            size: data.size(),
            modified: (data.mtime(), data.mtime_nsec()),
            changed: (data.ctime(), data.ctime_nsec()),
        })
    }
}

impl Health {
    /// Goes on from the state that the last consumer left.
    pub(crate) fn load(spool: &Spool) -> Result<Self, Error> {
        let state = match spool.state() {
            // Only what operators see is lost, and the next fault writes it again.
            Err(error @ Error::State { .. }) => {
                tracing::warn!("Starting with a healthy state: {error}");
                // Not healthy, so that the next success replaces the file.
                SpoolState { errors: 1, ..SpoolState::default() }
            }
            other => other?,
        };
        Ok(Self(Mutex::new(Recorded { state, faulty: None })))
    }

    pub(crate) fn record_fault(&self, spool: &Spool, fault: &Fault) -> Result<(), Error> {
        let mut recorded = self.lock();
        let path = fault.item.as_ref().map(|name| spool.path_of(name));
        let look = path.as_deref().and_then(Look::at);
        recorded.faulty = fault.item.clone().map(|name| (name, look));
        let now = DateTime::<Utc>::from(spool.clock().now());
        recorded.state = recorded.state.after_fault(fault, path, now);
        write(spool, &recorded.state)
    }

    pub(crate) fn record_success(&self, spool: &Spool) -> Result<(), Error> {
        let mut recorded = self.lock();
        if recorded.state.is_healthy() {
            return Ok(());
        }
        write(spool, &SpoolState::default())?;
        *recorded = Recorded::default();
        Ok(())
    }

    /// Whether the faulty item no longer looks as it did at its fault.
    pub(crate) fn is_edited(&self, spool: &Spool) -> bool {
        let recorded = self.lock();
        recorded.faulty.as_ref().is_some_and(|(name, look)| Look::at(&spool.path_of(name)) != *look)
    }

    /// The faulty item, if it no longer looks as it did; tells of each edit once.
    pub(crate) fn take_edited(&self, spool: &Spool) -> Option<ItemName> {
        let mut recorded = self.lock();
        let (name, look) = recorded.faulty.as_mut()?;
        let present = Look::at(&spool.path_of(name));
        let is_edited = present != *look;
        *look = present;
        is_edited.then(|| name.clone())
    }

    pub(crate) fn state(&self) -> SpoolState {
        self.lock().state.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Recorded> {
        // Nothing panics between two changes that belong together.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(spool: &Spool, state: &SpoolState) -> Result<(), Error> {
    let path = spool.dir().join(STATE_FILE);
    let mut bytes = serde_json::to_vec_pretty(state)
        .map_err(|cause| Error::State { path: path.clone(), cause })?;
    bytes.push(b'\n');
    durable::replace_in(spool.files(), &path, &bytes, PRIVATE_FILE)
}
