//! What UCS@school keeps in DNs, object classes and role strings (udm-ldap.md 4).

use std::collections::BTreeMap;
use std::fmt;

use crate::dn::{self, Dn};
use crate::{Entry, value};
use serde_json::Value;

/// What a school user is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UserKind {
    /// Teacher and member of staff in one person.
    TeacherAndStaff,
    /// The second account of a student, for an exam.
    Exam,
    /// Teacher.
    Teacher,
    /// Legal guardian.
    LegalGuardian,
    /// Member of staff.
    Staff,
    /// Student.
    Student,
    /// School administrator.
    Administrator,
}

impl UserKind {
    /// Decides on object classes or, what comes to the same, UDM options. `None`: no school user.
    pub fn of(has: impl Fn(&str) -> bool) -> Option<Self> {
        let teacher = has("ucsschoolTeacher");
        let staff = has("ucsschoolStaff");
        let student = has("ucsschoolStudent");
        // The order decides where classes contradict each other.
        [
            (teacher && staff, Self::TeacherAndStaff),
            (student && has("ucsschoolExam"), Self::Exam),
            (teacher, Self::Teacher),
            (has("ucsschoolLegalGuardian"), Self::LegalGuardian),
            (staff, Self::Staff),
            (student, Self::Student),
            (has("ucsschoolAdministrator"), Self::Administrator),
        ]
        .into_iter()
        .find_map(|(applies, kind)| applies.then_some(kind))
    }

    /// Decides on the object classes of an entry.
    pub fn of_entry(entry: &Entry) -> Option<Self> {
        Self::of(|class| entry.has_class(class))
    }

    /// Whether memberships in classes count: staff have none, even where they are members.
    pub fn has_classes(self) -> bool {
        self != Self::Staff
    }
}

/// Whether an account is one of those that are carried to school authorities (id-connector 1.3). Decides on
/// object classes or UDM options, as [`UserKind::of`]; an administrator or exam account is none by that alone.
pub fn is_school_user(has: impl Fn(&str) -> bool) -> bool {
    SCHOOL_USER_CLASSES.into_iter().any(has)
}

/// The object classes of school users, which are UDM options, too.
pub const SCHOOL_USER_CLASSES: [&str; 4] =
    ["ucsschoolStaff", "ucsschoolStudent", "ucsschoolTeacher", "ucsschoolLegalGuardian"];

/// Whether an entry of an OU is a school and not an ordinary container.
pub fn is_school(entry: &Entry) -> bool {
    entry.has_class("ucsschoolOrganizationalUnit")
}

/// `role:context_type:context`, as in `student:school:gymnord`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Role {
    /// `student`, `teacher`, `school_class`, …; `pupil` is read as `student`.
    pub role: String,
    /// `school` or `exam`; others occur.
    pub context_type: String,
    /// The school or exam, in the spelling delivered. Compares without case.
    pub context: String,
}

impl Role {
    /// Reads a role string; `None` when it does not have exactly three parts, none of them empty.
    /// Such strings are to be ignored.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let (role, context_type, context) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || [role, context_type, context].contains(&"") {
            return None;
        }
        let role = if role == "pupil" { "student" } else { role };
        Some(Self {
            role: role.to_owned(),
            context_type: context_type.to_owned(),
            context: context.to_owned(),
        })
    }

    /// The well-formed roles of a property value.
    pub fn all(property: Option<&Value>) -> impl Iterator<Item = Self> {
        value::texts(property).filter_map(Self::parse)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.role, self.context_type, self.context)
    }
}

/// Names of the containers below which classes lie; servers can be configured to have others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Containers {
    /// Container of students' groups.
    pub students: String,
    /// Container of classes, inside the former.
    pub classes: String,
}

impl Default for Containers {
    fn default() -> Self {
        Self { students: "schueler".to_owned(), classes: "klassen".to_owned() }
    }
}

/// A school class, as its group's DN tells.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class {
    /// The school as spelled in the name of the group.
    pub school: String,
    /// The name without the school, `5a`.
    pub name: String,
}

impl Class {
    /// The class whose group has this DN:
    /// `cn=SCHOOL-NAME,cn=klassen,cn=schueler,cn=groups,ou=SCHOOL,…`. `None`: the group is none.
    pub fn of_group(group: &str, containers: &Containers) -> Option<Self> {
        let dn = Dn::parse(group).ok()?;
        let [own, classes, students, groups, school, ..] = dn.rdns() else { return None };
        let is_named = |rdn: &dn::Rdn, name: &str| {
            rdn.value("cn").is_some_and(|value| dn::same_value(&value, name))
        };
        if !is_named(classes, &containers.classes)
            || !is_named(students, &containers.students)
            || !is_named(groups, "groups")
        {
            return None;
        }
        let (full, school) = (own.value("cn")?, school.value("ou")?);
        // The school may contain hyphens, so the first one is not where it ends.
        let (spelled, rest) = full.split_at_checked(school.len())?;
        let name = rest.strip_prefix('-')?;
        let fits = dn::same_value(spelled, &school) && !name.is_empty() && !full.contains(',');
        fits.then(|| Self { school: spelled.to_owned(), name: name.to_owned() })
    }
}

