//! Schools, their users and classes, as UCS@school keeps them in LDAP.

use std::fmt::Write as _;

use crate::slapd::BASE_DN;

/// What a user is at all of its schools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchoolKind {
    /// Student.
    Student,
    /// Teacher.
    Teacher,
    /// Member of staff.
    Staff,
    /// Legal guardian of students.
    Guardian,
}

impl SchoolKind {
    fn container(self) -> &'static str {
        match self {
            Self::Student => "schueler",
            Self::Teacher => "lehrer",
            Self::Staff => "mitarbeiter",
            Self::Guardian => "sorgeberechtigte",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Student => "ucsschoolStudent",
            Self::Teacher => "ucsschoolTeacher",
            Self::Staff => "ucsschoolStaff",
            Self::Guardian => "ucsschoolLegalGuardian",
        }
    }

    fn role(self) -> &'static str {
        match self {
            Self::Student => "student",
            Self::Teacher => "teacher",
            Self::Staff => "staff",
            Self::Guardian => "legal_guardian",
        }
    }
}

/// A user of schools. Record UID, mail address and hashes follow from its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchoolUser {
    /// Login name.
    pub uid: String,
    /// What it is.
    pub kind: SchoolKind,
    /// Its schools; the first one is in its DN.
    pub schools: Vec<String>,
}

impl SchoolUser {
    /// A user; the first school is the primary one.
    pub fn new(uid: &str, kind: SchoolKind, schools: &[&str]) -> Self {
        let schools = schools.iter().map(|&school| school.to_owned()).collect();
        Self { uid: uid.to_owned(), kind, schools }
    }

    /// Where users of this kind are in a school.
    pub fn container(kind: SchoolKind, school: &str) -> String {
        format!("cn={},cn=users,ou={school},{BASE_DN}", kind.container())
    }

    /// Its DN.
    pub fn dn(&self) -> String {
        let school = self.schools.first().map_or("", String::as_str);
        format!("uid={},{}", self.uid, Self::container(self.kind, school))
    }

    /// Its roles at these schools, as `ucsschoolRole` has them.
    pub fn roles(kind: SchoolKind, schools: &[&str]) -> Vec<String> {
        schools.iter().map(|school| format!("{}:school:{school}", kind.role())).collect()
    }

