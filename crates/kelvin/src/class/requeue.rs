//! Classes that are delivered again when a member appears at the server that was unknown before
//! (id-connector 4.3).

use std::path::Path;

use idspool_provisioner::{Delivery, Fault, Known};
use idspool_udm::{ConvertedItem, Module, dn};
use serde_json::Value;

use crate::site::Site;

/// Property of a class's snapshot: DNs of the members that the server did not know.
pub(super) const UNKNOWN_MEMBERS: &str = "kelvinUnknownMembers";

/// DNs whose objects matter to what the server has of a class; for the index.
pub(crate) fn references_of(item: &ConvertedItem) -> Vec<String> {
    unknown_members(item).map(str::to_owned).collect()
}

/// The members that the server did not know, as a snapshot tells.
pub(super) fn unknown_members(snapshot: &ConvertedItem) -> impl Iterator<Item = &str> {
    let noted = snapshot.property(UNKNOWN_MEMBERS).and_then(Value::as_array);
    noted.into_iter().flatten().filter_map(Value::as_str)
}

/// After a user was delivered: queues the classes again that miss it, each once however many of their members
/// come.
///
/// # Errors
/// Snapshots or index cannot be read, or the queue cannot be written. The user has to be delivered again then.
pub(crate) fn after_user(site: &Site, delivery: &Delivery<'_>) -> Result<(), Fault> {
    let mut found = referring(delivery, &delivery.item.dn)?;
    if let Some(former) = delivery.previous.map(|previous| &previous.dn)
        && dn::key(former) != dn::key(&delivery.item.dn)
    {
        // The item of the class that names the new DN may come later.
        found.extend(referring(delivery, former)?);
    }
    for known in found {
        if matches!(known.module.parse(), Ok(Module::Group)) {
            site.copies.queue(delivery, &known)?;
        }
    }
    Ok(())
}

fn referring(delivery: &Delivery<'_>, dn: &str) -> Result<Vec<Known>, Fault> {
    delivery.objects.referring(dn).map_err(|error| error.to_fault())
}

/// Whether an item is a copy that [`after_user`] made.
pub(crate) fn is_copy(site: &Site, item: &ConvertedItem, path: &Path) -> bool {
    // Only classes with unknown members are copied: most items need not be opened.
    let may_be_older = item.property(UNKNOWN_MEMBERS).is_some();
    site.copies.is_copy(&item.id, path, may_be_older)
}
