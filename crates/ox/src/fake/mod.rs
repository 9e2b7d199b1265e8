//! An OX server in memory that records what it is asked: enough of the real one for decision tables, sequences and
//! retries. The strict stand-in over HTTP is `idspool-sandbox`.

mod calls;
mod objects;
mod tests;
mod world;

use idspool_ox_soap::{Group, GroupField, User, UserField};
use idspool_spool::FaultClass;
use std::sync::{Arc, Mutex};

pub(crate) use self::world::World;
use self::world::{Tenant, UserEntry};
use crate::ox::{OxError, Refusal, Scope};

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
    /// Those that were answered.
    answered: Vec<String>,
    /// Counted from 1 over all calls.
    fail: Option<(usize, Failure)>,
    /// Copies do not appear before so many look-ups.
    hidden_lookups: u32,
    pauses: u32,
    refuse_stale_sender: bool,
    refuse_contexts: bool,
    /// Beginnings of the lines of calls that are refused.
    refused: Vec<String>,
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
        tenant.users.insert(id, UserEntry { user, access: None });
        tenant.next = tenant.next.max(id);
        drop(state);
        self
    }

    pub(crate) fn with_group(self, context: i32, id: i32, name: &str, members: &[i32]) -> Self {
        let mut state = self.0.lock().unwrap();
        let tenant = state.world.contexts.get_mut(&context).unwrap();
        tenant.next = tenant.next.max(id);
        tenant.groups.insert(id, group(id, name, members));
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

    /// The calls so far that were not refused, in the same form, and forgets them.
    pub(crate) fn answered(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().answered)
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

    /// Calls whose line begins so are refused for good, e.g. `Deputy.grant 10 #3`.
    pub(crate) fn refuse(&self, beginning: &str) {
        self.0.lock().unwrap().refused.push(beginning.to_owned());
    }

    /// Nothing is refused on purpose any more.
    pub(crate) fn accept(&self) {
        self.0.lock().unwrap().refused.clear();
    }

    fn call<T>(
        &self,
        line: String,
        work: impl FnOnce(&mut State) -> Result<T, OxError>,
    ) -> Result<T, OxError> {
        let mut state = self.0.lock().unwrap();
        let is_refused = state.refused.iter().any(|beginning| line.starts_with(beginning));
        state.calls.push(line.clone());
        let failure = state.fail.filter(|(at, _)| *at == state.calls.len()).map(|(_, f)| f);
        if failure == Some(Failure::Before) {
            return Err(lost());
        }
        if is_refused {
            return Err(refused(Refusal::Other, FaultClass::Permanent, "refused on purpose"));
        }
        let answer = work(&mut state);
        if answer.is_ok() {
            state.answered.push(line);
        }
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

fn group(id: i32, name: &str, members: &[i32]) -> Group {
    Group::new()
        .with(GroupField::Displayname, name)
        .with(GroupField::Id, id)
        .with(GroupField::Members, members.to_vec())
        .with(GroupField::Name, name)
}
