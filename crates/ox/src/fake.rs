//! An OX server in memory that records what it is asked: enough of the real one for decision tables, sequences and
//! retries. The strict stand-in over HTTP is `idspool-sandbox`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use idspool_ox_soap::{
    Context, ContextField, ContextId, Credentials, Group, GroupField, ModuleAccess, OxGroupId,
    OxUserId, User, UserField,
};
use idspool_spool::FaultClass;

use crate::ox::{Ox, OxError, Refusal, Scope, Which};

/// What the server has.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct World {
    pub(crate) contexts: BTreeMap<i32, Tenant>,
}

/// One context.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Tenant {
    pub(crate) name: String,
    pub(crate) quota: Option<i64>,
    pub(crate) admin: String,
    pub(crate) password: String,
    pub(crate) users: BTreeMap<i32, Account>,
    /// Id to name and members.
    pub(crate) groups: BTreeMap<i32, (String, Vec<i32>)>,
    next: i32,
}

/// One user.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Account {
    pub(crate) user: User,
    pub(crate) access: Option<ModuleAccess>,
}

impl Tenant {
    fn id(&mut self) -> i32 {
        // The administrator of a context is user 2.
        self.next = self.next.max(2) + 1;
        self.next
    }

    fn by_name(&self, name: &str) -> Option<i32> {
        self.users.iter().find(|(_, account)| account.user.name() == Some(name)).map(|(id, _)| *id)
    }
}

/// How a call fails on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Before anything was done.
    Before,
    /// After it was done: the answer is lost.
    After,
}

#[derive(Default)]
struct State {
    world: World,
    calls: Vec<String>,
    /// Counted from 1 over all calls.
    fail: Option<(usize, Failure)>,
    /// Copies do not appear before so many look-ups.
    hidden_lookups: u32,
    pauses: u32,
    refuse_stale_sender: bool,
    refuse_contexts: bool,
}

/// The server; clones share it.
#[derive(Clone, Default)]
pub(crate) struct Fake(Arc<Mutex<State>>);

impl Fake {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a context with the administrator that `contexts.json` of the tests names.
    pub(crate) fn with_context(self, id: i32) -> Self {
        let tenant = Tenant { admin: "oxadmin".into(), password: "p".into(), ..Tenant::default() };
        self.0.lock().unwrap().world.contexts.insert(id, tenant);
        self
    }

    /// Adds a user.
    pub(crate) fn with_user(self, context: i32, id: i32, name: &str) -> Self {
        let user = User::new()
            .with(UserField::Id, id)
            .with(UserField::Name, name)
            .with(UserField::DefaultSenderAddress, format!("{name}@example.org"))
            .with(UserField::Language, "fr_FR");
        let mut state = self.0.lock().unwrap();
        let tenant = state.world.contexts.get_mut(&context).unwrap();
        tenant.users.insert(id, Account { user, access: None });
        tenant.next = tenant.next.max(id);
        drop(state);
        self
    }

    pub(crate) fn with_group(self, context: i32, id: i32, name: &str, members: &[i32]) -> Self {
        let mut state = self.0.lock().unwrap();
        let tenant = state.world.contexts.get_mut(&context).unwrap();
        tenant.groups.insert(id, (name.into(), members.to_vec()));
        drop(state);
        self
    }

    pub(crate) fn fail_at(&self, call: usize, failure: Failure) {
        let mut state = self.0.lock().unwrap();
        state.calls.clear();
        state.fail = Some((call, failure));
    }

    pub(crate) fn heal(&self) {
        self.0.lock().unwrap().fail = None;
    }

