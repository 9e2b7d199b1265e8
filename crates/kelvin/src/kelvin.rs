//! The requests that the rules make, as a trait: over HTTP, in memory for tests, recorded for the dry run.

use std::fmt;

use idspool_kelvin_client::{Attributes, Class, Error, Identity, User};

/// One Kelvin server. Schools, roles, users and members are plain names (see `idspool_kelvin_client`).
///
/// All functions fail with what the client tells; an object that is not there is `None` or `false`, never an error.
pub trait Kelvin: Send + Sync + fmt::Debug {
    /// Names of the roles that the server has.
    ///
    /// # Errors
    /// The request failed.
    fn roles(&self) -> Result<Vec<String>, Error>;

    /// Names of the schools that the server has, in its spelling.
    ///
    /// # Errors
    /// The request failed.
    fn schools(&self) -> Result<Vec<String>, Error>;

    /// Whether the server has a school of exactly this name, asked past its caches.
    ///
    /// # Errors
    /// The request failed.
    fn has_school(&self, name: &str) -> Result<bool, Error>;

    /// Users with exactly this identity.
    ///
    /// # Errors
    /// The request failed.
    fn users(&self, identity: &Identity) -> Result<Vec<User>, Error>;

    /// Login names of all users of a school, in any spelling of its letters. The server takes long for this:
    /// only in place of many single questions.
    ///
    /// # Errors
    /// The request failed.
    fn user_names(&self, school: &str) -> Result<Vec<String>, Error>;

    /// The user of that login name.
    ///
    /// # Errors
    /// The request failed.
    fn user(&self, name: &str) -> Result<Option<User>, Error>;

    /// Creates a user.
    ///
    /// # Errors
    /// The request failed. If the outcome is open, look the identity up before trying again.
    fn create_user(&self, attributes: &Attributes) -> Result<User, Error>;

    /// Changes the attributes that are named, and no others (PATCH).
    ///
    /// # Errors
    /// The request failed; a part of it may have been done.
    fn change_user(&self, name: &str, attributes: &Attributes) -> Result<User, Error>;

    /// Deletes a user. `false`: there was none.
    ///
    /// # Errors
    /// The request failed.
    fn delete_user(&self, name: &str) -> Result<bool, Error>;

    /// The class of that name in a school, both in any spelling of letters.
    ///
    /// # Errors
    /// The request failed.
    fn class(&self, school: &str, name: &str) -> Result<Option<Class>, Error>;

    /// Creates a class.
    ///
    /// # Errors
    /// The request failed.
    fn create_class(&self, attributes: &Attributes) -> Result<Class, Error>;

    /// Changes the attributes that are named, and no others (PATCH).
    ///
    /// # Errors
    /// The request failed.
    fn change_class(
        &self,
        school: &str,
        name: &str,
        attributes: &Attributes,
    ) -> Result<Class, Error>;

    /// Deletes a class. `false`: there was none.
    ///
    /// # Errors
    /// The request failed.
    fn delete_class(&self, school: &str, name: &str) -> Result<bool, Error>;
}
