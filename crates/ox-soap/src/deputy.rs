//! Deputy permissions: what a user lets another one do in mail and calendar.

use std::fmt;

use crate::id::OxUserId;

/// What one deputy may do, as it is granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeputyPermission {
    /// `userId`: the deputy.
    pub user: OxUserId,
    /// `sendOnBehalfOf`: whether mail may be sent in the grantor's name.
    pub send_on_behalf_of: bool,
    /// `modulePermissions`, in the order in which they are sent.
    pub modules: Vec<ModulePermission>,
}

/// A permission that exists, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantedDeputy {
    /// `deputyId`: what OX calls the permission.
    pub id: String,
    /// `grantorId`: the user who gave it, or in whose name it was given.
    pub grantor: OxUserId,
    /// What was granted.
    pub permission: DeputyPermission,
}

/// A module for which there are deputy permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeputyModule {
    /// `mail`
    Mail,
    /// `calendar`
    Calendar,
}

impl DeputyModule {
    /// The module's name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Calendar => "calendar",
        }
    }

    /// Finds a module by its name on the wire.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Mail, Self::Calendar].into_iter().find(|module| module.as_str() == name)
    }
}

impl fmt::Display for DeputyModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a deputy may do in one module. Permissions are the numbers of OX: 0 none, 2, 4, 8 in rising
/// order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModulePermission {
    /// `moduleId`
    pub module: DeputyModule,
    /// `admin`
    pub admin: bool,
    /// `folderPermission`
    pub folder: i32,
    /// `readPermission`
    pub read: i32,
    /// `writePermission`
    pub write: i32,
    /// `deletePermission`
    pub delete: i32,
}

impl ModulePermission {
    /// Whether it permits nothing. OX keeps no entry for such a module.
    #[must_use]
    pub const fn is_none(self) -> bool {
        !self.admin && self.folder == 0 && self.read == 0 && self.write == 0 && self.delete == 0
    }
}
