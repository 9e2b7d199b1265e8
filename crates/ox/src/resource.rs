//! Resources (ox-provisioning 5.7).

use idspool_provisioner::{Delivery, Outcome};

use crate::core::Core;
use crate::halt::Halt;
use crate::later;

/// Brings a resource to the state of its item.
pub(crate) fn deliver(core: &Core, delivery: &Delivery<'_>) -> Result<Outcome, Halt> {
    Ok(later::deliver(core, delivery))
}
