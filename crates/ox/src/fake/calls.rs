//! The calls, each recorded and handed to what the server does.

use std::fmt::Display;
use std::time::Duration;

use idspool_ox_soap::{
    Account, AccountDataOnCreate, Context, ContextField, ContextId, Credentials, DeputyPermission,
    Group, ModuleAccess, OxGroupId, OxResourceId, OxUserId, Resource, User, UserField, UserName,
    Whom,
};
use idspool_spool::FaultClass;

use super::objects::no_such_group;
use super::world::{Tenant, UserEntry, check_addresses, invalid, no_such_user};
use super::{Fake, refused};
use crate::ox::{Ox, OxError, Refusal, Scope, Which};

fn is_master(master: &Credentials) -> Result<(), OxError> {
    if master.login == "oxadminmaster" && master.password.expose() == "m" {
        return Ok(());
    }
    Err(refused(Refusal::Other, FaultClass::Transient, "Authentication failed"))
}

/// Ids as they stand in the lines of calls.
fn list_of(ids: &[impl Display]) -> String {
    ids.iter().map(|id| format!("#{id}")).collect::<Vec<_>>().join(" ")
}

fn owners(whom: Whom<'_>) -> String {
    match whom {
        Whom::Everybody => "*".to_owned(),
        Whom::Users(users) => list_of(users),
    }
}

fn context_of(id: i32, tenant: &Tenant) -> Context {
    let mut context =
        Context::new().with(ContextField::Id, id).with(ContextField::Name, tenant.name.as_str());
    if let Some(quota) = tenant.quota {
        context.set(ContextField::MaxQuota, quota);
    }
    context
}

impl Ox for Fake {
    fn context_exists(&self, master: &Credentials, context: ContextId) -> Result<bool, OxError> {
        is_master(master)?;
        self.call(format!("Context.getData {context}"), |state| {
            Ok(state.world.contexts.contains_key(&context.value()))
        })
    }

    fn context_data(
        &self,
        master: &Credentials,
        context: ContextId,
    ) -> Result<Option<Context>, OxError> {
        is_master(master)?;
        self.call(format!("Context.getData {context}"), |state| {
            let tenant = state.world.contexts.get(&context.value());
            Ok(tenant.map(|tenant| context_of(context.value(), tenant)))
        })
    }

    fn create_context(
        &self,
        master: &Credentials,
        context: &Context,
        admin: &User,
    ) -> Result<(), OxError> {
        is_master(master)?;
        let id = context.id().unwrap().value();
        self.call(format!("Context.create {id}"), |state| {
            if state.refuse_contexts || state.world.contexts.contains_key(&id) {
                return Err(refused(Refusal::Other, FaultClass::Permanent, "already exists"));
            }
            let tenant = Tenant {
                name: context.name().unwrap().into(),
                quota: context.number(ContextField::MaxQuota),
                admin: admin.name().unwrap().into(),
                password: admin.text(UserField::Password).unwrap().into(),
                ..Tenant::default()
            };
            state.world.contexts.insert(id, tenant);
            Ok(())
        })
    }

    fn change_context(&self, master: &Credentials, context: &Context) -> Result<(), OxError> {
        is_master(master)?;
        let id = context.id().unwrap().value();
        self.call(format!("Context.change {id}"), |state| {
            let tenant = state.world.contexts.get_mut(&id).ok_or_else(|| {
                refused(Refusal::NotFound, FaultClass::Transient, "Context does not exist")
            })?;
            tenant.name = context.name().unwrap().into();
            tenant.quota = context.number(ContextField::MaxQuota);
            Ok(())
        })
    }

    fn delete_context(
        &self,
        master: &Credentials,
        context: ContextId,
        name: &str,
    ) -> Result<(), OxError> {
        is_master(master)?;
        self.call(format!("Context.delete {context} {name}"), |state| {
            match state.world.contexts.remove(&context.value()) {
                Some(_) => Ok(()),
                None => Err(refused(Refusal::NotFound, FaultClass::Transient, "no context")),
            }
        })
    }

