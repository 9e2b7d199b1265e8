//! The overlay in place of the server.

use std::sync::Arc;
use std::time::Duration;

use idspool_ox_soap::{
    Account, AccountDataOnCreate, Context, ContextId, Credentials, DeputyPermission, Group,
    ModuleAccess, OxGroupId, OxResourceId, OxUserId, Resource, User, UserName, Whom,
};

use super::{Base, Overlay};
use crate::ox::{Ox, OxError, Scope, Which};

/// Lists that no rule asks for come from the server as they are.
impl Ox for Arc<Overlay> {
    fn context_exists(&self, master: &Credentials, context: ContextId) -> Result<bool, OxError> {
        Ok(self.context_now(master, context)?.is_some())
    }

    fn context_data(
        &self,
        master: &Credentials,
        context: ContextId,
    ) -> Result<Option<Context>, OxError> {
        self.context_now(master, context)
    }

    fn create_context(
        &self,
        _: &Credentials,
        context: &Context,
        admin: &User,
    ) -> Result<(), OxError> {
        self.new_context(context, admin)
    }

    fn change_context(&self, master: &Credentials, context: &Context) -> Result<(), OxError> {
        self.changed_context(master, context)
    }

    fn delete_context(
        &self,
        master: &Credentials,
        context: ContextId,
        name: &str,
    ) -> Result<(), OxError> {
        self.removed_context(master, context, name)
    }

    fn user_exists(&self, scope: Scope<'_>, name: &str) -> Result<bool, OxError> {
        self.has_user(scope, name)
    }

    fn user(&self, scope: Scope<'_>, which: Which<'_>) -> Result<Option<User>, OxError> {
        self.find_user(scope, which)
    }

    fn create_user(&self, scope: Scope<'_>, user: &User) -> Result<OxUserId, OxError> {
        self.new_user(scope, user)
    }

    fn change_user(&self, scope: Scope<'_>, user: &User) -> Result<(), OxError> {
        self.changed_user(scope, user)
    }

    fn change_rights(
        &self,
        scope: Scope<'_>,
        id: OxUserId,
        access: ModuleAccess,
    ) -> Result<(), OxError> {
        self.changed_rights(scope, id, access)
    }

    fn rights_of(&self, scope: Scope<'_>, id: OxUserId) -> Result<ModuleAccess, OxError> {
        match self.base(scope.context)? {
            Base::Server(server) => self.heard(server.rights_of(scope, id)),
            Base::Noted | Base::Nothing => Ok(self.noted_rights().unwrap_or_default()),
        }
    }

    fn user_ids(&self, scope: Scope<'_>) -> Result<Vec<OxUserId>, OxError> {
        match self.base(scope.context)? {
            Base::Server(server) => self.heard(server.user_ids(scope)),
            Base::Noted | Base::Nothing => Ok(Vec::new()),
        }
    }

    fn users_data(&self, scope: Scope<'_>, ids: &[OxUserId]) -> Result<Vec<User>, OxError> {
        match self.base(scope.context)? {
            Base::Server(server) => self.heard(server.users_data(scope, ids)),
            Base::Noted | Base::Nothing => Ok(Vec::new()),
        }
    }

    fn user_names(&self, scope: Scope<'_>, ids: &[OxUserId]) -> Result<Vec<UserName>, OxError> {
        match self.base(scope.context)? {
            Base::Server(server) => self.heard(server.user_names(scope, ids)),
            Base::Noted | Base::Nothing => Ok(Vec::new()),
        }
    }

    fn delete_user(&self, scope: Scope<'_>, id: OxUserId, name: &str) -> Result<(), OxError> {
        self.removed_user(scope, id, name)
    }

    fn copy_user(
        &self,
        _: &Credentials,
        id: OxUserId,
        from: ContextId,
        to: ContextId,
    ) -> Result<OxUserId, OxError> {
        self.copied_user(id, from, to)
    }

