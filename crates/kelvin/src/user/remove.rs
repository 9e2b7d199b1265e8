//! Removing a user that left the authority, or the directory (id-connector 3.2).

use idspool_kelvin_client::User;
use idspool_provisioner::{Delivery, Fault, Outcome};
use idspool_udm::value;
use serde_json::Value;
use tracing::{info, warn};

use super::Work;
use crate::halt::Halt;
use crate::site::Site;

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
    /// one to the other. Schools that were ours when it was last delivered are no sign of that; which ones were is
    /// known as long as one of them still is.
    fn is_of_another_authority(&self, user: &User) -> bool {
        let former = self.former_schools();
        let owner = |school: &String| self.site.schools.authority_of(school);
        let is_ours = |school: &String| owner(school) == Some(&self.site.authority.name);
        let has_moved = !former.iter().any(is_ours);
        let schools = texts(user.attributes.get("schools"));
        !schools.is_empty()
            && schools.iter().all(|school| {
                let was_ours = has_moved
                    && former.iter().any(|one| one.to_lowercase() == school.to_lowercase());
                !was_ours && !is_ours(school) && owner(school).is_some()
            })
    }

    /// Where the user was when it was last delivered.
    fn former_schools(&self) -> Vec<String> {
        let Delivery { item, previous, .. } = *self.delivery;
        let delivered = previous.map(|previous| texts(previous.property("school")));
        let known =
            || item.old_data.iter().flat_map(|known| known.schools.iter().cloned()).collect();
        delivered.unwrap_or_else(known)
    }

    /// Whether the user is where it was, and it is the mapping that no longer says whose school that is: a slip of
    /// the pen there must not cost accounts. The ID Connector tells nobody of such users (id-connector 1.7).
    pub(super) fn lost_its_mapping(&self) -> bool {
        let Site { schools, authority, .. } = self.site;
        let former = self.former_schools();
        let now = texts(self.delivery.item.property("school"));
        let is_now =
            |school: &String| now.iter().any(|one| one.to_lowercase() == school.to_lowercase());
        !former.iter().any(|school| schools.authority_of(school) == Some(&authority.name))
            && former.iter().any(|school| is_now(school) && schools.authority_of(school).is_none())
    }

    /// The account stays as it is, and as it is known.
    pub(super) fn leave_alone(&self) -> Outcome {
        warn!(
            "The schools of user {} belong to no school authority by now: it stays on the target system as it is. \
             Map them, to this school authority or another one, then schedule the user again.",
            self.shown()
        );
        let Delivery { previous, facts, .. } = *self.delivery;
        match previous.and_then(|previous| Some((previous, previous.object.clone()?))) {
            Some((previous, object)) => {
                let facts = facts.cloned().unwrap_or_else(|| super::facts_of(previous));
                Outcome::Keep { object, facts }
            }
            None => Outcome::Gone,
        }
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
