//! The rules for users (id-connector 3).

use idspool_provisioner::{Delivery, Fault, Outcome};

use crate::site::Site;

/// Brings the server to the state of one item.
pub(crate) fn deliver(_site: &Site, delivery: &Delivery<'_>) -> Result<Outcome, Fault> {
    Err(Fault::ours(format!("{} cannot be delivered yet", delivery.item.dn)))
}