    fn user_exists(&self, scope: Scope<'_>, name: &str) -> Result<bool, OxError> {
        self.in_context(scope, &format!("User.exists {name}"), |tenant| {
            Ok(tenant.by_name(name).is_some())
        })
    }

    fn user(&self, scope: Scope<'_>, which: Which<'_>) -> Result<Option<User>, OxError> {
        let hidden = {
            let mut state = self.0.lock().unwrap();
            let is_copying = state.calls.iter().any(|call| call.starts_with("UserCopy"));
            if is_copying && state.hidden_lookups > 0 {
                state.hidden_lookups -= 1;
                true
            } else {
                false
            }
        };
        let object = match which {
            Which::Id(id) => format!("User.getData #{id}"),
            Which::Name(name) => format!("User.getData {name}"),
        };
        self.in_context(scope, &object, |tenant| {
            let id = match which {
                Which::Id(id) => Some(id.value()),
                Which::Name(name) => tenant.by_name(name),
            };
            Ok(id.filter(|_| !hidden).and_then(|id| tenant.users.get(&id)).map(|a| a.user.clone()))
        })
    }

    fn create_user(&self, scope: Scope<'_>, user: &User) -> Result<OxUserId, OxError> {
        let name = user.name().unwrap_or_default();
        assert_eq!(user.id(), None, "an id must not be sent");
        self.in_context(scope, &format!("User.create {name}"), |tenant| {
            if tenant.by_name(name).is_some() {
                return Err(invalid("User already exists in this context"));
            }
            check_addresses(user)?;
            let id = tenant.id();
            let user = user.clone().with(UserField::Id, id);
            tenant.users.insert(id, UserEntry { user, access: None });
            Ok(OxUserId::new(id))
        })
    }

    fn change_user(&self, scope: Scope<'_>, user: &User) -> Result<(), OxError> {
        let id = user.id().expect("a change needs an id").value();
        assert!(user.name().is_some(), "a change needs a name");
        let stale = self.0.lock().unwrap().refuse_stale_sender;
        self.in_context(scope, &format!("User.change #{id}"), |tenant| {
            if stale && user.get(UserField::DefaultSenderAddress).is_none() {
                return Err(invalid("defaultSenderAddress must be present in set of aliases."));
            }
            let other = tenant.by_name(user.name().unwrap_or_default());
            let account = tenant.users.get_mut(&id).ok_or_else(no_such_user)?;
            if other.is_some_and(|other| other != id) {
                return Err(invalid("User already exists in this context"));
            }
            let mut changed = account.user.clone();
            for (field, value) in user.iter() {
                changed.set(field, value.clone());
            }
            check_addresses(&changed)?;
            account.user = changed;
            Ok(())
        })
    }

    fn change_rights(
        &self,
        scope: Scope<'_>,
        id: OxUserId,
        access: ModuleAccess,
    ) -> Result<(), OxError> {
        self.in_context(scope, &format!("User.changeByModuleAccess #{id}"), |tenant| {
            tenant.users.get_mut(&id.value()).ok_or_else(no_such_user)?.access = Some(access);
            Ok(())
        })
    }

    fn rights_of(&self, scope: Scope<'_>, id: OxUserId) -> Result<ModuleAccess, OxError> {
        self.in_context(scope, &format!("User.getModuleAccess #{id}"), |tenant| {
            let entry = tenant.users.get(&id.value()).ok_or_else(no_such_user)?;
            Ok(entry.access.unwrap_or_default())
        })
    }

    fn user_ids(&self, scope: Scope<'_>) -> Result<Vec<OxUserId>, OxError> {
        self.in_context(scope, "User.listAll", |tenant| {
            Ok(tenant.users.keys().copied().map(OxUserId::new).collect())
        })
    }

