//! The login of a user at a functional account (ox-provisioning 10.3).

use idspool_ox_soap::ContextId;
use idspool_provisioner::{Error, Fault, Objects};
use idspool_udm::ConvertedItem;
use idspool_udm::dn::Dn;

use super::members::Member;
use crate::digest;
use crate::halt::Halt;
use crate::props::Props;
use crate::template::AccountLogin;

/// Fills the template in for the users of one account.
pub(crate) struct Logins<'a> {
    pub(crate) template: &'a AccountLogin,
    pub(crate) objects: &'a Objects,
    /// Entry UUID of the account.
    pub(crate) account: &'a str,
    /// Its mail address.
    pub(crate) address: &'a str,
}

impl Logins<'_> {
    /// The login of a user.
    ///
    /// # Errors
    /// The template needs a property that the user does not have as a single text.
    pub(crate) fn of(&self, member: &Member<'_>, context: ContextId) -> Result<String, Halt> {
        let snapshot = if self.template.tokens().all(is_known_without_snapshot) {
            None
        } else {
            Some(self.snapshot(member)?)
        };
        let props = snapshot.as_ref().and_then(|user| user.object.as_ref()).map(Props);
        let login = self.template.render(|token| match token {
            "dn" => snapshot.as_ref().map(|user| user.dn.as_str()),
            token => self.known(token, member).or_else(|| props?.text(token)),
        });
        login.map_err(|error| {
            Fault::permanent(format!(
                "login of {} at the functional account in context {context}: {error}",
                member.dn
            ))
            .with_remedy(
                "set the property of the user in the directory, or change OX_FUNCTIONAL_ACCOUNT_LOGIN_TEMPLATE",
            )
            .into()
        })
    }

    /// Changes when the login changes.
    ///
    /// The ordinary template needs nothing of the user but its name, which its DN tells: so no file is
    /// read for a user who has the account already.
    pub(super) fn fingerprint(
        &self,
        member: &Member<'_>,
        context: ContextId,
    ) -> Result<String, Halt> {
        let is_known = |token| token == "username" || is_known_without_snapshot(token);
        let name =
            Dn::parse(member.dn).ok().and_then(|dn| Some(dn.rdn()?.value("uid")?.into_owned()));
        let login = match name {
            Some(name) if self.template.tokens().all(is_known) => {
                let value = |token: &str| self.known(token, member).or(Some(name.as_str()));
                self.template.render(value).unwrap_or_default()
            }
            _ => self.of(member, context)?,
        };
        Ok(digest::of_texts("login", &[&login], 6))
    }

    fn known<'v>(&'v self, token: &str, member: &'v Member<'_>) -> Option<&'v str> {
        match token {
            "fa_entry_uuid" => Some(self.account),
            "fa_email_address" => Some(self.address),
            "entry_uuid" => Some(&member.uuid),
            _ => None,
        }
    }

    fn snapshot(&self, member: &Member<'_>) -> Result<ConvertedItem, Halt> {
        match self.objects.snapshot(&member.uuid)? {
            Some(snapshot) => Ok(snapshot),
            // Taken away a moment ago.
            None => {
                let path = self.objects.path_of(&member.uuid)?;
                Err(Error::SnapshotMissing { path, dn: member.dn.to_owned() }.into())
            }
        }
    }
}

fn is_known_without_snapshot(token: &str) -> bool {
    matches!(token, "fa_entry_uuid" | "fa_email_address" | "entry_uuid")
}
