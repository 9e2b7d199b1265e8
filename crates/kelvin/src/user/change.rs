//! Changing a user that the server has (id-connector 3.2, kelvin-api 7.4).

use idspool_kelvin_client::{Attributes, RefusalKind, User};
use idspool_provisioner::Fault;
use serde_json::Value;
use tracing::{info, warn};

use super::difference::difference;
use super::wanted::Wanted;
use super::{Load, Work, relatives};
use crate::halt::Halt;

impl Work<'_> {
    pub(super) fn change(&self, load: &Load, account: User) -> Result<(), Halt> {
        if self.site.authority.sync_password_hashes && load.wanted.password.is_some() {
            warn!(
                "Not sending a 'password', because password hashes are: remove it from the mapping."
            );
        }
        let result = self.patch(load, &load.wanted, &account);
        if !matches!(&result, Err(halt) if halt.refusal() == Some(&RefusalKind::NoRelation)) {
            return result;
        }
        let mut wanted = load.wanted.clone();
        if !relatives::drop_missing(self.kelvin(), &mut wanted)? {
            return result;
        }
        // The refused request may have moved and renamed it all the same (kelvin-api 7.4).
        let Some(account) = self.find()? else { return result };
        self.patch(load, &wanted, &account)
    }

    fn patch(&self, load: &Load, wanted: &Wanted, account: &User) -> Result<(), Halt> {
        let mut change = difference(wanted, &account.attributes, self.delivery.forced);
        let is_due = !change.is_empty() || load.has_new_hashes();
        if let Some(hashes) = load.hashes.as_ref().filter(|_| is_due) {
            change.insert("kelvin_password_hashes".into(), hashes.clone());
        }
        if change.is_empty() {
            info!("User is on the target system as it should be: {}.", self.shown());
            return Ok(());
        }
        self.has_begun.set(true);
        match self.kelvin().change_user(&account.name, &change) {
            Ok(_) => {
                info!("User modified: {}.", self.shown());
                Ok(())
            }
            Err(error) => Err(self.explained(error.into(), account, &change)?),
        }
    }

    /// A refusal says little when a name is taken, or when the account is gone.
    fn explained(&self, halt: Halt, account: &User, change: &Attributes) -> Result<Halt, Halt> {
        let new_name = change.get("name").and_then(Value::as_str);
        Ok(match (halt.refusal(), new_name) {
            (Some(RefusalKind::NoObject), _) => Fault::transient(format!(
                "the user '{}' was there a moment ago, and is gone or has another name: it is looked up again",
                account.name
            ))
            .into(),
            (Some(RefusalKind::Invalid | RefusalKind::Taken), Some(name))
                if name.to_lowercase() != account.name.to_lowercase() =>
            {
                self.taken(name)?.map_or(halt, Halt::from)
            }
            _ => halt,
        })
    }
}
