//! The client: one server, and the calls.

mod answer;
mod builder;
mod call;
mod login;
mod pause;
mod wire;

use std::sync::Arc;

use self::answer::Next;
pub use self::builder::{ApiVersion, ClientBuilder};
use self::call::{Failure, Question, Verb};
use self::wire::Inner;
use crate::error::{Error, Refusal};
use crate::object::{Attributes, Class, Identity, User};
use crate::segment::{problem, push_encoded};

/// A client of one Kelvin server. Cheap to clone; clones share connections and token. May be used from several
/// threads at once.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
}

impl Client {
    /// Ends the calls that are under way, from another thread, and sends nothing more; for clones, too. Whether a
    /// change that was under way was made is not known.
    pub fn shutdown(&self) {
        self.inner.http.shutdown();
    }

    /// Takes a new token, also when there is one, and asks for the roles: the account exists and has rights.
    ///
    /// # Errors
    /// The request failed.
    pub fn log_in(&self) -> Result<Vec<String>, Error> {
        self.inner.new_token()?;
        self.roles()
    }

    /// Names of the roles that the server has.
    ///
    /// # Errors
    /// The request failed.
    pub fn roles(&self) -> Result<Vec<String>, Error> {
        self.names("roles/")
    }

    /// Names of the schools that the server has, in its spelling.
    ///
    /// # Errors
    /// The request failed.
    pub fn schools(&self) -> Result<Vec<String>, Error> {
        self.names("schools/")
    }

    /// Whether the server has a school of this name, asked past its caches.
    ///
    /// # Errors
    /// The request failed.
    pub fn has_school(&self, name: &str) -> Result<bool, Error> {
        let Ok(path) = self.path("schools/", &[name]) else { return Ok(false) };
        let mut question = Question::new(Verb::Head, path.clone());
        question.good = &[404, 405];
        match self.call(&question, |reply| Ok(reply.status))? {
            404 => Ok(false),
            // Servers before 1.7.0 do not offer it.
            405 => {
                let question = Question::new(Verb::Get, path);
                Ok(existing(self.call(&question, answer::object::<Attributes>))?.is_some())
            }
            _ => Ok(true),
        }
    }

    /// Users with exactly this identity.
    ///
    /// # Errors
    /// The request failed.
    pub fn users(&self, identity: &Identity) -> Result<Vec<User>, Error> {
        let mut path = self.inner.addresses.collection("users/?record_uid=");
        push_encoded(&mut path, &identity.record_uid);
        path.push_str("&source_uid=");
        push_encoded(&mut path, &identity.source_uid);
        if identity.record_uid.is_empty() || identity.source_uid.is_empty() {
            // The server would find all users without one.
            let reason = "an identity needs both record_uid and source_uid".into();
            return Err(Error::Unsendable { call: self.inner.site(Verb::Get, &path), reason });
        }
        // In the server's eyes a `*` stands for anything, and ids compare without letter case on some.
        let is_theirs = |found: &Attributes| {
            let is = |key: &str, value: &str| found.get(key).is_some_and(|found| found == value);
            is("record_uid", &identity.record_uid) && is("source_uid", &identity.source_uid)
        };
        self.list(
            path,
            |found| {
                if is_theirs(&found) { answer::user(found).map(Some) } else { Ok(None) }
            },
        )
    }

    /// All users of a school, one after the other as they come in; the function ends it with `false`. All of it has
    /// to be done within the time of a call, so the function should be quick.
    ///
    /// # Errors
    /// The request failed. Some users may have been handed over by then.
    pub fn each_user_of(
        &self,
        school: &str,
        take: &mut dyn FnMut(User) -> bool,
    ) -> Result<(), Error> {
        let mut path = self.inner.addresses.collection("users/?school=");
        push_encoded(&mut path, school);
        let question = Question::new(Verb::Get, path);
        // What was handed over is not handed over again.
        question.was_lost.set(true);
        self.call(&question, |reply| {
            answer::list(reply, &mut |found| {
                let is_next_wanted = take(answer::user(found)?);
                Ok(if is_next_wanted { Next::Drop } else { Next::End })
            })
        })
    }

    /// The user of that login name.
    ///
    /// # Errors
    /// The request failed.
    pub fn user(&self, name: &str) -> Result<Option<User>, Error> {
        let Ok(path) = self.path("users/", &[name]) else { return Ok(None) };
        let question = Question::new(Verb::Get, path);
        existing(self.call(&question, |reply| answer::user(answer::object(reply)?)))
    }

    /// Creates a user.
    ///
    /// # Errors
    /// The request failed. If the outcome is open, look the identity up before trying again.
    pub fn create_user(&self, attributes: &Attributes) -> Result<User, Error> {
        let path = self.inner.addresses.collection("users/");
        let question = Question::new(Verb::Post, path).with_body(attributes);
        self.call(&question, |reply| answer::user(answer::object(reply)?))
    }

