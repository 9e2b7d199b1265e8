//! A Kelvin server in memory that records what it is asked: as strict as kelvin-api where the rules for users and
//! classes depend on it. The stand-in over HTTP is `idspool-sandbox`.

mod classes;
mod tests;
mod users;
mod world;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use idspool_kelvin_client::{
    Attributes, Call, Class, Error, Identity, Obstacle, Refusal, RefusalKind, User,
};
use serde_json::Value;

pub(crate) use self::world::{Account, World};
use crate::kelvin::Kelvin;

/// How a call fails on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nothing was done: connection refused.
    Before,
    /// It was done, and the answer is lost.
    After,
    /// It was done, and the answer says 500.
    Broken,
}

/// A request as it was made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    /// `GET users/anna`, `GET users/?record_uid=1&source_uid=S`, `POST classes/`, `PATCH users/anna`, ….
    pub(crate) line: String,
    /// What was sent.
    pub(crate) body: Option<Value>,
}

#[derive(Debug, Default)]
struct State {
    world: World,
    requests: Vec<Request>,
    /// Counted from 1 over all calls since it was set.
    fail: Option<(usize, Failure)>,
    /// Beginnings of the lines of requests that are refused, and how.
    refused: Vec<(String, RefusalKind)>,
    /// Schools that are there and not listed.
    hidden: Vec<String>,
    /// Accounts that are there after so many more requests.
    late: Option<(usize, BTreeMap<String, Account>)>,
    /// The number of the request from which on classes are shown.
    classes_from: usize,
}

/// The server; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fake(Arc<Mutex<State>>);

impl Fake {
    /// A server that has these schools and all roles.
    pub(crate) fn with_schools(schools: &[&str]) -> Self {
        let fake = Self::default();
        fake.change_world(|world| {
            world.schools = schools.iter().map(|&school| school.to_owned()).collect();
        });
        fake
    }

    /// Adds a user; must be one that the server would create.
    pub(crate) fn with_user(self, attributes: Value) -> Self {
        let attributes = attributes.as_object().cloned().unwrap();
        self.lock().world.create_user(&attributes).unwrap();
        self
    }

    /// Adds a class; must be one that the server would create.
    pub(crate) fn with_class(self, school: &str, name: &str, users: &[&str]) -> Self {
        let attributes = serde_json::json!({"name": name, "school": school, "users": users});
        self.lock().world.create_class(attributes.as_object().unwrap()).unwrap();
        self
    }

    /// The requests so far, and forgets them.
    pub(crate) fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.lock().requests)
    }

    /// The lines of the requests so far, and forgets them.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.line).collect()
    }

    /// Lets the `call`-th request from now on fail, counted from 1, and no other.
    pub(crate) fn fail_at(&self, call: usize, failure: Failure) {
        let mut state = self.lock();
        let at = state.requests.len() + call;
        state.fail = Some((at, failure));
    }

    /// Requests whose line begins so are refused.
    pub(crate) fn refuse(&self, beginning: &str, kind: RefusalKind) {
        self.lock().refused.push((beginning.to_owned(), kind));
    }

    /// The school is there, and the list of schools does not name it.
    pub(crate) fn hide_school(&self, name: &str) {
        self.lock().hidden.push(name.to_owned());
    }

    /// Somebody else creates accounts after the next `calls` requests.
    pub(crate) fn appear_after(&self, calls: usize, accounts: BTreeMap<String, Account>) {
        let mut state = self.lock();
        let at = state.requests.len() + calls;
        state.late = Some((at, accounts));
    }

    /// Classes that are asked for by the next so many requests seem to be missing: they come in between.
    pub(crate) fn hide_classes_for(&self, calls: usize) {
        let mut state = self.lock();
        state.classes_from = state.requests.len() + calls + 1;
    }

    /// Nothing fails on purpose any more.
    pub(crate) fn heal(&self) {
        let mut state = self.lock();
        state.fail = None;
        state.refused.clear();
        state.hidden.clear();
        state.classes_from = 0;
    }

    /// What the server has.
    pub(crate) fn world(&self) -> World {
        self.lock().world.clone()
    }

    /// Changes what the server has, past all rules.
    pub(crate) fn change_world(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.lock().world);
    }

    /// A user as the server would show it. No request.
    pub(crate) fn shown(&self, name: &str) -> Option<Attributes> {
        self.lock().world.user(name).map(|user| user.attributes)
    }

    /// Names of the members of a class, sorted; `None`: there is no such class. No request.
    pub(crate) fn members(&self, school: &str, name: &str) -> Option<Vec<String>> {
        let class = self.lock().world.class(school, name)?;
        let users = class.attributes.get("users")?.as_array()?.clone();
        Some(users.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn call<T>(
        &self,
        line: String,
        body: Option<&Attributes>,
        work: impl FnOnce(&mut World) -> Result<T, Trouble>,
    ) -> Result<T, Error> {
        let mut state = self.lock();
        let body = body.map(|attributes| Value::Object(attributes.clone()));
        state.requests.push(Request { line: line.clone(), body });
        let number = state.requests.len();
        if let Some((_, accounts)) = state.late.take_if(|(at, _)| *at < number) {
            state.world.accounts.extend(accounts);
        }
        let failure = state.fail.take_if(|(at, _)| *at == number).map(|(_, failure)| failure);
        if failure == Some(Failure::Before) {
            return Err(no_answer(&line, false));
        }
        let refused = state.refused.iter().find(|(beginning, _)| line.starts_with(beginning));
        if let Some((_, kind)) = refused {
            let kind = kind.clone();
            return Err(Trouble::Refused(400, kind, "refused on purpose".into()).into_error(&line));
        }
        let answer = work(&mut state.world);
        match failure {
            Some(Failure::After) => Err(no_answer(&line, true)),
            Some(Failure::Broken) => Err(Trouble::Broken("broken".into()).into_error(&line)),
            _ => answer.map_err(|trouble| trouble.into_error(&line)),
        }
    }
}

/// Why the server does not do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Status, kind, text.
    Refused(u16, RefusalKind, String),
    /// 500.
    Broken(String),
}