    fn users_data(&self, scope: Scope<'_>, ids: &[OxUserId]) -> Result<Vec<User>, OxError> {
        self.in_context(scope, &format!("User.getMultipleData {}", list_of(ids)), |tenant| {
            let users = ids.iter().map(|id| {
                let entry = tenant.users.get(&id.value()).ok_or_else(no_such_user)?;
                Ok(entry.user.clone())
            });
            users.collect()
        })
    }

    fn user_names(&self, scope: Scope<'_>, ids: &[OxUserId]) -> Result<Vec<UserName>, OxError> {
        let users = self.users_data(scope, ids)?;
        let names = users.iter().zip(ids);
        Ok(names
            .map(|(user, id)| UserName { id: *id, name: user.name().unwrap().to_owned() })
            .collect())
    }

    fn delete_user(&self, scope: Scope<'_>, id: OxUserId, name: &str) -> Result<(), OxError> {
        self.in_context(scope, &format!("User.delete #{id} {name}"), |tenant| {
            tenant.users.remove(&id.value()).ok_or_else(no_such_user)?;
            tenant.forget_user(id.value());
            Ok(())
        })
    }

    fn copy_user(
        &self,
        master: &Credentials,
        id: OxUserId,
        from: ContextId,
        to: ContextId,
    ) -> Result<OxUserId, OxError> {
        is_master(master)?;
        self.call(format!("UserCopy.copyUser #{id} {from} {to}"), |state| {
            let source = state.world.contexts.get(&from.value()).ok_or_else(no_such_user)?;
            let account = source.users.get(&id.value()).ok_or_else(no_such_user)?.clone();
            let target = state.world.contexts.get_mut(&to.value()).ok_or_else(no_such_user)?;
            if target.by_name(account.user.name().unwrap()).is_some() {
                return Err(refused(Refusal::UserExists, FaultClass::Permanent, "already exists"));
            }
            let id = target.id();
            let user = account.user.with(UserField::Id, id);
            target.users.insert(id, UserEntry { user, access: account.access });
            Ok(OxUserId::new(id))
        })
    }

    fn groups_of_user(&self, scope: Scope<'_>, id: OxUserId) -> Result<Vec<Group>, OxError> {
        self.in_context(scope, &format!("Group.listGroupsForUser #{id}"), |tenant| {
            if !tenant.users.contains_key(&id.value()) {
                return Err(no_such_user());
            }
            let groups = tenant.groups.values();
            Ok(groups.filter(|group| group.members().any(|m| m == id)).cloned().collect())
        })
    }

    fn group(&self, scope: Scope<'_>, id: OxGroupId) -> Result<Option<Group>, OxError> {
        self.in_context(scope, &format!("Group.getData #{id}"), |tenant| {
            Ok(tenant.groups.get(&id.value()).cloned())
        })
    }

    fn group_named(&self, scope: Scope<'_>, name: &str) -> Result<Option<Group>, OxError> {
        self.in_context(scope, &format!("Group.getData {name}"), |tenant| {
            Ok(tenant.group_named(name).cloned())
        })
    }

    fn groups(&self, scope: Scope<'_>) -> Result<Vec<Group>, OxError> {
        self.in_context(scope, "Group.listAll", |tenant| {
            Ok(tenant.groups.values().cloned().collect())
        })
    }

    fn create_group(&self, scope: Scope<'_>, group: &Group) -> Result<OxGroupId, OxError> {
        let name = group.name().unwrap_or_default();
        self.in_context(scope, &format!("Group.create {name}"), |tenant| {
            tenant.create_group(group).map(OxGroupId::new)
        })
    }

    fn change_group(&self, scope: Scope<'_>, group: &Group) -> Result<(), OxError> {
        let id = group.id().expect("a change needs an id");
        self.in_context(scope, &format!("Group.change #{id}"), |tenant| tenant.change_group(group))
    }

    fn delete_group(&self, scope: Scope<'_>, id: OxGroupId, name: &str) -> Result<(), OxError> {
        self.in_context(scope, &format!("Group.delete #{id} {name}"), |tenant| {
            tenant.groups.remove(&id.value()).map(drop).ok_or_else(no_such_group)
        })
    }

