//! The contexts of a group, from its members (ox-provisioning 5.5.1).

use std::collections::{BTreeMap, HashSet};

use idspool_ox_soap::{ContextId, OxUserId};
use idspool_provisioner::Objects;
use tracing::info;

use crate::halt::Halt;
use crate::props::Props;

/// The members of a group in one context, as far as OX knows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Members {
    /// In order, each once, with whether the last delivered state did not list it.
    ids: Vec<(OxUserId, bool)>,
}

impl Members {
    pub(super) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = OxUserId> + '_ {
        self.ids.iter().map(|(id, _)| *id)
    }

    pub(super) fn joined(&self) -> impl Iterator<Item = OxUserId> + '_ {
        self.ids.iter().filter(|(_, is_new)| *is_new).map(|(id, _)| *id)
    }
}

/// Members by context.
pub(crate) type FanOut = BTreeMap<ContextId, Members>;

/// Looks each member of either state up once. Contexts of former members are in the result, their ids are
/// not.
///
/// # Errors
/// A member is known, but its snapshot is gone (2.5); or the index cannot be read.
pub(crate) fn fan_out(
    objects: &Objects,
    new: Option<Props<'_>>,
    old: Option<Props<'_>>,
) -> Result<FanOut, Halt> {
    let (new, old) = (members_of(new), members_of(old));
    // Most items change one member of many, or none.
    let is_same = new == old;
    let mut left: HashSet<&str> =
        if is_same { HashSet::new() } else { old.iter().copied().collect() };
    let mut contexts = FanOut::new();
    for dn in &new {
        let is_new = !is_same && !left.remove(dn);
        let Some((context, id)) = look_up(objects, dn)? else { continue };
        let members = contexts.entry(context).or_default();
        members.ids.extend(id.map(|id| (id, is_new)));
    }
    for dn in old.iter().filter(|dn| left.contains(*dn)) {
        if let Some((context, _)) = look_up(objects, dn)? {
            contexts.entry(context).or_default();
        }
    }
    for members in contexts.values_mut() {
        members.ids.sort_unstable();
        members.ids.dedup_by_key(|(id, _)| *id);
    }
    Ok(contexts)
}

fn members_of(props: Option<Props<'_>>) -> Vec<&str> {
    props.map(|props| props.texts("users").collect()).unwrap_or_default()
}

/// Context of a member, and its id there once it has one. A user that is no OX user has none.
fn look_up(objects: &Objects, dn: &str) -> Result<Option<(ContextId, Option<OxUserId>)>, Halt> {
    let Some(place) = objects.place(dn)? else {
        info!("Group wants {dn} as member. But the user is unknown. Ignoring...");
        return Ok(None);
    };
    let context = place.scope.and_then(|scope| ContextId::try_from(scope).ok());
    let id = place.remote_id.and_then(|id| i32::try_from(id).ok()).map(OxUserId::new);
    Ok(context.map(|context| (context, id)))
}
