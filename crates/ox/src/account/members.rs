//! In which contexts a functional account exists, and for which users (ox-provisioning 5.6.1).

use std::collections::{BTreeMap, HashSet};

use idspool_ox_soap::{ContextId, OxUserId};
use idspool_provisioner::{Known, Objects, Place};
use tracing::info;

use crate::halt::Halt;
use crate::props::Props;

/// A user who is to have the account.
#[derive(Debug)]
pub(crate) struct Member<'a> {
    /// Its entry UUID.
    pub(crate) uuid: String,
    /// Its DN as the account spells it.
    pub(crate) dn: &'a str,
    /// Its DN in normal form.
    key: String,
    /// Its id in the context.
    pub(crate) id: OxUserId,
}

/// The users by context. A context without users is one in which the account may have had some.
#[derive(Debug, Default)]
pub(crate) struct Members<'a>(pub(crate) BTreeMap<ContextId, Vec<Member<'a>>>);

impl<'a> Members<'a> {
    /// The users of the new state, in the contexts of both states.
    ///
    /// # Errors
    /// The snapshot of a known object is missing; or the index cannot be read.
    pub(crate) fn of(
        objects: &Objects,
        new: Option<Props<'a>>,
        old: Option<Props<'a>>,
    ) -> Result<Self, Halt> {
        let mut members = Self::default();
        let mut seen = HashSet::new();
        for dn in new.into_iter().flat_map(|new| new.texts("users")) {
            if seen.insert(dn)
                && let Some(user) = user(objects, dn)?
                // Unlike the index alone, it knows of snapshots that were edited.
                && let Some(place) = objects.place(dn)?
            {
                members.add(dn, user, place);
            }
        }
        for dn in old.into_iter().flat_map(|old| old.texts("users")) {
            if seen.insert(dn) {
                members.touch_user(objects, dn, &|| {
                    info!("Account wants {dn} as user. But the user is unknown. Ignoring...");
                })?;
            }
        }
        for dn in new.into_iter().chain(old).flat_map(|state| state.texts("groups")) {
            if seen.insert(dn) {
                members.touch_group(objects, dn)?;
            }
        }
        for users in members.0.values_mut() {
            users.sort_by(|a, b| a.key.cmp(&b.key));
            // One user may be listed in two spellings.
            users.dedup_by(|a, b| a.uuid == b.uuid);
        }
        Ok(members)
    }

    /// A user without id in OX gets no account (2.0.1), but its context counts.
    fn add(&mut self, dn: &'a str, user: Known, place: Place) {
        let Some(users) = self.touch(place.scope) else { return };
        let id = place.remote_id.and_then(|id| OxUserId::try_from(id).ok());
        if let Some(id) = id.filter(|id| id.value() != 0) {
            users.push(Member { uuid: user.id, dn, key: user.dn, id });
        }
    }

    fn touch(&mut self, context: Option<i64>) -> Option<&mut Vec<Member<'a>>> {
        let context = ContextId::try_from(context?).ok()?;
        Some(self.0.entry(context).or_default())
    }

    fn touch_user(&mut self, objects: &Objects, dn: &str, unknown: &dyn Fn()) -> Result<(), Halt> {
        match objects.place(dn)? {
            Some(place) => drop(self.touch(place.scope)),
            None => unknown(),
        }
        Ok(())
    }

    /// Groups are never granted anything, but the account is cleaned up where their members are.
    fn touch_group(&mut self, objects: &Objects, dn: &str) -> Result<(), Halt> {
        let group = objects.by_dn(dn)?.filter(|known| known.module == "groups/group");
        let Some(group) = group else {
            info!("Account wants {dn} as group. But the group is unknown. Ignoring...");
            return Ok(());
        };
        if !group.facts.active {
            return Ok(());
        }
        let snapshot = objects.snapshot(&group.id)?.and_then(|snapshot| snapshot.object);
        for member in
            snapshot.as_ref().map(Props).into_iter().flat_map(|group| group.texts("users"))
        {
            self.touch_user(objects, member, &|| {
                info!("Group wants {member} as member. But the user is unknown. Ignoring...");
            })?;
        }
        Ok(())
    }
}

fn user(objects: &Objects, dn: &str) -> Result<Option<Known>, Halt> {
    let user = objects.by_dn(dn)?.filter(|known| known.module == "users/user");
    if user.is_none() {
        info!("Account wants {dn} as user. But the user is unknown. Ignoring...");
    }
    Ok(user)
}
