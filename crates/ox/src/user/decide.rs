//! What is to be done with a user: the decision table of ox-provisioning 5.3 in one function.
//!
//! The function asks OX only where the table depends on the answer, asks for each name in each
//! context at most once, and never goes back: create and modify cannot call each other.

use idspool_ox_soap::{ContextId, OxUserId, User};
use tracing::{info, warn};

use super::side::Side;
use crate::halt::{Halt, Skip};

/// A user that exists in OX.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    pub(crate) id: OxUserId,
    /// What OX has of it, when it was read; `None`: the id is from the cache.
    pub(crate) user: Option<User>,
}

impl Found {
    fn cached(id: OxUserId) -> Self {
        Self { id, user: None }
    }
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Plan {
    /// It is no OX user and never was one.
    Nothing,
    /// It has no context, and never had one.
    NoContext,
    /// It is to be removed, but is not there.
    Absent {
        context: ContextId,
    },
    Remove {
        context: ContextId,
        id: OxUserId,
    },
    Create {
        context: ContextId,
    },
    Change {
        context: ContextId,
        found: Found,
    },
    /// It is only in the old context: copy it.
    Move {
        from: ContextId,
        to: ContextId,
        id: OxUserId,
    },
    /// It is in both contexts: delete it in the old one.
    Merge {
        from: ContextId,
        old_id: OxUserId,
        to: ContextId,
        found: Found,
    },
}

/// What the decision needs to know from outside.
pub(crate) trait Lookup {
    /// Stops unless the user may be touched: the context has credentials, and `name` is not its
    /// administrator.
    fn guard(&mut self, context: ContextId, name: &str) -> Result<(), Halt>;

    /// Looks a user up in OX by name.
    fn by_name(&mut self, context: ContextId, name: &str) -> Result<Option<Found>, Halt>;

    /// Whether an earlier look-up of this absent user still holds.
    fn is_known_absent(&self, context: ContextId, name: &str) -> bool;
}

/// Decides. `new` is `None` for a deleted object, `old` when there is no snapshot.
pub(crate) fn decide(
    object: &dyn std::fmt::Display,
    new: Option<&Side<'_>>,
    old: Option<&Side<'_>>,
    lookup: &mut dyn Lookup,
) -> Result<Plan, Halt> {
    let Some(new) = new else {
        info!("Deleting {object}");
        return removal(object, old, lookup);
    };
    info!("{} {object}", if old.is_some() { "Modifying" } else { "Creating" });
    if !new.is_ox {
        info!("{object} is no OX user. Deleting instead...");
        return removal(object, old, lookup);
    }
    let Some(old) = old else { return without_old_state(object, new, true, lookup) };
    let Some(old_context) = old.context else {
        warn!("Old {object} has no context ID. Using new context ID instead...");
        return without_old_state(object, new, false, lookup);
    };
    let context = new.context.unwrap_or_else(|| {
        warn!("{object} has no oxContext. that should not be the case. Using old oxContext...");
        old_context
    });
    let (old_name, new_name) = (old.name.required()?, new.name.required()?);
    // The admin check comes before the cached id counts, and covers a rename to the admin's name.
    lookup.guard(old_context, old_name)?;
    if (context, new_name) != (old_context, old_name) {
        lookup.guard(context, new_name)?;
    }
    let is_moved = context != old_context;
    let found = match old.cached {
        Some(id) => Some(Found::cached(id)),
        None => lookup.by_name(old_context, old_name)?,
    };
    let Some(found) = found else {
        // The new state may name a user that exists although the old one does not: go on with that
        // one instead of creating it (and coming back here for ever).
        let found = match new.cached {
            Some(id) if !is_moved => Some(Found::cached(id)),
            _ if !is_moved && new_name == old_name => None,
            _ => lookup.by_name(context, new_name)?,
        };
        return Ok(match found {
            Some(found) => Plan::Change { context, found },
            None => {
                info!("{object} does not yet exist. Creating instead...");
                Plan::Create { context }
            }
        });
    };
    if !old.is_ox {
        warn!("{object} was no OX user before... that should not be the case. Modifying anyway...");
    }
    if !is_moved {
        return Ok(Plan::Change { context, found });
    }
    info!("Changing context: {old_context} -> {context}");
    // An id belongs to its context: whatever id the new state carries, it is not one of the new context.
    Ok(match lookup.by_name(context, new_name)? {
        Some(there) => {
            warn!(
                "{object} was found in context {old_context} with ID {} and in {context} with {}. This should not \
                 happen. Will delete in {old_context} and modify in {context}",
                found.id, there.id
            );
            Plan::Merge { from: old_context, old_id: found.id, to: context, found: there }
        }
        None => Plan::Move { from: old_context, to: context, id: found.id },
    })
}

/// There is no old state, or it has no context and so was never delivered.
fn without_old_state(
    object: &dyn std::fmt::Display,
    new: &Side<'_>,
    is_first: bool,
    lookup: &mut dyn Lookup,
) -> Result<Plan, Halt> {
    let Some(context) = new.context else {
        warn!(
            "{object} has no oxContext attribute. No modification. Consider adding an oxContext to it."
        );
        return Ok(Plan::NoContext);
    };
    let name = new.name.required()?;
    lookup.guard(context, name)?;
    let found = match new.cached {
        Some(id) => Some(Found::cached(id)),
        None => lookup.by_name(context, name)?,
    };
    Ok(match found {
        Some(found) => {
            if is_first {
                info!("{object} exists. Modifying instead...");
                warn!("Found in DB but had no old attributes. Using new ones as old...");
            }
            Plan::Change { context, found }
        }
        None => {
            if !is_first {
                info!("{object} does not yet exist. Creating instead...");
            }
            Plan::Create { context }
        }
    })
}

fn removal(
    object: &dyn std::fmt::Display,
    old: Option<&Side<'_>>,
    lookup: &mut dyn Lookup,
) -> Result<Plan, Halt> {
    let Some(old) = old else {
        info!("No attributes to work with. Doing nothing...");
        return Ok(Plan::Nothing);
    };
    let context = old.context.ok_or(Skip::NoContext)?;
    let name = old.name.required()?;
    lookup.guard(context, name)?;
    if old.cached.is_none() && lookup.is_known_absent(context, name) {
        return Ok(Plan::Absent { context });
    }
    let found = match old.cached {
        Some(id) => Some(Found::cached(id)),
        None => lookup.by_name(context, name)?,
    };
    Ok(match found {
        Some(found) => Plan::Remove { context, id: found.id },
        None => {
            info!("{object} does not exist. Doing nothing...");
            Plan::Absent { context }
        }
    })
}

#[cfg(test)]
mod tests;
