//! Who may call what. Credentials are checked before anything is looked up, so that a caller without
//! them cannot find out what exists.

use super::{Desk, no_such_context};
use crate::ox::fault::{Fault, FaultName};
use crate::ox::value::Object;
use crate::ox::world::ADMINISTRATOR;

/// Login and password as sent.
pub(super) struct Credentials<'a> {
    pub(super) login: &'a str,
    pub(super) password: &'a str,
}

impl<'a> Desk<'a> {
    pub(super) fn credentials(&self) -> Result<Credentials<'a>, Fault> {
        let auth: &'a Object<'a> = self
            .arguments
            .object("auth")
            .ok_or_else(|| Fault::invalid_credentials("credential object is null"))?;
        Ok(Credentials {
            login: auth.text("login").unwrap_or_default(),
            password: auth.text("password").unwrap_or_default(),
        })
    }

    fn is_master(&self, sent: &Credentials<'_>) -> bool {
        sent.login == self.rules.master_user && sent.password == self.rules.master_password
    }

    fn is_master_allowed_inside(&self, sent: &Credentials<'_>) -> bool {
        self.rules.master_account_override && self.is_master(sent)
    }

    fn is_administrator(&self, context: i32, sent: &Credentials<'_>) -> bool {
        self.world
            .context(context)
            .and_then(|context| context.user(ADMINISTRATOR))
            .is_some_and(|admin| admin.name() == sent.login && admin.has_password(sent.password))
    }

    /// The master administrator, for operations on contexts and for copying users.
    pub(super) fn require_master(&self) -> Result<(), Fault> {
        let sent = self.credentials()?;
        if self.is_master(&sent) {
            Ok(())
        } else {
            Err(Fault::invalid_credentials(format!(
                "Authentication failed for user {}",
                sent.login
            )))
        }
    }

    /// The master administrator or that of the context itself.
    pub(super) fn require_master_or_administrator(&self, context: i32) -> Result<(), Fault> {
        let sent = self.credentials()?;
        if self.is_administrator(context, &sent) {
            return Ok(());
        }
        self.require_master()
    }

    /// Id in the context argument; `InvalidCredentials` without one, as the real server says.
    pub(super) fn context_id(&self, argument: &str) -> Result<i32, Fault> {
        self.arguments
            .object(argument)
            .and_then(|context| context.int("id"))
            .filter(|id| *id != 0)
            .ok_or_else(|| Fault::invalid_credentials("Client sent invalid context data object"))
    }

    /// The administrator of the context that is named; answers the context's id. A context that
    /// does not exist is indistinguishable from a wrong password.
    pub(super) fn require_administrator(&self, argument: &str) -> Result<i32, Fault> {
        let sent = self.credentials()?;
        let id = self.context_id(argument)?;
        let is_known = self.world.context(id).is_some();
        if is_known && (self.is_administrator(id, &sent) || self.is_master_allowed_inside(&sent)) {
            Ok(id)
        } else {
            Err(Fault::invalid_credentials("Authentication failed"))
        }
    }

    /// The administrator, or the user that the call is about. Here the context is looked up first.
    pub(super) fn require_administrator_or(
        &self,
        unknown_context: fn(i32) -> Fault,
        user: &Object<'_>,
    ) -> Result<i32, Fault> {
        let sent = self.credentials()?;
        let id = self.context_id("ctx")?;
        let context = self.world.context(id).ok_or_else(|| unknown_context(id))?;
        if self.is_master_allowed_inside(&sent) {
            return Ok(id);
        }
        let caller = context.user_named(sent.login).ok_or_else(|| {
            Fault::new(
                FaultName::NoSuchUser,
                format!("No such user {} in context {id}", sent.login),
            )
        })?;
        if !caller.has_password(sent.password) {
            return Err(Fault::invalid_credentials("Authentication failed"));
        }
        let is_itself = match super::Reference::of(user) {
            Some(super::Reference::Id(target)) => caller.id == target,
            Some(super::Reference::Name(name)) => caller.name() == name,
            None => false,
        };
        if caller.is_administrator() || is_itself {
            Ok(id)
        } else {
            Err(Fault::invalid_credentials("Permission denied"))
        }
    }
}

/// Text of user `getData`.
pub(super) fn unknown_for_reading(id: i32) -> Fault {
    no_such_context(id)
}

/// Text of user `change`.
pub(super) fn unknown_for_change(id: i32) -> Fault {
    Fault::new(FaultName::NoSuchContext, format!("The context {id} does not exist!"))
}
