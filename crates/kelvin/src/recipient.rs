//! A school authority as a recipient of the provisioner's loop.

use std::path::Path;

use idspool_provisioner::{Delivery, Facts, Fault, Indexing, Key, Outcome, Recipient};
use idspool_udm::{ConvertedItem, ItemHead, Module};

use crate::site::Site;
use crate::{class, keys, user};

/// Brings the Kelvin server of one authority to the state of the directory.
#[derive(Debug)]
pub struct KelvinRecipient {
    site: Site,
}

impl KelvinRecipient {
    /// How the index reads snapshots.
    pub const INDEXING: Indexing = Indexing {
        facts_of: Self::facts_of,
        references_of: Self::references_of,
        // Whom a name belongs to the server tells.
        names_of: |_| Vec::new(),
    };

    /// A recipient for one authority.
    pub fn new(site: Site) -> Self {
        Self { site }
    }

    /// A snapshot is there only while the server has the object.
    fn facts_of(item: &ConvertedItem) -> Facts {
        match item.module() {
            Some(Module::User) => user::facts_of(item),
            _ => Facts { active: true, ..Facts::default() },
        }
    }

    fn references_of(item: &ConvertedItem) -> Vec<String> {
        match item.module() {
            Some(Module::Group) => class::references_of(item),
            _ => Vec::new(),
        }
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

    fn keys(&self, item: &ConvertedItem, previous: Option<&ConvertedItem>) -> Vec<Key> {
        keys::of(item, previous, &self.site.settings)
    }

    /// An ID Connector may have delivered it. A class is found by its DN, a user by what was known of it.
    fn removes_unknown(&self, deletion: &ConvertedItem) -> bool {
        match deletion.module() {
            Some(Module::Group) => true,
            _ => deletion.old_data.is_some(),
        }
    }

    fn is_copy(&self, item: &ConvertedItem, path: &Path) -> bool {
        class::is_copy(&self.site, item, path)
    }

    fn deliver(&self, delivery: &Delivery<'_>) -> Result<Outcome, Fault> {
        if !delivery.item.is_deleted() && self.site.schools.is_empty() {
            return Err(unmapped(&delivery.item.dn));
        }
        match delivery.item.module() {
            Some(Module::User) => {
                let outcome = user::deliver(&self.site, delivery)?;
                if matches!(outcome, Outcome::Keep { .. }) {
                    class::after_user(&self.site, delivery)?;
                }
                Ok(outcome)
            }
            Some(Module::Group) => class::deliver(&self.site, delivery),
            _ => Err(Fault::permanent(format!(
                "{} has a type that Kelvin has nothing for: {:?}",
                delivery.item.dn, delivery.item.udm_object_type
            ))),
        }
    }
}

/// All objects would seem to have left, and be removed.
fn unmapped(dn: &str) -> Fault {
    Fault::transient(format!(
        "{dn}: no school belongs to any school authority; nobody is removed because of an empty mapping"
    ))
    .with_remedy(
        "bring schools_authorities_mapping.json back, or fill it: idspool kelvin authorities map SCHOOL NAME",
    )
}
