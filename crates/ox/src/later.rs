//! Types of objects that this version does not provision yet: groups, functional accounts, resources.
//!
//! Their items must not get lost or stand in the way, so the newest state becomes the snapshot, as
//! with a delivered object, and nothing is sent. What was last written to OX (`oxDbGroupname`) stays
//! noted. A version that provisions them finds no fingerprint beside the snapshot and so delivers
//! each of them in full at its next item.

use idspool_provisioner::{Delivery, Facts, Outcome};
use tracing::warn;

use crate::core::Core;
use crate::props::{OX_DB_GROUPNAME, Props};
use crate::requeue;

/// Keeps the item without sending anything.
pub(crate) fn deliver(core: &Core, delivery: &Delivery<'_>) -> Outcome {
    let item = delivery.item;
    if crate::lock(&core.named_types).insert(item.udm_object_type.clone()) {
        warn!(
            "This version does not provision {} yet: the state of such objects is kept, but nothing is sent to OX",
            item.udm_object_type
        );
    }
    let Some(new) = &item.object else { return Outcome::Gone };
    let previous = delivery.previous.and_then(|previous| previous.object.as_ref());
    // A copy that was queued for the sake of a member must not bring an older state back, should a
    // newer one have been delivered since.
    let is_copy = requeue::is_copy(core, delivery);
    let mut object = match previous {
        Some(previous) if is_copy => previous.clone(),
        _ => new.clone(),
    };
    if let Some(name) = previous.and_then(|previous| previous.get(OX_DB_GROUPNAME)) {
        object.entry(OX_DB_GROUPNAME).or_insert_with(|| name.clone());
    }
    let props = Props(&object);
    let facts = Facts {
        scope: props.context().ok().flatten().map(i64::from),
        active: item.udm_object_type != "groups/group" || props.is_on("isOxGroup"),
        ..Facts::default()
    };
    Outcome::Keep { object, facts }
}
