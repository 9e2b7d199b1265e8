//! Answers for the decision: credentials, the administrator check, and looking users up in OX.

use idspool_ox_soap::{ContextId, OxUserId};
use idspool_provisioner::{Delivery, Facts};
use idspool_udm::dn;
use tracing::{info, warn};

use super::decide::{Found, Lookup};
use super::scope;
use crate::core::Core;
use crate::digest;
use crate::halt::{Halt, Skip};
use crate::names::owned;
use crate::ox::Which;
use crate::props::{OX_DB_USERNAME, Props};

/// Look-ups for one item.
pub(crate) struct Lookups<'a> {
    core: &'a Core,
    delivery: &'a Delivery<'a>,
}

impl<'a> Lookups<'a> {
    pub(crate) fn new(core: &'a Core, delivery: &'a Delivery<'a>) -> Self {
        Self { core, delivery }
    }
}

impl Lookup for Lookups<'_> {
    fn guard(&mut self, context: ContextId, name: &str) -> Result<(), Halt> {
        let admin = self.core.admin(context)?;
        if admin.login == name {
            return Err(Skip::ContextAdmin { name: name.to_owned(), context }.into());
        }
        Ok(())
    }

    fn by_name(&mut self, context: ContextId, name: &str) -> Result<Option<Found>, Halt> {
        let Some(found) = find(self.core, context, name)? else { return Ok(None) };
        let Some(owner) = self.owner(context, &found, name)? else { return Ok(Some(found)) };
        let what = format!("user '{name}' (id {}) in context {context}", found.id);
        if !self.is_to_be_there() {
            warn!("{what} is that of {owner}: it stays");
            return Ok(None);
        }
        Err(owned(what, &owner).into())
    }

    fn is_known_absent(&self, context: ContextId, name: &str) -> bool {
        let noted = self.delivery.facts.and_then(|facts| facts.digest.as_deref());
        !self.delivery.forced
            && !self.core.is_unsettled(&self.delivery.item.id)
            && noted == Some(digest::of_absence(context.value(), name).as_str())
    }
}

impl Lookups<'_> {
    /// The DN of another object whose account this is: under this id and this name it was last written.
    /// An object that had the DN of this one is none, since it can only be gone.
    fn owner(&self, context: ContextId, found: &Found, name: &str) -> Result<Option<String>, Halt> {
        let Delivery { item, objects, .. } = *self.delivery;
        for known in objects.by_remote_id(context.into(), found.id.into())? {
            if known.id == item.id || !known.facts.active {
                continue;
            }
            let Some(snapshot) = objects.snapshot(&known.id)? else { continue };
            let written = snapshot.object.as_ref().and_then(|o| Props(o).text(OX_DB_USERNAME));
            if !written.is_some_and(|written| written.eq_ignore_ascii_case(name)) {
                continue;
            }
            if dn::key(&snapshot.dn) != dn::key(&item.dn) {
                return Ok(Some(snapshot.dn));
            }
            if self.is_to_be_there() {
                // From now on the account is this object's, also for the deletion of the other one.
                objects.amend(&known.id, &Facts { active: true, ..Facts::default() })?;
            }
        }
        Ok(None)
    }

    /// Whether the account that this object had was handed over to another one that has its DN or had it: the two
    /// were reported in the other order.
    pub(super) fn is_handed_over(&self, context: ContextId, id: OxUserId) -> Result<bool, Halt> {
        let Delivery { item, previous, objects, .. } = *self.delivery;
        let own = previous.map_or(item.dn.as_str(), |previous| previous.dn.as_str());
        for known in objects.by_remote_id(context.into(), id.value().into())? {
            if known.id == item.id || !known.facts.active {
                continue;
            }
            let Some(snapshot) = objects.snapshot(&known.id)? else { continue };
            if known.facts.digest.is_some() || dn::key(&snapshot.dn) == dn::key(own) {
                info!("The account {id} in context {context} is that of {} by now.", snapshot.dn);
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the new state is that of an OX user.
    fn is_to_be_there(&self) -> bool {
        let object = self.delivery.item.object.as_ref();
        object.is_some_and(|object| Props(object).is_on("isOxUser"))
    }
}

/// Asks whether the user exists before it is read: a read of what is not there leaves an error in the
/// log of OX (2.0.1).
pub(crate) fn find(core: &Core, context: ContextId, name: &str) -> Result<Option<Found>, Halt> {
    info!("Searching for {name} in context {context}");
    let admin = core.admin(context)?;
    let scope = scope(context, &admin);
    if !core.ox.user_exists(scope, name)? {
        return Ok(None);
    }
    let user = core.ox.user(scope, Which::Name(name))?;
    Ok(user.and_then(|user| Some(Found { id: user.id()?, user: Some(user) })))
}