    /// The calls so far, as `operation context object`, and forgets them.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().calls)
    }

    pub(crate) fn world(&self) -> World {
        self.0.lock().unwrap().world.clone()
    }

    pub(crate) fn change_world(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.0.lock().unwrap().world);
    }

    pub(crate) fn user_of(&self, context: i32, name: &str) -> Option<(i32, User)> {
        let world = self.world();
        let tenant = world.contexts.get(&context)?;
        let id = tenant.by_name(name)?;
        Some((id, tenant.users[&id].user.clone()))
    }

    pub(crate) fn hide_copies(&self, lookups: u32) {
        self.0.lock().unwrap().hidden_lookups = lookups;
    }

    pub(crate) fn pauses(&self) -> u32 {
        self.0.lock().unwrap().pauses
    }

    /// A change without sender address is refused, as when the stored one is no alias any more.
    pub(crate) fn refuse_stale_sender(&self) {
        self.0.lock().unwrap().refuse_stale_sender = true;
    }

    /// Creations of contexts are refused for good.
    pub(crate) fn refuse_contexts(&self) {
        self.0.lock().unwrap().refuse_contexts = true;
    }

    fn call<T>(
        &self,
        line: String,
        work: impl FnOnce(&mut State) -> Result<T, OxError>,
    ) -> Result<T, OxError> {
        let mut state = self.0.lock().unwrap();
        state.calls.push(line);
        let failure = state.fail.filter(|(at, _)| *at == state.calls.len()).map(|(_, f)| f);
        if failure == Some(Failure::Before) {
            return Err(lost());
        }
        let answer = work(&mut state);
        if failure == Some(Failure::After) {
            return Err(lost());
        }
        answer
    }

    fn in_context<T>(
        &self,
        scope: Scope<'_>,
        line: &str,
        work: impl FnOnce(&mut Tenant) -> Result<T, OxError>,
    ) -> Result<T, OxError> {
        let (context, admin) = (scope.context.value(), scope.admin.clone());
        let (operation, object) = line.split_once(' ').unwrap_or((line, ""));
        self.call(format!("{operation} {context} {object}").trim_end().to_owned(), |state| {
            let tenant = state.world.contexts.get_mut(&context);
            match tenant.filter(|t| t.admin == admin.login && t.password == admin.password.expose())
            {
                Some(tenant) => work(tenant),
                None => {
                    Err(refused(Refusal::Other, FaultClass::Transient, "Authentication failed"))
                }
            }
        })
    }
}

fn lost() -> OxError {
    OxError {
        refusal: None,
        class: FaultClass::Transient,
        message: "connection lost".into(),
        remedy: None,
    }
}

pub(crate) fn refused(refusal: Refusal, class: FaultClass, message: &str) -> OxError {
    OxError { refusal: Some(refusal), class, message: message.into(), remedy: None }
}

fn no_such_user() -> OxError {
    refused(Refusal::NoSuchUser, FaultClass::Permanent, "No such user")
}

fn invalid(message: &str) -> OxError {
    refused(Refusal::InvalidData, FaultClass::Permanent, message)
}

fn is_master(master: &Credentials) -> Result<(), OxError> {
    if master.login == "oxadminmaster" && master.password.expose() == "m" {
        return Ok(());
    }
    Err(refused(Refusal::Other, FaultClass::Transient, "Authentication failed"))
}

/// What the rules of OX say about addresses.
fn check_addresses(user: &User) -> Result<(), OxError> {
    if user.text(UserField::PrimaryEmail).is_none_or(str::is_empty) {
        return Ok(());
    }
    let aliases = user.list(UserField::Aliases);
    let is_alias = |field| {
        let mail = user.text(field).unwrap_or_default();
        mail.is_empty() || aliases.iter().any(|alias| alias == mail)
    };
    if is_alias(UserField::PrimaryEmail) && is_alias(UserField::DefaultSenderAddress) {
        Ok(())
    } else {
        Err(invalid(
            "primaryMail, Email1 and defaultSenderAddress must be present in set of aliases.",
        ))
    }
}

impl Ox for Fake {
    fn context_exists(&self, master: &Credentials, context: ContextId) -> Result<bool, OxError> {
        is_master(master)?;
        self.call(format!("Context.getData {context}"), |state| {
            Ok(state.world.contexts.contains_key(&context.value()))
        })
    }

