//! What routing counts: why items went to nobody, and what was odd about others.

use std::fmt;

/// Something that is counted for the administrator. The counts survive restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Neither a user nor a group.
    UnsupportedType,
    /// A user without the UDM option `default`.
    NoDefaultOption,
    /// A user that is no pupil, teacher, member of staff or legal guardian.
    NoSchoolUser,
    /// A school user without a school.
    NoSchool,
    /// A group that is no school class.
    NoClass,
    /// An item names a school that belongs to no authority. Those of its other schools were told.
    UnknownSchool,
    /// An object none of whose schools belongs to an authority.
    NotMapped,
    /// A deleted object of which nothing is known.
    UnknownDeletion,
    /// A deleted object that no authority has.
    NothingToDelete,
    /// The mapping names an authority that has no file. Others were told.
    UnknownAuthority,
    /// A user whose password hashes could not be had. It was sent without them.
    NoPasswordHashes,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::UnsupportedType,
        Self::NoDefaultOption,
        Self::NoSchoolUser,
        Self::NoSchool,
        Self::NoClass,
        Self::UnknownSchool,
        Self::NotMapped,
        Self::UnknownDeletion,
        Self::NothingToDelete,
        Self::UnknownAuthority,
        Self::NoPasswordHashes,
    ];

    /// The name under which it is counted.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnsupportedType => "unsupported_type",
            Self::NoDefaultOption => "no_default_option",
            Self::NoSchoolUser => "no_school_user",
            Self::NoSchool => "no_school",
            Self::NoClass => "no_school_class",
            Self::UnknownSchool => "school_not_mapped",
            Self::NotMapped => "no_authority",
            Self::UnknownDeletion => "unknown_object_deleted",
            Self::NothingToDelete => "nothing_to_delete",
            Self::UnknownAuthority => "unknown_authority",
            Self::NoPasswordHashes => "no_password_hashes",
        }
    }

    /// What it means, for people.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::UnsupportedType => "neither a user nor a group",
            Self::NoDefaultOption => "users without the option 'default'",
            Self::NoSchoolUser => "users that are no school users",
            Self::NoSchool => "school users without a school",
            Self::NoClass => "groups that are no school classes",
            Self::UnknownSchool => "items with a school that belongs to no authority",
            Self::NotMapped => "objects whose schools belong to no authority",
            Self::UnknownDeletion => "deleted objects of which nothing was known",
            Self::NothingToDelete => "deleted objects that no authority has",
            Self::UnknownAuthority => "copies for authorities that have no configuration",
            Self::NoPasswordHashes => "users sent without password hashes",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
