//! A context: users, groups, resources, accounts, deputies, and the indexes that find them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::access::{Access, AccessLayout};
use super::deputy::{Deputies, Deputy};
use super::{Account, Attributes, Group, Resource, STANDARD_GROUP, User};

/// A context. Users, groups and resources draw their ids from one sequence.
#[derive(Debug)]
pub struct Context {
    /// Id, chosen by the client.
    pub id: i32,
    /// Name, unique in the server.
    pub name: String,
    /// Whether its users may log in.
    pub is_enabled: bool,
    /// Quota in MB; -1: unlimited.
    pub max_quota: i64,
    /// Names by which a login finds the context.
    pub login_mappings: Vec<String>,
    pub(crate) gab_mode: String,
    pub(crate) average_size: i64,
    pub(crate) attributes: Attributes,
    pub(crate) access_layout: Arc<AccessLayout>,
    next_id: i32,
    next_account: i32,
    users: BTreeMap<i32, User>,
    user_names: HashMap<Box<str>, i32>,
    /// In lower case: the server's database compares addresses without case.
    primary_mails: HashMap<Box<str>, i32>,
    /// How many users carry a display name.
    display_names: HashMap<Box<str>, u32>,
    groups: BTreeMap<i32, Group>,
    group_names: HashMap<String, i32>,
    /// Groups of each user, without the standard group.
    memberships: HashMap<i32, BTreeSet<i32>>,
    resources: BTreeMap<i32, Resource>,
    resource_names: HashMap<String, i32>,
    resource_mails: HashMap<String, i32>,
    accounts: BTreeMap<i32, Vec<Account>>,
    account_owners: HashMap<String, BTreeSet<i32>>,
    pub(crate) deputies: Deputies,
}

impl Context {
    pub(crate) fn new(id: i32, name: String, access_layout: Arc<AccessLayout>) -> Self {
        let mut context = Self {
            id,
            name,
            is_enabled: true,
            max_quota: -1,
            login_mappings: Vec::new(),
            gab_mode: "global".to_owned(),
            average_size: 200,
            attributes: Attributes::new(),
            access_layout,
            next_id: super::ADMINISTRATOR,
            next_account: 1,
            users: BTreeMap::new(),
            user_names: HashMap::new(),
            primary_mails: HashMap::new(),
            display_names: HashMap::new(),
            groups: BTreeMap::new(),
            group_names: HashMap::new(),
            memberships: HashMap::new(),
            resources: BTreeMap::new(),
            resource_names: HashMap::new(),
            resource_mails: HashMap::new(),
            accounts: BTreeMap::new(),
            account_owners: HashMap::new(),
            deputies: Deputies::default(),
        };
        context.insert_group(Group {
            id: STANDARD_GROUP,
            name: "users".to_owned(),
            display_name: "Standard group".to_owned(),
            members: BTreeSet::new(),
        });
        context
    }

    /// The user with this id.
    #[must_use]
    pub fn user(&self, id: i32) -> Option<&User> {
        self.users.get(&id)
    }

    /// The user with this login, compared byte by byte.
    #[must_use]
    pub fn user_named(&self, name: &str) -> Option<&User> {
        self.user(*self.user_names.get(name)?)
    }

    /// All users in the order of their ids.
    pub fn users(&self) -> impl ExactSizeIterator<Item = &User> {
        self.users.values()
    }

    /// Whether the user has a module access right; `None` for an unknown user or flag.
    #[must_use]
    pub fn access(&self, user: i32, flag: &str) -> Option<bool> {
        self.access_layout.is_set(self.user(user)?.access, flag)
    }

    /// Names of all access rights that the user has.
    #[must_use]
    pub fn rights(&self, user: &User) -> Vec<&str> {
        let layout = &self.access_layout;
        layout.names().filter(|name| layout.is_set(user.access, name) == Some(true)).collect()
    }

    /// The group with this id.
    #[must_use]
    pub fn group(&self, id: i32) -> Option<&Group> {
        self.groups.get(&id)
    }

    /// The group with this name, without regard to case.
    #[must_use]
    pub fn group_named(&self, name: &str) -> Option<&Group> {
        self.group(*self.group_names.get(&name.to_lowercase())?)
    }

