//! Moving a user to another context without losing its data (ox-provisioning 5.3.6).

use std::time::Duration;

use idspool_ox_soap::{ContextId, OxUserId, User, UserField};
use idspool_provisioner::Fault;
use tracing::info;

use super::{Delivered, Work, lookup, scope};
use crate::halt::Halt;
use crate::ox::{Refusal, Scope, Which};

/// OX may show a copy a moment later than it answers `copyUser`. Pauses before the second and later
/// tries.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(3),
    Duration::from_secs(4),
];

impl Work<'_> {
    /// Copies the user, brings the copy to the new state, deletes the original.
    pub(super) fn relocate(
        &self,
        from: ContextId,
        to: ContextId,
        id: OxUserId,
    ) -> Result<Delivered, Halt> {
        info!("Creating {} in context {to} using UserCopy", self.object);
        let master = self.core.master()?;
        self.core.begin(&self.delivery.item.id);
        let former_admin = self.core.admin(from)?;
        self.withdraw_deputies(scope(from, &former_admin), id)?;
        let id = match self.core.ox.copy_user(&master, id, from, to) {
            Ok(_) => id,
            // An earlier attempt may have got this far: the copy carries its old name until it is changed.
            Err(error) if error.is(Refusal::UserExists) => {
                if !self.is_copy_of(from, to, id)? {
                    return Err(error.into());
                }
                id
            }
            Err(error) if error.is(Refusal::NoSuchUser) => {
                // The cached id is stale. Ids change when a backup is restored, so the name decides
                // whether there is something to copy.
                match lookup::find(self.core, from, self.old_name()?)? {
                    Some(found) if found.id != id => {
                        self.core.ox.copy_user(&master, found.id, from, to)?;
                        found.id
                    }
                    _ => return self.recreate(to),
                }
            }
            Err(error) => return Err(error.into()),
        };
        let admin = self.core.admin(to)?;
        let copy = self.find_copy(scope(to, &admin))?;
        let copy_id = copy.id().ok_or_else(|| Fault::ours("OX sent a user without id"))?;
        let delivered = self.change_existing(to, copy_id, Some(&copy))?;
        self.delete(from, id)?;
        Ok(delivered)
    }

    /// Whether the user of that name in the new context is the same person: a stranger may have the
    /// name that this user gives up by its move.
    fn is_copy_of(&self, from: ContextId, to: ContextId, id: OxUserId) -> Result<bool, Halt> {
        let (old_admin, new_admin) = (self.core.admin(from)?, self.core.admin(to)?);
        let original = self.core.ox.user(scope(from, &old_admin), Which::Id(id))?;
        let copy = self.core.ox.user(scope(to, &new_admin), Which::Name(self.old_name()?))?;
        let mail = |user: &Option<User>| {
            let mail = user.as_ref()?.text(UserField::PrimaryEmail)?;
            (!mail.is_empty()).then(|| mail.to_lowercase())
        };
        Ok(mail(&original).is_some_and(|original| mail(&copy) == Some(original)))
    }

    /// A copy is found by its old name: a rename at the same time is applied afterwards (2.2.7).
    fn find_copy(&self, scope: Scope<'_>) -> Result<User, Halt> {
        let name = self.old_name()?;
        let mut pauses = PAUSES.into_iter();
        loop {
            info!("Searching for {name} in context {}", scope.context);
            if let Some(user) = self.core.ox.user(scope, Which::Name(name))? {
                return Ok(user);
            }
            let Some(pause) = pauses.next() else {
                return Err(Fault::transient(format!(
                    "user '{name}' was copied to context {} but does not appear there",
                    scope.context
                ))
                .with_remedy("see the log of OX; the move is tried again")
                .into());
            };
            self.core.ox.pause(pause)?;
        }
    }
}
