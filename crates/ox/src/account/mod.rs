//! Functional accounts (ox-provisioning 5.6).

use idspool_provisioner::{Delivery, Outcome};

use crate::core::Core;
use crate::halt::Halt;
use crate::later;

/// Brings a functional account to the state of its item, in every context in which it has users.
pub(crate) fn deliver(core: &Core, delivery: &Delivery<'_>) -> Result<Outcome, Halt> {
    Ok(later::deliver(core, delivery))
}
