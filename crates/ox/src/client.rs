//! The calls of the rules over the real SOAP client, with the words of our errors.

mod failure;
mod stop;

use std::time::{Duration, Instant};

use self::failure::{deputy_error, existing, stopping};
pub(crate) use self::stop::StopTime;
use crate::ox::{Ox, OxError, Scope, Which};
use idspool_ox_soap::{
    Account, AccountDataOnCreate, Client, Context, ContextId, Credentials, DeputyPermission,
    DeputyService, Group, GroupKey, GroupService, ModuleAccess, OxGroupId, OxResourceId, OxUserId,
    Resource, ResourceKey, ResourceService, SecondaryAccountService, User, UserKey, UserName,
    UserService, Whom,
};

/// How often a wait looks for a request to stop.
const TICK: Duration = Duration::from_millis(100);

/// The OX server over SOAP.
pub(crate) struct SoapOx {
    client: Client,
    stop: StopTime,
}

impl SoapOx {
    pub(crate) fn new(client: Client, stop: StopTime) -> Self {
        Self { client, stop }
    }

    /// Before each call: nothing new is begun when the time to stop is over. What was done is done
    /// again at the next start, which is harmless.
    fn client(&self) -> Result<&Client, OxError> {
        if self.stop.is_over() {
            return Err(stopping());
        }
        Ok(&self.client)
    }

    fn users<'a>(&'a self, scope: Scope<'a>) -> Result<UserService<'a>, OxError> {
        Ok(self.client()?.users(scope.context, scope.admin))
    }

    fn group_service<'a>(&'a self, scope: Scope<'a>) -> Result<GroupService<'a>, OxError> {
        Ok(self.client()?.groups(scope.context, scope.admin))
    }

    fn resource_service<'a>(&'a self, scope: Scope<'a>) -> Result<ResourceService<'a>, OxError> {
        Ok(self.client()?.resources(scope.context, scope.admin))
    }

    fn account_service<'a>(
        &'a self,
        scope: Scope<'a>,
    ) -> Result<SecondaryAccountService<'a>, OxError> {
        Ok(self.client()?.secondary_accounts(scope.context, scope.admin))
    }

    fn deputy_service<'a>(&'a self, scope: Scope<'a>) -> Result<DeputyService<'a>, OxError> {
        Ok(self.client()?.deputies(scope.context, scope.admin))
    }
}

impl Ox for SoapOx {
    fn context_exists(&self, master: &Credentials, context: ContextId) -> Result<bool, OxError> {
        Ok(self.context_data(master, context)?.is_some())
    }

    fn context_data(
        &self,
        master: &Credentials,
        context: ContextId,
    ) -> Result<Option<Context>, OxError> {
        existing(self.client()?.contexts(master).get_data(context))
    }

    fn create_context(
        &self,
        master: &Credentials,
        context: &Context,
        admin: &User,
    ) -> Result<(), OxError> {
        self.client()?.contexts(master).create(context, admin)?;
        Ok(())
    }

    fn change_context(&self, master: &Credentials, context: &Context) -> Result<(), OxError> {
        Ok(self.client()?.contexts(master).change(context)?)
    }

    fn delete_context(
        &self,
        master: &Credentials,
        context: ContextId,
        name: &str,
    ) -> Result<(), OxError> {
        Ok(self.client()?.contexts(master).delete(context, Some(name))?)
    }

    fn user_exists(&self, scope: Scope<'_>, name: &str) -> Result<bool, OxError> {
        Ok(self.users(scope)?.exists(UserKey::name(name))?)
    }

    fn user(&self, scope: Scope<'_>, which: Which<'_>) -> Result<Option<User>, OxError> {
        let key = match which {
            Which::Id(id) => UserKey::id(id),
            Which::Name(name) => UserKey::name(name),
        };
        existing(self.users(scope)?.get_data(key))
    }

    fn create_user(&self, scope: Scope<'_>, user: &User) -> Result<OxUserId, OxError> {
        Ok(self.users(scope)?.create(user)?)
    }

