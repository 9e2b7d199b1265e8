//! What the stand-in server holds: schools, users, classes and workgroups.
//!
//! Membership, and the relation of guardians and wards, are kept on both sides.

mod group;
mod lag;
mod user;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;

pub use group::{Group, GroupKind};
pub(super) use lag::Past;
pub use user::{Hashes, Role, User};

/// Where objects lie in the directory.
pub(super) const BASE: &str = "dc=school,dc=test";

/// A school.
#[derive(Clone, Debug)]
pub struct School {
    /// Name in its one right spelling.
    pub name: String,
    /// Name for people.
    pub display_name: String,
    /// At most one host name.
    pub educational_servers: Vec<String>,
    /// At most one host name.
    pub administrative_servers: Vec<String>,
    /// Host that has the shares of classes.
    pub class_share_file_server: String,
    /// Host that has the home shares.
    pub home_share_file_server: String,
    /// Directory properties that are set.
    pub properties: BTreeMap<String, Value>,
}

/// Everything. Objects are found without regard to case.
#[derive(Clone, Debug, Default)]
pub struct World {
    schools: BTreeMap<String, Arc<School>>,
    users: BTreeMap<u64, Arc<User>>,
    user_names: BTreeMap<String, u64>,
    record_uids: HashMap<String, BTreeSet<u64>>,
    /// Users and workgroups: an address belongs to one of them.
    addresses: HashMap<String, u64>,
    groups: BTreeMap<u64, Arc<Group>>,
    group_names: BTreeMap<(GroupKind, String, String), u64>,
    last: u64,
}

impl World {
    /// A school by its name.
    #[must_use]
    pub fn school(&self, name: &str) -> Option<&School> {
        self.schools.get(&name.to_lowercase()).map(Arc::as_ref)
    }

    /// All schools, by name.
    pub fn schools(&self) -> impl ExactSizeIterator<Item = &School> {
        self.schools.values().map(Arc::as_ref)
    }

    pub(super) fn add_school(&mut self, school: School) {
        self.schools.insert(school.name.to_lowercase(), Arc::new(school));
    }

    /// Takes a school away, as nobody can over the API; what is in it stays.
    pub(super) fn remove_school(&mut self, name: &str) -> bool {
        self.schools.remove(&name.to_lowercase()).is_some()
    }

    /// A user by its login name.
    #[must_use]
    pub fn user_named(&self, name: &str) -> Option<&User> {
        self.user(*self.user_names.get(&name.to_lowercase())?)
    }

    /// Users with this identity in their source; more than one after an error only.
    pub fn identified(&self, source_uid: &str, record_uid: &str) -> impl Iterator<Item = &User> {
        self.recorded(record_uid).filter(move |user| user.source_uid == source_uid)
    }

    pub(super) fn recorded(&self, record_uid: &str) -> impl Iterator<Item = &User> {
        self.record_uids.get(record_uid).into_iter().flatten().filter_map(|id| self.user(*id))
    }

