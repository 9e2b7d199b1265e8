//! A server as it would be: what is asked is read from the real one, what is changed is remembered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use idspool_kelvin_client::{Attributes, Call, Class, Error, Identity, Refusal, RefusalKind, User};
use serde_json::Value;

use super::journal::{Request, changes};
use crate::conf::ROLES;
use crate::kelvin::Kelvin;

/// See the module.
#[derive(Debug)]
pub(crate) struct Overlay {
    /// `None`: nobody is asked; what was last delivered counts as what is there.
    server: Option<Arc<dyn Kelvin>>,
    /// Names of schools where nobody is asked.
    schools: Vec<String>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By names in lower case; `None`: deleted, or renamed.
    users: BTreeMap<String, Option<User>>,
    /// By school and name in lower case.
    classes: BTreeMap<(String, String), Option<Class>>,
    /// Names of a school's users, read once; in lower case.
    members: BTreeMap<String, BTreeSet<String>>,
    /// The last delivered state of the object that is being handled.
    delivered: Option<Delivered>,
    requests: Vec<Request>,
}

/// What was last delivered of an object.
#[derive(Debug)]
pub(crate) enum Delivered {
    User { name: String, identity: Identity },
    Class { school: String, name: String },
}

impl Overlay {
    pub(crate) fn new(server: Option<Arc<dyn Kelvin>>, schools: Vec<String>) -> Self {
        Self { server, schools, state: Mutex::default() }
    }

    /// An item begins, of which this was delivered before.
    pub(crate) fn begin(&self, delivered: Option<Delivered>) {
        self.state().delivered = delivered;
    }

