//! What the server does with groups, resources, secondary accounts and deputy permissions.

use idspool_ox_soap::{
    Account, AccountDataOnCreate, AccountDataOnCreateField, AccountField, DeputyPermission,
    GrantedDeputy, Group, GroupField, OxUserId, Resource, ResourceField, Whom,
};
use idspool_spool::FaultClass;

use super::refused;
use super::world::{Tenant, invalid, no_such_user};
use crate::ox::{OxError, Refusal};

/// The standard group of a context, which is not kept: it holds every user.
const STANDARD_GROUP: &str = "users";

pub(super) fn no_such_group() -> OxError {
    refused(Refusal::NoSuchGroup, FaultClass::Permanent, "No such group")
}

fn no_such_resource() -> OxError {
    refused(Refusal::NoSuchResource, FaultClass::Permanent, "No such resource")
}

fn same(name: Option<&str>, other: &str) -> bool {
    name.is_some_and(|name| name.to_lowercase() == other.to_lowercase())
}

impl Tenant {
    pub(super) fn require_user(&self, id: i32) -> Result<(), OxError> {
        self.users.contains_key(&id).then_some(()).ok_or_else(no_such_user)
    }

    pub(super) fn group_named(&self, name: &str) -> Option<&Group> {
        self.groups.values().find(|group| same(group.name(), name))
    }

    fn check_group(&self, group: &Group) -> Result<(), OxError> {
        let name = group.name().unwrap_or_default();
        let other = self.group_named(name).filter(|other| other.id() != group.id());
        if other.is_some() || same(Some(STANDARD_GROUP), name) {
            return Err(invalid("Group already exists!"));
        }
        group.members().try_for_each(|member| self.require_user(member.value()))
    }

    pub(super) fn create_group(&mut self, group: &Group) -> Result<i32, OxError> {
        assert_eq!(group.id(), None, "an id must not be sent");
        for field in [GroupField::Name, GroupField::Displayname] {
            if group.text(field).is_none_or(str::is_empty) {
                return Err(invalid("Mandatory fields not set"));
            }
        }
        self.check_group(group)?;
        let id = self.id();
        self.groups.insert(id, group.clone().with(GroupField::Id, id));
        Ok(id)
    }

    pub(super) fn change_group(&mut self, group: &Group) -> Result<(), OxError> {
        let id = group.id().expect("a change needs an id").value();
        assert!(group.name().is_some(), "a change needs a name");
        let mut changed = self.groups.get(&id).ok_or_else(no_such_group)?.clone();
        self.check_group(group)?;
        for (field, value) in group.iter() {
            // A list without elements is not on the wire.
            if field != GroupField::Members || group.members().next().is_some() {
                changed.set(field, value.clone());
            }
        }
        self.groups.insert(id, changed);
        Ok(())
    }

    pub(super) fn resource_named(&self, name: &str) -> Option<&Resource> {
        self.resources.values().find(|resource| same(resource.name(), name))
    }

    fn check_resource(&self, resource: &Resource) -> Result<(), OxError> {
        let others = self.resources.values().filter(|other| other.id() != resource.id());
        for other in others {
            if resource.name().is_some_and(|name| same(other.name(), name)) {
                return Err(invalid("Resource already exists in this context"));
            }
            let email = resource.text(ResourceField::Email);
            if email.is_some_and(|email| same(other.text(ResourceField::Email), email)) {
                return Err(invalid("Resource with this email address already exists"));
            }
        }
        Ok(())
    }

    pub(super) fn create_resource(&mut self, resource: &Resource) -> Result<i32, OxError> {
        assert_eq!(resource.id(), None, "an id must not be sent");
        for field in [ResourceField::Name, ResourceField::Displayname, ResourceField::Email] {
            if resource.text(field).is_none_or(str::is_empty) {
                return Err(invalid("Mandatory fields not set"));
            }
        }
        self.check_resource(resource)?;
        let id = self.id();
        self.resources.insert(id, resource.clone().with(ResourceField::Id, id));
        Ok(id)
    }

    pub(super) fn change_resource(&mut self, resource: &Resource) -> Result<(), OxError> {
        let id = resource.id().expect("a change needs an id").value();
        let mut changed = self.resources.get(&id).ok_or_else(no_such_resource)?.clone();
        self.check_resource(resource)?;
        for (field, value) in resource.iter() {
            changed.set(field, value.clone());
        }
        self.resources.insert(id, changed);
        Ok(())
    }

