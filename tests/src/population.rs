//! A made-up population: any number of OX users, alike in size to real ones, with entryUUIDs known beforehand.

use std::fmt::Write as _;

use crate::slapd::BASE_DN;

/// Users `user000000`, `user000001`, … below `cn=users`, spread over groups of a hundred.
///
/// Each user has 54 attributes, operational ones not counted. Load it with slapadd next to the sample (whose access
/// profiles, contexts and primary group it refers to).
#[derive(Debug, Clone, Copy)]
pub struct Population {
    /// Number of users.
    pub users: u32,
}

impl Population {
    /// Name of user number `index`.
    pub fn uid(&self, index: u32) -> String {
        format!("user{index:06}")
    }

    /// DN of user number `index`.
    pub fn dn(&self, index: u32) -> String {
        format!("uid={},cn=users,{BASE_DN}", self.uid(index))
    }

    /// entryUUID of user number `index`.
    pub fn entry_uuid(&self, index: u32) -> String {
        format!("00000000-1111-4222-8333-{index:012x}")
    }

    /// DN of the group that user number `index` is in.
    pub fn group_dn(&self, index: u32) -> String {
        format!("cn=population-{},cn=groups,{BASE_DN}", index / 100)
    }

    /// The entries as LDIF, groups last; `memberOf` included, since slapadd leaves the overlay out.
    pub fn ldif(&self) -> String {
        let mut text = String::new();
        for index in 0..self.users {
            self.user(&mut text, index);
        }
        for group in 0..self.users.div_ceil(100) {
            let first = group * 100;
            let _ = write!(
                text,
                "\ndn: {}\nobjectClass: top\nobjectClass: univentionGroup\nobjectClass: posixGroup\n\
                 objectClass: sambaGroupMapping\nobjectClass: univentionObject\nobjectClass: oxGroup\n\
                 univentionObjectType: groups/group\ncn: population-{group}\ngidNumber: {}\n\
                 sambaSID: S-1-5-21-1004336348-1177238915-682003330-{}\nsambaGroupType: 2\nisOxGroup: OK\n",
                self.group_dn(first),
                30_000 + group,
                900_000 + group
            );
            for index in first..(first + 100).min(self.users) {
                let _ = writeln!(
                    text,
                    "uniqueMember: {}\nmemberUid: {}",
                    self.dn(index),
                    self.uid(index)
                );
            }
        }
        text
    }

    fn user(&self, text: &mut String, index: u32) {
        let uid = self.uid(index);
        let _ = write!(
            text,
            "\ndn: {dn}\nobjectClass: top\nobjectClass: person\nobjectClass: organizationalPerson\n\
             objectClass: inetOrgPerson\nobjectClass: posixAccount\nobjectClass: shadowAccount\n\
             objectClass: sambaSamAccount\nobjectClass: krb5Principal\nobjectClass: krb5KDCEntry\n\
             objectClass: univentionMail\nobjectClass: univentionPWHistory\nobjectClass: univentionPerson\n\
             objectClass: univentionObject\nobjectClass: oxUserObject\nuniventionObjectType: users/user\n\
             entryUUID: {uuid}\nmemberOf: {group}\n\
             uid: {uid}\ncn: Given{index} Family{index}\ngivenName: Given{index}\nsn: Family{index}\n\
             displayName: Given{index} Family{index}\nuidNumber: {number}\ngidNumber: 5001\n\
             homeDirectory: /home/{uid}\nloginShell: /bin/bash\ngecos: Given{index} Family{index}\n\
             userPassword: {{crypt}}$6$saltsalt$de7380a14d7df6ad9abace79ab61c63b28c27cd11eee0e917ce54efb4e0cb143\n\
             shadowLastChange: 19700\nsambaSID: S-1-5-21-1004336348-1177238915-682003330-{number}\n\
             sambaPrimaryGroupSID: S-1-5-21-1004336348-1177238915-682003330-11003\n\
             sambaAcctFlags: [U          ]\nsambaNTPassword: 66F368F7AE76DA9936983A95F0314502\n\
             sambaPwdLastSet: 1700002108\nsambaBadPasswordCount: 0\nsambaBadPasswordTime: 0\n\
             krb5PrincipalName: {uid}@EXAMPLE.ORG\nkrb5KeyVersionNumber: 1\nkrb5KDCFlags: 126\n\
             krb5MaxLife: 86400\nkrb5MaxRenew: 604800\ntitle: Dr.\ninitials: GF\n\
             description: user number {index} of a made-up population\no: Beispiel GmbH\n\
             mailPrimaryAddress: {uid}@example.org\nmailAlternativeAddress: given{index}.family{index}@example.org\n\
             univentionMailHomeServer: dc1.example.org\npreferredLanguage: de\nstreet: Am Wall {index}\n\
             mail: {uid}@example.org\npostalCode: 28195\npostOfficeBox: 1234\nl: Bremen\nc: DE\nst: Bremen\n\
             telephoneNumber: +49 421 {index}\ntelephoneNumber: +49 421 9{index}\nroomNumber: 101\n\
             employeeNumber: E-{index}\nemployeeType: angestellt\ndepartmentNumber: V1\nmobile: +49 170 {index}\n\
             pager: +49 171 {index}\nhomePhone: +49 422 {index}\nphysicalDeliveryOfficeName: Post 1\n\
             univentionBirthday: 1975-12-21\nisOxUser: OK\noxContextIDNum: 10\noxAccess: premium\n\
             oxDisplayName: Given{index} Family{index}\noxLanguage: de_DE\noxTimeZone: Europe/Berlin\n\
             oxUserQuota: -1\n",
            dn = self.dn(index),
            uuid = self.entry_uuid(index),
            group = self.group_dn(index),
            number = 100_000 + index,
        );
    }
}
