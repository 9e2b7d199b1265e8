//! What the dry run knows of one context.

use std::collections::{HashMap, HashSet};

use idspool_ox_soap::{Context, Group, ModuleAccess, OxGroupId, Resource, User, UserField};

use super::Known;

/// A context.
#[derive(Default)]
pub(super) struct Tenant {
    pub(super) is: Existence,
    pub(super) users: Known<Person>,
    /// Users by name, as far as they are in `users`.
    pub(super) user_names: HashMap<Box<str>, i32>,
    /// Names that a user at the server would no longer have.
    pub(super) freed_users: HashSet<String>,
    pub(super) groups: Known<Group>,
    /// Groups by name in lower case, as far as they are in `groups`.
    pub(super) group_names: HashMap<String, i32>,
    pub(super) resources: Known<Resource>,
    /// Secondary accounts by address in lower case.
    pub(super) accounts: HashMap<String, Holders>,
    /// The resource that was last read from the server.
    pub(super) seen: Option<Resource>,
}

/// Who has the accounts of one address, as far as the dry run changed it.
#[derive(Default)]
pub(super) struct Holders {
    /// They were deleted of everybody: what is not in `users` is not there.
    pub(super) is_whole: bool,
    /// Users by id, and whether they have one.
    pub(super) users: HashMap<i32, bool>,
}

/// Where a context comes from.
#[derive(Clone, Default)]
pub(super) enum Existence {
    /// The server knows it, or not.
    #[default]
    AsServed,
    /// It would be created, or changed: what OX would have of it.
    New(Context),
    /// It would be deleted.
    Removed,
}

/// What later items may ask of a user.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) name: Box<str>,
    pub(super) primary: Box<str>,
    pub(super) sender: Box<str>,
    pub(super) rights: Option<ModuleAccess>,
}

impl Person {
    /// What is known when a whole user is.
    pub(super) fn of(user: &User) -> Self {
        let text = |field| user.text(field).unwrap_or_default().into();
        Self {
            name: text(UserField::Name),
            primary: text(UserField::PrimaryEmail),
            sender: text(UserField::DefaultSenderAddress),
            rights: None,
        }
    }

    /// Writes it over what the server tells.
    pub(super) fn onto(&self, id: i32, mut user: User) -> User {
        user.set(UserField::Id, id)
            .set(UserField::Name, &*self.name)
            .set(UserField::PrimaryEmail, &*self.primary)
            .set(UserField::DefaultSenderAddress, &*self.sender);
        user
    }
}

impl Tenant {
    /// Takes a user over under its name.
    pub(super) fn put_user(&mut self, id: i32, person: Person) {
        if let Some(Some(before)) = self.users.get(&id) {
            self.user_names.remove(&before.name);
        }
        self.freed_users.remove(&*person.name);
        self.user_names.insert(person.name.clone(), id);
        self.users.insert(id, Some(person));
    }

    /// Takes a group over under its name.
    pub(super) fn put_group(&mut self, group: &Group) {
        let Some(id) = group.id().map(OxGroupId::value) else { return };
        self.remove_group(id);
        if let Some(name) = group.name() {
            self.group_names.insert(name.to_lowercase(), id);
        }
        self.groups.insert(id, Some(group.clone()));
    }

    /// A group is gone. What was known of it; `None` when nothing was.
    pub(super) fn remove_group(&mut self, id: i32) -> Option<Option<Group>> {
        let known = self.groups.insert(id, None);
        if let Some(name) = known.as_ref().and_then(|group| group.as_ref()?.name()) {
            self.group_names.remove(&name.to_lowercase());
        }
        known
    }

    /// A user is gone, and its place in groups with it.
    pub(super) fn remove_user(&mut self, id: i32, name: &str) {
        if let Some(Some(before)) = self.users.insert(id, None) {
            self.user_names.remove(&before.name);
        }
        self.freed_users.insert(name.to_owned());
        for group in self.groups.values_mut().flatten() {
            super::group::leave(group, id);
        }
    }

    pub(super) fn is_removed(&self, id: i32) -> bool {
        matches!(self.users.get(&id), Some(None))
    }
}