    fn groups_of_user(&self, scope: Scope<'_>, id: OxUserId) -> Result<Vec<Group>, OxError> {
        self.find_groups_of(scope, id)
    }

    fn group(&self, scope: Scope<'_>, id: OxGroupId) -> Result<Option<Group>, OxError> {
        self.find_group(scope, id)
    }

    fn group_named(&self, scope: Scope<'_>, name: &str) -> Result<Option<Group>, OxError> {
        self.find_group_named(scope, name)
    }

    fn groups(&self, scope: Scope<'_>) -> Result<Vec<Group>, OxError> {
        match self.base(scope.context)? {
            Base::Server(server) => self.heard(server.groups(scope)),
            Base::Noted | Base::Nothing => Ok(Vec::new()),
        }
    }

    fn create_group(&self, scope: Scope<'_>, group: &Group) -> Result<OxGroupId, OxError> {
        self.new_group(scope, group)
    }

    fn change_group(&self, scope: Scope<'_>, group: &Group) -> Result<(), OxError> {
        self.changed_group(scope, group)
    }

    fn delete_group(&self, scope: Scope<'_>, id: OxGroupId, name: &str) -> Result<(), OxError> {
        self.removed_group(scope, id, name)
    }

    fn resource_named(&self, scope: Scope<'_>, name: &str) -> Result<Option<Resource>, OxError> {
        self.find_resource(scope, name)
    }

    fn resources(&self, scope: Scope<'_>) -> Result<Vec<Resource>, OxError> {
        match self.base(scope.context)? {
            Base::Server(server) => self.heard(server.resources(scope)),
            Base::Noted | Base::Nothing => Ok(Vec::new()),
        }
    }

    fn create_resource(
        &self,
        scope: Scope<'_>,
        resource: &Resource,
    ) -> Result<OxResourceId, OxError> {
        self.new_resource(scope, resource)
    }

    fn change_resource(&self, scope: Scope<'_>, resource: &Resource) -> Result<(), OxError> {
        self.changed_resource(scope, resource)
    }

    fn delete_resource(
        &self,
        scope: Scope<'_>,
        id: OxResourceId,
        name: &str,
    ) -> Result<(), OxError> {
        self.removed_resource(scope, id, name)
    }

    fn create_account(
        &self,
        scope: Scope<'_>,
        account: &AccountDataOnCreate,
        user: OxUserId,
    ) -> Result<(), OxError> {
        self.new_account(scope, account, user)
    }

    fn delete_account(
        &self,
        scope: Scope<'_>,
        address: &str,
        whom: Whom<'_>,
    ) -> Result<bool, OxError> {
        self.removed_account(scope, address, whom)
    }

    fn accounts(&self, scope: Scope<'_>, whom: Whom<'_>) -> Result<Vec<Account>, OxError> {
        match self.base(scope.context)? {
            Base::Server(server) => self.heard(server.accounts(scope, whom)),
            Base::Noted | Base::Nothing => Ok(Vec::new()),
        }
    }

    fn grant_deputy(
        &self,
        scope: Scope<'_>,
        grantor: OxUserId,
        permission: &DeputyPermission,
    ) -> Result<String, OxError> {
        self.new_deputy(scope, grantor, permission)
    }

    fn revoke_deputies(&self, scope: Scope<'_>, grantor: OxUserId) -> Result<(), OxError> {
        self.deputy_call("Deputy.revokeAll", scope, grantor, Vec::new())
    }

    fn block_deputies(&self, scope: Scope<'_>, grantor: OxUserId) -> Result<(), OxError> {
        self.deputy_call("Deputy.blockManual", scope, grantor, Vec::new())
    }

    fn unblock_deputies(&self, scope: Scope<'_>, grantor: OxUserId) -> Result<(), OxError> {
        self.deputy_call("Deputy.unblockManual", scope, grantor, Vec::new())
    }

    fn pause(&self, _: Duration) -> Result<(), OxError> {
        // What was announced a moment ago is there at once.
        Ok(())
    }
}
