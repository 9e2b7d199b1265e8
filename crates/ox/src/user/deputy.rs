//! When the deputy permissions of a user are sent to OX (ox-provisioning 5.4).
//!
//! Nothing here is called while the setting is off. What OX answers to these calls never stops the
//! user: it is a warning, and the next item of the user sends them again. No answer at all is as with
//! any other call.

use idspool_ox_soap::{ContextId, OxUserId};
use tracing::{info, warn};

use super::{State, Work, scope};
use crate::deputy::{self, Wanted};
use crate::digest;
use crate::halt::Halt;
use crate::ox::{OxError, Scope};

impl Work<'_> {
    /// What is to be granted; `None` while the setting is off.
    pub(super) fn wanted_deputies(
        &self,
        context: ContextId,
        new: State<'_>,
    ) -> Result<Option<Wanted>, Halt> {
        if !self.core.settings.deputy_permissions {
            return Ok(None);
        }
        Wanted::of(new.props, context, self.delivery.objects).map(Some)
    }

    /// The last step of a creation and of a change: brings the permissions to OX, if they are not there.
    /// What is to be noted of them.
    pub(super) fn deliver_deputies(
        &self,
        context: ContextId,
        id: OxUserId,
        wanted: Option<&Wanted>,
        noted: Option<&str>,
    ) -> Result<Option<String>, Halt> {
        match wanted {
            Some(wanted) if self.are_due(wanted, noted) => {
                let admin = self.core.admin(context)?;
                self.core.begin(&self.delivery.item.id);
                self.set_deputies(scope(context, &admin), id, wanted)
            }
            Some(wanted) => Ok(wanted.fingerprint()),
            None => Ok(None),
        }
    }

    /// Whether OX has to be told. `noted` is what was noted of the same user at the last delivery.
    fn are_due(&self, wanted: &Wanted, noted: Option<&str>) -> bool {
        match noted {
            Some(noted) => {
                digest::deputies_of(noted) != wanted.fingerprint().as_deref()
                    || (wanted.is_empty() && self.had_deputies())
            }
            // Who has no entries and had none keeps what was granted in OX itself.
            None => !wanted.is_empty() || self.had_deputies(),
        }
    }

    /// Makes these the permissions that the user gives, in place of all others; what is to be noted.
    fn set_deputies(
        &self,
        scope: Scope<'_>,
        id: OxUserId,
        wanted: &Wanted,
    ) -> Result<Option<String>, Halt> {
        let ox = &self.core.ox;
        let mut is_complete = self.revoke_deputies(scope, id)?;
        for permission in wanted.permissions() {
            info!("Granting deputy permissions of user {id} to {}", permission.user);
            is_complete &= self.answered(ox.grant_deputy(scope, id, permission))?;
        }
        if !wanted.is_empty() {
            is_complete &= self.answered(ox.block_deputies(scope, id))?;
        }
        Ok(if is_complete { wanted.fingerprint() } else { Some(digest::UNSETTLED.to_owned()) })
    }

    /// Before the user leaves a context: nobody keeps permissions that the directory gave.
    pub(super) fn withdraw_deputies(&self, scope: Scope<'_>, id: OxUserId) -> Result<(), Halt> {
        if self.may_have_deputies() {
            self.core.begin(&self.delivery.item.id);
            self.revoke_deputies(scope, id)?;
        }
        Ok(())
    }

    /// Whether OX may have permissions that the directory gave.
    pub(super) fn may_have_deputies(&self) -> bool {
        let noted = self.delivery.facts.and_then(|facts| facts.digest.as_deref());
        self.core.settings.deputy_permissions
            && (self.had_deputies() || noted.and_then(digest::deputies_of).is_some())
    }

    fn had_deputies(&self) -> bool {
        self.old.is_some_and(|old| deputy::has_entries(old.props))
    }

    fn revoke_deputies(&self, scope: Scope<'_>, id: OxUserId) -> Result<bool, Halt> {
        info!("Revoking deputy permissions of user {id}");
        let ox = &self.core.ox;
        Ok(self.answered(ox.revoke_deputies(scope, id))?
            && self.answered(ox.unblock_deputies(scope, id))?)
    }

    /// Whether it was done.
    fn answered<T>(&self, result: Result<T, OxError>) -> Result<bool, Halt> {
        match result {
            Ok(_) => Ok(true),
            Err(error) if error.refusal.is_some() => {
                warn!(
                    "{}: deputy permissions are not complete: {}. The next item of the user sends them again",
                    self.object, error.message
                );
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}
