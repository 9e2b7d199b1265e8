//! One functional account in one context (ox-provisioning 5.6.2).

use std::collections::BTreeMap;

use idspool_ox_soap::{AccountDataOnCreate, AccountDataOnCreateField, OxUserId, Whom};
use idspool_provisioner::Fault;
use tracing::info;

use super::login::Logins;
use super::note::{Holder, Note, Placed};
use super::{Member, Shared, Work};
use crate::channel::{self, Done};
use crate::halt::Halt;
use crate::ox::{OxError, Refusal, Scope};

/// In the log: OX tells no id of an account, so that of its user stands there; this is everybody's.
const EVERYBODY: i32 = 0;

impl Work<'_> {
    /// Gives the account to these users and to nobody else. The note follows each call.
    pub(super) fn grant(
        &self,
        scope: Scope<'_>,
        shared: Shared<'_>,
        users: &[Member<'_>],
        note: &mut Note,
    ) -> Result<(), Halt> {
        let template = &self.core.settings.account_login;
        let logins = Logins {
            template,
            objects: self.delivery.objects,
            account: &self.delivery.item.id,
            address: shared.address.unwrap_or_default(),
        };
        let mut wanted = BTreeMap::new();
        for user in users {
            let login = logins.fingerprint(user, scope.context)?;
            wanted.insert(user.uuid.as_str(), (user, Holder::new(user.id, login)));
        }
        let fingerprint = shared.fingerprint(template.as_str());
        if note.get(scope.context).is_none_or(|placed| placed.shared != fingerprint) {
            self.start_anew(scope, shared, fingerprint, note)?;
        }
        let Some(placed) = note.contexts.get_mut(&scope.context.value()) else { return Ok(()) };
        if users.is_empty() {
            info!("Account is empty! Not creating...");
        }
        self.withdraw(scope, &wanted, placed)?;
        for (uuid, (user, holder)) in wanted {
            if !placed.users.contains_key(uuid) {
                let login = logins.of(user, scope.context)?;
                placed.users.insert(uuid.to_owned(), Holder::in_doubt(user.id));
                self.create(scope, shared, user, &login)?;
                placed.users.insert(uuid.to_owned(), holder);
            }
        }
        Ok(())
    }

    /// Deletes the account in this context, under its former address and, since an earlier attempt may
    /// have broken off, under the new one.
    fn start_anew(
        &self,
        scope: Scope<'_>,
        shared: Shared<'_>,
        fingerprint: String,
        note: &mut Note,
    ) -> Result<(), Halt> {
        if self.old.is_some() {
            info!("Modify is like creating a new one...");
        }
        info!("Start off by removing the old one (maybe remnants?)");
        let mut addresses = self.former_addresses(scope.context, note);
        note.distrust_in(scope.context);
        if let Some(address) = shared.address
            && addresses.iter().all(|former| former != address)
        {
            addresses.push(address.to_owned());
        }
        for address in &addresses {
            self.delete(scope, address)?;
        }
        let address = shared.address.unwrap_or_default().to_owned();
        let placed = Placed { address, shared: fingerprint, users: BTreeMap::new() };
        note.contexts.insert(scope.context.value(), placed);
        Ok(())
    }

    /// Takes the account from users who have it but are not to have it, or not as they have it.
    fn withdraw(
        &self,
        scope: Scope<'_>,
        wanted: &BTreeMap<&str, (&Member<'_>, Holder)>,
        placed: &mut Placed,
    ) -> Result<(), Halt> {
        if wanted.is_empty() {
            if !placed.users.is_empty() {
                placed.users.values_mut().for_each(Holder::doubt);
                self.delete(scope, &placed.address)?;
                placed.users.clear();
            }
            return Ok(());
        }
        let is_kept = |uuid: &str, holder: &Holder| {
            wanted.get(uuid).is_some_and(|(_, wanted)| wanted == holder)
        };
        let mut leaving = Vec::new();
        for (uuid, holder) in &mut placed.users {
            if is_kept(uuid, holder) {
                continue;
            }
            holder.doubt();
            // OX took the account from users who left the context or are gone. To name one of them
            // would be a fault.
            if self.is_still_there(scope, uuid, holder.id())? {
                leaving.push(holder.id());
            }
        }
        if !leaving.is_empty() {
            self.delete_of(scope, &placed.address, &leaving)?;
        }
        placed.users.retain(|uuid, holder| is_kept(uuid, holder));
        Ok(())
    }

    fn is_still_there(&self, scope: Scope<'_>, uuid: &str, id: OxUserId) -> Result<bool, Halt> {
        let facts = self.delivery.objects.facts(uuid)?;
        Ok(facts.is_some_and(|facts| {
            facts.scope == Some(scope.context.into()) && facts.remote_id == Some(id.into())
        }))
    }

    /// Deletes the account of every user of the context. OX accepts that where nobody has it.
    pub(super) fn delete(&self, scope: Scope<'_>, address: &str) -> Result<(), Halt> {
        self.core.begin(&self.delivery.item.id);
        match self.core.ox.delete_account(scope, address, Whom::Everybody) {
            Ok(was_there) => {
                if was_there {
                    let kind = "secondaryaccount";
                    channel::wrote(Done::Deleted, kind, address, scope.context, EVERYBODY);
                }
                Ok(())
            }
            // The context is gone, and the account with it.
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes the account of these users.
    fn delete_of(&self, scope: Scope<'_>, address: &str, users: &[OxUserId]) -> Result<(), Halt> {
        self.core.begin(&self.delivery.item.id);
        match self.core.ox.delete_account(scope, address, Whom::Users(users)) {
            Ok(_) => {}
            // One of them is gone, so none was handled.
            Err(error) if error.is_not_found() => {
                for user in users {
                    match self.core.ox.delete_account(scope, address, Whom::Users(&[*user])) {
                        Err(error) if !error.is_not_found() => return Err(error.into()),
                        _ => {}
                    }
                }
            }
            Err(error) => return Err(error.into()),
        }
        for user in users {
            let kind = "secondaryaccount";
            channel::wrote(Done::Deleted, kind, address, scope.context, user.value());
        }
        Ok(())
    }

    fn create(
        &self,
        scope: Scope<'_>,
        shared: Shared<'_>,
        user: &Member<'_>,
        login: &str,
    ) -> Result<(), Halt> {
        info!("format functional account login value ({login})");
        let name = shared.name.unwrap_or_default();
        let address = shared.address.unwrap_or_default();
        let mut account = AccountDataOnCreate::new()
            .with(AccountDataOnCreateField::Name, name)
            .with(AccountDataOnCreateField::PrimaryAddress, address)
            .with(AccountDataOnCreateField::MailEndpointSource, "primary")
            .with(AccountDataOnCreateField::Login, login);
        if let Some(personal) = shared.personal {
            account.set(AccountDataOnCreateField::Personal, personal);
        }
        let ox = &self.core.ox;
        self.core.begin(&self.delivery.item.id);
        match ox.create_account(scope, &account, user.id) {
            // An attempt that broke off may have created it, which OX does not tell from other trouble.
            Err(error) if error.is(Refusal::Other) || error.is(Refusal::InvalidData) => {
                if !ox.delete_account(scope, address, Whom::Users(&[user.id]))? {
                    return Err(error.into());
                }
                ox.create_account(scope, &account, user.id)?;
            }
            Err(error) if error.is(Refusal::NoSuchUser) => return Err(stale_id(error, user)),
            other => other?,
        }
        channel::wrote(Done::Created, "secondaryaccount", name, scope.context, user.id.value());
        Ok(())
    }
}

fn stale_id(error: OxError, user: &Member<'_>) -> Halt {
    let OxError { message, .. } = error;
    Halt::Fault(
        Fault::permanent(format!("{message}; id {} was noted for {}", user.id, user.dn))
            .with_remedy(format!(
                "re-provision {}, so that its id is looked up again; then the queue goes on",
                user.dn
            )),
    )
}
