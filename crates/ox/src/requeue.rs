//! Putting objects into the queue again, because the id of a user that they refer to became known or
//! changed (ox-provisioning 3.6, weak point 27).

use std::path::Path;

use idspool_provisioner::{Delivery, Known};
use idspool_spool::ItemName;
use idspool_udm::{ConvertedItem, Module, dn};
use tracing::{info, warn};

use crate::core::Core;
use crate::halt::Halt;
use crate::props::{OX_DB_GROUPNAME, OX_DB_ID};

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
    let name = delivery.queue.enqueue(&snapshot.to_queue_bytes())?;
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
///
/// Those of an earlier process are told by what only snapshots have. Files that somebody named by hand
/// count as what they say.
pub(crate) fn is_copy(
    core: &Core,
    item: &ConvertedItem,
    path: &Path,
    previous: Option<&ConvertedItem>,
) -> bool {
    let name = path.file_name().unwrap_or_default();
    if let Some(copy) = crate::lock(&core.requeued).get_mut(&item.id)
        && name == copy.name.as_str()
    {
        copy.is_delivered = true;
        return true;
    }
    let is_ours = || {
        let name = name.to_str().and_then(|name| name.parse::<ItemName>().ok());
        name.is_some_and(|name| name.is_canonical())
    };
    let only_in_snapshots = [OX_DB_GROUPNAME, OX_DB_ID];
    previous.is_some()
        && only_in_snapshots.iter().any(|property| item.property(property).is_some())
        && is_ours()
}
