//! Groups (ox-provisioning 5.5).

use idspool_provisioner::{Delivery, Outcome};

use crate::core::Core;
use crate::halt::Halt;
use crate::later;

/// Brings a group to the state of its item, in every context in which it has members.
pub(crate) fn deliver(core: &Core, delivery: &Delivery<'_>) -> Result<Outcome, Halt> {
    Ok(later::deliver(core, delivery))
}