/// The classes among groups: school to names, in the order of the groups.
pub fn classes<'g>(
    groups: impl Iterator<Item = &'g str>,
    containers: &Containers,
) -> BTreeMap<String, Vec<String>> {
    let mut classes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for class in groups.filter_map(|group| Class::of_group(group, containers)) {
        classes.entry(class.school).or_default().push(class.name);
    }
    classes
}

/// The primary one of a user's schools: the one in the DN if it is among them, else the first in
/// alphabetical order. In the spelling of the list.
pub fn primary_school<'s>(user: &str, schools: &[&'s str]) -> Option<&'s str> {
    let dn = Dn::parse(user).ok();
    // With districts there is a second OU above the school.
    let of_dn = dn
        .iter()
        .flat_map(|dn| dn.rdns())
        .filter_map(|rdn| rdn.value("ou"))
        .find_map(|ou| schools.iter().find(|school| dn::same_value(school, &ou)));
    of_dn.or_else(|| schools.iter().min_by_key(|school| (school.to_lowercase(), **school))).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_known_by_its_dn() {
        let cases = [
            (
                "cn=gymnord-5a,cn=klassen,cn=schueler,cn=groups,ou=gymnord,dc=x",
                Some(("gymnord", "5a")),
            ),
            ("CN=GymNord-5a,cn=Klassen,cn=schueler,cn=groups,ou=gymnord", Some(("GymNord", "5a"))),
            ("cn=a-b-c-d,cn=klassen,cn=schueler,cn=groups,ou=a-b,ou=a,dc=x", Some(("a-b", "c-d"))),
            ("cn=gymnord-chor,cn=schueler,cn=groups,ou=gymnord,dc=x", None),
            ("cn=gymnord-,cn=klassen,cn=schueler,cn=groups,ou=gymnord,dc=x", None),
            ("cn=gymnord5a,cn=klassen,cn=schueler,cn=groups,ou=gymnord,dc=x", None),
            ("cn=other-5a,cn=klassen,cn=schueler,cn=groups,ou=gymnord,dc=x", None),
            ("cn=gymnord-5\\,a,cn=klassen,cn=schueler,cn=groups,ou=gymnord,dc=x", None),
            ("cn=ä-5a,cn=klassen,cn=schueler,cn=groups,ou=a,dc=x", None),
            ("no dn", None),
        ];
        for (group, expected) in cases {
            let class = Class::of_group(group, &Containers::default());
            let found = class.as_ref().map(|class| (class.school.as_str(), class.name.as_str()));
            assert_eq!(found, expected, "{group}");
        }
    }

    #[test]
    fn roles_have_three_parts() {
        let role = Role::parse("pupil:school:GymNord").unwrap();
        assert_eq!(role.to_string(), "student:school:GymNord");
        for text in ["", "student", "student:school", "student:school:x:y", "::", "a::b"] {
            assert_eq!(Role::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_primary_school_is_that_of_the_dn_if_the_user_belongs_to_it() {
        let user = "uid=a,cn=schueler,cn=users,ou=gymnord,ou=gy,dc=example";
        assert_eq!(primary_school(user, &["RSSued", "GymNord"]), Some("GymNord"));
        assert_eq!(primary_school(user, &["RSSued", "altona"]), Some("altona"));
        assert_eq!(primary_school("nonsense", &["b", "a"]), Some("a"));
        assert_eq!(primary_school(user, &[]), None);
    }

    #[test]
    fn contradictory_classes_are_decided_by_order() {
        let kind =
            |classes: &'static [&'static str]| UserKind::of(|class| classes.contains(&class));
        assert_eq!(kind(&["ucsschoolTeacher", "ucsschoolStaff"]), Some(UserKind::TeacherAndStaff));
        assert_eq!(kind(&["ucsschoolExam", "ucsschoolStudent"]), Some(UserKind::Exam));
        assert_eq!(kind(&["ucsschoolExam"]), None);
        assert_eq!(kind(&["ucsschoolStudent", "ucsschoolTeacher"]), Some(UserKind::Teacher));
        assert_eq!(kind(&["ucsschoolAdministrator"]), Some(UserKind::Administrator));
        assert!(!UserKind::Staff.has_classes());
        assert!(UserKind::TeacherAndStaff.has_classes());
    }
}
