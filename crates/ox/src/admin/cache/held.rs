//! The snapshots of a data directory, kept from `idspool-ox` for a while.

use idspool_provisioner::Objects;
use idspool_service::Ox;
use idspool_spool::{Consumer, Spool};

use super::CacheError;
use crate::admin::adopt::refuse_half_done;
use crate::recipient::OxRecipient;

/// The snapshots and the lock of their queue.
pub(super) struct Held {
    pub(super) objects: Objects,
    _lock: Consumer,
}

impl Held {
    /// Takes the lock in the name of `program`, and brings the index up to date.
    pub(super) fn take(config: &Ox, program: &str) -> Result<Self, CacheError> {
        refuse_half_done(&config.data_dir)?;
        let queue = config.queue();
        // Nothing is made here: a misspelt path must not become a data directory.
        if queue.try_exists().is_ok_and(|exists| !exists) {
            return Err(CacheError::NoQueue { path: queue });
        }
        let lock = Spool::open(&queue)?.consumer(program).map_err(|error| match error {
            idspool_spool::Error::Locked { holder, .. } => {
                CacheError::Busy { holder: holder.to_string() }
            }
            other => other.into(),
        })?;
        Ok(Self { objects: Objects::open(&queue, OxRecipient::INDEXING)?, _lock: lock })
    }

    /// Does `work`, and keeps what was done also when it ended early.
    pub(super) fn finish<T>(
        self,
        work: impl FnOnce(&Objects) -> Result<T, CacheError>,
    ) -> Result<T, CacheError> {
        let result = work(&self.objects);
        let closed = self.objects.close();
        let done = result?;
        closed?;
        Ok(done)
    }
}
