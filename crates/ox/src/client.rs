//! The calls of the rules over the real SOAP client, with the words of our errors.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use idspool_ox_soap::{
    Client, Context, ContextId, Credentials, Error, FaultKind, Group, GroupKey, ModuleAccess,
    OxGroupId, OxUserId, User, UserKey,
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

impl Ox for SoapOx {
    fn context_exists(&self, master: &Credentials, context: ContextId) -> Result<bool, OxError> {
        existing(self.client()?.contexts(master).get_data(context)).map(|found| found.is_some())
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
        Ok(self.client()?.users(scope.context, scope.admin).exists(UserKey::name(name))?)
    }

    fn user(&self, scope: Scope<'_>, which: Which<'_>) -> Result<Option<User>, OxError> {
        let key = match which {
            Which::Id(id) => UserKey::id(id),
            Which::Name(name) => UserKey::name(name),
        };
        existing(self.client()?.users(scope.context, scope.admin).get_data(key))
    }

    fn create_user(&self, scope: Scope<'_>, user: &User) -> Result<OxUserId, OxError> {
        Ok(self.client()?.users(scope.context, scope.admin).create(user)?)
    }

    fn change_user(&self, scope: Scope<'_>, user: &User) -> Result<(), OxError> {
        Ok(self.client()?.users(scope.context, scope.admin).change(user)?)
    }

    fn change_rights(
        &self,
        scope: Scope<'_>,
        id: OxUserId,
        access: ModuleAccess,
    ) -> Result<(), OxError> {
        let users = self.client()?.users(scope.context, scope.admin);
        Ok(users.change_by_module_access(UserKey::id(id), access)?)
    }

    fn delete_user(&self, scope: Scope<'_>, id: OxUserId, name: &str) -> Result<(), OxError> {
        let users = self.client()?.users(scope.context, scope.admin);
        Ok(users.delete(UserKey::id(id).and_name(name))?)
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
        let groups = self.client()?.groups(scope.context, scope.admin);
        Ok(groups.list_groups_for_user(UserKey::id(id))?)
    }

    fn group(&self, scope: Scope<'_>, id: OxGroupId) -> Result<Option<Group>, OxError> {
        existing(self.client()?.groups(scope.context, scope.admin).get_data(GroupKey::id(id)))
    }

    fn delete_group(&self, scope: Scope<'_>, id: OxGroupId, name: &str) -> Result<(), OxError> {
        let groups = self.client()?.groups(scope.context, scope.admin);
        let key = GroupKey::id(id);
        Ok(groups.delete(if name.is_empty() { key } else { key.and_name(name) })?)
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
