//! An entry that was removed and made again under its DN, when the report of the new one comes first.
//!
//! The new object takes over what OX has of the old one, which it finds by name. The deletion of the old one that
//! follows must not take it away again.

use idspool_provisioner::{Delivery, Facts};
use idspool_udm::ConvertedItem;

use crate::halt::Halt;
use crate::props::Props;

/// The delivered object that has the DN of a deleted one by now.
pub(crate) struct Successor {
    pub(crate) facts: Facts,
    snapshot: ConvertedItem,
}

impl Successor {
    /// The successor of the item's object; `None`: it is not deleted, or nobody has its DN.
    pub(crate) fn of(delivery: &Delivery<'_>) -> Result<Option<Self>, Halt> {
        let Delivery { item, previous, objects, .. } = *delivery;
        if !item.is_deleted() {
            return Ok(None);
        }
        let dn = previous.map_or(item.dn.as_str(), |previous| previous.dn.as_str());
        let Some(known) = objects.by_dn(dn)?.filter(|known| known.id != item.id) else {
            return Ok(None);
        };
        let snapshot = objects.snapshot(&known.id)?;
        let is_alike = |snapshot: &ConvertedItem| snapshot.udm_object_type == item.udm_object_type;
        Ok(snapshot.filter(is_alike).map(|snapshot| Self { facts: known.facts, snapshot }))
    }

    /// Whether one of its properties has this value, in whatever case.
    pub(crate) fn has(&self, property: &str, value: &str) -> bool {
        let own = self.snapshot.object.as_ref().and_then(|object| Props(object).text(property));
        own.is_some_and(|own| own.eq_ignore_ascii_case(value))
    }
}
