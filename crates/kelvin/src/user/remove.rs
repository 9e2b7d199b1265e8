//! Removing a user that left the authority, or the directory (id-connector 3.2).

use idspool_provisioner::{Fault, Outcome};
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
        self.has_begun.set(true);
        if self.kelvin().delete_user(&user.name)? {
            info!("User deleted: {}.", self.shown());
        } else {
            info!("User was deleted on the target system already: {}.", self.shown());
        }
        Ok(Outcome::Gone)
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
