//! Answers for the decision: credentials, the administrator check, and looking users up in OX.

use idspool_ox_soap::ContextId;
use idspool_provisioner::Delivery;
use tracing::info;

use super::decide::{Found, Lookup};
use super::scope;
use crate::core::Core;
use crate::digest;
use crate::halt::{Halt, Skip};
use crate::ox::Which;

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
        find(self.core, context, name)
    }

    fn is_known_absent(&self, context: ContextId, name: &str) -> bool {
        let noted = self.delivery.facts.and_then(|facts| facts.digest.as_deref());
        !self.delivery.forced
            && !self.core.is_unsettled(&self.delivery.item.id)
            && noted == Some(digest::of_absence(context.value(), name).as_str())
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