    /// Changes the attributes that are named, and no others (PATCH).
    ///
    /// # Errors
    /// The request failed; a part of it may have been done.
    pub fn change_user(&self, name: &str, attributes: &Attributes) -> Result<User, Error> {
        let path = self.path_to_change("users/", &[name])?;
        let question = Question::new(Verb::Patch, path).with_body(attributes);
        self.call(&question, |reply| answer::user(answer::object(reply)?))
    }

    /// Deletes a user. `false`: there was none.
    ///
    /// # Errors
    /// The request failed.
    pub fn delete_user(&self, name: &str) -> Result<bool, Error> {
        self.delete("users/", &[name])
    }

    /// All classes of a school.
    ///
    /// # Errors
    /// The request failed.
    pub fn classes(&self, school: &str) -> Result<Vec<Class>, Error> {
        let mut path = self.inner.addresses.collection("classes/?school=");
        push_encoded(&mut path, school);
        self.list(path, |found| answer::class(found).map(Some))
    }

    /// The class of that name in a school, both in any spelling of letters.
    ///
    /// # Errors
    /// The request failed.
    pub fn class(&self, school: &str, name: &str) -> Result<Option<Class>, Error> {
        let Ok(path) = self.path("classes/", &[school, name]) else { return Ok(None) };
        let question = Question::new(Verb::Get, path);
        existing(self.call(&question, |reply| answer::class(answer::object(reply)?)))
    }

    /// Creates a class.
    ///
    /// # Errors
    /// The request failed.
    pub fn create_class(&self, attributes: &Attributes) -> Result<Class, Error> {
        let path = self.inner.addresses.collection("classes/");
        let question = Question::new(Verb::Post, path).with_body(attributes);
        self.call(&question, |reply| answer::class(answer::object(reply)?))
    }

    /// Changes the attributes that are named, and no others (PATCH).
    ///
    /// # Errors
    /// The request failed.
    pub fn change_class(
        &self,
        school: &str,
        name: &str,
        attributes: &Attributes,
    ) -> Result<Class, Error> {
        let path = self.path_to_change("classes/", &[school, name])?;
        let question = Question::new(Verb::Patch, path).with_body(attributes);
        self.call(&question, |reply| answer::class(answer::object(reply)?))
    }

    /// Deletes a class. `false`: there was none.
    ///
    /// # Errors
    /// The request failed.
    pub fn delete_class(&self, school: &str, name: &str) -> Result<bool, Error> {
        self.delete("classes/", &[school, name])
    }

    fn names(&self, collection: &str) -> Result<Vec<String>, Error> {
        self.list(self.inner.addresses.collection(collection), |found| {
            answer::name(&found).map(Some)
        })
    }

    /// What `keep` makes of the objects of a list.
    fn list<T>(
        &self,
        path: String,
        keep: impl Fn(Attributes) -> Result<Option<T>, Failure>,
    ) -> Result<Vec<T>, Error> {
        self.call(&Question::new(Verb::Get, path), |reply| {
            let mut kept = Vec::new();
            answer::list(reply, &mut |found| {
                let Some(object) = keep(found)? else { return Ok(Next::Drop) };
                kept.push(object);
                Ok(Next::Keep)
            })?;
            Ok(kept)
        })
    }

    fn delete(&self, collection: &str, names: &[&str]) -> Result<bool, Error> {
        let Ok(path) = self.path(collection, names) else { return Ok(false) };
        let question = Question::new(Verb::Delete, path);
        let deleted = existing(self.call(&question, answer::nothing))?;
        // That it is gone now may be the work of the try whose answer was lost.
        Ok(deleted.is_some() || question.was_lost.get())
    }

    /// The path of an object, or what keeps a name of it from standing there: no object has such a name.
    fn path(&self, collection: &str, names: &[&str]) -> Result<String, &'static str> {
        let mut path = self.inner.addresses.collection(collection);
        for (place, name) in names.iter().enumerate() {
            if let Some(problem) = problem(name) {
                return Err(problem);
            }
            if place > 0 {
                path.push('/');
            }
            push_encoded(&mut path, name);
        }
        Ok(path)
    }

    fn path_to_change(&self, collection: &str, names: &[&str]) -> Result<String, Error> {
        self.path(collection, names).map_err(|problem| {
            let path = self.inner.addresses.collection(collection) + &names.join("/");
            let call = self.inner.site(Verb::Patch, &path);
            Error::Unsendable { call, reason: problem.into() }
        })
    }
}

/// `None` for what does not exist.
fn existing<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(Error::Refused { refusal: Refusal { status: 404, .. }, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