    fn change_user(&self, scope: Scope<'_>, user: &User) -> Result<(), OxError> {
        Ok(self.users(scope)?.change(user)?)
    }

    fn change_rights(
        &self,
        scope: Scope<'_>,
        id: OxUserId,
        access: ModuleAccess,
    ) -> Result<(), OxError> {
        Ok(self.users(scope)?.change_by_module_access(UserKey::id(id), access)?)
    }

    fn rights_of(&self, scope: Scope<'_>, id: OxUserId) -> Result<ModuleAccess, OxError> {
        Ok(self.users(scope)?.get_module_access(UserKey::id(id))?)
    }

    fn user_ids(&self, scope: Scope<'_>) -> Result<Vec<OxUserId>, OxError> {
        Ok(self.users(scope)?.list_all()?)
    }

    fn user_ids_without_guests(&self, scope: Scope<'_>) -> Result<Vec<OxUserId>, OxError> {
        Ok(self.users(scope)?.list_all_without_guests()?)
    }

    fn users_data(&self, scope: Scope<'_>, ids: &[OxUserId]) -> Result<Vec<User>, OxError> {
        Ok(self.users(scope)?.get_multiple_data(ids)?)
    }

    fn user_names(&self, scope: Scope<'_>, ids: &[OxUserId]) -> Result<Vec<UserName>, OxError> {
        Ok(self.users(scope)?.names(ids)?)
    }

    fn delete_user(&self, scope: Scope<'_>, id: OxUserId, name: &str) -> Result<(), OxError> {
        Ok(self.users(scope)?.delete(UserKey::id(id).and_name(name))?)
    }

    fn copy_user(
        &self,
        master: &Credentials,
        id: OxUserId,
        from: ContextId,
        to: ContextId,
    ) -> Result<OxUserId, OxError> {
        Ok(self.client()?.user_copies(master).copy_user(id, from, to)?)
    }

    fn groups_of_user(&self, scope: Scope<'_>, id: OxUserId) -> Result<Vec<Group>, OxError> {
        Ok(self.group_service(scope)?.list_groups_for_user(UserKey::id(id))?)
    }

    fn group(&self, scope: Scope<'_>, id: OxGroupId) -> Result<Option<Group>, OxError> {
        existing(self.group_service(scope)?.get_data(GroupKey::id(id)))
    }

    fn group_named(&self, scope: Scope<'_>, name: &str) -> Result<Option<Group>, OxError> {
        existing(self.group_service(scope)?.get_data(GroupKey::name(name)))
    }

    fn groups(&self, scope: Scope<'_>) -> Result<Vec<Group>, OxError> {
        Ok(self.group_service(scope)?.list_all()?)
    }

    fn create_group(&self, scope: Scope<'_>, group: &Group) -> Result<OxGroupId, OxError> {
        Ok(self.group_service(scope)?.create(group)?)
    }

    fn change_group(&self, scope: Scope<'_>, group: &Group) -> Result<(), OxError> {
        Ok(self.group_service(scope)?.change(group)?)
    }

    fn delete_group(&self, scope: Scope<'_>, id: OxGroupId, name: &str) -> Result<(), OxError> {
        let key = GroupKey::id(id);
        let key = if name.is_empty() { key } else { key.and_name(name) };
        Ok(self.group_service(scope)?.delete(key)?)
    }

    fn resource_named(&self, scope: Scope<'_>, name: &str) -> Result<Option<Resource>, OxError> {
        existing(self.resource_service(scope)?.get_data(ResourceKey::name(name)))
    }

    fn resources(&self, scope: Scope<'_>) -> Result<Vec<Resource>, OxError> {
        Ok(self.resource_service(scope)?.list_all()?)
    }

    fn create_resource(
        &self,
        scope: Scope<'_>,
        resource: &Resource,
    ) -> Result<OxResourceId, OxError> {
        Ok(self.resource_service(scope)?.create(resource)?)
    }

    fn change_resource(&self, scope: Scope<'_>, resource: &Resource) -> Result<(), OxError> {
        Ok(self.resource_service(scope)?.change(resource)?)
    }

