//! Putting groups into the queue again, because the id of a member became known
//! (ox-provisioning 3.6).

use idspool_provisioner::{Delivery, Fault};
use tracing::{info, warn};

use crate::core::Core;
use crate::halt::Halt;

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
        let Some(snapshot) = delivery.objects.snapshot(&known.id)? else {
            return Err(Fault::permanent(format!(
                "Old object file {} for {dn} does not exist!\nYou need to re-provision \"{dn}\" (see \
                 https://docs.software-univention.de/ox-connector-app/latest/troubleshooting.html\
                 #traceback-provisioning-groups).",
                known.path.display()
            ))
            .with_remedy(format!("re-provision {dn}"))
            .into());
        };
        let name = delivery.queue.enqueue(&snapshot.to_queue_bytes())?;
        info!(
            "Added {} to the listener queue as {}",
            known.path.display(),
            delivery.queue.path_of(&name).display()
        );
        crate::lock(&core.requeued).insert(known.id, name);
    }
    Ok(())
}

/// Whether an unprocessed item of the group is in the queue. It carries a newer state than the
/// snapshot, so a copy behind it would bring the old state back.
fn is_waiting(core: &Core, delivery: &Delivery<'_>, id: &str) -> bool {
    let mut requeued = crate::lock(&core.requeued);
    if let Some(name) = requeued.get(id) {
        if delivery.queue.path_of(name).exists() {
            return true;
        }
        requeued.remove(id);
    }
    delivery.waiting.has(id)
}