impl Trouble {
    fn invalid(status: u16, text: impl Into<String>) -> Self {
        Self::Refused(status, RefusalKind::Invalid, text.into())
    }

    fn no_reference(kind: &str, name: &str) -> Self {
        let text = format!("Could not find object of type '{kind}' with name '{name}'.");
        Self::Refused(404, RefusalKind::NoReference(Some(name.to_owned())), text)
    }

    fn into_error(self, line: &str) -> Error {
        let call = Box::new(call_of(line));
        match self {
            Self::Refused(status, kind, text) => {
                Error::Refused { call, refusal: Refusal { kind, status, text } }
            }
            Self::Broken(text) => Error::Trouble { call, status: 500, text, retry_after: None },
        }
    }
}

fn no_answer(line: &str, is_open: bool) -> Error {
    let reason = "connection lost".to_owned();
    let obstacle = if is_open { Obstacle::Lost } else { Obstacle::Connect };
    Error::NoAnswer { call: Box::new(call_of(line)), obstacle, reason, is_open }
}

fn call_of(line: &str) -> Call {
    let (method, path) = line.split_once(' ').unwrap_or((line, ""));
    let method = ["GET", "HEAD", "POST", "PATCH", "DELETE"].into_iter().find(|m| *m == method);
    Call {
        method: method.unwrap_or("?"),
        path: path.to_owned(),
        server: "https://kelvin.example".to_owned(),
    }
}

impl Kelvin for Fake {
    fn roles(&self) -> Result<Vec<String>, Error> {
        self.call("GET roles/".into(), None, |world| Ok(world.roles.clone()))
    }

    fn schools(&self) -> Result<Vec<String>, Error> {
        let mut schools =
            self.call("GET schools/".into(), None, |world| Ok(world.schools.clone()))?;
        schools.retain(|school| !self.lock().hidden.contains(school));
        Ok(schools)
    }

    fn has_school(&self, name: &str) -> Result<bool, Error> {
        self.call(format!("HEAD schools/{name}"), None, |world| {
            Ok(world.schools.iter().any(|school| world::same(school, name)))
        })
    }

    fn users(&self, identity: &Identity) -> Result<Vec<User>, Error> {
        let Identity { record_uid, source_uid } = identity;
        let line = format!("GET users/?record_uid={record_uid}&source_uid={source_uid}");
        self.call(line, None, |world| Ok(world.users_with(record_uid, source_uid)))
    }

    fn user_names(&self, school: &str) -> Result<Vec<String>, Error> {
        self.call(format!("GET users/?school={school}"), None, |world| Ok(world.user_names(school)))
    }

    fn user(&self, name: &str) -> Result<Option<User>, Error> {
        self.call(format!("GET users/{name}"), None, |world| Ok(world.user(name)))
    }

    fn create_user(&self, attributes: &Attributes) -> Result<User, Error> {
        self.call("POST users/".into(), Some(attributes), |world| world.create_user(attributes))
    }

    fn change_user(&self, name: &str, attributes: &Attributes) -> Result<User, Error> {
        self.call(format!("PATCH users/{name}"), Some(attributes), |world| {
            world.change_user(name, attributes)
        })
    }

    fn delete_user(&self, name: &str) -> Result<bool, Error> {
        self.call(format!("DELETE users/{name}"), None, |world| Ok(world.delete_user(name)))
    }

    fn class(&self, school: &str, name: &str) -> Result<Option<Class>, Error> {
        let line = format!("GET classes/{school}/{name}");
        let found = self.call(line, None, |world| Ok(world.class(school, name)));
        let state = self.lock();
        if state.requests.len() < state.classes_from { Ok(None) } else { found }
    }

    fn create_class(&self, attributes: &Attributes) -> Result<Class, Error> {
        self.call("POST classes/".into(), Some(attributes), |world| world.create_class(attributes))
    }

    fn change_class(
        &self,
        school: &str,
        name: &str,
        attributes: &Attributes,
    ) -> Result<Class, Error> {
        self.call(format!("PATCH classes/{school}/{name}"), Some(attributes), |world| {
            world.change_class(school, name, attributes)
        })
    }

    fn delete_class(&self, school: &str, name: &str) -> Result<bool, Error> {
        let line = format!("DELETE classes/{school}/{name}");
        self.call(line, None, |world| Ok(world.delete_class(school, name)))
    }
}
