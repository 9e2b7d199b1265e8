//! Creating a user (ox-provisioning 5.3.3).

use idspool_ox_soap::{ContextId, OxUserId, User};
use tracing::info;

use super::decide::Found;
use super::{Delivered, State, Work, lookup, scope};
use crate::channel::{self, Done};
use crate::deputy::Wanted;
use crate::digest::{self, UserDigest};
use crate::halt::Halt;
use crate::ox::{Refusal, Scope};
use crate::rights::Rights;

/// A new user, ready to be sent.
struct NewUser {
    user: User,
    rights: Rights,
    deputies: Option<Wanted>,
    digest: String,
}

impl Work<'_> {
    /// The user is not in OX: create it, give it its rights, queue its groups again.
    pub(super) fn create(&self, context: ContextId) -> Result<Delivered, Halt> {
        let new = self.new_state()?;
        let new_user = self.new_user(context, new)?;
        let admin = self.core.admin(context)?;
        let scope = scope(context, &admin);
        self.core.begin(&self.delivery.item.id);
        let id = self.core.ox.create_user(scope, &new_user.user)?;
        self.after_create(scope, id, new, new_user)
    }

    /// The cached id turned out to be stale: the user is created anew, without it.
    ///
    /// If OX refuses the data because the user is there under another id after all (ids change when a
    /// backup is restored), that one is changed instead. Neither way leads back here.
    pub(super) fn recreate(&self, context: ContextId) -> Result<Delivered, Halt> {
        info!("Cannot modify {}. User not found in db. Creating instead.", self.object);
        let new = self.new_state()?;
        let new_user = self.new_user(context, new)?;
        let admin = self.core.admin(context)?;
        let scope = scope(context, &admin);
        self.core.begin(&self.delivery.item.id);
        match self.core.ox.create_user(scope, &new_user.user) {
            Ok(id) => self.after_create(scope, id, new, new_user),
            Err(error) if error.is(Refusal::InvalidData) => {
                match lookup::find(self.core, context, new.side.name.required()?)? {
                    Some(Found { id, user }) => self.change_existing(context, id, user.as_ref()),
                    None => Err(error.into()),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    fn new_user(&self, context: ContextId, new: State<'_>) -> Result<NewUser, Halt> {
        let filled = self.fill(new)?;
        let rights = self.rights(new)?;
        let deputies = self.wanted_deputies(context, new)?;
        let digest = UserDigest::new(context.value(), &filled.user, rights.note()).to_note();
        Ok(NewUser { user: filled.into_new(&self.core.settings)?, rights, deputies, digest })
    }

    fn after_create(
        &self,
        scope: Scope<'_>,
        id: OxUserId,
        new: State<'_>,
        new_user: NewUser,
    ) -> Result<Delivered, Halt> {
        let name = new_user.user.name().unwrap_or_default();
        channel::wrote(Done::Created, "user", name, scope.context, id.value());
        self.set_rights(scope, id, &new_user.rights)?;
        let deputies =
            self.deliver_deputies(scope.context, id, new_user.deputies.as_ref(), None)?;
        self.requeue_groups(new)?;
        let rights = self.rights_note(&new_user.rights, false);
        let digest = digest::with_deputies(new_user.digest, deputies.as_deref());
        Ok(Delivered { context: scope.context, id, digest: Some(digest), rights })
    }
}