    fn create_context(
        &self,
        master: &Credentials,
        context: &Context,
        admin: &User,
    ) -> Result<(), OxError> {
        is_master(master)?;
        let id = context.id().unwrap().value();
        self.call(format!("Context.create {id}"), |state| {
            if state.refuse_contexts || state.world.contexts.contains_key(&id) {
                return Err(refused(Refusal::Other, FaultClass::Permanent, "already exists"));
            }
            let tenant = Tenant {
                name: context.name().unwrap().into(),
                quota: context.number(ContextField::MaxQuota),
                admin: admin.name().unwrap().into(),
                password: admin.text(UserField::Password).unwrap().into(),
                ..Tenant::default()
            };
            state.world.contexts.insert(id, tenant);
            Ok(())
        })
    }

    fn change_context(&self, master: &Credentials, context: &Context) -> Result<(), OxError> {
        is_master(master)?;
        let id = context.id().unwrap().value();
        self.call(format!("Context.change {id}"), |state| {
            let tenant = state.world.contexts.get_mut(&id).ok_or_else(|| {
                refused(Refusal::NotFound, FaultClass::Transient, "Context does not exist")
            })?;
            tenant.name = context.name().unwrap().into();
            tenant.quota = context.number(ContextField::MaxQuota);
            Ok(())
        })
    }

    fn delete_context(
        &self,
        master: &Credentials,
        context: ContextId,
        name: &str,
    ) -> Result<(), OxError> {
        is_master(master)?;
        self.call(format!("Context.delete {context} {name}"), |state| {
            match state.world.contexts.remove(&context.value()) {
                Some(_) => Ok(()),
                None => Err(refused(Refusal::NotFound, FaultClass::Transient, "no context")),
            }
        })
    }

    fn user_exists(&self, scope: Scope<'_>, name: &str) -> Result<bool, OxError> {
        self.in_context(scope, &format!("User.exists {name}"), |tenant| {
            Ok(tenant.by_name(name).is_some())
        })
    }

    fn user(&self, scope: Scope<'_>, which: Which<'_>) -> Result<Option<User>, OxError> {
        let hidden = {
            let mut state = self.0.lock().unwrap();
            let is_copying = state.calls.iter().any(|call| call.starts_with("UserCopy"));
            if is_copying && state.hidden_lookups > 0 {
                state.hidden_lookups -= 1;
                true
            } else {
                false
            }
        };
        let object = match which {
            Which::Id(id) => format!("User.getData #{id}"),
            Which::Name(name) => format!("User.getData {name}"),
        };
        self.in_context(scope, &object, |tenant| {
            let id = match which {
                Which::Id(id) => Some(id.value()),
                Which::Name(name) => tenant.by_name(name),
            };
            Ok(id.filter(|_| !hidden).and_then(|id| tenant.users.get(&id)).map(|a| a.user.clone()))
        })
    }

    fn create_user(&self, scope: Scope<'_>, user: &User) -> Result<OxUserId, OxError> {
        let name = user.name().unwrap_or_default();
        assert_eq!(user.id(), None, "an id must not be sent");
        self.in_context(scope, &format!("User.create {name}"), |tenant| {
            if tenant.by_name(name).is_some() {
                return Err(invalid("User already exists in this context"));
            }
            check_addresses(user)?;
            let id = tenant.id();
            let user = user.clone().with(UserField::Id, id);
            tenant.users.insert(id, Account { user, access: None });
            Ok(OxUserId::new(id))
        })
    }

