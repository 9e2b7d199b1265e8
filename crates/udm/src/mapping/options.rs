//! UDM options: names for sets of object classes (udm-ldap.md 1.3).

use crate::{Entry, Module};

/// An option and the classes that an entry must have, all of them.
type Rule = (&'static str, &'static [&'static str]);

const USER: &[Rule] = &[
    (
        "default",
        &[
            "top",
            "person",
            "univentionPWHistory",
            "posixAccount",
            "shadowAccount",
            "sambaSamAccount",
            "krb5Principal",
            "krb5KDCEntry",
            "univentionMail",
            "organizationalPerson",
            "inetOrgPerson",
        ],
    ),
    ("pki", &["pkiUser"]),
    ("ucsschoolStudent", &["ucsschoolStudent"]),
    ("ucsschoolTeacher", &["ucsschoolTeacher"]),
    ("ucsschoolStaff", &["ucsschoolStaff"]),
    ("ucsschoolAdministrator", &["ucsschoolAdministrator"]),
    ("ucsschoolLegalGuardian", &["ucsschoolLegalGuardian"]),
    ("ucsschoolExam", &["ucsschoolExam"]),
];

const GROUP: &[Rule] = &[
    ("default", &["top", "univentionGroup"]),
    ("posix", &["posixGroup"]),
    ("samba", &["sambaGroupMapping"]),
    ("ucsschoolAdministratorGroup", &["ucsschoolAdministratorGroup"]),
    ("ucsschoolImportGroup", &["ucsschoolImportGroup"]),
];

const OU: &[Rule] = &[
    ("default", &["top", "organizationalUnit"]),
    ("UCSschool-School-OU", &["ucsschoolOrganizationalUnit"]),
];

/// The options of an entry.
pub(super) fn of(module: Module, entry: &Entry) -> Vec<String> {
    let table: &[Rule] = match module {
        Module::User => USER,
        Module::Group => GROUP,
        Module::Context => &[("default", &["top", "oxContext"])],
        Module::AccessProfile => &[("default", &["top", "oxAccessProfile"])],
        Module::FunctionalAccount => &[("default", &["top", "oxFunctionalAccount"])],
        Module::Resource => &[("default", &["top", "oxResourceObject"])],
        Module::Ou => OU,
    };
    let classes: Vec<&str> = entry.texts("objectclass").collect();
    let has = |class: &&str| classes.iter().any(|listed| listed.eq_ignore_ascii_case(class));
    let active = table.iter().filter(|(_, needed)| needed.iter().all(has));
    active.map(|&(name, _)| name.to_owned()).collect()
}
