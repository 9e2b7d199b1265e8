//! Deleting a user in OX, and the groups that become empty by it (ox-provisioning 5.3.5).

use idspool_ox_soap::{ContextId, Group, OxGroupId, OxUserId};
use idspool_spool::FaultClass;
use tracing::{info, warn};

use super::{Work, scope};
use crate::channel::{self, Done};
use crate::group::{STANDARD_GROUP, is_reserved};
use crate::halt::Halt;
use crate::ox::Scope;
use crate::unfinished::Unfinished;

impl Work<'_> {
    /// Deletes the user, who gives no permissions any more.
    pub(super) fn remove(&self, context: ContextId, id: OxUserId) -> Result<(), Halt> {
        let admin = self.core.admin(context)?;
        self.withdraw_deputies(scope(context, &admin), id)?;
        self.delete(context, id)
    }

    /// Deletes the user. A user that is gone already counts as deleted.
    pub(super) fn delete(&self, context: ContextId, id: OxUserId) -> Result<(), Halt> {
        let name = self.old_name()?;
        let admin = self.core.admin(context)?;
        let scope = scope(context, &admin);
        let groups = self.groups_of(scope, id)?;
        let emptied: Vec<(OxGroupId, String)> =
            groups.iter().filter(|group| is_only_member(group, id)).filter_map(key).collect();
        self.core.begin(&self.delivery.item.id);
        if !emptied.is_empty() {
            self.note_groups(context, &emptied)?;
        }
        match self.core.ox.delete_user(scope, id, name) {
            Ok(()) => channel::wrote(Done::Deleted, "user", name, context, id.value()),
            Err(error) if error.is_not_found() => {
                info!("{} does not exist. Doing nothing...", self.object);
            }
            Err(error) => return Err(error.into()),
        }
        info!("User was deleted, searching for now empty groups");
        for group in &groups {
            let others = group.members().filter(|member| *member != id).count();
            info!("Found group {} with {others} members", group.name().unwrap_or_default());
        }
        for (group, group_name) in emptied {
            self.delete_group(scope, group, &group_name)?;
        }
        Ok(())
    }

    /// The groups that the user is a member of.
    fn groups_of(&self, scope: Scope<'_>, id: OxUserId) -> Result<Vec<Group>, Halt> {
        match self.core.ox.groups_of_user(scope, id) {
            Ok(groups) => Ok(groups),
            // The user is gone already.
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            // It will never be answered: better an empty group in OX than a user that stays.
            Err(error) if error.class == FaultClass::Permanent => {
                warn!("{}: assuming no groups", error.message);
                Ok(Vec::new())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Noted before the user is deleted: afterwards OX no longer tells which groups were theirs.
    fn note_groups(&self, context: ContextId, groups: &[(OxGroupId, String)]) -> Result<(), Halt> {
        let mut groups: Vec<(i32, String)> =
            groups.iter().map(|(id, name)| (id.value(), name.clone())).collect();
        // A note of an earlier attempt is not complete yet: `run` still has it and comes to it.
        if let Some(Unfinished::Groups { context: earlier, groups: left_over }) =
            self.core.notes.get(&self.delivery.item.id)?
            && earlier == context.value()
        {
            groups.extend(left_over);
            groups.sort_unstable();
            groups.dedup();
        }
        let note = Unfinished::Groups { context: context.value(), groups };
        Ok(self.core.notes.set(&self.delivery.item.id, &note)?)
    }

    /// What an earlier attempt left: those of the groups that are (still) empty.
    pub(super) fn finish_groups(
        &self,
        context: ContextId,
        groups: &[(i32, String)],
    ) -> Result<(), Halt> {
        let admin = match self.core.admin(context) {
            // The context is none of our business any more; that is no reason to skip the item as well.
            Err(Halt::Skip(skip)) => {
                warn!("{skip}");
                return Ok(());
            }
            other => other?,
        };
        let scope = scope(context, &admin);
        for (id, name) in groups {
            let id = OxGroupId::new(*id);
            let Some(group) = self.core.ox.group(scope, id)? else { continue };
            info!("Found group {name} with {} members", group.members().count());
            if group.members().next().is_none() {
                self.delete_group(scope, id, name)?;
            }
        }
        Ok(())
    }

    fn delete_group(&self, scope: Scope<'_>, id: OxGroupId, name: &str) -> Result<(), Halt> {
        info!("Thus, deleting group {id} in {}...", scope.context);
        match self.core.ox.delete_group(scope, id, name) {
            Ok(()) => channel::wrote(Done::Deleted, "group", name, scope.context, id.value()),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

/// Whether the group consists of this user alone. An answer without any member says nothing, so
/// nothing is concluded from it.
fn is_only_member(group: &Group, id: OxUserId) -> bool {
    let mut members = group.members();
    members.next() == Some(id) && members.all(|member| member == id)
}

/// Id and name of a group that may be deleted.
fn key(group: &Group) -> Option<(OxGroupId, String)> {
    let id = group.id().filter(|id| *id > STANDARD_GROUP)?;
    let name = group.name().unwrap_or_default();
    if is_reserved(name) {
        info!("Ignoring group \"{name}\"");
        return None;
    }
    Some((id, name.to_owned()))
}
