//! One school authority (id-connector 5.2).

use std::collections::{BTreeMap, BTreeSet};

use idspool_service::Secret;

use super::AuthorityName;

/// A school authority: where its server is and what is sent there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// Its name.
    pub name: AuthorityName,
    /// Whether its queue is worked on. It is filled in any case.
    pub active: bool,
    /// `https://HOST[:PORT]/ucsschool/kelvin/v1/`, as written.
    pub url: String,
    /// Which rules hold.
    pub plugin: Plugin,
    /// The Kelvin account.
    pub username: String,
    /// Its password.
    pub password: Secret,
    /// Which property becomes which attribute.
    pub mappings: Mappings,
    /// Whether password hashes are sent (id-connector 3.7).
    pub sync_password_hashes: bool,
    /// How its certificate is checked.
    pub ssl_context: SslContext,
    /// Members with these roles belong to the server (id-connector 4.4); `kelvin-partial-group-sync` only.
    pub ignored_roles: BTreeSet<String>,
}

/// The rules for classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plugin {
    /// `kelvin`: members are those of our directory.
    Kelvin,
    /// `kelvin-partial-group-sync`: some members belong to the server.
    PartialGroupSync,
}

/// Property of our directory to attribute of the server, in alphabetical order.
pub type AttributeMapping = BTreeMap<String, String>;

/// The mappings of an authority.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mappings {
    /// For users without a mapping of their role.
    pub users: Option<AttributeMapping>,
    /// `users_student` and the like, by the role (id-connector 3.6).
    pub users_by_role: BTreeMap<String, AttributeMapping>,
    /// For classes.
    pub school_classes: Option<AttributeMapping>,
}

/// How the certificate of a server is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SslContext {
    /// Whether it must be for the server's name.
    pub check_hostname: bool,
    /// Whether it must be signed by a CA that is trusted (`verify_mode` 0: no).
    pub verify: bool,
}

impl Default for SslContext {
    fn default() -> Self {
        Self { check_hostname: true, verify: true }
    }
}
