//! The rules for school classes (id-connector 4).

mod requeue;

use idspool_provisioner::{Delivery, Fault, Outcome};

pub(crate) use self::requeue::{after_user, is_copy, references_of};
use crate::site::Site;

/// Brings the server to the state of one item.
pub(crate) fn deliver(_site: &Site, delivery: &Delivery<'_>) -> Result<Outcome, Fault> {
    Err(Fault::ours(format!("{} cannot be delivered yet", delivery.item.dn)))
}
