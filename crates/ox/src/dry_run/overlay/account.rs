//! Secondary accounts and deputy permissions.

use idspool_ox_soap::{AccountDataOnCreate, ContextId, DeputyPermission, OxUserId, Whom};
use serde_json::Value as Json;

use super::super::difference::{Old, changes};
use super::super::journal::{Call, Change, is_provisional};
use super::tenant::Holders;
use super::{Base, Overlay, check_values, refused, same_name};
use crate::ox::{OxError, Refusal, Scope, Which};

impl Overlay {
    pub(super) fn new_account(
        &self,
        scope: Scope<'_>,
        account: &AccountDataOnCreate,
        user: OxUserId,
    ) -> Result<(), OxError> {
        let address = account.primary_address().unwrap_or_default();
        check_values("SecondaryAccount.create", address, account)?;
        self.check_user(scope.context, user)?;
        if self.has_account(scope, address, user)? {
            let message = format!("user {user} has an account {address} already");
            return Err(refused(Refusal::Other, message));
        }
        self.holders(scope.context, address, |holders| holders.users.insert(user.value(), true));
        let mut told = changes(Old::New, account);
        told.push(Change::Ids { field: "users", added: vec![user.value()], removed: Vec::new() });
        self.record(account_call("SecondaryAccount.create", scope.context, address).with(told));
        Ok(())
    }

    pub(super) fn removed_account(
        &self,
        scope: Scope<'_>,
        address: &str,
        whom: Whom<'_>,
    ) -> Result<bool, OxError> {
        self.base(scope.context)?;
        let told = match whom {
            Whom::Everybody => {
                let none = Holders { is_whole: true, ..Holders::default() };
                self.holders(scope.context, address, |holders| *holders = none);
                Vec::new()
            }
            Whom::Users(users) => {
                users.iter().try_for_each(|user| self.check_user(scope.context, *user))?;
                self.holders(scope.context, address, |holders| {
                    holders.users.extend(users.iter().map(|user| (user.value(), false)));
                });
                let removed = users.iter().map(|user| user.value()).collect();
                vec![Change::Ids { field: "users", added: Vec::new(), removed }]
            }
        };
        self.record(account_call("SecondaryAccount.delete", scope.context, address).with(told));
        Ok(true)
    }

    fn has_account(
        &self,
        scope: Scope<'_>,
        address: &str,
        user: OxUserId,
    ) -> Result<bool, OxError> {
        let known = self.holders(scope.context, address, |holders| {
            let known = holders.users.get(&user.value()).copied();
            known.or_else(|| holders.is_whole.then_some(false))
        });
        match (known, self.base(scope.context)?) {
            (Some(known), _) => Ok(known),
            (None, Base::Server(server)) if !is_provisional(user.value()) => {
                let accounts = self.heard(server.accounts(scope, Whom::Users(&[user])))?;
                Ok(accounts.iter().any(|account| {
                    account.primary_address().is_some_and(|known| same_name(known, address))
                }))
            }
            _ => Ok(false),
        }
    }

    fn holders<T>(
        &self,
        context: ContextId,
        address: &str,
        work: impl FnOnce(&mut Holders) -> T,
    ) -> T {
        self.tenant(context, |tenant| {
            work(tenant.accounts.entry(address.to_lowercase()).or_default())
        })
    }

    pub(super) fn new_deputy(
        &self,
        scope: Scope<'_>,
        grantor: OxUserId,
        permission: &DeputyPermission,
    ) -> Result<String, OxError> {
        self.check_user(scope.context, permission.user)?;
        let mut changes = vec![
            Change::Ids {
                field: "deputy",
                added: vec![permission.user.value()],
                removed: Vec::new(),
            },
            told("sendOnBehalfOf", permission.send_on_behalf_of),
        ];
        for module in &permission.modules {
            let admin = u8::from(module.admin);
            let levels = [module.folder, module.read, module.write, module.delete];
            let levels: String = levels.iter().map(i32::to_string).collect();
            changes.push(told(module.module.as_str(), format!("{admin}{levels}")));
        }
        self.deputy_call("Deputy.grant", scope, grantor, changes)?;
        Ok("new".to_owned())
    }

    /// A call about the deputies of a user.
    pub(super) fn deputy_call(
        &self,
        operation: &'static str,
        scope: Scope<'_>,
        grantor: OxUserId,
        changes: Vec<Change>,
    ) -> Result<(), OxError> {
        self.base(scope.context)?;
        self.check_user(scope.context, grantor)?;
        let name = self.name_of(scope.context, grantor.value()).or_else(|| {
            let user = self.noted_user(scope.context, Which::Id(grantor))?;
            user.name().map(str::to_owned)
        });
        let name = name.unwrap_or_default();
        let call = Call::new(operation, scope.context.value(), &name, grantor.value());
        self.record(call.with(changes));
        Ok(())
    }

    /// Refuses a user that would be deleted before.
    fn check_user(&self, context: ContextId, user: OxUserId) -> Result<(), OxError> {
        self.base(context)?;
        if self.tenant(context, |tenant| tenant.is_removed(user.value())) {
            let message = format!("No such user {user} in context {context}");
            return Err(refused(Refusal::NoSuchUser, message));
        }
        Ok(())
    }
}

/// Accounts are known by their address; OX gives each user's an id of its own.
fn account_call(operation: &'static str, context: ContextId, address: &str) -> Call {
    Call { id: None, ..Call::new(operation, context.value(), address, 0) }
}

fn told(field: &'static str, new: impl Into<Json>) -> Change {
    Change::Value { field, old: None, new: new.into() }
}
