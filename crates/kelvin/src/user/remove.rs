//! Removing a user that left the authority, or the directory (id-connector 3.2).

use idspool_kelvin_client::User;
use idspool_provisioner::{Delivery, Fault, Outcome};
use idspool_udm::value;
use serde_json::Value;
use tracing::{info, warn};

use super::Work;
use crate::halt::Halt;

impl Work<'_> {
    pub(super) fn remove(&self) -> Result<Outcome, Halt> {
        if self.identities.all.is_empty() {
            return self.remove_nameless();
        }
        let Some(user) = self.find_to_remove()? else {
            info!("Skipping deletion of User not found on the target system: {}.", self.shown());
            return Ok(Outcome::Gone);
        };
        if self.is_of_another_authority(&user) {
            warn!(
                "'{}' has only schools of other school authorities on the target system by now: it stays.",
                user.name
            );
            return Ok(Outcome::Gone);
        }
        self.has_begun.set(true);
        if self.kelvin().delete_user(&user.name)? {
            info!("User deleted: {}.", self.shown());
        } else {
            info!("User was deleted on the target system already: {}.", self.shown());
        }
        Ok(Outcome::Gone)
    }

    /// Whether another authority with the same server has taken the account over, as it does when a user goes from
    /// one to the other. Schools that were ours when it was last delivered are no sign of that.
    fn is_of_another_authority(&self, user: &User) -> bool {
        let Delivery { item, previous, .. } = *self.delivery;
        let delivered = previous.map(|previous| texts(previous.property("school")));
        let known =
            || item.old_data.iter().flat_map(|known| known.schools.iter().cloned()).collect();
        let former: Vec<String> = delivered.unwrap_or_else(known);
        let schools = texts(user.attributes.get("schools"));
        !schools.is_empty()
            && schools.iter().all(|school| {
                let owner = self.site.schools.authority_of(school);
                let was_ours = former.iter().any(|one| one.to_lowercase() == school.to_lowercase());
                !was_ours && owner.is_some_and(|owner| *owner != self.site.authority.name)
            })
    }

    /// Without a record UID nobody is ever created there.
    fn remove_nameless(&self) -> Result<Outcome, Halt> {
        if self.delivery.previous.is_none() {
            warn!(
                "No record_uid is known of {}, so it cannot have been sent to the target system: nothing to delete.",
                self.shown()
            );
            return Ok(Outcome::Gone);
        }
        Err(Fault::permanent(
            "it is to be deleted, and neither the item nor the last delivery tells its record UID",
        )
        .with_remedy("delete the user at the server, then remove the queue file")
        .into())
    }
}

fn texts(list: Option<&Value>) -> Vec<String> {
    value::texts(list).map(str::to_owned).collect()
}