    pub(super) fn delete_resource(&mut self, id: i32) -> Result<(), OxError> {
        self.resources.remove(&id).map(drop).ok_or_else(no_such_resource)
    }

    pub(super) fn create_account(
        &mut self,
        account: &AccountDataOnCreate,
        user: i32,
    ) -> Result<(), OxError> {
        self.require_user(user)?;
        let address = account.primary_address().unwrap_or_default();
        let has_server = [
            (AccountDataOnCreateField::MailEndpointSource, &["primary", "localhost"][..]),
            (AccountDataOnCreateField::MailServer, &[][..]),
        ]
        .into_iter()
        .any(|(field, texts)| {
            account.text(field).is_some_and(|text| texts.is_empty() || texts.contains(&text))
        });
        if address.is_empty() || !has_server {
            return Err(invalid("Primary address or mail server is empty."));
        }
        let is_his = |(owner, known): &(i32, AccountDataOnCreate)| {
            *owner == user && known.primary_address() == Some(address)
        };
        if self.accounts.iter().any(is_his) {
            return Err(refused(Refusal::Other, FaultClass::Transient, "Duplicate account"));
        }
        self.accounts.push((user, account.clone()));
        Ok(())
    }

    fn check_whom(&self, whom: Whom<'_>) -> Result<(), OxError> {
        match whom {
            Whom::Everybody => Ok(()),
            Whom::Users(users) => users.iter().try_for_each(|user| self.require_user(user.value())),
        }
    }

    pub(super) fn delete_account(
        &mut self,
        address: &str,
        whom: Whom<'_>,
    ) -> Result<bool, OxError> {
        self.check_whom(whom)?;
        let before = self.accounts.len();
        self.accounts.retain(|(owner, account)| {
            account.primary_address() != Some(address) || !is_among(*owner, whom)
        });
        Ok(self.accounts.len() < before)
    }

    pub(super) fn accounts(&self, whom: Whom<'_>) -> Result<Vec<Account>, OxError> {
        self.check_whom(whom)?;
        let accounts = self.accounts.iter().filter(|(owner, _)| is_among(*owner, whom));
        Ok(accounts.map(|(owner, account)| listed(*owner, account)).collect())
    }

    pub(crate) fn grant_deputy(
        &mut self,
        grantor: OxUserId,
        permission: &DeputyPermission,
    ) -> Result<String, OxError> {
        self.require_user(grantor.value())?;
        self.require_user(permission.user.value())?;
        if permission.user == grantor {
            return Err(invalid("A user cannot be a deputy of itself"));
        }
        let id = format!("{}-{}", grantor, permission.user);
        if self.deputies.iter().any(|known| known.id == id) {
            return Err(invalid("The deputy has a permission already"));
        }
        let mut permission = permission.clone();
        permission.modules.retain(|module| !module.is_none());
        if permission.send_on_behalf_of || !permission.modules.is_empty() {
            self.deputies.push(GrantedDeputy { id: id.clone(), grantor, permission });
        }
        Ok(id)
    }

    pub(super) fn forget_user(&mut self, id: i32) {
        for group in self.groups.values_mut() {
            let members: Vec<OxUserId> = group.members().filter(|m| m.value() != id).collect();
            group.set(GroupField::Members, members);
        }
        self.accounts.retain(|(owner, _)| *owner != id);
        let id = OxUserId::new(id);
        self.deputies.retain(|known| known.grantor != id && known.permission.user != id);
        self.blocked.remove(&id.value());
    }
}

fn is_among(owner: i32, whom: Whom<'_>) -> bool {
    match whom {
        Whom::Everybody => true,
        Whom::Users(users) => users.contains(&OxUserId::new(owner)),
    }
}

fn listed(owner: i32, account: &AccountDataOnCreate) -> Account {
    let mut listed = Account::new().with(AccountField::UserId, owner);
    for (from, to) in [
        (AccountDataOnCreateField::Login, AccountField::Login),
        (AccountDataOnCreateField::Name, AccountField::Name),
        (AccountDataOnCreateField::PrimaryAddress, AccountField::PrimaryAddress),
        (AccountDataOnCreateField::Personal, AccountField::Personal),
    ] {
        if let Some(text) = account.text(from) {
            listed.set(to, text);
        }
    }
    listed
}