    fn delete_resource(
        &self,
        scope: Scope<'_>,
        id: OxResourceId,
        name: &str,
    ) -> Result<(), OxError> {
        let key = ResourceKey::id(id).and_name(name);
        Ok(self.resource_service(scope)?.delete(key)?)
    }

    fn create_account(
        &self,
        scope: Scope<'_>,
        account: &AccountDataOnCreate,
        user: OxUserId,
    ) -> Result<(), OxError> {
        Ok(self.account_service(scope)?.create(account, &[user])?)
    }

    fn delete_account(
        &self,
        scope: Scope<'_>,
        address: &str,
        whom: Whom<'_>,
    ) -> Result<bool, OxError> {
        Ok(self.account_service(scope)?.delete(address, whom)?)
    }

    fn accounts(&self, scope: Scope<'_>, whom: Whom<'_>) -> Result<Vec<Account>, OxError> {
        Ok(self.account_service(scope)?.list(whom)?)
    }

    fn grant_deputy(
        &self,
        scope: Scope<'_>,
        grantor: OxUserId,
        permission: &DeputyPermission,
    ) -> Result<String, OxError> {
        self.deputy_service(scope)?.grant(grantor, permission).map_err(deputy_error)
    }

    fn revoke_deputies(&self, scope: Scope<'_>, grantor: OxUserId) -> Result<(), OxError> {
        self.deputy_service(scope)?.revoke_all(grantor).map_err(deputy_error)
    }

    fn block_deputies(&self, scope: Scope<'_>, grantor: OxUserId) -> Result<(), OxError> {
        self.deputy_service(scope)?.block_manual(grantor).map_err(deputy_error)
    }

    fn unblock_deputies(&self, scope: Scope<'_>, grantor: OxUserId) -> Result<(), OxError> {
        self.deputy_service(scope)?.unblock_manual(grantor).map_err(deputy_error)
    }

    fn pause(&self, pause: Duration) -> Result<(), OxError> {
        let until = Instant::now() + pause;
        while Instant::now() < until {
            if self.stop.is_requested() {
                return Err(stopping());
            }
            // A signal raises a flag and nothing else, so there is nothing better to wait on.
            std::thread::park_timeout(TICK.min(until.saturating_duration_since(Instant::now())));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use idspool_spool::FaultClass;

    use super::*;

    fn ox(stop: StopTime) -> SoapOx {
        // Nobody listens there; a call that is begun fails with another message.
        let client = Client::builder("http://127.0.0.1:1").build().unwrap();
        SoapOx::new(client, stop)
    }

    fn exists(ox: &SoapOx) -> OxError {
        let admin = Credentials::new("oxadmin", "p");
        ox.user_exists(Scope { context: ContextId::new(10), admin: &admin }, "anna").unwrap_err()
    }

    #[test]
    fn calls_go_on_for_a_while_after_the_request_to_stop_but_waits_do_not() {
        let stop = StopTime::default();
        let ox = ox(stop.clone());
        assert!(exists(&ox).message.contains("no connection"));
        stop.request();
        assert!(exists(&ox).message.contains("no connection"), "the item may be finished");
        assert_eq!(ox.pause(Duration::from_secs(60)).unwrap_err().message, "a stop was requested");
    }

    #[test]
    fn no_call_is_begun_when_the_time_is_over() {
        let Some(long_ago) = Instant::now().checked_sub(Duration::from_secs(60)) else { return };
        let stop = StopTime::default();
        stop.request_at(long_ago);
        assert_eq!(exists(&ox(stop)).message, "a stop was requested");
    }

    #[test]
    fn errors_keep_class_problem_and_remedy() {
        let error = exists(&ox(StopTime::default()));
        assert_eq!((error.refusal, error.class), (None, FaultClass::Transient));
        assert!(
            error.message.contains("anna") && error.message.contains("10"),
            "{}",
            error.message
        );
        assert!(error.remedy.unwrap().contains("OX_SOAP_SERVER"));
    }
}