    /// The attributes that hold a password, for a password that is made of `seed`.
    pub fn hashes(seed: &str) -> [(&'static str, String); 5] {
        let number = seed.bytes().fold(7_u64, |sum, byte| sum * 31 % 1_000_003 + u64::from(byte));
        [
            ("userPassword", format!("{{crypt}}$6$saltsalt${number:064x}")),
            ("sambaNTPassword", format!("{number:032X}")),
            // In base64, as LDIF wants what may be binary.
            (
                "krb5Key:",
                format!("AQID{}", char::from(b'A' + (number % 26) as u8).to_string().repeat(8)),
            ),
            ("krb5KeyVersionNumber", (number % 7 + 1).to_string()),
            ("sambaPwdLastSet", (1_700_000_000 + number).to_string()),
        ]
    }

    /// Its entry.
    pub fn ldif(&self) -> String {
        let Self { uid, kind, schools } = self;
        let number =
            100_000 + uid.bytes().fold(7_u32, |sum, byte| sum * 31 % 90_001 + u32::from(byte));
        let mut text = format!(
            "\ndn: {dn}\nobjectClass: top\nobjectClass: person\nobjectClass: organizationalPerson\n\
             objectClass: inetOrgPerson\nobjectClass: posixAccount\nobjectClass: shadowAccount\n\
             objectClass: sambaSamAccount\nobjectClass: krb5Principal\nobjectClass: krb5KDCEntry\n\
             objectClass: univentionMail\nobjectClass: univentionPWHistory\nobjectClass: univentionPerson\n\
             objectClass: univentionObject\nobjectClass: {class}\nuniventionObjectType: users/user\n\
             uid: {uid}\ncn: First {uid}\ngivenName: First\nsn: {uid}\ndisplayName: First {uid}\n\
             uidNumber: {number}\ngidNumber: 5001\nhomeDirectory: /home/{uid}\nloginShell: /bin/bash\n\
             shadowLastChange: 19700\nsambaSID: S-1-5-21-1004336348-1177238915-682003330-{number}\n\
             sambaPrimaryGroupSID: S-1-5-21-1004336348-1177238915-682003330-11003\n\
             sambaAcctFlags: [U          ]\nkrb5PrincipalName: {uid}@EXAMPLE.ORG\nkrb5KDCFlags: 126\n\
             krb5MaxLife: 86400\nkrb5MaxRenew: 604800\nuniventionBirthday: 2011-05-30\n\
             mailPrimaryAddress: {uid}@example.org\nucsschoolRecordUID: rec-{uid}\nucsschoolSourceUID: sis\n",
            dn = self.dn(),
            class = kind.class(),
        );
        for (attribute, value) in Self::hashes(uid) {
            let _ = writeln!(text, "{attribute}: {value}");
        }
        let names: Vec<&str> = schools.iter().map(String::as_str).collect();
        for school in schools {
            let _ = writeln!(text, "ucsschoolSchool: {school}");
        }
        for role in Self::roles(*kind, &names) {
            let _ = writeln!(text, "ucsschoolRole: {role}");
        }
        text
    }
}

/// The entries of a school without users.
pub fn school_ldif(school: &str) -> String {
    let base = format!("ou={school},{BASE_DN}");
    let mut text = format!(
        "\ndn: {base}\nobjectClass: top\nobjectClass: organizationalUnit\nobjectClass: univentionObject\n\
         objectClass: ucsschoolOrganizationalUnit\nuniventionObjectType: container/ou\nou: {school}\n\
         displayName: School {school}\nucsschoolRole: school:school:{school}\n"
    );
    let users = ["schueler", "lehrer", "mitarbeiter", "sorgeberechtigte"];
    let containers = ["cn=users".to_owned()]
        .into_iter()
        .chain(users.map(|name| format!("cn={name},cn=users")))
        .chain(
            ["cn=groups", "cn=schueler,cn=groups", "cn=klassen,cn=schueler,cn=groups"]
                .map(str::to_owned),
        );
    for container in containers {
        let name = container.split(',').next().unwrap_or_default().trim_start_matches("cn=");
        let _ = write!(
            text,
            "\ndn: {container},{base}\nobjectClass: top\nobjectClass: organizationalRole\n\
             objectClass: univentionObject\ncn: {name}\nuniventionObjectType: container/cn\n"
        );
    }
    text
}

/// DN of the group of a class.
pub fn class_dn(school: &str, name: &str) -> String {
    format!("cn={school}-{name},cn=klassen,cn=schueler,cn=groups,ou={school},{BASE_DN}")
}

/// The entry of a class with these members.
pub fn class_ldif(school: &str, name: &str, members: &[&SchoolUser]) -> String {
    let number = format!("{school}-{name}")
        .bytes()
        .fold(7_u32, |sum, byte| sum * 31 % 90_001 + u32::from(byte));
    let mut text = format!(
        "\ndn: {dn}\nobjectClass: top\nobjectClass: univentionGroup\nobjectClass: posixGroup\n\
         objectClass: sambaGroupMapping\nobjectClass: univentionObject\nobjectClass: ucsschoolGroup\n\
         univentionObjectType: groups/group\ncn: {school}-{name}\ngidNumber: {gid}\n\
         description: Class {name}\nsambaSID: S-1-5-21-1004336348-1177238915-682003330-{gid}\n\
         sambaGroupType: 2\nucsschoolRole: school_class:school:{school}\n",
        dn = class_dn(school, name),
        gid = 300_000 + number,
    );
    for member in members {
        let _ = writeln!(text, "uniqueMember: {}\nmemberUid: {}", member.dn(), member.uid);
    }
    text
}