    /// All users, by name.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.user_names.values().filter_map(|id| self.user(*id))
    }

    pub(super) fn user(&self, id: u64) -> Option<&User> {
        self.users.get(&id).map(Arc::as_ref)
    }

    /// A class or workgroup.
    #[must_use]
    pub fn group_named(&self, kind: GroupKind, school: &str, name: &str) -> Option<&Group> {
        let key = (kind, school.to_lowercase(), name.to_lowercase());
        self.group(*self.group_names.get(&key)?)
    }

    /// All classes, or workgroups, by school and name.
    pub fn groups(&self, kind: GroupKind) -> impl Iterator<Item = &Group> {
        self.group_names
            .range((kind, String::new(), String::new())..)
            .take_while(move |((one, ..), _)| *one == kind)
            .filter_map(|(_, id)| self.group(*id))
    }

    pub(super) fn groups_of_school(
        &self,
        kind: GroupKind,
        school: &str,
    ) -> impl Iterator<Item = &Group> {
        let school = school.to_lowercase();
        self.group_names
            .range((kind, school.clone(), String::new())..)
            .take_while(move |((one, of, _), _)| *one == kind && *of == school)
            .filter_map(|(_, id)| self.group(*id))
    }

    pub(super) fn group(&self, id: u64) -> Option<&Group> {
        self.groups.get(&id).map(Arc::as_ref)
    }

    /// Login names of the members, sorted.
    pub fn members<'a>(&'a self, group: &'a Group) -> Vec<&'a str> {
        self.names(&group.members)
    }

    /// The groups of one kind that a user is in, of the user's own schools.
    pub fn groups_of<'a>(
        &'a self,
        user: &'a User,
        kind: GroupKind,
    ) -> impl Iterator<Item = &'a Group> {
        user.groups
            .iter()
            .filter_map(|id| self.group(*id))
            .filter(move |group| group.kind == kind && user.schools.contains(&group.school))
    }

    /// Names of these groups by school, sorted.
    pub(super) fn group_names<'a>(
        &'a self,
        user: &'a User,
        kind: GroupKind,
    ) -> BTreeMap<&'a str, Vec<&'a str>> {
        let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for group in self.groups_of(user, kind) {
            names.entry(&group.school).or_default().push(&group.name);
        }
        for of_school in names.values_mut() {
            of_school.sort_unstable();
        }
        names
    }

    /// Login names of users by id, sorted.
    pub(super) fn names(&self, ids: &BTreeSet<u64>) -> Vec<&str> {
        let mut names: Vec<&str> =
            ids.iter().filter_map(|id| self.user(*id)).map(|user| user.name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// Whether somebody else than `id` has an address.
    pub(super) fn is_address_taken(&self, address: &str, id: u64) -> bool {
        self.addresses.get(&address.to_lowercase()).is_some_and(|owner| *owner != id)
    }

    /// An id that no object has.
    pub(super) fn next_id(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Adds a user without memberships and relations.
    pub(super) fn add_user(&mut self, user: User) {
        self.index_user(&user);
        self.users.insert(user.id, Arc::new(user));
    }

    /// Changes what no other object depends on; names and addresses included.
    pub(super) fn change_user(&mut self, id: u64, change: impl FnOnce(&mut User)) {
        let Some(mut user) = self.users.remove(&id) else {
            return;
        };
        self.forget_user(&user);
        change(Arc::make_mut(&mut user));
        self.index_user(&user);
        self.users.insert(id, user);
    }

    pub(super) fn remove_user(&mut self, id: u64) {
        let Some(user) = self.users.remove(&id) else {
            return;
        };
        self.forget_user(&user);
        for group in &user.groups {
            if let Some(group) = self.groups.get_mut(group) {
                Arc::make_mut(group).members.remove(&id);
            }
        }
        for other in user.guardians.iter().chain(&user.wards) {
            if let Some(other) = self.users.get_mut(other) {
                let other = Arc::make_mut(other);
                other.guardians.remove(&id);
                other.wards.remove(&id);
            }
        }
    }

    fn index_user(&mut self, user: &User) {
        self.user_names.insert(user.name.to_lowercase(), user.id);
        self.record_uids.entry(user.record_uid.clone()).or_default().insert(user.id);
        if let Some(email) = &user.email {
            self.addresses.insert(email.to_lowercase(), user.id);
        }
    }

    fn forget_user(&mut self, user: &User) {
        self.user_names.remove(&user.name.to_lowercase());
        if let Some(ids) = self.record_uids.get_mut(&user.record_uid) {
            ids.remove(&user.id);
            if ids.is_empty() {
                self.record_uids.remove(&user.record_uid);
            }
        }
        if let Some(email) = &user.email {
            self.addresses.remove(&email.to_lowercase());
        }
    }

    /// Adds a group without members.
    pub(super) fn add_group(&mut self, group: Group) {
        self.index_group(&group);
        self.groups.insert(group.id, Arc::new(group));
    }

    /// Changes what no other object depends on; the name included.
    pub(super) fn change_group(&mut self, id: u64, change: impl FnOnce(&mut Group)) {
        let Some(mut group) = self.groups.remove(&id) else {
            return;
        };
        self.forget_group(&group);
        change(Arc::make_mut(&mut group));
        self.index_group(&group);
        self.groups.insert(id, group);
    }

    pub(super) fn remove_group(&mut self, id: u64) {
        self.set_members(id, BTreeSet::new());
        if let Some(group) = self.groups.remove(&id) {
            self.forget_group(&group);
        }
    }

    fn index_group(&mut self, group: &Group) {
        self.group_names.insert(group.key(), group.id);
        if let Some(email) = &group.email {
            self.addresses.insert(email.to_lowercase(), group.id);
        }
    }

    fn forget_group(&mut self, group: &Group) {
        self.group_names.remove(&group.key());
        if let Some(email) = &group.email {
            self.addresses.remove(&email.to_lowercase());
        }
    }

    /// Makes these users, and no others, the members of a group.
    pub(super) fn set_members(&mut self, id: u64, members: BTreeSet<u64>) {
        let Some(group) = self.groups.get_mut(&id) else {
            return;
        };
        for user in group.members.symmetric_difference(&members) {
            if let Some(user) = self.users.get_mut(user) {
                let groups = &mut Arc::make_mut(user).groups;
                if !groups.remove(&id) {
                    groups.insert(id);
                }
            }
        }
        Arc::make_mut(group).members = members;
    }

    /// Makes a user a member of these groups and no other ones of those for which `is_meant` holds.
    pub(super) fn set_groups(
        &mut self,
        id: u64,
        groups: &BTreeSet<u64>,
        is_meant: impl Fn(&Group) -> bool,
    ) {
        let Some(user) = self.users.get_mut(&id) else {
            return;
        };
        let left: Vec<u64> = user
            .groups
            .difference(groups)
            .copied()
            .filter(|group| self.groups.get(group).is_some_and(|group| is_meant(group)))
            .collect();
        let joined: Vec<u64> = groups.difference(&user.groups).copied().collect();
        if left.is_empty() && joined.is_empty() {
            return;
        }
        let user = Arc::make_mut(user);
        for group in left {
            user.groups.remove(&group);
            if let Some(group) = self.groups.get_mut(&group) {
                Arc::make_mut(group).members.remove(&id);
            }
        }
        for group in joined {
            user.groups.insert(group);
            if let Some(group) = self.groups.get_mut(&group) {
                Arc::make_mut(group).members.insert(id);
            }
        }
    }

    /// Makes these users the guardians of one.
    pub(super) fn set_guardians(&mut self, id: u64, guardians: BTreeSet<u64>) {
        let Some(user) = self.users.get_mut(&id) else {
            return;
        };
        let old = std::mem::replace(&mut Arc::make_mut(user).guardians, guardians.clone());
        for other in old.symmetric_difference(&guardians) {
            if let Some(other) = self.users.get_mut(other) {
                toggle(&mut Arc::make_mut(other).wards, id);
            }
        }
    }

    /// Makes these users the wards of one.
    pub(super) fn set_wards(&mut self, id: u64, wards: BTreeSet<u64>) {
        let Some(user) = self.users.get_mut(&id) else {
            return;
        };
        let old = std::mem::replace(&mut Arc::make_mut(user).wards, wards.clone());
        for other in old.symmetric_difference(&wards) {
            if let Some(other) = self.users.get_mut(other) {
                toggle(&mut Arc::make_mut(other).guardians, id);
            }
        }
    }
}

fn toggle(ids: &mut BTreeSet<u64>, id: u64) {
    if !ids.remove(&id) {
        ids.insert(id);
    }
}
