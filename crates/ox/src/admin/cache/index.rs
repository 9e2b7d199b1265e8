//! `rebuild-old.db` and `remove-from-ox-db-cache`: the index over the snapshots (ox-provisioning 9.2, 9.3).

use idspool_provisioner::{Objects, Rebuilt};
use idspool_service::Ox;

use super::held::Held;
use super::walk::TELL_EVERY;
use super::{CacheError, Line, Watcher};
use crate::recipient::OxRecipient;

/// What [`fix_index`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fixed {
    /// DNs that were removed because their snapshot is gone.
    pub removed: usize,
}

/// Makes the index anew from all snapshots. What was noted at deliveries is lost: the next item of each
/// object calls OX.
///
/// # Errors
/// `idspool-ox` is running, or the index cannot be written.
pub fn rebuild_index(config: &Ox, watcher: &mut dyn Watcher) -> Result<Rebuilt, CacheError> {
    let held = Held::take(config, "idspool ox index rebuild")?;
    held.finish(|objects| {
        let count = u64::try_from(objects.count()?).unwrap_or(u64::MAX);
        watcher.begin("snapshots", count);
        let mut told = Ok(());
        let rebuilt = objects.rebuild(&mut |read| {
            watcher.step();
            if read % TELL_EVERY == 0 && told.is_ok() {
                told = watcher.line(&Line::Read(read));
            }
        })?;
        told?;
        watcher.line(&Line::ReadAll(rebuilt.read + rebuilt.unreadable))?;
        watcher.line(&Line::Done)?;
        Ok(rebuilt)
    })
}

/// Removes the DNs whose snapshot is gone. DNs in another spelling, which older connectors had, are no
/// matter here: the index has them in one.
///
/// # Errors
/// `idspool-ox` is running, or the index cannot be written.
pub fn fix_index(config: &Ox, watcher: &mut dyn Watcher) -> Result<Fixed, CacheError> {
    let held = Held::take(config, "idspool ox index rebuild")?;
    held.finish(|objects| {
        let mut fixed = Fixed::default();
        watcher.begin("objects", u64::try_from(objects.count()?).unwrap_or(u64::MAX));
        objects.each(|known| {
            watcher.step();
            if objects.has_snapshot(&known.id)? {
                return Ok::<_, CacheError>(());
            }
            watcher.line(&Line::NoSuchFile { dn: &known.dn, path: &known.path })?;
            objects.forget(&known.id)?;
            fixed.removed += 1;
            Ok(())
        })?;
        objects.commit()?;
        watcher.line(&match fixed.removed {
            0 => Line::NoErrors,
            count => Line::Writing(count),
        })?;
        Ok(fixed)
    })
}

/// Forgets which object has this DN, in whatever spelling; its snapshot stays. `false`: it was not known.
/// A running `idspool-ox` need not be stopped.
///
/// # Errors
/// The index cannot be read or written.
pub fn forget(config: &Ox, dn: &str) -> Result<bool, CacheError> {
    let queue = config.queue();
    if queue.try_exists().is_ok_and(|exists| !exists) {
        return Err(CacheError::NoQueue { path: queue });
    }
    // Without an index nothing is known.
    let Some(objects) = Objects::beside(&queue, OxRecipient::INDEXING)? else { return Ok(false) };
    Ok(objects.forget_dn(dn)?)
}
