//! The kinds of objects, and which kind an entry is.

use std::fmt;
use std::str::FromStr;

use crate::error::shortened;
use crate::{Entry, Error};

/// A UDM module: the kind of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Module {
    /// `users/user`
    User,
    /// `groups/group`
    Group,
    /// `oxmail/oxcontext`
    Context,
    /// `oxmail/accessprofile`
    AccessProfile,
    /// `oxmail/functional_account`
    FunctionalAccount,
    /// `oxresources/oxresources`
    Resource,
    /// `container/ou`; a school when the entry has `ucsschoolOrganizationalUnit`
    Ou,
}

/// What a member of a group is, as far as UDM tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemberKind {
    /// Goes to `nestedGroup`.
    Group,
    /// A computer: goes to `hosts`.
    Host,
    /// Goes to `users`, and so does what cannot be resolved.
    User,
}

impl MemberKind {
    /// Decides on the entry of a member (udm-ldap.md 3.4).
    pub fn of(entry: &Entry) -> Self {
        if entry.has_class("univentionGroup") {
            Self::Group
        } else if entry.has_class("univentionHost") {
            Self::Host
        } else {
            Self::User
        }
    }
}

impl Module {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::User,
        Self::Group,
        Self::Context,
        Self::AccessProfile,
        Self::FunctionalAccount,
        Self::Resource,
        Self::Ou,
    ];

    /// The name, as in `univentionObjectType` and `udm_object_type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "users/user",
            Self::Group => "groups/group",
            Self::Context => "oxmail/oxcontext",
            Self::AccessProfile => "oxmail/accessprofile",
            Self::FunctionalAccount => "oxmail/functional_account",
            Self::Resource => "oxresources/oxresources",
            Self::Ou => "container/ou",
        }
    }

    /// Whether OX wants objects of this kind.
    pub const fn is_for_ox(self) -> bool {
        !matches!(self, Self::Ou)
    }

    /// Whether Kelvin wants objects of this kind.
    pub const fn is_for_kelvin(self) -> bool {
        matches!(self, Self::User | Self::Group | Self::Ou)
    }

    /// The module of an entry: what `univentionObjectType` says when it is there, else what the
    /// object classes say. `None`: an entry of no interest.
    pub fn of(entry: &Entry) -> Option<Self> {
        match entry.first_text("univentionobjecttype") {
            Some(name) => name.parse().ok(),
            None => Self::ALL.into_iter().find(|module| module.fits_classes(entry)),
        }
    }

    /// The test of udm-ldap.md 1.2, for entries without `univentionObjectType`.
    fn fits_classes(self, entry: &Entry) -> bool {
        match self {
            Self::User => {
                USER_CLASSES.iter().all(|class| entry.has_class(class))
                    && !entry.has_class("univentionHost")
                    && !entry.texts("uid").any(|uid| uid.contains('$'))
                    && !entry.texts("uidnumber").any(|number| number.trim() == "0")
                    && !entry.texts("univentionobjectflag").any(|flag| flag == "functional")
            }
            Self::Group => {
                !entry.values("cn").is_empty()
                    && (entry.has_class("univentionGroup") || entry.has_class("sambaGroupMapping"))
            }
            Self::Context => entry.has_class("oxContext"),
            Self::AccessProfile => entry.has_class("oxAccessProfile"),
            Self::FunctionalAccount => entry.has_class("oxFunctionalAccount"),
            Self::Resource => entry.has_class("oxResourceObject"),
            Self::Ou => entry.has_class("organizationalUnit") && !entry.has_class("univentionBase"),
        }
    }

    /// An LDAP filter that finds every entry of this kind, and a few more when the directory does
    /// not maintain `univentionObjectType`: ask [`Module::of`] about each.
    pub const fn filter(self) -> &'static str {
        match self {
            Self::User => {
                "(|(univentionObjectType=users/user)(&(!(univentionObjectType=*))\
                 (objectClass=posixAccount)(objectClass=shadowAccount)\
                 (objectClass=sambaSamAccount)(objectClass=person)(objectClass=krb5Principal)\
                 (objectClass=krb5KDCEntry)(!(objectClass=univentionHost))))"
            }
            Self::Group => {
                "(|(univentionObjectType=groups/group)(&(!(univentionObjectType=*))(cn=*)\
                 (|(objectClass=univentionGroup)(objectClass=sambaGroupMapping))))"
            }
            Self::Context => {
                "(|(univentionObjectType=oxmail/oxcontext)\
                 (&(!(univentionObjectType=*))(objectClass=oxContext)))"
            }
            Self::AccessProfile => {
                "(|(univentionObjectType=oxmail/accessprofile)\
                 (&(!(univentionObjectType=*))(objectClass=oxAccessProfile)))"
            }
            Self::FunctionalAccount => {
                "(|(univentionObjectType=oxmail/functional_account)\
                 (&(!(univentionObjectType=*))(objectClass=oxFunctionalAccount)))"
            }
            Self::Resource => {
                "(|(univentionObjectType=oxresources/oxresources)\
                 (&(!(univentionObjectType=*))(objectClass=oxResourceObject)))"
            }
            Self::Ou => {
                "(|(univentionObjectType=container/ou)(&(!(univentionObjectType=*))\
                 (objectClass=organizationalUnit)(!(objectClass=univentionBase))))"
            }
        }
    }
}

/// Classes that together make a user, when nothing says so outright.
const USER_CLASSES: [&str; 6] =
    ["posixAccount", "shadowAccount", "sambaSamAccount", "person", "krb5Principal", "krb5KDCEntry"];

impl fmt::Display for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Module {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|module| module.as_str() == text)
            .ok_or_else(|| Error::Module { text: shortened(text) })
    }
}
