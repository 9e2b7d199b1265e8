//! Changing a user that exists in OX (ox-provisioning 5.3.4).

use idspool_ox_soap::{ContextId, OxUserId, User, UserField};

use super::decide::Found;
use super::fill::Filled;
use super::{Delivered, State, Work, scope};
use crate::channel::{self, Done};
use crate::deputy::Wanted;
use crate::digest::{self, UserDigest};
use crate::halt::Halt;
use crate::ox::{Refusal, Scope, Which};
use crate::rights::Rights;

/// What is known before the first call.
struct Prepared {
    filled: Filled,
    rights: Rights,
    deputies: Option<Wanted>,
    digest: UserDigest,
    /// The id and context are those of the last delivery, so what was noted then counts.
    is_same_user: bool,
}

impl Work<'_> {
    /// Changes the user, unless OX has everything already.
    pub(super) fn change(&self, context: ContextId, found: Found) -> Result<Delivered, Halt> {
        let new = self.new_state()?;
        let prepared = self.prepare(context, found.id, new)?;
        let note = prepared.digest.to_note();
        let noted = self.noted(&prepared);
        if noted.is_some_and(|noted| digest::without_deputies(noted) == note) {
            let deputies =
                self.deliver_deputies(context, found.id, prepared.deputies.as_ref(), noted)?;
            let digest = Some(digest::with_deputies(note, deputies.as_deref()));
            let rights = self.rights_note(&prepared.rights, true);
            return Ok(Delivered { context, id: found.id, digest, rights });
        }
        let admin = self.core.admin(context)?;
        let scope = scope(context, &admin);
        let current = match found.user {
            Some(user) => Some(user),
            None if self.needs_sender(&prepared)? => {
                match self.core.ox.user(scope, Which::Id(found.id))? {
                    Some(user) => Some(user),
                    // The id is stale; changing it could only fail.
                    None => return self.recreate(context),
                }
            }
            None => None,
        };
        self.core.begin(&self.delivery.item.id);
        match self.send_change(scope, found.id, &prepared.filled, current.as_ref()) {
            Err(Halt::Refused(error)) if error.is(Refusal::NoSuchUser) => self.recreate(context),
            Err(other) => Err(other),
            Ok(()) => self.after_change(scope, found.id, new, &prepared),
        }
    }

    /// Changes a user that is known to exist under this id, whatever was noted before.
    pub(super) fn change_existing(
        &self,
        context: ContextId,
        id: OxUserId,
        current: Option<&User>,
    ) -> Result<Delivered, Halt> {
        let new = self.new_state()?;
        let prepared = self.prepare(context, id, new)?;
        let admin = self.core.admin(context)?;
        let scope = scope(context, &admin);
        self.core.begin(&self.delivery.item.id);
        self.send_change(scope, id, &prepared.filled, current)?;
        self.after_change(scope, id, new, &prepared)
    }

    fn prepare(&self, context: ContextId, id: OxUserId, new: State<'_>) -> Result<Prepared, Halt> {
        let filled = self.fill(new)?;
        let rights = self.rights(new)?;
        let deputies = self.wanted_deputies(context, new)?;
        let digest = UserDigest::new(context.value(), &filled.user, rights.note());
        let is_same_user = self
            .old
            .is_some_and(|old| old.side.cached == Some(id) && old.side.context == Some(context));
        Ok(Prepared { filled, rights, deputies, digest, is_same_user })
    }

    /// Whether what was noted at the last delivery is what OX has now.
    fn counts(&self, prepared: &Prepared) -> bool {
        prepared.is_same_user && !self.delivery.forced && !self.was_unsettled
    }

    /// The fingerprint of what OX has, if it is known.
    fn noted(&self, prepared: &Prepared) -> Option<&str> {
        let facts = self.delivery.facts.filter(|_| self.counts(prepared));
        facts.and_then(|facts| facts.digest.as_deref())
    }

    /// Whether the sender address has to be sent, for which the present one has to be read. It stays
    /// untouched in OX while the addresses stay the same.
    fn needs_sender(&self, prepared: &Prepared) -> Result<bool, Halt> {
        let is_comparable = prepared.is_same_user && !self.delivery.forced;
        let Some(old) = self.old.filter(|_| is_comparable) else { return Ok(true) };
        let noted = self.delivery.facts.and_then(|facts| facts.digest.as_deref());
        if let Some(is_same) = noted.and_then(|note| prepared.digest.has_addresses_of(note)) {
            return Ok(!is_same);
        }
        let mapping = self.core.mapping.current()?;
        // An old value that cannot be read is no reason to stop: ask OX.
        let Ok(former) = mapping.addresses(old.props) else { return Ok(true) };
        let mut addresses = vec![former.email1];
        addresses.extend(former.aliases);
        Ok(addresses != prepared.filled.addresses)
    }

    /// `User.change`, with the sender address when `current` is known. If OX refuses the data without
    /// it (its stored sender address may be none of the aliases any more), it is read and sent as well.
    fn send_change(
        &self,
        scope: Scope<'_>,
        id: OxUserId,
        filled: &Filled,
        current: Option<&User>,
    ) -> Result<(), Halt> {
        let mut user = filled.user.clone();
        user.set(UserField::Id, id);
        if let Some(current) = current {
            self.set_sender(&mut user, filled, current)?;
        }
        match self.core.ox.change_user(scope, &user) {
            Err(error) if current.is_none() && error.is(Refusal::InvalidData) => {
                let Some(current) = self.core.ox.user(scope, Which::Id(id))? else {
                    return Err(error.into());
                };
                self.set_sender(&mut user, filled, &current)?;
                self.core.ox.change_user(scope, &user)?;
            }
            other => other?,
        }
        channel::wrote(
            Done::Modified,
            "user",
            user.name().unwrap_or_default(),
            scope.context,
            id.value(),
        );
        Ok(())
    }

    fn set_sender(&self, user: &mut User, filled: &Filled, current: &User) -> Result<(), Halt> {
        let former_primary = self.former_primary()?;
        let current = current.text(UserField::DefaultSenderAddress);
        let sender = filled.sender(current, &former_primary);
        if !sender.is_empty() {
            user.set(UserField::DefaultSenderAddress, sender);
        }
        Ok(())
    }

    fn after_change(
        &self,
        scope: Scope<'_>,
        id: OxUserId,
        new: State<'_>,
        prepared: &Prepared,
    ) -> Result<Delivered, Halt> {
        let facts = self.delivery.facts.filter(|_| self.counts(prepared));
        let delivered = facts.and_then(|facts| facts.rights.as_deref());
        if delivered.is_none() || delivered != prepared.rights.note() {
            self.set_rights(scope, id, &prepared.rights)?;
        }
        let noted = self.noted(prepared);
        let deputies =
            self.deliver_deputies(scope.context, id, prepared.deputies.as_ref(), noted)?;
        if !prepared.is_same_user {
            self.requeue_groups(new)?;
        }
        Ok(Delivered {
            context: scope.context,
            id,
            digest: Some(digest::with_deputies(prepared.digest.to_note(), deputies.as_deref())),
            rights: self.rights_note(&prepared.rights, prepared.is_same_user),
        })
    }
}
