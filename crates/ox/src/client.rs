//! The calls of the rules over the real SOAP client, with the words of our errors.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use idspool_ox_soap::{
    Account, AccountDataOnCreate, Client, Context, ContextId, Credentials, DeputyPermission,
    DeputyService, Error, FaultKind, Group, GroupKey, GroupService, ModuleAccess, OxGroupId,
    OxResourceId, OxUserId, Resource, ResourceKey, ResourceService, SecondaryAccountService, User,
    UserKey, UserName, UserService, Whom,
};
use idspool_spool::FaultClass;

use crate::ox::{Ox, OxError, Refusal, Scope, Which};

/// How long after the request to stop further calls are begun. An item's calls take well below a
/// second each, so an ordinary item is finished; supervisors kill after 90 s or so.
const GRACE: Duration = Duration::from_secs(10);
/// How often a wait looks for a request to stop.
const TICK: Duration = Duration::from_millis(100);

/// When a stop was requested.
#[derive(Debug, Clone, Default)]
pub(crate) struct StopTime(Arc<OnceLock<Instant>>);

impl StopTime {
    /// A stop is requested now.
    pub(crate) fn request(&self) {
        let _only_the_first_counts = self.0.set(Instant::now());
    }

    fn is_requested(&self) -> bool {
        self.0.get().is_some()
    }

    fn is_over(&self) -> bool {
        self.0.get().is_some_and(|requested| requested.elapsed() > GRACE)
    }
}

/// The OX server over SOAP.
pub(crate) struct SoapOx {
    client: Client,
    stop: StopTime,
}

#[allow(dead_code, reason = "not every rule calls every operation yet")]
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

fn stopping() -> OxError {
    OxError {
        refusal: None,
        class: FaultClass::Transient,
        message: "a stop was requested".to_owned(),
        remedy: None,
    }
}

impl From<Error> for OxError {
    fn from(error: Error) -> Self {
        let refusal = error.fault_kind().map(|kind| match kind {
            FaultKind::NoSuchUser => Refusal::NoSuchUser,
            FaultKind::NoSuchGroup => Refusal::NoSuchGroup,
            FaultKind::NoSuchResource => Refusal::NoSuchResource,
            FaultKind::InvalidData => Refusal::InvalidData,
            FaultKind::UserExists => Refusal::UserExists,
            kind if kind.is_not_found() => Refusal::NotFound,
            _ => Refusal::Other,
        });
        // A value that cannot be sent never reached OX either.
        let refusal = refusal.or(matches!(error, Error::Value { .. }).then_some(Refusal::Other));
        let class = match error.fault_class() {
            idspool_ox_soap::FaultClass::Transient => FaultClass::Transient,
            idspool_ox_soap::FaultClass::Permanent => FaultClass::Permanent,
            idspool_ox_soap::FaultClass::Ours => FaultClass::Ours,
        };
        Self { refusal, class, message: error.problem(), remedy: Some(error.remedy()) }
    }
}

/// `None` for what does not exist.
fn existing<T>(result: Result<T, Error>) -> Result<Option<T>, OxError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// OX has the service of deputy permissions from release 8 on, and how its answers look is not
/// established: a server that does not know it, and an answer that is not understood, are refusals. Only
/// a server that is not there or busy is asked again.
fn deputy_error(error: Error) -> OxError {
    let is_answer = match &error {
        Error::Status { status, .. } => !matches!(status, 408 | 429 | 502..=504),
        Error::Malformed { .. } | Error::TooLarge { .. } | Error::Unexpected { .. } => true,
        _ => false,
    };
    let error = OxError::from(error);
    OxError { refusal: error.refusal.or(is_answer.then_some(Refusal::Other)), ..error }
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

    fn contexts(&self, master: &Credentials) -> Result<Vec<Context>, OxError> {
        Ok(self.client()?.contexts(master).list_all()?)
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

    fn deputies(
        &self,
        scope: Scope<'_>,
        grantor: OxUserId,
    ) -> Result<Vec<DeputyPermission>, OxError> {
        let all = self.deputy_service(scope)?.list()?;
        Ok(all.into_iter().filter(|one| one.grantor == grantor).map(|one| one.permission).collect())
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
        assert_eq!(ox.pause(GRACE).unwrap_err().message, "a stop was requested");
    }

    #[test]
    fn no_call_is_begun_when_the_time_is_over() {
        let Some(long_ago) = Instant::now().checked_sub(2 * GRACE) else { return };
        let stop = StopTime::default();
        stop.0.set(long_ago).unwrap();
        assert_eq!(exists(&ox(stop)).message, "a stop was requested");
    }

    /// The first error of a deputy call to a server that answers this.
    fn deputy_call(answer: &'static str) -> OxError {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            use std::io::{Read as _, Write as _};
            let (mut connection, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut part = [0; 4096];
            while !request.trim_ascii_end().ends_with(b"Envelope>") {
                let length = connection.read(&mut part).unwrap();
                assert!(length > 0, "the request ends early");
                request.extend_from_slice(&part[..length]);
            }
            connection.write_all(answer.as_bytes()).unwrap();
        });
        let ox = SoapOx::new(Client::builder(&url).build().unwrap(), StopTime::default());
        let admin = Credentials::new("oxadmin", "p");
        let scope = Scope { context: ContextId::new(10), admin: &admin };
        let error = ox.revoke_deputies(scope, OxUserId::new(3)).unwrap_err();
        server.join().unwrap();
        error
    }

    #[test]
    fn s5_4_a_server_without_deputy_permissions_refuses_them() {
        let end = "Content-Length: 2\r\nConnection: close\r\n\r\nno";
        for (status, expected) in [
            ("404 Not Found", Some(Refusal::Other)),
            ("500 Oops", Some(Refusal::Other)),
            ("200 OK", Some(Refusal::Other)),
            ("502 Bad Gateway", None),
            ("503 Busy", None),
        ] {
            let answer = format!("HTTP/1.1 {status}\r\n{end}");
            assert_eq!(deputy_call(answer.leak()).refusal, expected, "{status}");
        }
        // Nobody is there.
        let admin = Credentials::new("oxadmin", "p");
        let scope = Scope { context: ContextId::new(10), admin: &admin };
        let error = ox(StopTime::default()).revoke_deputies(scope, OxUserId::new(3)).unwrap_err();
        assert_eq!(error.refusal, None);
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
