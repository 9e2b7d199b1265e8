//! Users.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::BASE;

/// Role of a user; a user has one, or `staff` and `teacher`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// `legal_guardian`
    LegalGuardian,
    /// `school_admin`
    SchoolAdmin,
    /// `staff`
    Staff,
    /// `student`
    Student,
    /// `teacher`
    Teacher,
}

impl Role {
    /// In the order in which the server lists them.
    pub(crate) const ALL: [Self; 5] =
        [Self::Staff, Self::Student, Self::Teacher, Self::LegalGuardian, Self::SchoolAdmin];

    /// Name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LegalGuardian => "legal_guardian",
            Self::SchoolAdmin => "school_admin",
            Self::Staff => "staff",
            Self::Student => "student",
            Self::Teacher => "teacher",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// Whether one user may have these roles (kelvin-api 5).
    pub(crate) fn are_allowed(roles: &BTreeSet<Self>) -> bool {
        roles.len() == 1 || *roles == BTreeSet::from([Self::Staff, Self::Teacher])
    }
}

/// Password hashes as they were sent (kelvin-api 8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hashes {
    /// Values of `userPassword`.
    pub user_password: Vec<String>,
    /// `sambaNTPassword`.
    pub samba_nt_password: String,
    /// Values of `krb5Key` in Base64.
    pub krb_5_key: Vec<String>,
    /// `krb5KeyVersionNumber`.
    pub krb5_key_version_number: i64,
    /// `sambaPwdLastSet`, in seconds since 1970.
    pub samba_pwd_last_set: i64,
}

/// A user.
#[derive(Clone, Debug)]
pub struct User {
    pub(in crate::kelvin) id: u64,
    /// Login name.
    pub name: String,
    /// First name.
    pub firstname: String,
    /// Last name.
    pub lastname: String,
    /// School in which the object lies.
    pub school: String,
    /// All schools.
    pub schools: BTreeSet<String>,
    /// Roles.
    pub roles: BTreeSet<Role>,
    /// Identity within the source.
    pub record_uid: String,
    /// Name of the source.
    pub source_uid: String,
    /// Mail address.
    pub email: Option<String>,
    /// `YYYY-MM-DD`
    pub birthday: Option<String>,
    /// `YYYY-MM-DD`
    pub expiration_date: Option<String>,
    /// Whether the user cannot log in.
    pub disabled: bool,
    /// Entries of `ucsschool_roles` whose context is no school.
    pub more_roles: BTreeSet<String>,
    /// Directory properties that are set.
    pub properties: BTreeMap<String, Value>,
    /// Characters of the password that was sent last; `None`: a random one, or hashes.
    pub password_length: Option<usize>,
    /// Password hashes that were sent last.
    pub hashes: Option<Hashes>,
    /// How often the directory refused hashes, which no answer tells.
    pub refused_hashes: u32,
    pub(in crate::kelvin) groups: BTreeSet<u64>,
    pub(in crate::kelvin) guardians: BTreeSet<u64>,
    pub(in crate::kelvin) wards: BTreeSet<u64>,
}

impl User {
    /// A user with nothing but an id.
    pub(in crate::kelvin) fn new(id: u64) -> Self {
        Self {
            id,
            name: String::new(),
            firstname: String::new(),
            lastname: String::new(),
            school: String::new(),
            schools: BTreeSet::new(),
            roles: BTreeSet::new(),
            record_uid: String::new(),
            source_uid: String::new(),
            email: None,
            birthday: None,
            expiration_date: None,
            disabled: false,
            more_roles: BTreeSet::new(),
            properties: BTreeMap::new(),
            password_length: None,
            hashes: None,
            refused_hashes: 0,
            groups: BTreeSet::new(),
            guardians: BTreeSet::new(),
            wards: BTreeSet::new(),
        }
    }

    /// Address in the directory; it depends on name, school and roles.
    #[must_use]
    pub fn dn(&self) -> String {
        let has = |role| self.roles.contains(&role);
        let container = match (has(Role::Student), has(Role::Teacher), has(Role::Staff)) {
            (true, ..) => "schueler",
            (_, true, true) => "lehrer und mitarbeiter",
            (_, true, _) => "lehrer",
            (_, _, true) => "mitarbeiter",
            _ if has(Role::LegalGuardian) => "sorgeberechtigte",
            _ => "admins",
        };
        format!("uid={},cn={container},cn=users,ou={},{BASE}", self.name, self.school)
    }

    /// `role:school:NAME` for each role and school, and the others.
    #[must_use]
    pub fn ucsschool_roles(&self) -> Vec<String> {
        let of_schools = self.schools.iter().flat_map(|school| {
            self.roles.iter().map(move |role| format!("{}:school:{school}", role.as_str()))
        });
        of_schools.chain(self.more_roles.iter().cloned()).collect()
    }
}
