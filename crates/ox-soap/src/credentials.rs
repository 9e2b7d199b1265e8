//! Login and password of an OX administrator.

use idspool_http::Secret;

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
