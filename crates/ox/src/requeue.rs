//! Putting objects into the queue again, because the id of a user that they refer to became known or
//! changed (ox-provisioning 3.6, weak point 27).

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use idspool_provisioner::{Delivery, Known};
use idspool_spool::ItemName;
use idspool_udm::{ConvertedItem, Module, dn};
use tracing::{info, warn};

use crate::core::Core;
use crate::halt::Halt;
use crate::props::OX_DB_ID;

/// A copy of an object's item in the queue.
pub(crate) struct Copy {
    name: ItemName,
    /// It was delivered. Its file stays until the new state is on disk, which may take a while.
    is_delivered: bool,
}

/// Queues a copy of each known OX group among `dns`, unless an item of it waits anyway.
pub(crate) fn groups<'d>(
    core: &Core,
    delivery: &Delivery<'_>,
    dns: impl Iterator<Item = &'d str>,
) -> Result<(), Halt> {
    for dn in dns {
        let Some(known) = delivery.objects.by_dn(dn)? else {
            warn!("Dont know anything about {dn}. Does it exist? Is it to be deleted? Skipping...");
            continue;
        };
        if known.module != "groups/group" || !known.facts.active {
            warn!("{dn} is no OX group. Skipping...");
            continue;
        }
        queue(core, delivery, &known)?;
    }
    Ok(())
}

/// Queues a copy of each object that refers to the user of this delivery: functional accounts that list
/// it, users who named it as deputy. Unless an item of it waits anyway.
pub(crate) fn referring(core: &Core, delivery: &Delivery<'_>) -> Result<(), Halt> {
    let mut found = delivery.objects.referring(&delivery.item.dn)?;
    if let Some(former) = delivery.previous.map(|previous| &previous.dn)
        && dn::key(former) != dn::key(&delivery.item.dn)
    {
        // The items that name the new DN may come later than this one.
        found.extend(delivery.objects.referring(former)?);
    }
    for known in found {
        let is_concerned = match known.module.parse() {
            Ok(Module::FunctionalAccount) => true,
            Ok(Module::User) => core.settings.deputy_permissions && known.facts.active,
            _ => false,
        };
        if is_concerned && known.id != delivery.item.id {
            queue(core, delivery, &known)?;
        }
    }
    Ok(())
}

fn queue(core: &Core, delivery: &Delivery<'_>, known: &Known) -> Result<(), Halt> {
    if is_waiting(core, delivery, &known.id) {
        return Ok(());
    }
    let Some(snapshot) = delivery.objects.snapshot(&known.id)? else { return Ok(()) };
    let name = delivery.queue.enqueue(&marked(snapshot.to_queue_bytes()))?;
    info!(
        "Added {} to the listener queue as {}",
        known.path.display(),
        delivery.queue.path_of(&name).display()
    );
    crate::lock(&core.requeued).insert(known.id.clone(), Copy { name, is_delivered: false });
    Ok(())
}

/// Whether an unprocessed item of the object is in the queue. It carries a newer state than the
/// snapshot, so a copy behind it would bring the old state back.
fn is_waiting(core: &Core, delivery: &Delivery<'_>, id: &str) -> bool {
    let mut requeued = crate::lock(&core.requeued);
    if let Some(copy) = requeued.get(id) {
        // The loop may not have seen it yet.
        if !delivery.queue.path_of(&copy.name).exists() {
            requeued.remove(id);
        } else if !copy.is_delivered {
            return true;
        }
    }
    delivery.waiting.has(id)
}

/// Whether an item is such a copy. From now on it does not count as waiting: what becomes known of a
/// user after it needs another one.
pub(crate) fn is_copy(core: &Core, item: &ConvertedItem, path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    if let Some(copy) = crate::lock(&core.requeued).get_mut(&item.id)
        && name == copy.name.as_str()
    {
        copy.is_delivered = true;
        return true;
    }
    // Made by an earlier process. A new user is none: most items need not be opened.
    let is_possible = match item.module() {
        Some(Module::Group | Module::FunctionalAccount) => true,
        _ => item.property(OX_DB_ID).is_some(),
    };
    is_possible && ends_with_mark(path)
}

/// The end of a copy's file: one more key, which nobody else looks at.
const MARK: &[u8] = br#","requeued":true}"#;

fn marked(mut item: Vec<u8>) -> Vec<u8> {
    item.truncate(item.trim_ascii_end().len());
    if item.pop_if(|last| *last == b'}').is_some() {
        item.extend_from_slice(MARK);
    }
    item
}

/// A file that cannot be read counts as what it says, which was read a moment ago.
fn ends_with_mark(path: &Path) -> bool {
    let end = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = i64::try_from(MARK.len()).unwrap_or(i64::MAX);
        file.seek(SeekFrom::End(-length))?;
        let mut end = Vec::new();
        file.take(64).read_to_end(&mut end)?;
        Ok(end)
    };
    end().is_ok_and(|end| end == MARK)
}
