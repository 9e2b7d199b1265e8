//! The calls to OX that the rules use, as a trait: the rules are tested without a server.

use std::time::Duration;

use idspool_ox_soap::{
    Context, ContextId, Credentials, Group, ModuleAccess, OxGroupId, OxUserId, User,
};
use idspool_provisioner::Fault;
use idspool_spool::FaultClass;

/// A context and the login that may work in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) context: ContextId,
    pub(crate) admin: &'a Credentials,
}

/// Which user is meant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which<'a> {
    Id(OxUserId),
    Name(&'a str),
}

/// What OX said no to, where the rules ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The object does not exist.
    NotFound,
    /// The user does not exist, in a context that does.
    NoSuchUser,
    /// The data is not accepted.
    InvalidData,
    /// `copyUser`: the name is taken in the destination.
    UserExists,
    /// Any other fault answered by OX.
    Other,
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OxError {
    /// What OX answered; `None`: it is not known whether the call was carried out.
    pub(crate) refusal: Option<Refusal>,
    pub(crate) class: FaultClass,
    pub(crate) message: String,
    pub(crate) remedy: Option<String>,
}

impl OxError {
    /// Whether the object that was to be read or deleted does not exist.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self.refusal, Some(Refusal::NotFound | Refusal::NoSuchUser))
    }

    pub(crate) fn is(&self, refusal: Refusal) -> bool {
        self.refusal == Some(refusal)
    }
}

impl From<OxError> for Fault {
    fn from(error: OxError) -> Self {
        Self { class: error.class, message: error.message, remedy: error.remedy }
    }
}

/// The OX server.
pub(crate) trait Ox: Send + Sync {
    /// `Context.getData`; whether the context exists.
    fn context_exists(&self, master: &Credentials, context: ContextId) -> Result<bool, OxError>;
    /// `Context.create`.
    fn create_context(
        &self,
        master: &Credentials,
        context: &Context,
        admin: &User,
    ) -> Result<(), OxError>;
    /// `Context.change`.
    fn change_context(&self, master: &Credentials, context: &Context) -> Result<(), OxError>;
    /// `Context.delete`.
    fn delete_context(
        &self,
        master: &Credentials,
        context: ContextId,
        name: &str,
    ) -> Result<(), OxError>;

    /// `User.exists`.
    fn user_exists(&self, scope: Scope<'_>, name: &str) -> Result<bool, OxError>;
    /// `User.getData`; `None` when there is no such user.
    fn user(&self, scope: Scope<'_>, which: Which<'_>) -> Result<Option<User>, OxError>;
    /// `User.create`; the new id.
    fn create_user(&self, scope: Scope<'_>, user: &User) -> Result<OxUserId, OxError>;
    /// `User.change`.
    fn change_user(&self, scope: Scope<'_>, user: &User) -> Result<(), OxError>;
    /// `User.changeByModuleAccess`.
    fn change_rights(
        &self,
        scope: Scope<'_>,
        id: OxUserId,
        access: ModuleAccess,
    ) -> Result<(), OxError>;
    /// `User.delete`.
    fn delete_user(&self, scope: Scope<'_>, id: OxUserId, name: &str) -> Result<(), OxError>;
    /// `UserCopy.copyUser`; the id of the copy.
    fn copy_user(
        &self,
        master: &Credentials,
        id: OxUserId,
        from: ContextId,
        to: ContextId,
    ) -> Result<OxUserId, OxError>;

    /// `Group.listGroupsForUser`.
    fn groups_of_user(&self, scope: Scope<'_>, id: OxUserId) -> Result<Vec<Group>, OxError>;
    /// `Group.getData`; `None` when there is no such group.
    fn group(&self, scope: Scope<'_>, id: OxGroupId) -> Result<Option<Group>, OxError>;
    /// `Group.delete`.
    fn delete_group(&self, scope: Scope<'_>, id: OxGroupId, name: &str) -> Result<(), OxError>;

    /// Waits before something is asked again.
    fn pause(&self, pause: Duration) -> Result<(), OxError>;
}
