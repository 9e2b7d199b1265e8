//! All snapshots of OX users, one after the other.

use std::fs;

use idspool_provisioner::{Known, Objects};
use idspool_service::shutdown::Shutdown;
use idspool_udm::{ConvertedItem, Module};

use super::{CacheError, Line, Watcher};
use crate::recipient::OxRecipient;

/// Snapshots after which a line tells how far the work is (ox-provisioning 9.1).
pub(super) const TELL_EVERY: usize = 1000;
/// Changed snapshots that are made durable together. Each holds a descriptor until then, of which a process
/// usually has 1,024.
const TOGETHER: usize = 512;
/// The same in bytes: they are in memory until then, and may hold photos.
const TOGETHER_BYTES: u64 = 8 << 20;

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// Snapshots that are there.
    pub files: usize,
    /// Those of OX users.
    pub users: usize,
    /// Snapshots that were changed.
    pub updated: usize,
    /// Users that are not in OX.
    pub not_found: usize,
    /// Users of contexts without an entry in `contexts.json`.
    pub no_password: usize,
    /// Users of contexts about which OX refuses to answer. A warning tells why.
    pub refused: usize,
    /// Users without a context.
    pub no_context: usize,
    /// Snapshots that cannot be used. Warnings name them.
    pub unusable: usize,
}

/// Calls `handle` with each OX user whose snapshot is there. `changed` snapshots become durable in
/// groups; those before an error as well.
pub(super) fn users(
    objects: &Objects,
    stop: &Shutdown,
    watcher: &mut dyn Watcher,
    mut handle: impl FnMut(&Known, &mut Summary, &mut dyn Watcher) -> Result<(), CacheError>,
) -> Result<Summary, CacheError> {
    let mut summary = Summary { files: count_files(objects)?, ..Summary::default() };
    watcher.line(&Line::Found(summary.files))?;
    watcher.begin("snapshots", u64::try_from(summary.files).unwrap_or(u64::MAX));
    let (mut visited, mut bytes) = (0, 0);
    let walked = objects.each(|known| {
        if stop.is_requested() {
            return Err(CacheError::Stopped);
        }
        // One whose file is gone stays known by its DN, but there is nothing to change.
        if !objects.has_snapshot(&known.id)? {
            return Ok(());
        }
        visited += 1;
        watcher.step();
        if visited % TELL_EVERY == 0 {
            watcher.line(&Line::Processing(visited))?;
        }
        if is_user(&known.module) && known.facts.active {
            summary.users += 1;
            match handle(&known, &mut summary, watcher) {
                // The others have nothing to do with it.
                Err(CacheError::Objects(error)) if is_of_one_snapshot(&error) => {
                    summary.unusable += 1;
                    watcher.warn(&error.to_string());
                }
                other => other?,
            }
        }
        bytes += fs::metadata(&known.path).map_or(0, |snapshot| snapshot.len());
        if objects.uncommitted() == 0 {
            bytes = 0;
        } else if objects.uncommitted() >= TOGETHER || bytes >= TOGETHER_BYTES {
            objects.commit()?;
            bytes = 0;
        }
        Ok(())
    });
    objects.commit()?;
    walked?;
    if visited < summary.files {
        summary.unusable += name_unknown(objects, watcher)?;
    }
    watcher.line(&Line::Updated(summary.updated))?;
    Ok(summary)
}

/// Makes this the snapshot of its object. Nothing is known any more of what OX has: the next item of the
/// object calls OX, whatever it says.
pub(super) fn store(
    objects: &Objects,
    item: &ConvertedItem,
    summary: &mut Summary,
) -> Result<(), CacheError> {
    objects.store(item, &OxRecipient::facts_of(item))?;
    summary.updated += 1;
    Ok(())
}

/// Whether one snapshot cannot be read. What cannot be written is a matter of the disk.
fn is_of_one_snapshot(error: &idspool_provisioner::Error) -> bool {
    use idspool_provisioner::Error::{File, Snapshot};
    matches!(error, Snapshot { .. } | File { operation: "read", .. })
}

fn is_user(module: &str) -> bool {
    matches!(module.parse(), Ok(Module::User))
}

fn count_files(objects: &Objects) -> Result<usize, CacheError> {
    let mut count = 0;
    each_file(objects, |_| {
        count += 1;
        Ok(())
    })?;
    Ok(count)
}

/// Warns of files that the index left out because they are damaged.
fn name_unknown(objects: &Objects, watcher: &mut dyn Watcher) -> Result<usize, CacheError> {
    let mut count = 0;
    each_file(objects, |id| {
        let is_known = match objects.facts(id) {
            Ok(facts) => facts.is_some(),
            // The name of the file is none that an object can have.
            Err(idspool_provisioner::Error::BadId { .. }) => false,
            Err(error) => return Err(error.into()),
        };
        if !is_known {
            count += 1;
            watcher.warn(&format!(
                "{id}.json is no usable snapshot: restore it from a backup, or remove it and re-provision the \
                 object"
            ));
        }
        Ok(())
    })?;
    Ok(count)
}

fn each_file(
    objects: &Objects,
    mut visit: impl FnMut(&str) -> Result<(), CacheError>,
) -> Result<(), CacheError> {
    let folder = objects.folder();
    let failed = |source| CacheError::List { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if let Some(id) = name.to_str().and_then(|name| name.strip_suffix(".json"))
            && !id.starts_with('.')
        {
            visit(id)?;
        }
    }
    Ok(())
}