    /// All groups in the order of their ids.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = &Group> {
        self.groups.values()
    }

    /// Ids of a group's members; of the standard group, every user's.
    pub fn members<'a>(&'a self, group: &'a Group) -> Box<dyn Iterator<Item = i32> + 'a> {
        if group.id == STANDARD_GROUP {
            Box::new(self.users.keys().copied())
        } else {
            Box::new(group.members.iter().copied())
        }
    }

    /// Groups of a user in the order of their ids, the standard group first.
    pub fn groups_of(&self, user: i32) -> impl Iterator<Item = &Group> {
        std::iter::once(STANDARD_GROUP)
            .chain(self.memberships.get(&user).into_iter().flatten().copied())
            .filter_map(|id| self.group(id))
    }

    /// The resource with this id.
    #[must_use]
    pub fn resource(&self, id: i32) -> Option<&Resource> {
        self.resources.get(&id)
    }

    /// The resource with this name, without regard to case.
    #[must_use]
    pub fn resource_named(&self, name: &str) -> Option<&Resource> {
        self.resource(*self.resource_names.get(&name.to_lowercase())?)
    }

    /// All resources in the order of their ids.
    pub fn resources(&self) -> impl ExactSizeIterator<Item = &Resource> {
        self.resources.values()
    }

    /// All secondary accounts in the order of their owners' ids.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values().flatten()
    }

    /// Secondary accounts of one user.
    pub fn accounts_of(&self, user: i32) -> impl Iterator<Item = &Account> {
        self.accounts.get(&user).into_iter().flatten()
    }

    /// All deputy permissions in the order of their grantors' ids.
    pub fn deputies(&self) -> impl Iterator<Item = &Deputy> {
        self.deputies.all()
    }

    /// Ids of the users who may not grant deputy permissions on their own.
    pub fn blocked_grantors(&self) -> impl Iterator<Item = i32> {
        self.deputies.blocked()
    }

    pub(crate) fn draw_id(&mut self) -> i32 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    pub(crate) fn primary_mail_owner(&self, mail: &str) -> Option<i32> {
        self.primary_mails.get(&*mail.to_lowercase()).copied()
    }

    /// Whether another user than `except` has this display name.
    pub(crate) fn is_display_name_taken(&self, name: &str, except: Option<i32>) -> bool {
        let own = except
            .and_then(|id| self.user(id))
            .is_some_and(|user| user.text("display_name") == Some(name));
        let count = self.display_names.get(name).copied().unwrap_or_default();
        count > u32::from(own)
    }

    /// Adds a user or replaces the one with the same id.
    pub(crate) fn insert_user(&mut self, user: User) {
        self.forget_user(user.id);
        self.user_names.insert(user.name().into(), user.id);
        self.primary_mails.insert(user.primary_email().to_lowercase().into(), user.id);
        if let Some(name) = user.text("display_name") {
            *self.display_names.entry(name.into()).or_default() += 1;
        }
        self.users.insert(user.id, user);
    }

    /// Removes a user with all that belongs to it; groups that become empty stay.
    pub(crate) fn remove_user(&mut self, id: i32) {
        self.forget_user(id);
        for group in self.memberships.remove(&id).unwrap_or_default() {
            if let Some(group) = self.groups.get_mut(&group) {
                group.members.remove(&id);
            }
        }
        for account in self.accounts.remove(&id).unwrap_or_default() {
            self.forget_owner(&account.primary_address, id);
        }
        self.deputies.forget_user(id);
        for resource in self.resources.values_mut() {
            resource.permissions.retain(|right| right.is_group || right.entity != id);
        }
    }

    fn forget_user(&mut self, id: i32) {
        let Some(user) = self.users.remove(&id) else {
            return;
        };
        self.user_names.remove(user.name());
        self.primary_mails.remove(&*user.primary_email().to_lowercase());
        if let Some(name) = user.text("display_name")
            && let Some(count) = self.display_names.get_mut(name)
        {
            *count -= 1;
            if *count == 0 {
                self.display_names.remove(name);
            }
        }
    }

    pub(crate) fn set_access(&mut self, user: i32, access: Access) {
        if let Some(user) = self.users.get_mut(&user) {
            user.access = access;
        }
    }

    pub(crate) fn set_all_access(&mut self, access: Access) {
        for user in self.users.values_mut() {
            user.access = access;
        }
    }

    /// Adds a group or replaces the one with the same id.
    pub(crate) fn insert_group(&mut self, group: Group) {
        self.forget_group(group.id);
        self.group_names.insert(group.name.to_lowercase(), group.id);
        for member in &group.members {
            self.memberships.entry(*member).or_default().insert(group.id);
        }
        self.groups.insert(group.id, group);
    }

    /// Removes a group and the rights it had on resources.
    pub(crate) fn remove_group(&mut self, id: i32) {
        self.forget_group(id);
        for resource in self.resources.values_mut() {
            resource.permissions.retain(|right| !right.is_group || right.entity != id);
        }
    }

    fn forget_group(&mut self, id: i32) {
        let Some(group) = self.groups.remove(&id) else {
            return;
        };
        self.group_names.remove(&group.name.to_lowercase());
        for member in &group.members {
            if let Some(groups) = self.memberships.get_mut(member) {
                groups.remove(&id);
                if groups.is_empty() {
                    self.memberships.remove(member);
                }
            }
        }
    }

    pub(crate) fn add_members(&mut self, group: i32, members: &[i32]) {
        if let Some(group) = self.groups.get_mut(&group) {
            for member in members {
                group.members.insert(*member);
                self.memberships.entry(*member).or_default().insert(group.id);
            }
        }
    }

    pub(crate) fn remove_members(&mut self, group: i32, members: &[i32]) {
        if let Some(group) = self.groups.get_mut(&group) {
            for member in members {
                group.members.remove(member);
                if let Some(groups) = self.memberships.get_mut(member) {
                    groups.remove(&group.id);
                }
            }
        }
    }

    pub(crate) fn resource_with_mail(&self, mail: &str) -> Option<i32> {
        self.resource_mails.get(&mail.to_lowercase()).copied()
    }

    /// Adds a resource or replaces the one with the same id.
    pub(crate) fn insert_resource(&mut self, resource: Resource) {
        self.remove_resource(resource.id);
        self.resource_names.insert(resource.name.to_lowercase(), resource.id);
        self.resource_mails.insert(resource.email.to_lowercase(), resource.id);
        self.resources.insert(resource.id, resource);
    }

    pub(crate) fn remove_resource(&mut self, id: i32) {
        if let Some(resource) = self.resources.remove(&id) {
            self.resource_names.remove(&resource.name.to_lowercase());
            self.resource_mails.remove(&resource.email.to_lowercase());
        }
    }

    pub(crate) fn has_account(&self, user: i32, address: &str) -> bool {
        self.account_owners
            .get(&address.to_lowercase())
            .is_some_and(|owners| owners.contains(&user))
    }

    /// Adds an account; its id is drawn here.
    pub(crate) fn add_account(&mut self, mut account: Account) {
        account.id = self.next_account;
        self.next_account += 1;
        self.account_owners
            .entry(account.primary_address.to_lowercase())
            .or_default()
            .insert(account.user);
        self.accounts.entry(account.user).or_default().push(account);
    }

    /// Removes the accounts of this address; answers how many there were.
    pub(crate) fn remove_accounts(&mut self, address: &str, users: &Owners) -> usize {
        let wanted = address.to_lowercase();
        let owners = self.matching_owners(&wanted, users);
        for owner in &owners {
            if let Some(accounts) = self.accounts.get_mut(owner) {
                accounts.retain(|account| account.primary_address.to_lowercase() != wanted);
                if accounts.is_empty() {
                    self.accounts.remove(owner);
                }
            }
            self.forget_owner(address, *owner);
        }
        owners.len()
    }

    /// Changes the accounts of this address; answers how many there were.
    pub(crate) fn change_accounts(
        &mut self,
        address: &str,
        users: &Owners,
        change: impl Fn(&mut Account),
    ) -> usize {
        let wanted = address.to_lowercase();
        let owners = self.matching_owners(&wanted, users);
        for owner in &owners {
            for account in self.accounts.get_mut(owner).into_iter().flatten() {
                if account.primary_address.to_lowercase() == wanted {
                    change(account);
                }
            }
        }
        owners.len()
    }

    /// `address` is in lower case.
    fn matching_owners(&self, address: &str, users: &Owners) -> Vec<i32> {
        self.account_owners
            .get(address)
            .into_iter()
            .flatten()
            .copied()
            .filter(|owner| users.includes(*owner))
            .collect()
    }

    fn forget_owner(&mut self, address: &str, user: i32) {
        let key = address.to_lowercase();
        if let Some(owners) = self.account_owners.get_mut(&key) {
            owners.remove(&user);
            if owners.is_empty() {
                self.account_owners.remove(&key);
            }
        }
    }
}

/// Whose secondary accounts are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owners {
    Everyone,
    Some(BTreeSet<i32>),
}

impl Owners {
    pub(crate) fn includes(&self, user: i32) -> bool {
        match self {
            Self::Everyone => true,
            Self::Some(users) => users.contains(&user),
        }
    }
}
