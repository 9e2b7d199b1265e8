//! The account that a client uses.

use idspool_http::Secret;

/// User name and password of a Kelvin account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Its name.
    pub username: String,
    /// Its password.
    pub password: Secret,
}

impl Credentials {
    /// Puts a name and its password together.
    pub fn new(username: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self { username: username.into(), password: password.into() }
    }
}
