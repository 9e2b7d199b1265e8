//! The schools of a user, as one authority sees them (id-connector 3.2, 3.4).

use std::collections::{BTreeMap, BTreeSet};

use idspool_udm::{ConvertedItem, school, value};
use serde_json::{Value, json};
use tracing::warn;

use crate::halt::Halt;
use crate::site::Site;

/// The schools of a user that are this authority's and that its server has, in the spelling of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Schools {
    /// The one where the account lives.
    pub(super) primary: String,
    /// All of them, in order.
    pub(super) all: BTreeSet<String>,
}

impl Schools {
    /// Those of a user; `None`: there are none, so the user does not belong there.
    ///
    /// Schools that another authority has do not count, even if this server has one of the same name.
    pub(super) fn of(site: &Site, item: &ConvertedItem) -> Result<Option<Self>, Halt> {
        let own: Vec<&str> = value::texts(item.property("school")).collect();
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        for &name in &own {
            if site.schools.authority_of(name) != Some(&site.authority.name) {
                continue;
            }
            match site.target.school(name)? {
                Some(spelled) => drop(known.insert(name.to_lowercase(), spelled)),
                None => warn!("Ignoring unknown OU '{name}' in 'school[s]' of '{}'.", item.dn),
            }
        }
        let primary = school::primary_school(&item.dn, &own).map(str::to_lowercase);
        let primary =
            primary.and_then(|primary| known.get(&primary)).or_else(|| known.values().next());
        let Some(primary) = primary.cloned() else { return Ok(None) };
        Ok(Some(Self { primary, all: known.into_values().collect() }))
    }

    /// The classes of a user at these schools, school to names: servers refuse those of schools that a user
    /// leaves (kelvin-api 7.4).
    pub(super) fn classes(&self, site: &Site, item: &ConvertedItem) -> Value {
        let groups = value::texts(item.property("groups"));
        let mut sent: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for (school, names) in school::classes(groups, &site.settings.containers) {
            let is_same = |spelled: &&String| spelled.to_lowercase() == school.to_lowercase();
            if let Some(spelled) = self.all.iter().find(is_same) {
                sent.entry(spelled).or_default().extend(names);
            } else if site.schools.authority_of(&school) == Some(&site.authority.name) {
                let names = names.join(", ");
                warn!(
                    "Ignoring unknown OU '{school}' in 'school_classes' of '{}' ({names}).",
                    item.dn
                );
            }
        }
        json!(sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::Fake;
    use crate::user::tests::{class_dn, item, site};

    fn of(dn_school: &str, schools: Value) -> Option<Schools> {
        let fake = Fake::with_schools(&["GymNord", "b", "Zoo", "Foreign"]);
        let site = site(&fake, &["gymnord", "B", "zoo", "missing"]);
        let dn = format!("uid=anna,cn=schueler,cn=users,ou={dn_school},dc=x");
        let item = ConvertedItem { dn, ..item(json!({"school": schools})) };
        Schools::of(&site, &item).unwrap()
    }

    #[test]
    fn the_primary_school_is_that_of_the_source_if_it_is_known_else_the_first() {
        for (dn, schools, expected) in [
            ("b", json!(["b"]), Some(("b", vec!["b"]))),
            ("zoo", json!(["B", "ZOO", "gymnord"]), Some(("Zoo", vec!["GymNord", "Zoo", "b"]))),
            (
                "missing",
                json!(["zoo", "missing", "gymnord"]),
                Some(("GymNord", vec!["GymNord", "Zoo"])),
            ),
            ("foreign", json!(["foreign", "zoo"]), Some(("Zoo", vec!["Zoo"]))),
            // The DN names a school that is not among the user's: the first in order.
            ("b", json!(["zoo", "gymnord"]), Some(("GymNord", vec!["GymNord", "Zoo"]))),
            ("b", json!("zoo"), Some(("Zoo", vec!["Zoo"]))),
            ("b", json!(["missing"]), None),
            ("b", json!(["foreign"]), None),
            ("b", json!([]), None),
            ("b", json!(null), None),
        ] {
            let found = of(dn, schools.clone());
            let found = found.as_ref().map(|found| {
                (found.primary.as_str(), found.all.iter().map(String::as_str).collect::<Vec<_>>())
            });
            assert_eq!(found, expected, "{dn} {schools}");
        }
    }

    #[test]
    fn classes_are_those_of_the_schools_that_are_sent() {
        let fake = Fake::with_schools(&["GymNord", "rs-sued", "b"]);
        let site = site(&fake, &["gymnord", "rs-sued", "b"]);
        let item = item(json!({
            "school": ["gymnord", "rs-sued"],
            "groups": [
                class_dn("gymnord", "1b"), class_dn("GYMNORD", "1a"), class_dn("rs-sued", "2-c"),
                class_dn("b", "3d"), class_dn("elsewhere", "4e"),
                "cn=gymnord-choir,cn=schueler,cn=groups,ou=gymnord,dc=x", "cn=x", "no dn",
            ],
        }));
        let schools = Schools::of(&site, &item).unwrap().unwrap();
        assert_eq!(
            schools.classes(&site, &item),
            json!({"GymNord": ["1a", "1b"], "rs-sued": ["2-c"]})
        );
    }
}