    /// The requests since then.
    pub(crate) fn take(&self) -> Vec<Request> {
        std::mem::take(&mut self.state().requests)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(
        &self,
        operation: &'static str,
        object: &str,
        old: Option<&Attributes>,
        new: &Attributes,
    ) {
        let request = Request { operation, object: object.to_owned(), changes: changes(old, new) };
        self.state().requests.push(request);
    }

    /// What is known of an object of which only this was delivered.
    fn delivered_user(&self, is_meant: impl Fn(&str, &Identity) -> bool) -> Option<User> {
        match &self.state().delivered {
            Some(Delivered::User { name, identity }) if is_meant(name, identity) => Some(User {
                name: name.clone(),
                attributes: Attributes::from_iter([("name".to_owned(), name.clone().into())]),
            }),
            _ => None,
        }
    }

    /// Whether a reference to this user would be accepted.
    fn is_user(&self, name: &str, school: Option<&str>) -> Result<bool, Error> {
        let Some(server) = &self.server else { return Ok(true) };
        let key = name.to_lowercase();
        if let Some(user) = self.state().users.get(&key) {
            return Ok(user.is_some());
        }
        if let Some(school) = school {
            let folded = school.to_lowercase();
            if !self.state().members.contains_key(&folded) {
                let names = server.user_names(school)?;
                let names = names.iter().map(|name| name.to_lowercase()).collect();
                self.state().members.insert(folded.clone(), names);
            }
            if self.state().members.get(&folded).is_some_and(|names| names.contains(&key)) {
                return Ok(true);
            }
        }
        Ok(server.user(name)?.is_some())
    }

    /// What a server refuses because something that is referred to is missing.
    fn check_references(
        &self,
        method: &'static str,
        attributes: &Attributes,
        school: Option<&str>,
    ) -> Result<(), Error> {
        let names = |key: &str| -> Vec<String> {
            let list = attributes.get(key).and_then(Value::as_array);
            list.into_iter().flatten().filter_map(|n| Some(n.as_str()?.to_owned())).collect()
        };
        for name in names("users") {
            if !self.is_user(&name, school)? {
                let kind = RefusalKind::NoReference(Some(name.clone()));
                return Err(refused(method, kind, 404, format!("there is no user '{name}'")));
            }
        }
        for name in names("legal_guardians").into_iter().chain(names("legal_wards")) {
            if !self.is_user(&name, None)? {
                let text = format!("there is no user '{name}'");
                return Err(refused(method, RefusalKind::NoRelation, 400, text));
            }
        }
        Ok(())
    }
}

fn refused(method: &'static str, kind: RefusalKind, status: u16, text: String) -> Error {
    let call =
        Call { method, path: "(dry run)".into(), server: "the server as it would be".into() };
    Error::Refused { call: Box::new(call), refusal: Refusal { kind, status, text } }
}

fn text(attributes: &Attributes, key: &str) -> String {
    attributes.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn has_identity(user: &User, identity: &Identity) -> bool {
    text(&user.attributes, "record_uid") == identity.record_uid
        && text(&user.attributes, "source_uid") == identity.source_uid
}

/// Members of `udm_properties` that are not named stay.
fn merged(old: &Attributes, new: &Attributes) -> Attributes {
    let mut merged = old.clone();
    for (key, value) in new {
        match (merged.get_mut(key), value) {
            (Some(Value::Object(old)), Value::Object(new)) if key == "udm_properties" => {
                old.extend(new.clone());
            }
            _ => drop(merged.insert(key.clone(), value.clone())),
        }
    }
    merged
}

impl Kelvin for Overlay {
    fn roles(&self) -> Result<Vec<String>, Error> {
        match &self.server {
            Some(server) => server.roles(),
            None => Ok(ROLES.map(str::to_owned).to_vec()),
        }
    }

    fn schools(&self) -> Result<Vec<String>, Error> {
        match &self.server {
            Some(server) => server.schools(),
            None => Ok(self.schools.clone()),
        }
    }

    fn has_school(&self, name: &str) -> Result<bool, Error> {
        match &self.server {
            Some(server) => server.has_school(name),
            None => {
                let is_meant = |school: &String| school.to_lowercase() == name.to_lowercase();
                Ok(self.schools.iter().any(is_meant))
            }
        }
    }

    fn users(&self, identity: &Identity) -> Result<Vec<User>, Error> {
        let there = match &self.server {
            Some(server) => server.users(identity)?,
            None => self.delivered_user(|_, other| other == identity).into_iter().collect(),
        };
        let state = self.state();
        let is_untouched = |user: &User| !state.users.contains_key(&user.name.to_lowercase());
        let changed = state.users.values().flatten().filter(|user| has_identity(user, identity));
        Ok(there.into_iter().filter(is_untouched).chain(changed.cloned()).collect())
    }

    fn user_names(&self, school: &str) -> Result<Vec<String>, Error> {
        let mut names: BTreeSet<String> = match &self.server {
            Some(server) => server.user_names(school)?.into_iter().collect(),
            None => BTreeSet::new(),
        };
        let state = self.state();
        names.retain(|name| !state.users.contains_key(&name.to_lowercase()));
        let is_there = |user: &&User| {
            let schools = user.attributes.get("schools").and_then(Value::as_array);
            schools.into_iter().flatten().any(|name| name.as_str() == Some(school))
        };
        names.extend(state.users.values().flatten().filter(is_there).map(|user| user.name.clone()));
        Ok(names.into_iter().collect())
    }

    fn user(&self, name: &str) -> Result<Option<User>, Error> {
        if let Some(user) = self.state().users.get(&name.to_lowercase()) {
            return Ok(user.clone());
        }
        match &self.server {
            Some(server) => server.user(name),
            None => Ok(self.delivered_user(|delivered, _| delivered == name)),
        }
    }

    fn create_user(&self, attributes: &Attributes) -> Result<User, Error> {
        let name = text(attributes, "name");
        if self.user(&name)?.is_some() {
            let text = format!("there is a user '{name}' already");
            return Err(refused("POST", RefusalKind::Taken, 409, text));
        }
        self.check_references("POST", attributes, None)?;
        self.note("POST users", &name, None, attributes);
        let user = User { name: name.clone(), attributes: attributes.clone() };
        self.state().users.insert(name.to_lowercase(), Some(user.clone()));
        Ok(user)
    }

    fn change_user(&self, name: &str, attributes: &Attributes) -> Result<User, Error> {
        let Some(old) = self.user(name)? else {
            let text = format!("there is no user '{name}'");
            return Err(refused("PATCH", RefusalKind::NoObject, 404, text));
        };
        self.check_references("PATCH", attributes, None)?;
        let attributes_after = merged(&old.attributes, attributes);
        let new_name = text(&attributes_after, "name");
        if new_name.to_lowercase() != name.to_lowercase() && self.user(&new_name)?.is_some() {
            let text = format!("there is a user '{new_name}' already");
            return Err(refused("PATCH", RefusalKind::Taken, 409, text));
        }
        self.note("PATCH users", &old.name, Some(&old.attributes), attributes);
        let user = User { name: new_name.clone(), attributes: attributes_after };
        let mut state = self.state();
        state.users.insert(name.to_lowercase(), None);
        state.users.insert(new_name.to_lowercase(), Some(user.clone()));
        Ok(user)
    }

    fn delete_user(&self, name: &str) -> Result<bool, Error> {
        if self.user(name)?.is_none() {
            return Ok(false);
        }
        self.note("DELETE users", name, None, &Attributes::new());
        self.state().users.insert(name.to_lowercase(), None);
        Ok(true)
    }

    fn class(&self, school: &str, name: &str) -> Result<Option<Class>, Error> {
        let key = (school.to_lowercase(), name.to_lowercase());
        if let Some(class) = self.state().classes.get(&key) {
            return Ok(class.clone());
        }
        if let Some(server) = &self.server {
            return server.class(school, name);
        }
        Ok(match &self.state().delivered {
            Some(Delivered::Class { school: s, name: n })
                if (s.to_lowercase(), n.to_lowercase()) == key =>
            {
                let (school, name) = (school.to_owned(), name.to_owned());
                Some(Class { school, name, attributes: Attributes::new() })
            }
            _ => None,
        })
    }

    fn create_class(&self, attributes: &Attributes) -> Result<Class, Error> {
        let (school, name) = (text(attributes, "school"), text(attributes, "name"));
        if self.class(&school, &name)?.is_some() {
            let text = format!("there is a class '{name}' already");
            return Err(refused("POST", RefusalKind::Taken, 409, text));
        }
        self.check_references("POST", attributes, Some(&school))?;
        self.note("POST classes", &format!("{school}/{name}"), None, attributes);
        let key = (school.to_lowercase(), name.to_lowercase());
        let class = Class { school, name, attributes: attributes.clone() };
        self.state().classes.insert(key, Some(class.clone()));
        Ok(class)
    }

    fn change_class(
        &self,
        school: &str,
        name: &str,
        attributes: &Attributes,
    ) -> Result<Class, Error> {
        let Some(old) = self.class(school, name)? else {
            let text = format!("there is no class '{name}'");
            return Err(refused("PATCH", RefusalKind::NoObject, 404, text));
        };
        let new_name = Some(text(attributes, "name"))
            .filter(|new| !new.is_empty())
            .unwrap_or(old.name.clone());
        let is_renamed = new_name.to_lowercase() != name.to_lowercase();
        if is_renamed && self.class(school, &new_name)?.is_some() {
            let text = format!("there is a class '{new_name}' already");
            return Err(refused("PATCH", RefusalKind::Taken, 409, text));
        }
        self.check_references("PATCH", attributes, Some(school))?;
        let before = Some(&old.attributes).filter(|attributes| !attributes.is_empty());
        self.note("PATCH classes", &format!("{}/{}", old.school, old.name), before, attributes);
        let attributes = merged(&old.attributes, attributes);
        let class = Class { school: old.school, name: new_name.clone(), attributes };
        let school = school.to_lowercase();
        let mut state = self.state();
        state.classes.insert((school.clone(), name.to_lowercase()), None);
        state.classes.insert((school, new_name.to_lowercase()), Some(class.clone()));
        Ok(class)
    }

    fn delete_class(&self, school: &str, name: &str) -> Result<bool, Error> {
        if self.class(school, name)?.is_none() {
            return Ok(false);
        }
        self.note("DELETE classes", &format!("{school}/{name}"), None, &Attributes::new());
        let key = (school.to_lowercase(), name.to_lowercase());
        self.state().classes.insert(key, None);
        Ok(true)
    }
}