    fn resource_named(&self, scope: Scope<'_>, name: &str) -> Result<Option<Resource>, OxError> {
        self.in_context(scope, &format!("Resource.getData {name}"), |tenant| {
            Ok(tenant.resource_named(name).cloned())
        })
    }

    fn resources(&self, scope: Scope<'_>) -> Result<Vec<Resource>, OxError> {
        self.in_context(scope, "Resource.listAll", |tenant| {
            Ok(tenant.resources.values().cloned().collect())
        })
    }

    fn create_resource(
        &self,
        scope: Scope<'_>,
        resource: &Resource,
    ) -> Result<OxResourceId, OxError> {
        let name = resource.name().unwrap_or_default();
        self.in_context(scope, &format!("Resource.create {name}"), |tenant| {
            tenant.create_resource(resource).map(OxResourceId::new)
        })
    }

    fn change_resource(&self, scope: Scope<'_>, resource: &Resource) -> Result<(), OxError> {
        let id = resource.id().expect("a change needs an id");
        self.in_context(scope, &format!("Resource.change #{id}"), |tenant| {
            tenant.change_resource(resource)
        })
    }

    fn delete_resource(
        &self,
        scope: Scope<'_>,
        id: OxResourceId,
        name: &str,
    ) -> Result<(), OxError> {
        self.in_context(scope, &format!("Resource.delete #{id} {name}"), |tenant| {
            tenant.delete_resource(id.value())
        })
    }

    fn create_account(
        &self,
        scope: Scope<'_>,
        account: &AccountDataOnCreate,
        user: OxUserId,
    ) -> Result<(), OxError> {
        let address = account.primary_address().unwrap_or_default();
        self.in_context(scope, &format!("SecondaryAccount.create {address} #{user}"), |tenant| {
            tenant.create_account(account, user.value())
        })
    }

    fn delete_account(
        &self,
        scope: Scope<'_>,
        address: &str,
        whom: Whom<'_>,
    ) -> Result<bool, OxError> {
        let line = format!("SecondaryAccount.delete {address} {}", owners(whom));
        self.in_context(scope, &line, |tenant| tenant.delete_account(address, whom))
    }

    fn accounts(&self, scope: Scope<'_>, whom: Whom<'_>) -> Result<Vec<Account>, OxError> {
        let line = format!("SecondaryAccount.list {}", owners(whom));
        self.in_context(scope, &line, |tenant| tenant.accounts(whom))
    }

    fn grant_deputy(
        &self,
        scope: Scope<'_>,
        grantor: OxUserId,
        permission: &DeputyPermission,
    ) -> Result<String, OxError> {
        let line = format!("Deputy.grant #{grantor} #{}", permission.user);
        self.in_context(scope, &line, |tenant| tenant.grant_deputy(grantor, permission))
    }

    fn revoke_deputies(&self, scope: Scope<'_>, grantor: OxUserId) -> Result<(), OxError> {
        self.in_context(scope, &format!("Deputy.revokeAll #{grantor}"), |tenant| {
            tenant.require_user(grantor.value())?;
            tenant.deputies.retain(|known| known.grantor != grantor);
            Ok(())
        })
    }

    fn block_deputies(&self, scope: Scope<'_>, grantor: OxUserId) -> Result<(), OxError> {
        self.in_context(scope, &format!("Deputy.blockManual #{grantor}"), |tenant| {
            tenant.require_user(grantor.value())?;
            tenant.blocked.insert(grantor.value());
            Ok(())
        })
    }

    fn unblock_deputies(&self, scope: Scope<'_>, grantor: OxUserId) -> Result<(), OxError> {
        self.in_context(scope, &format!("Deputy.unblockManual #{grantor}"), |tenant| {
            tenant.require_user(grantor.value())?;
            tenant.blocked.remove(&grantor.value());
            Ok(())
        })
    }

    fn pause(&self, _pause: Duration) -> Result<(), OxError> {
        self.0.lock().unwrap().pauses += 1;
        Ok(())
    }
}
