//! Putting objects into the queue again, because the id of a user that they refer to became known or
//! changed (ox-provisioning 3.6, weak point 27), or the context that they are in came after them.

use std::path::Path;

use idspool_ox_soap::ContextId;
use idspool_provisioner::Delivery;
use idspool_udm::{ConvertedItem, Module, dn};
use tracing::warn;

use crate::core::Core;
use crate::halt::Halt;
use crate::props::OX_DB_ID;

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
        core.copies.queue(delivery, &known)?;
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
            core.copies.queue(delivery, &known)?;
        }
    }
    Ok(())
}

/// Queues a copy of each user and resource of a context that was skipped, because the context came later.
pub(crate) fn skipped(
    core: &Core,
    delivery: &Delivery<'_>,
    context: ContextId,
) -> Result<(), Halt> {
    delivery.objects.each(|known| {
        let is_concerned = matches!(known.module.parse(), Ok(Module::User | Module::Resource));
        let facts = &known.facts;
        let is_there = facts.active && facts.scope == Some(context.into());
        if is_concerned && is_there && facts.digest.is_none() {
            core.copies.queue(delivery, &known)?;
        }
        Ok(())
    })
}

/// Whether an item is such a copy.
pub(crate) fn is_copy(core: &Core, item: &ConvertedItem, path: &Path) -> bool {
    // A new user is none: most items need not be opened.
    let is_possible = match item.module() {
        Some(Module::Group | Module::FunctionalAccount) => true,
        _ => item.property(OX_DB_ID).is_some(),
    };
    core.copies.is_copy(&item.id, path, is_possible)
}
