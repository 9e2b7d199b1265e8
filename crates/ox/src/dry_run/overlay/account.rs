//! Secondary accounts and deputy permissions.

use idspool_ox_soap::{
    Account, AccountDataOnCreate, AccountDataOnCreateField, AccountField, ContextId,
    DeputyPermission, OxUserId, Whom,
};
use serde_json::Value as Json;

use super::super::difference::changes;
use super::super::journal::{Call, Change, is_provisional};
use super::tenant::AccountStep;
use super::{Base, Overlay, check_values, refused};
use crate::ox::{OxError, Refusal, Scope};

impl Overlay {
    pub(super) fn find_accounts(
        &self,
        scope: Scope<'_>,
        whom: Whom<'_>,
    ) -> Result<Vec<Account>, OxError> {
        let mut accounts = match self.base(scope.context)? {
            Base::Nothing => Vec::new(),
            Base::Noted => self.noted_accounts(scope.context),
            Base::Server(server) => self.served_accounts(server, scope, whom)?,
        };
        self.tenant(scope.context, |tenant| {
            accounts.retain(|account| {
                account.user().is_none_or(|user| !tenant.is_removed(user.value()))
            });
            for (address, steps) in &tenant.accounts {
                for step in steps {
                    match step {
                        AccountStep::Create(account) => accounts.push(account.clone()),
                        AccountStep::Delete(users) => accounts.retain(|account| {
                            let is_his = users.as_ref().is_none_or(|users| {
                                account.user().is_some_and(|user| users.contains(&user))
                            });
                            !(is_his && is_of(account, address))
                        }),
                    }
                }
            }
        });
        accounts.retain(|account| match whom {
            Whom::Everybody => true,
            Whom::Users(users) => account.user().is_some_and(|user| users.contains(&user)),
        });
        Ok(accounts)
    }

    /// The server refuses to list accounts of users that it does not know.
    fn served_accounts(
        &self,
        server: &dyn crate::ox::Ox,
        scope: Scope<'_>,
        whom: Whom<'_>,
    ) -> Result<Vec<Account>, OxError> {
        let Whom::Users(users) = whom else { return self.heard(server.accounts(scope, whom)) };
        let known: Vec<OxUserId> = self.tenant(scope.context, |tenant| {
            let is_served =
                |user: &OxUserId| !is_provisional(user.value()) && !tenant.is_removed(user.value());
            users.iter().copied().filter(is_served).collect()
        });
        if known.is_empty() {
            return Ok(Vec::new());
        }
        self.heard(server.accounts(scope, Whom::Users(&known)))
    }

    pub(super) fn new_account(
        &self,
        scope: Scope<'_>,
        account: &AccountDataOnCreate,
        user: OxUserId,
    ) -> Result<(), OxError> {
        let address = account.primary_address().unwrap_or_default();
        check_values("SecondaryAccount.create", address, account)?;
        self.base(scope.context)?;
        if self.tenant(scope.context, |tenant| tenant.is_removed(user.value())) {
            return Err(refused(Refusal::NoSuchUser, format!("No such user {user}")));
        }
        let mut call =
            Call::new("SecondaryAccount.create", scope.context.value(), address, user.value());
        call.id = None;
        let mut told = changes(None, account);
        told.push(Change::Ids { field: "users", added: vec![user.value()], removed: Vec::new() });
        self.record(call.with(told));
        let mut listed = Account::new()
            .with(AccountField::ContextId, scope.context)
            .with(AccountField::UserId, user);
        for (from, to) in [
            (AccountDataOnCreateField::Login, AccountField::Login),
            (AccountDataOnCreateField::Name, AccountField::Name),
            (AccountDataOnCreateField::PrimaryAddress, AccountField::PrimaryAddress),
            (AccountDataOnCreateField::Personal, AccountField::Personal),
        ] {
            if let Some(value) = account.get(from) {
                listed.set(to, value.clone());
            }
        }
        self.add_step(scope.context, address, AccountStep::Create(listed));
        Ok(())
    }

