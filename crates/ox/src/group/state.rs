//! One group in one context: what is wanted there, and the calls that bring it about
//! (ox-provisioning 5.5.2).

use idspool_ox_soap::{ContextId, Group, GroupField, OxGroupId, OxUserId};
use idspool_provisioner::Delivery;
use idspool_udm::dn;
use tracing::{info, warn};

use super::fan_out::Members;
use super::note::Entry;
use super::{STANDARD_GROUP, Work, is_reserved, noted_contexts};
use crate::channel::{self, Done};
use crate::digest;
use crate::halt::Halt;
use crate::names::{self, owned};
use crate::ox::Scope;
use crate::props::OX_DB_GROUPNAME;
use crate::successor::Successor;

/// A group as it is to be in one context.
pub(super) struct Wanted<'a> {
    pub(super) name: &'a str,
    pub(super) group: Group,
    pub(super) fingerprint: String,
}

impl<'a> Wanted<'a> {
    /// `None`: without members it is not to be there.
    pub(super) fn new(name: &'a str, members: &Members) -> Option<Self> {
        if members.is_empty() {
            return None;
        }
        let ids: Vec<i32> = members.ids().map(OxUserId::value).collect();
        let group = Group::new()
            .with(GroupField::Displayname, name)
            .with(GroupField::Members, ids)
            .with(GroupField::Name, name);
        Some(Self { name, fingerprint: digest::of_group(&group), group })
    }
}

impl Work<'_> {
    /// Brings the group to what is wanted. Returns what to note.
    pub(super) fn apply(
        &self,
        scope: Scope<'_>,
        members: &Members,
        wanted: Option<&Wanted<'_>>,
        noted: Option<&Entry>,
    ) -> Result<Option<Entry>, Halt> {
        let object = &self.object;
        match (self.new, self.old) {
            (None, _) => info!("Deleting {object}"),
            (Some(_), None) => info!("Creating {object}"),
            (Some(_), Some(_)) => info!("Modifying {object}"),
        }
        if self.new.is_some() && !self.will_be_ox {
            info!("{object} is no OX group. Deleting instead...");
        } else if self.will_be_ox && self.old.is_some() && !self.was_ox {
            info!(
                "{object} was no OX group before... that should not be the case. Modifying anyway..."
            );
        }
        let Some(wanted) = wanted else {
            if self.will_be_ox {
                info!("{object} is empty. Deleting instead...");
            }
            self.remove(scope, noted)?;
            return Ok(None);
        };
        let found = self.find(scope, noted)?;
        match (&found, self.old) {
            (Some(_), None) => {
                info!("{object} exists. Modifying instead...");
                warn!("Found in DB but had no old attributes. Using new ones as old...");
            }
            (None, Some(_)) => info!("{object} does not yet exist. Creating instead..."),
            _ => {}
        }
        info!("Retrieving members...");
        // One line for each of all members would drown the rest of the log.
        for id in members.joined() {
            info!("... found {id}");
        }
        self.core.begin(&self.delivery.item.id);
        let (done, id) = match found {
            Some((id, _)) => {
                let group = wanted.group.clone().with(GroupField::Id, id);
                self.core.ox.change_group(scope, &group)?;
                (Done::Modified, id)
            }
            None => (Done::Created, self.core.ox.create_group(scope, &wanted.group)?),
        };
        channel::wrote(done, "group", wanted.name, scope.context, id.value());
        Ok(Some(Entry::Sent(wanted.fingerprint.clone())))
    }

    /// A group that is gone already counts as removed.
    fn remove(&self, scope: Scope<'_>, noted: Option<&Entry>) -> Result<(), Halt> {
        let Some((id, name)) = self.find(scope, noted)? else {
            info!("{} does not exist. Doing nothing...", self.object);
            return Ok(());
        };
        if self.is_of_successor(scope.context, &name)? {
            info!(
                "Group {name} in context {} is that of the entry made again: it stays",
                scope.context
            );
            return Ok(());
        }
        self.core.begin(&self.delivery.item.id);
        match self.core.ox.delete_group(scope, id, &name) {
            Ok(()) => channel::wrote(Done::Deleted, "group", &name, scope.context, id.value()),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn is_of_successor(&self, context: ContextId, name: &str) -> Result<bool, Halt> {
        let Some(successor) = Successor::of(self.delivery)? else { return Ok(false) };
        let digest = successor.facts.digest.as_deref().unwrap_or_default();
        let is_there = noted_contexts(digest).is_some_and(|noted| noted.contains(&context));
        Ok(is_there && successor.has(OX_DB_GROUPNAME, name))
    }

    /// The group in OX: by the name that was last written there; else by the new one, which it has when
    /// an earlier attempt broke off after this context.
    fn find(
        &self,
        scope: Scope<'_>,
        noted: Option<&Entry>,
    ) -> Result<Option<(OxGroupId, String)>, Halt> {
        let last = match noted {
            Some(Entry::Unreached(name)) => Some(name.as_str()),
            _ => self.old_name()?,
        };
        let next = if self.will_be_ox { Some(self.new_name()?) } else { None };
        for name in last.into_iter().chain(next.filter(|next| last != Some(*next))) {
            if is_reserved(name) {
                info!("Ignoring group \"{name}\"");
                continue;
            }
            info!("Searching for {name} in context {}", scope.context);
            let id = self.core.ox.group_named(scope, name)?.and_then(|group| group.id());
            if let Some(id) = id.filter(|id| *id > STANDARD_GROUP) {
                if last != Some(name)
                    && let Some(owner) = self.owner(scope.context, name)?
                {
                    let what = format!("group '{name}' in context {}", scope.context);
                    return Err(owned(what, &owner).into());
                }
                return Ok(Some((id, name.to_owned())));
            }
        }
        Ok(None)
    }

    /// The DN of another group that has this name in a context, as it was last written there. One that had
    /// the DN of this one is none, since it can only be gone.
    fn owner(&self, context: ContextId, name: &str) -> Result<Option<String>, Halt> {
        let Delivery { item, objects, .. } = *self.delivery;
        for known in objects.holding(&names::of_group(name))? {
            let digest = known.facts.digest.as_deref().unwrap_or_default();
            let is_there = noted_contexts(digest).is_some_and(|noted| noted.contains(&context));
            if known.id == item.id || !is_there {
                continue;
            }
            let snapshot = objects.snapshot(&known.id)?;
            if let Some(snapshot) = snapshot.filter(|it| dn::key(&it.dn) != dn::key(&item.dn)) {
                return Ok(Some(snapshot.dn));
            }
        }
        Ok(None)
    }
}
