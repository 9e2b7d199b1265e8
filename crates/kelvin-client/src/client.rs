//! The client: one server, its connections, and the calls.

mod builder;

use std::sync::Arc;

pub use self::builder::{ApiVersion, ClientBuilder};
use crate::error::Error;
use crate::object::{Attributes, Class, Identity, User};

/// A client of one Kelvin server. Cheap to clone; clones share connections and token. May be used from several
/// threads at once.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {}

impl Client {
    /// Takes a new token, also when there is one, and asks for the roles: the account exists and has rights.
    ///
    /// # Errors
    /// The request failed.
    pub fn log_in(&self) -> Result<Vec<String>, Error> {
        self.later()
    }

    /// Names of the roles that the server has.
    ///
    /// # Errors
    /// The request failed.
    pub fn roles(&self) -> Result<Vec<String>, Error> {
        self.later()
    }

    /// Names of the schools that the server has, in its spelling.
    ///
    /// # Errors
    /// The request failed.
    pub fn schools(&self) -> Result<Vec<String>, Error> {
        self.later()
    }

    /// Whether the server has a school of this name, asked past its caches.
    ///
    /// # Errors
    /// The request failed.
    pub fn has_school(&self, _name: &str) -> Result<bool, Error> {
        self.later()
    }

    /// Users with exactly this identity.
    ///
    /// # Errors
    /// The request failed.
    pub fn users(&self, _identity: &Identity) -> Result<Vec<User>, Error> {
        self.later()
    }

    /// All users of a school, one after the other as they come in; the function ends it with `false`.
    ///
    /// # Errors
    /// The request failed. Some users may have been handed over by then.
    pub fn each_user_of(
        &self,
        _school: &str,
        _take: &mut dyn FnMut(User) -> bool,
    ) -> Result<(), Error> {
        self.later()
    }

    /// The user of that login name.
    ///
    /// # Errors
    /// The request failed.
    pub fn user(&self, _name: &str) -> Result<Option<User>, Error> {
        self.later()
    }

    /// Creates a user.
    ///
    /// # Errors
    /// The request failed. If the outcome is open, look the identity up before trying again.
    pub fn create_user(&self, _attributes: &Attributes) -> Result<User, Error> {
        self.later()
    }

    /// Changes the attributes that are named, and no others (PATCH).
    ///
    /// # Errors
    /// The request failed; a part of it may have been done.
    pub fn change_user(&self, _name: &str, _attributes: &Attributes) -> Result<User, Error> {
        self.later()
    }

    /// Deletes a user. `false`: there was none.
    ///
    /// # Errors
    /// The request failed.
    pub fn delete_user(&self, _name: &str) -> Result<bool, Error> {
        self.later()
    }

    /// All classes of a school.
    ///
    /// # Errors
    /// The request failed.
    pub fn classes(&self, _school: &str) -> Result<Vec<Class>, Error> {
        self.later()
    }

    /// The class of that name in a school, both in any spelling of letters.
    ///
    /// # Errors
    /// The request failed.
    pub fn class(&self, _school: &str, _name: &str) -> Result<Option<Class>, Error> {
        self.later()
    }

    /// Creates a class.
    ///
    /// # Errors
    /// The request failed.
    pub fn create_class(&self, _attributes: &Attributes) -> Result<Class, Error> {
        self.later()
    }

    /// Changes the attributes that are named, and no others (PATCH).
    ///
    /// # Errors
    /// The request failed.
    pub fn change_class(
        &self,
        _school: &str,
        _name: &str,
        _attributes: &Attributes,
    ) -> Result<Class, Error> {
        self.later()
    }

    /// Deletes a class. `false`: there was none.
    ///
    /// # Errors
    /// The request failed.
    pub fn delete_class(&self, _school: &str, _name: &str) -> Result<bool, Error> {
        self.later()
    }

    fn later<T>(&self) -> Result<T, Error> {
        Err(Error::Settings(format!("{:?} cannot speak yet", self.inner)))
    }
}
