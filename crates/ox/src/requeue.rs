//! Putting groups into the queue again, because the id of a member became known
//! (ox-provisioning 3.6).

use idspool_provisioner::Delivery;
use idspool_spool::ItemName;
use serde_json::Value;
use tracing::{info, warn};

use crate::core::Core;
use crate::halt::Halt;
use crate::props::Props;

/// A copy of a group's item in the queue.
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
        if is_waiting(core, delivery, &known.id) {
            continue;
        }
        let Some(snapshot) = delivery.objects.snapshot(&known.id)? else { continue };
        let name = delivery.queue.enqueue(&snapshot.to_queue_bytes())?;
        info!(
            "Added {} to the listener queue as {}",
            known.path.display(),
            delivery.queue.path_of(&name).display()
        );
        crate::lock(&core.requeued).insert(known.id, Copy { name, is_delivered: false });
    }
    Ok(())
}

/// Whether an unprocessed item of the group is in the queue. It carries a newer state than the
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

/// Whether this item is such a copy. From now on it does not count as waiting: what becomes known of
/// a member after it needs another one.
pub(crate) fn is_copy(core: &Core, delivery: &Delivery<'_>) -> bool {
    let mut requeued = crate::lock(&core.requeued);
    let Some(copy) = requeued.get_mut(&delivery.item.id) else { return false };
    let is_copy = delivery.path.file_name() == Some(copy.name.as_str().as_ref());
    copy.is_delivered |= is_copy;
    is_copy
}

/// DNs of the deputies that a user names (ox-provisioning 5.4): an entry is a list, or one text with its
/// parts joined.
pub(crate) fn deputies(props: Props<'_>) -> Vec<String> {
    let Some(Value::Array(entries)) = props.value("oxDeputyPermissionGivenTo") else {
        return Vec::new();
    };
    let deputy = |entry: &Value| match entry {
        Value::Array(parts) => Some(parts.first()?.as_str()?.to_owned()),
        Value::String(text) => Some(text.split(" |:$:| ").next()?.to_owned()),
        _ => None,
    };
    entries.iter().filter_map(deputy).collect()
}
