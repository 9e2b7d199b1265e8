//! Classes and workgroups.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::BASE;

/// What a group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupKind {
    /// School class.
    Class,
    /// Workgroup.
    Workgroup,
}

impl GroupKind {
    /// Name in `ucsschool_roles`.
    #[must_use]
    pub fn role(self) -> &'static str {
        match self {
            Self::Class => "school_class",
            Self::Workgroup => "workgroup",
        }
    }
}

/// A class or workgroup.
#[derive(Clone, Debug)]
pub struct Group {
    pub(in crate::kelvin) id: u64,
    /// Class or workgroup.
    pub kind: GroupKind,
    /// Its school.
    pub school: String,
    /// Name without the school.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Entries of `ucsschool_roles` whose context is no school.
    pub more_roles: BTreeSet<String>,
    /// Directory properties that are set.
    pub properties: BTreeMap<String, Value>,
    /// Mail address of a workgroup.
    pub email: Option<String>,
    /// Who may write to it.
    pub email_senders_users: Vec<String>,
    /// Who may write to it.
    pub email_senders_groups: Vec<String>,
    pub(super) members: BTreeSet<u64>,
}

impl Group {
    /// A group with nothing but its place.
    pub(in crate::kelvin) fn new(id: u64, kind: GroupKind, school: &str, name: &str) -> Self {
        Self {
            id,
            kind,
            school: school.to_owned(),
            name: name.to_owned(),
            description: None,
            more_roles: BTreeSet::new(),
            properties: BTreeMap::new(),
            email: None,
            email_senders_users: Vec::new(),
            email_senders_groups: Vec::new(),
            members: BTreeSet::new(),
        }
    }

    pub(super) fn key(&self) -> (GroupKind, String, String) {
        (self.kind, self.school.to_lowercase(), self.name.to_lowercase())
    }

    /// Address in the directory.
    #[must_use]
    pub fn dn(&self) -> String {
        let container = match self.kind {
            GroupKind::Class => "cn=klassen,cn=schueler",
            GroupKind::Workgroup => "cn=schueler",
        };
        let (school, name) = (&self.school, &self.name);
        format!("cn={school}-{name},{container},cn=groups,ou={school},{BASE}")
    }

    /// The group's own role, and the others.
    #[must_use]
    pub fn ucsschool_roles(&self) -> Vec<String> {
        let own = format!("{}:school:{}", self.kind.role(), self.school);
        std::iter::once(own).chain(self.more_roles.iter().cloned()).collect()
    }
}
