//! Login and password of an OX administrator.

use std::fmt;

/// A text that never shows in `Debug`, `Display`, logs or errors.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the text into custody.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that has to send it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What every call carries as `auth`: the master administrator for contexts and copies, the
/// administrator of the context for the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Login name, e.g. `oxadminmaster`.
    pub login: String,
    /// Its password.
    pub password: Secret,
}

impl Credentials {
    /// Puts a login and its password together.
    pub fn new(login: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self { login: login.into(), password: password.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_never_shows() {
        let credentials = Credentials::new("oxadmin", "s3cret");
        let shown = format!("{credentials:?} {credentials:#?} {}", credentials.password);
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(shown.contains("oxadmin"));
        assert_eq!(credentials.password.expose(), "s3cret");
    }
}
