//! Finding the account of a user at the server (id-connector 3.3).

use idspool_kelvin_client::{Identity, User};
use idspool_provisioner::{Facts, Fault, Known};
use idspool_udm::dn;
use serde_json::Value;
use tracing::{info, warn};

use super::Work;
use super::identity;
use crate::halt::Halt;

/// In the index all users of an authority have this place; the number beside it is made of their identity.
pub(crate) const SCOPE: i64 = 0;

impl Work<'_> {
    /// The account of a user that is to be there.
    pub(super) fn find(&self) -> Result<Option<User>, Halt> {
        for identity in &self.identities.all {
            let Some(user) = self.user_with(identity)? else { continue };
            let is_current = self.identities.current.as_ref() == Some(identity);
            if let Some(owner) = self.owner(identity)? {
                if !is_current {
                    info!("'{}' at the server belongs to {} by now.", user.name, shown(&owner));
                    continue;
                }
                self.take_over(&user, &owner)?;
            }
            if !is_current {
                self.refuse_second_account(&user)?;
            }
            return Ok(Some(user));
        }
        Ok(None)
    }

    /// The account of a user that is to be removed. One that was delivered for another object since stays.
    pub(super) fn find_to_remove(&self) -> Result<Option<User>, Halt> {
        for identity in &self.identities.all {
            let Some(user) = self.user_with(identity)? else { continue };
            match self.owner(identity)? {
                None => return Ok(Some(user)),
                Some(owner) => {
                    warn!(
                        "'{}' at the server is that of {} by now: it stays.",
                        user.name,
                        shown(&owner)
                    );
                }
            }
        }
        Ok(None)
    }

    fn user_with(&self, identity: &Identity) -> Result<Option<User>, Halt> {
        let mut found = self.kelvin().users(identity)?;
        let user = found.pop();
        if let (Some(user), false) = (&user, found.is_empty()) {
            let mut names: Vec<&str> = found.iter().map(|user| user.name.as_str()).collect();
            names.push(&user.name);
            return Err(Fault::permanent(format!(
                "Multiple users with the same 'source_uid'='{}' and 'record_uid'='{}' exist in the target system: {}",
                identity.source_uid,
                identity.record_uid,
                names.join(", ")
            ))
            .with_remedy("remove all but one of them at the server, or give them another record UID there")
            .into());
        }
        Ok(user)
    }

    /// Another object that was delivered with this identity.
    pub(super) fn owner(&self, identity: &Identity) -> Result<Option<Known>, Halt> {
        let objects = self.delivery.objects;
        // A snapshot without a source does not tell which one was assumed.
        let assumed = (identity.source_uid == self.site.settings.source_uid).then_some("");
        for source in [Some(identity.source_uid.as_str()), assumed].into_iter().flatten() {
            let number = identity::number_of(&identity.record_uid, source);
            for known in objects.by_remote_id(SCOPE, number)? {
                if known.id != self.delivery.item.id && objects.has_snapshot(&known.id)? {
                    return Ok(Some(known));
                }
            }
        }
        Ok(None)
    }

    /// Two objects of ours have one identity. The other one may be about to be removed or to get another identity, as
    /// when a user was removed and added again and the reports came in the other order: it has an item waiting, or
    /// its DN is ours now.
    fn take_over(&self, user: &User, owner: &Known) -> Result<(), Halt> {
        let what = format!("'{}' at the server was delivered for {}", user.name, shown(owner));
        let lost_its_dn = owner.dn == dn::key(&self.delivery.item.dn);
        if !lost_its_dn && !self.delivery.waiting.has(&owner.id) {
            return Err(Fault::permanent(format!(
                "{what}, which has the same record UID and source UID; it is not handed over to another object"
            ))
            .with_remedy(
                "give one of the two another record UID in the directory; if the other one is gone, report it to the \
                 listener (idspool-listener hook): the queue goes on by itself",
            )
            .into());
        }
        warn!("{what}, which is being removed or changed: it is taken over.");
        let objects = self.delivery.objects;
        if let Some(snapshot) = objects.snapshot(&owner.id)? {
            objects.note(&snapshot, &Facts { active: true, ..Facts::default() })?;
        }
        Ok(())
    }

    /// The account was found under a former identity: the new one must be free.
    fn refuse_second_account(&self, user: &User) -> Result<(), Halt> {
        let Some(current) = &self.identities.current else { return Ok(()) };
        match self.user_with(current)? {
            Some(other) if other.name != user.name => Err(Fault::permanent(format!(
                "the record UID changes to '{}' with source UID '{}', which the user '{}' has at the server already; \
                 this user is '{}' there",
                current.record_uid, current.source_uid, other.name, user.name
            ))
            .with_remedy("remove one of the two at the server, or correct the record UID in the directory")
            .into()),
            _ => Ok(()),
        }
    }

    /// The identity of an account at the server.
    pub(super) fn identity_of(user: &User) -> Identity {
        let text = |attribute: &str| {
            let text = user.attributes.get(attribute).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        Identity { record_uid: text("record_uid"), source_uid: text("source_uid") }
    }

    /// Whom an account belongs to, for messages.
    pub(super) fn described(&self, user: &User) -> String {
        let identity = Self::identity_of(user);
        let what = format!(
            "the user '{}' with record UID '{}' and source UID '{}'",
            user.name, identity.record_uid, identity.source_uid
        );
        match self.owner(&identity) {
            Ok(Some(owner)) => format!("{what}, delivered for {}", shown(&owner)),
            _ => what,
        }
    }
}

fn shown(owner: &Known) -> &str {
    if owner.dn.is_empty() { &owner.id } else { &owner.dn }
}