    fn change_user(&self, scope: Scope<'_>, user: &User) -> Result<(), OxError> {
        let id = user.id().expect("a change needs an id").value();
        assert!(user.name().is_some(), "a change needs a name");
        let stale = self.0.lock().unwrap().refuse_stale_sender;
        self.in_context(scope, &format!("User.change #{id}"), |tenant| {
            if stale && user.get(UserField::DefaultSenderAddress).is_none() {
                return Err(invalid("defaultSenderAddress must be present in set of aliases."));
            }
            let account = tenant.users.get_mut(&id).ok_or_else(no_such_user)?;
            let mut changed = account.user.clone();
            for (field, value) in user.iter() {
                changed.set(field, value.clone());
            }
            check_addresses(&changed)?;
            account.user = changed;
            Ok(())
        })
    }

    fn change_rights(
        &self,
        scope: Scope<'_>,
        id: OxUserId,
        access: ModuleAccess,
    ) -> Result<(), OxError> {
        self.in_context(scope, &format!("User.changeByModuleAccess #{id}"), |tenant| {
            tenant.users.get_mut(&id.value()).ok_or_else(no_such_user)?.access = Some(access);
            Ok(())
        })
    }

    fn delete_user(&self, scope: Scope<'_>, id: OxUserId, name: &str) -> Result<(), OxError> {
        self.in_context(scope, &format!("User.delete #{id} {name}"), |tenant| {
            tenant.users.remove(&id.value()).ok_or_else(no_such_user)?;
            for (_, members) in tenant.groups.values_mut() {
                members.retain(|member| *member != id.value());
            }
            Ok(())
        })
    }

    fn copy_user(
        &self,
        master: &Credentials,
        id: OxUserId,
        from: ContextId,
        to: ContextId,
    ) -> Result<OxUserId, OxError> {
        is_master(master)?;
        self.call(format!("UserCopy.copyUser #{id} {from} {to}"), |state| {
            let source = state.world.contexts.get(&from.value()).ok_or_else(no_such_user)?;
            let account = source.users.get(&id.value()).ok_or_else(no_such_user)?.clone();
            let target = state.world.contexts.get_mut(&to.value()).ok_or_else(no_such_user)?;
            if target.by_name(account.user.name().unwrap()).is_some() {
                return Err(refused(Refusal::UserExists, FaultClass::Permanent, "already exists"));
            }
            let id = target.id();
            let user = account.user.with(UserField::Id, id);
            target.users.insert(id, Account { user, access: account.access });
            Ok(OxUserId::new(id))
        })
    }

    fn groups_of_user(&self, scope: Scope<'_>, id: OxUserId) -> Result<Vec<Group>, OxError> {
        self.in_context(scope, &format!("Group.listGroupsForUser #{id}"), |tenant| {
            if !tenant.users.contains_key(&id.value()) {
                return Err(no_such_user());
            }
            let groups = tenant.groups.iter().filter(|(_, (_, m))| m.contains(&id.value()));
            Ok(groups.map(|(id, (name, members))| group(*id, name, members)).collect())
        })
    }

    fn group(&self, scope: Scope<'_>, id: OxGroupId) -> Result<Option<Group>, OxError> {
        self.in_context(scope, &format!("Group.getData #{id}"), |tenant| {
            Ok(tenant
                .groups
                .get(&id.value())
                .map(|(name, members)| group(id.value(), name, members)))
        })
    }

    fn delete_group(&self, scope: Scope<'_>, id: OxGroupId, name: &str) -> Result<(), OxError> {
        self.in_context(scope, &format!("Group.delete #{id} {name}"), |tenant| {
            match tenant.groups.remove(&id.value()) {
                Some(_) => Ok(()),
                None => Err(refused(Refusal::NotFound, FaultClass::Permanent, "No such group")),
            }
        })
    }

    fn pause(&self, _pause: Duration) -> Result<(), OxError> {
        self.0.lock().unwrap().pauses += 1;
        Ok(())
    }
}

fn group(id: i32, name: &str, members: &[i32]) -> Group {
    Group::new()
        .with(GroupField::Id, id)
        .with(GroupField::Name, name)
        .with(GroupField::Members, members.to_vec())
}
