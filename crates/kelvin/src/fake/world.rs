//! What the server has.

use std::collections::{BTreeMap, BTreeSet};

use idspool_kelvin_client::{Attributes, User};
use serde_json::{Map, Value, json};

/// The objects of the server.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) schools: Vec<String>,
    pub(crate) roles: Vec<String>,
    /// By name in lower case.
    pub(crate) accounts: BTreeMap<String, Account>,
    /// By school and name in lower case.
    pub(super) classes: BTreeMap<(String, String), ClassEntry>,
    /// Student and guardian, by names in lower case.
    pub(super) relations: BTreeSet<(String, String)>,
    /// Configured UDM properties of users; whether each is a list.
    pub(crate) user_properties: BTreeMap<String, bool>,
}

/// A user.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Account {
    /// What is kept as it was sent: no classes, no relations, no secrets.
    pub(crate) plain: Attributes,
    /// The password last sent.
    pub(crate) password: Option<String>,
    /// The hashes last sent.
    pub(crate) hashes: Option<Value>,
}

/// A class.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ClassEntry {
    pub(super) school: String,
    pub(super) name: String,
    pub(super) description: Value,
    /// Names in lower case.
    pub(super) users: BTreeSet<String>,
}

impl Default for World {
    fn default() -> Self {
        let roles = ["staff", "student", "teacher", "legal_guardian", "school_admin"];
        let properties =
            [("title", false), ("displayName", false), ("phone", true), ("e-mail", true)];
        Self {
            schools: Vec::new(),
            roles: roles.map(str::to_owned).to_vec(),
            accounts: BTreeMap::new(),
            classes: BTreeMap::new(),
            relations: BTreeSet::new(),
            user_properties: properties
                .into_iter()
                .map(|(name, is_list)| (name.to_owned(), is_list))
                .collect(),
        }
    }
}

impl Account {
    pub(crate) fn text(&self, attribute: &str) -> &str {
        self.plain.get(attribute).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn texts(&self, attribute: &str) -> Vec<String> {
        texts(self.plain.get(attribute))
    }
}

impl World {
    /// A user as the server shows it.
    pub(super) fn user(&self, name: &str) -> Option<User> {
        let key = name.to_lowercase();
        let account = self.accounts.get(&key)?;
        let mut attributes = account.plain.clone();
        let schools = account.texts("schools");
        let mut classes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for class in self.classes.values().filter(|class| class.users.contains(&key)) {
            if schools.contains(&class.school) {
                classes.entry(&class.school).or_default().insert(&class.name);
            }
        }
        attributes.insert("school_classes".into(), json!(classes));
        let names = |pick: fn(&(String, String)) -> (&String, &String)| -> BTreeSet<String> {
            let relations = self.relations.iter().map(pick).filter(|(own, _)| **own == key);
            let names = relations.filter_map(|(_, other)| self.accounts.get(other));
            names.map(|other| other.text("name").to_owned()).collect()
        };
        attributes
            .insert("legal_guardians".into(), json!(names(|(student, other)| (student, other))));
        attributes
            .insert("legal_wards".into(), json!(names(|(other, guardian)| (guardian, other))));
        let mut properties = Map::new();
        let kept = account.plain.get("udm_properties").and_then(Value::as_object);
        for (property, is_list) in &self.user_properties {
            let unset = if *is_list { json!([]) } else { Value::Null };
            let value = kept.and_then(|kept| kept.get(property)).cloned();
            properties.insert(property.clone(), value.unwrap_or(unset));
        }
        attributes.insert("udm_properties".into(), properties.into());
        attributes.insert("workgroups".into(), json!({}));
        let dn = format!(
            "uid={},cn=users,ou={},dc=target",
            account.text("name"),
            account.text("school")
        );
        attributes.insert("dn".into(), dn.into());
        Some(User { name: account.text("name").to_owned(), attributes })
    }

    /// Users with this identity, sorted by name.
    pub(super) fn users_with(&self, record_uid: &str, source_uid: &str) -> Vec<User> {
        let found = self.accounts.iter().filter(|(_, account)| {
            account.text("record_uid") == record_uid && account.text("source_uid") == source_uid
        });
        found.filter_map(|(name, _)| self.user(name)).collect()
    }

    /// Names of the users of a school.
    pub(super) fn user_names(&self, school: &str) -> Vec<String> {
        let theirs = self
            .accounts
            .values()
            .filter(|account| account.texts("schools").iter().any(|theirs| same(theirs, school)));
        theirs.map(|account| account.text("name").to_owned()).collect()
    }

    /// A school in the spelling of the server.
    pub(super) fn school(&self, name: &str) -> Option<String> {
        self.schools.iter().find(|school| same(school, name)).cloned()
    }
}

/// Whether two names are the same one.
pub(super) fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

/// The texts of a list.
pub(super) fn texts(list: Option<&Value>) -> Vec<String> {
    let list = list.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}
