//! One school authority (id-connector 5.2).

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use idspool_service::Secret;

use super::AuthorityName;

/// The roles that users can have (id-connector 3.6), the one whose mapping is preferred first.
pub const ROLES: [&str; 5] = ["school_admin", "staff", "teacher", "legal_guardian", "student"];

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

impl Authority {
    /// Scheme, host and port of its server, in lower case: what tells servers apart. What was delivered to another
    /// one says nothing of this one.
    pub fn server(&self) -> String {
        self.url.split('/').take(3).collect::<Vec<_>>().join("/").to_lowercase()
    }
}

/// The rules for classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plugin {
    /// `kelvin`: members are those of our directory.
    Kelvin,
    /// `kelvin-partial-group-sync`: some members belong to the server.
    PartialGroupSync,
}

impl Plugin {
    /// The plugin of that name.
    pub fn of(name: &str) -> Option<Self> {
        [Self::Kelvin, Self::PartialGroupSync].into_iter().find(|plugin| plugin.name() == name)
    }

    /// Its name in the authority's file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kelvin => "kelvin",
            Self::PartialGroupSync => "kelvin-partial-group-sync",
        }
    }
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

/// How the server proves who it is, and we do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SslContext {
    /// Whether the certificate must be for the server's name.
    pub check_hostname: bool,
    /// Whether it must be signed by a CA that is trusted (`verify_mode` 0: no).
    pub verify: bool,
    /// PEM file of CA certificates, in place of `kelvin.ca_bundle`.
    pub ca_file: Option<PathBuf>,
    /// PEM files that we prove ourselves with.
    pub client: Option<ClientCertificate>,
}

/// A certificate of ours and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// PEM file of the certificate and those between it and its CA.
    pub certificate: PathBuf,
    /// PEM file of the key; may be the same.
    pub key: PathBuf,
}

impl Default for SslContext {
    fn default() -> Self {
        Self { check_hostname: true, verify: true, ca_file: None, client: None }
    }
}
