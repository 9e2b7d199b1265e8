//! The members of a class of which some belong to the server (`kelvin-partial-group-sync`, id-connector 4.4).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use idspool_udm::school::Role;

/// Somebody in a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Person<'a> {
    /// Login name at the server.
    pub(super) name: &'a str,
    /// Login name in our directory; what nobody knows better is the same.
    pub(super) uid: &'a str,
}

/// Whose membership is the server's business.
#[derive(Debug, Clone)]
pub(super) struct Rules<'a> {
    /// Roles that are left to the server.
    pub(super) ignored: &'a BTreeSet<String>,
    /// Schools of the authority, in lower case.
    pub(super) handled: BTreeSet<&'a str>,
}

impl Rules<'_> {
    fn is_ignored(&self, roles: &[Role]) -> bool {
        roles.iter().any(|role| {
            role.context_type == "school"
                && self.ignored.contains(&role.role)
                && self.handled.contains(role.context.to_lowercase().as_str())
        })
    }

    /// The login names of those whose roles matter.
    pub(super) fn in_question<'a>(
        &self,
        local: &[Person<'a>],
        remote: &[Person<'a>],
    ) -> Vec<&'a str> {
        let known = if self.ignored.is_empty() { local } else { &[] };
        let known: BTreeSet<String> =
            known.iter().map(|person| person.name.to_lowercase()).collect();
        let asked = if self.ignored.is_empty() { &[] } else { local };
        let mut uids: BTreeMap<String, &str> = BTreeMap::new();
        for person in asked.iter().chain(remote) {
            if !known.contains(&person.name.to_lowercase()) {
                uids.entry(person.uid.to_lowercase()).or_insert(person.uid);
            }
        }
        uids.into_values().collect()
    }

    /// The names to send: of ours those without an ignored role; of the server's those with one, and those whom
    /// our directory does not know. `roles` has the school users among [`Rules::in_question`], by names in lower
    /// case.
    pub(super) fn merge(
        &self,
        local: &[Person<'_>],
        remote: &[Person<'_>],
        roles: &HashMap<String, Vec<Role>>,
    ) -> Vec<String> {
        let roles_of = |person: &Person<'_>| roles.get(&person.uid.to_lowercase());
        // Ours who are no school users have no role that could be ignored.
        let ours = local
            .iter()
            .filter(|person| !roles_of(person).is_some_and(|roles| self.is_ignored(roles)));
        let ours_by_name: BTreeSet<String> =
            local.iter().map(|person| person.name.to_lowercase()).collect();
        let theirs = remote.iter().filter(|person| match roles_of(person) {
            Some(roles) => self.is_ignored(roles),
            // Where nobody asked, it is a member of ours.
            None => !self.ignored.is_empty() || !ours_by_name.contains(&person.name.to_lowercase()),
        });
        let mut names: BTreeMap<String, &str> = BTreeMap::new();
        for person in ours.chain(theirs) {
            names.entry(person.name.to_lowercase()).or_insert(person.name);
        }
        names.into_values().map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people<'a>(names: &[&'a str]) -> Vec<Person<'a>> {
        names.iter().map(|name| Person { name, uid: name }).collect()
    }

    /// The school users of the directory.
    fn roles_of(asked: &[&str], source: &[(&str, &str)]) -> HashMap<String, Vec<Role>> {
        let find = |name: &&str| {
            let (_, roles) = source.iter().find(|(uid, _)| uid.eq_ignore_ascii_case(name))?;
            Some((name.to_lowercase(), roles.split(' ').filter_map(Role::parse).collect()))
        };
        asked.iter().filter_map(find).collect()
    }

    const SOURCE: [(&str, &str); 4] = [
        ("user1", "student:school:school1"),
        ("user2", "teacher:school:school1"),
        ("user3", "student:school:school1"),
        ("user4", "student:school:school2"),
    ];

    fn sent(local: &[&str], remote: &[&str], ignored: &[&str], source: &[(&str, &str)]) -> String {
        let ignored: BTreeSet<String> = ignored.iter().map(|&role| role.to_owned()).collect();
        let rules = Rules { ignored: &ignored, handled: BTreeSet::from(["school1"]) };
        let (local, remote) = (people(local), people(remote));
        let roles = roles_of(&rules.in_question(&local, &remote), source);
        rules.merge(&local, &remote, &roles).join(" ")
    }

    #[test]
    fn the_table_of_the_specification() {
        for (local, remote, ignored, expected) in [
            (
                &["user1", "user2", "user3"][..],
                &["user1", "user2", "user3"][..],
                &[][..],
                "user1 user2 user3",
            ),
            (&["user1", "user2", "user3"], &["user1", "user2"], &[], "user1 user2 user3"),
            (&["user1", "user2"], &["user1", "user2", "user3"], &[], "user1 user2"),
            (&["user1", "user2"], &["user1", "user2", "stranger"], &[], "stranger user1 user2"),
            (&["user1", "user2", "user3"], &["user2", "user3"], &["student"], "user2 user3"),
            (&[], &["user2", "user3"], &["student"], "user3"),
            (&["user2"], &["user4"], &[], "user2"),
            (&[], &["user4"], &["student"], ""),
        ] {
            assert_eq!(sent(local, remote, ignored, &SOURCE), expected, "{local:?} {remote:?}");
        }
    }

    #[test]
    fn the_example_with_requests() {
        let source = [
            ("s1", "student:school:School1"),
            ("s2", "student:school:School1"),
            ("t1", "teacher:school:School1"),
            ("t3", "teacher:school:School1"),
        ];
        let names = sent(&["s1", "t3"], &["t1", "local9", "s2"], &["teacher"], &source);
        assert_eq!(names, "local9 s1 t1");
    }

    #[test]
    fn who_is_no_school_user_is_not_ignored_and_names_compare_without_case() {
        for (local, remote, ignored, expected) in [
            // Not a school user in our directory: ours all the same.
            (&["plain", "user1"][..], &[][..], &["student"][..], "plain"),
            (&["USER2"], &["user2"], &["student"], "USER2"),
            (&["USER2"], &["user2"], &[], "USER2"),
            (&["USER1"], &["user1"], &["student"], "user1"),
            // Several roles, malformed ones, ignored ones elsewhere.
            (&["mixed", "odd"], &[], &["student"], "odd"),
        ] {
            let mut source = SOURCE.to_vec();
            source.push(("mixed", "teacher:school:school1 student:school:SCHOOL1"));
            source.push(("odd", "student student:exam:school1 student:school:school2"));
            assert_eq!(sent(local, remote, ignored, &source), expected, "{local:?} {remote:?}");
        }
    }

    #[test]
    fn with_no_ignored_role_only_those_who_are_not_ours_are_looked_up() {
        let ignored = BTreeSet::new();
        let rules = Rules { ignored: &ignored, handled: BTreeSet::new() };
        let (local, remote) = (people(&["a", "b"]), people(&["B", "c", "C"]));
        assert_eq!(rules.in_question(&local, &remote), ["c"]);
        let ignored = BTreeSet::from(["student".to_owned()]);
        let rules = Rules { ignored: &ignored, handled: BTreeSet::new() };
        assert_eq!(rules.in_question(&local, &remote), ["a", "b", "c"]);
    }

    #[test]
    fn a_user_with_another_name_at_the_server_is_looked_up_by_ours() {
        let ignored = BTreeSet::from(["student".to_owned()]);
        let rules = Rules { ignored: &ignored, handled: BTreeSet::from(["school1"]) };
        let remote = [Person { name: "u.one@x", uid: "user1" }];
        let asked = rules.in_question(&[], &remote);
        assert_eq!(asked, ["user1"]);
        assert_eq!(rules.merge(&[], &remote, &roles_of(&asked, &SOURCE)), ["u.one@x"]);
    }
}
