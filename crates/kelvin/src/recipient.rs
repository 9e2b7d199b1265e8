//! A school authority as a recipient of the provisioner's loop.

use idspool_provisioner::{Delivery, Facts, Fault, Indexing, Key, Outcome, Recipient};
use idspool_udm::{ConvertedItem, ItemHead, Module};

use crate::site::Site;
use crate::{class, user};

/// Brings the Kelvin server of one authority to the state of the directory.
#[derive(Debug)]
pub struct KelvinRecipient {
    site: Site,
}

impl KelvinRecipient {
    /// How the index reads snapshots.
    pub const INDEXING: Indexing =
        Indexing { facts_of: |_| Facts::default(), references_of: |_| Vec::new() };

    /// A recipient for one authority.
    pub fn new(site: Site) -> Self {
        Self { site }
    }
}

impl Recipient for KelvinRecipient {
    /// Users before classes, because classes need their members at the server (id-connector 2.1).
    fn rank(&self, head: &ItemHead) -> Option<u8> {
        match head.module()? {
            Module::User => Some(0),
            Module::Group => Some(1),
            _ => None,
        }
    }

    fn keys(&self, _item: &ConvertedItem, _previous: Option<&ConvertedItem>) -> Vec<Key> {
        Vec::new()
    }

    fn deliver(&self, delivery: &Delivery<'_>) -> Result<Outcome, Fault> {
        match delivery.item.module() {
            Some(Module::User) => user::deliver(&self.site, delivery),
            Some(Module::Group) => class::deliver(&self.site, delivery),
            _ => Err(Fault::permanent(format!(
                "{} has a type that Kelvin has nothing for: {:?}",
                delivery.item.dn, delivery.item.udm_object_type
            ))),
        }
    }
}
