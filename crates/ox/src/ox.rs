//! The calls to OX that the rules use, as a trait: the rules are tested without a server.

use std::time::Duration;

use idspool_ox_soap::{
    Account, AccountDataOnCreate, Context, ContextId, Credentials, DeputyPermission, Group,
    ModuleAccess, OxGroupId, OxResourceId, OxUserId, Resource, User, UserName, Whom,
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
    /// The user, or a user that the object refers to, does not exist, in a context that does.
    NoSuchUser,
    /// The group does not exist, in a context that does.
    NoSuchGroup,
    /// The resource does not exist, in a context that does.
    NoSuchResource,
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
        matches!(
            self.refusal,
            Some(
                Refusal::NotFound
                    | Refusal::NoSuchUser
                    | Refusal::NoSuchGroup
                    | Refusal::NoSuchResource
            )
        )
    }

    pub(crate) fn is(&self, refusal: Refusal) -> bool {
        self.refusal == Some(refusal)
    }
}

impl From<OxError> for Fault {
    fn from(error: OxError) -> Self {
        Self { remedy: error.remedy, ..Self::of(error.class, error.message) }
    }
}

/// The OX server.
pub(crate) trait Ox: Send + Sync {
    /// `Context.getData`; whether the context exists.
    fn context_exists(&self, master: &Credentials, context: ContextId) -> Result<bool, OxError>;
    /// `Context.getData`; `None` when there is no such context.
    fn context_data(
        &self,
        master: &Credentials,
        context: ContextId,
    ) -> Result<Option<Context>, OxError>;
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
    /// `User.getModuleAccess`.
    fn rights_of(&self, scope: Scope<'_>, id: OxUserId) -> Result<ModuleAccess, OxError>;
    /// `User.listAll`: the ids of all users, the administrator and guests included. Four bytes are
    /// kept for each.
    fn user_ids(&self, scope: Scope<'_>) -> Result<Vec<OxUserId>, OxError>;
    /// The same without guests, where OX can tell them apart.
    fn user_ids_without_guests(&self, scope: Scope<'_>) -> Result<Vec<OxUserId>, OxError> {
        self.user_ids(scope)
    }
    /// `User.getMultipleData`: whole users, some 10 kB each, so ask for a few hundred at a time. When
    /// one of them does not exist, the call is refused as not found.
    fn users_data(&self, scope: Scope<'_>, ids: &[OxUserId]) -> Result<Vec<User>, OxError>;
    /// `User.getMultipleData`, of which nothing but id and name is kept.
    fn user_names(&self, scope: Scope<'_>, ids: &[OxUserId]) -> Result<Vec<UserName>, OxError>;
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
    /// `Group.getData` by name, in which letter case does not count; `None` when there is no such
    /// group.
    fn group_named(&self, scope: Scope<'_>, name: &str) -> Result<Option<Group>, OxError>;
    /// `Group.listAll`: all groups with the ids of their members, group 1 included.
    fn groups(&self, scope: Scope<'_>) -> Result<Vec<Group>, OxError>;
    /// `Group.create`; the new id. A member that does not exist is `NoSuchUser`.
    fn create_group(&self, scope: Scope<'_>, group: &Group) -> Result<OxGroupId, OxError>;
    /// `Group.change`. A member that does not exist is `NoSuchUser`; members cannot be emptied.
    fn change_group(&self, scope: Scope<'_>, group: &Group) -> Result<(), OxError>;
    /// `Group.delete`.
    fn delete_group(&self, scope: Scope<'_>, id: OxGroupId, name: &str) -> Result<(), OxError>;

    /// `Resource.getData` by name, in which letter case does not count; `None` when there is no such
    /// resource.
    fn resource_named(&self, scope: Scope<'_>, name: &str) -> Result<Option<Resource>, OxError>;
    /// `Resource.listAll`.
    fn resources(&self, scope: Scope<'_>) -> Result<Vec<Resource>, OxError>;
    /// `Resource.create`; the new id.
    fn create_resource(
        &self,
        scope: Scope<'_>,
        resource: &Resource,
    ) -> Result<OxResourceId, OxError>;
    /// `Resource.change`.
    fn change_resource(&self, scope: Scope<'_>, resource: &Resource) -> Result<(), OxError>;
    /// `Resource.delete`.
    fn delete_resource(
        &self,
        scope: Scope<'_>,
        id: OxResourceId,
        name: &str,
    ) -> Result<(), OxError>;

    /// `SecondaryAccount.create` for one user.
    fn create_account(
        &self,
        scope: Scope<'_>,
        account: &AccountDataOnCreate,
        user: OxUserId,
    ) -> Result<(), OxError>;
    /// `SecondaryAccount.delete`; whether there was any.
    fn delete_account(
        &self,
        scope: Scope<'_>,
        address: &str,
        whom: Whom<'_>,
    ) -> Result<bool, OxError>;
    /// `SecondaryAccount.list`.
    fn accounts(&self, scope: Scope<'_>, whom: Whom<'_>) -> Result<Vec<Account>, OxError>;

    /// `Deputy.grant`; what OX calls the permission.
    fn grant_deputy(
        &self,
        scope: Scope<'_>,
        grantor: OxUserId,
        permission: &DeputyPermission,
    ) -> Result<String, OxError>;
    /// `Deputy.revokeAll`.
    fn revoke_deputies(&self, scope: Scope<'_>, grantor: OxUserId) -> Result<(), OxError>;
    /// `Deputy.blockManual`.
    fn block_deputies(&self, scope: Scope<'_>, grantor: OxUserId) -> Result<(), OxError>;
    /// `Deputy.unblockManual`.
    fn unblock_deputies(&self, scope: Scope<'_>, grantor: OxUserId) -> Result<(), OxError>;

    /// Waits before something is asked again.
    fn pause(&self, pause: Duration) -> Result<(), OxError>;
}
