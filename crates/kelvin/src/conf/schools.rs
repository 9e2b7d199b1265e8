//! Which school belongs to which authority (id-connector 5.5).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::AuthorityName;

/// School to authority. Names of schools compare without letter case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SchoolMapping {
    by_school: BTreeMap<String, AuthorityName>,
}

impl SchoolMapping {
    /// The mapping with these pairs; of two that differ in letter case only, the last counts.
    pub fn new(pairs: impl IntoIterator<Item = (String, AuthorityName)>) -> Self {
        let by_school =
            pairs.into_iter().map(|(school, name)| (school.to_lowercase(), name)).collect();
        Self { by_school }
    }

    /// Reads `{"mapping": {"SCHOOL": "AUTHORITY", …}}`, and tells what is odd in it. A number counts as the text that
    /// it is written with; of two schools that differ in letter case only, the last counts.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub(super) fn read(document: &Map<String, Value>) -> Result<(Self, Vec<String>), String> {
        let mapping = document
            .get("mapping")
            .and_then(Value::as_object)
            .ok_or("it must have the form {\"mapping\": {\"SCHOOL\": \"AUTHORITY\", ...}}")?;
        let mut by_school = BTreeMap::new();
        let mut warnings = Vec::new();
        for (school, authority) in mapping {
            let shown: String = school.chars().take(80).collect();
            let shown = idspool_service::one_line(&shown);
            let name = match authority {
                Value::String(name) => name.parse(),
                Value::Number(number) => number.to_string().parse(),
                _ => {
                    let expected = "the name of a school authority is expected";
                    return Err(format!("mapping.{shown}: {expected}"));
                }
            };
            let name: AuthorityName = name.map_err(|error| format!("mapping.{shown}: {error}"))?;
            let earlier = by_school.insert(school.to_lowercase(), name.clone());
            if earlier.is_some_and(|earlier| earlier != name) {
                warnings.push(format!(
                    "school '{shown}' is there twice, in different letter case: '{name}' counts"
                ));
            }
        }
        Ok((Self { by_school }, warnings))
    }

    /// The authority of a school.
    pub fn authority_of(&self, school: &str) -> Option<&AuthorityName> {
        self.by_school.get(&school.to_lowercase())
    }

    /// The schools of an authority, in lower case.
    pub fn schools_of(&self, authority: &AuthorityName) -> BTreeSet<&str> {
        let theirs = self.by_school.iter().filter(|(_, name)| *name == authority);
        theirs.map(|(school, _)| school.as_str()).collect()
    }

    /// Whether no school belongs to anybody. Then nothing follows from a school that is not in it: the file may be
    /// gone, or not written yet.
    pub fn is_empty(&self) -> bool {
        self.by_school.is_empty()
    }

    /// All pairs, schools in lower case.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &AuthorityName)> {
        self.by_school.iter().map(|(school, name)| (school.as_str(), name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schools_compare_without_letter_case() {
        let (a, b): (AuthorityName, AuthorityName) = ("a".parse().unwrap(), "b".parse().unwrap());
        let pairs = [("GymNord", &a), ("RSSued", &b), ("gymnord", &b)];
        let mapping =
            SchoolMapping::new(pairs.map(|(school, name)| (school.to_owned(), name.clone())));
        assert_eq!(mapping.authority_of("GYMNORD"), Some(&b));
        assert_eq!(mapping.schools_of(&b), BTreeSet::from(["gymnord", "rssued"]));
        assert_eq!(mapping.authority_of("other"), None);
    }
}