    pub(super) fn removed_account(
        &self,
        scope: Scope<'_>,
        address: &str,
        whom: Whom<'_>,
    ) -> Result<bool, OxError> {
        let accounts = self.find_accounts(scope, whom)?;
        let had_any = accounts.iter().any(|account| is_of(account, address));
        let (users, told) = match whom {
            Whom::Everybody => (None, Vec::new()),
            Whom::Users(users) => {
                let ids = users.iter().map(|user| user.value()).collect();
                let change = Change::Ids { field: "users", added: Vec::new(), removed: ids };
                (Some(users.to_vec()), vec![change])
            }
        };
        let mut call = Call::new("SecondaryAccount.delete", scope.context.value(), address, 0);
        call.id = None;
        self.record(call.with(told));
        self.add_step(scope.context, address, AccountStep::Delete(users));
        Ok(had_any)
    }

    fn add_step(&self, context: ContextId, address: &str, step: AccountStep) {
        self.tenant(context, |tenant| {
            let steps = tenant.accounts.entry(address.to_lowercase()).or_default();
            if matches!(step, AccountStep::Delete(None)) {
                steps.clear();
            }
            steps.push(step);
        });
    }

    pub(super) fn find_deputies(
        &self,
        scope: Scope<'_>,
        grantor: OxUserId,
    ) -> Result<Vec<DeputyPermission>, OxError> {
        let known =
            self.tenant(scope.context, |tenant| tenant.deputies.get(&grantor.value()).cloned());
        match (known, self.base(scope.context)?) {
            (Some(known), _) => Ok(known),
            (None, Base::Server(server)) if !is_provisional(grantor.value()) => {
                self.heard(server.deputies(scope, grantor))
            }
            _ => Ok(Vec::new()),
        }
    }

    pub(super) fn new_deputy(
        &self,
        scope: Scope<'_>,
        grantor: OxUserId,
        permission: &DeputyPermission,
    ) -> Result<String, OxError> {
        let mut permissions = self.find_deputies(scope, grantor)?;
        let mut told = vec![
            Change::Ids {
                field: "deputy",
                added: vec![permission.user.value()],
                removed: Vec::new(),
            },
            told("sendOnBehalfOf", permission.send_on_behalf_of),
        ];
        for module in &permission.modules {
            let digits = format!(
                "{}{}{}{}{}",
                u8::from(module.admin),
                module.folder,
                module.read,
                module.write,
                module.delete
            );
            told.push(self::told(module.module.as_str(), digits));
        }
        self.record_deputy("Deputy.grant", scope, grantor, told);
        permissions.push(permission.clone());
        self.set_deputies(scope, grantor, permissions);
        Ok("new".to_owned())
    }

    pub(super) fn without_deputies(
        &self,
        scope: Scope<'_>,
        grantor: OxUserId,
    ) -> Result<(), OxError> {
        self.base(scope.context)?;
        self.record_deputy("Deputy.revokeAll", scope, grantor, Vec::new());
        self.set_deputies(scope, grantor, Vec::new());
        Ok(())
    }

    /// `Deputy.blockManual` and `Deputy.unblockManual`.
    pub(super) fn record_deputy(
        &self,
        operation: &'static str,
        scope: Scope<'_>,
        grantor: OxUserId,
        changes: Vec<Change>,
    ) {
        let name = self.tenant(scope.context, |tenant| match tenant.users.get(&grantor.value()) {
            Some(Some(person)) => person.name.to_string(),
            _ => String::new(),
        });
        let call = Call::new(operation, scope.context.value(), &name, grantor.value());
        self.record(call.with(changes));
    }

    fn set_deputies(&self, scope: Scope<'_>, grantor: OxUserId, now: Vec<DeputyPermission>) {
        self.tenant(scope.context, |tenant| tenant.deputies.insert(grantor.value(), now));
    }
}

fn told(field: &'static str, new: impl Into<Json>) -> Change {
    Change::Value { field, old: None, new: new.into() }
}

fn is_of(account: &Account, address: &str) -> bool {
    account.primary_address().is_some_and(|known| super::same_name(known, address))
}
