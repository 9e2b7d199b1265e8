//! The rules for users (id-connector 3): the decision, then one function per outcome.
//!
//! | the item | requests |
//! |---|---|
//! | would send what was sent last | none |
//! | a user that the server does not have | look-up, `POST` |
//! | a user that it has | look-up, and `PATCH` of what differs |
//! | a user that left, or was removed | look-up, and `DELETE` |
//! | a re-provisioning | look-up, and `PATCH` of all that is mapped |
//!
//! Unlike the ID Connector, which made a new random password with each change, one is only made for a user that
//! is created.

mod change;
mod choose;
mod create;
mod difference;
mod find;
mod hashes;
mod identity;
mod note;
mod password;
mod relatives;
mod remove;
mod roles;
mod schools;
#[cfg(test)]
pub(crate) mod tests;
mod wanted;

use std::cell::Cell;

use idspool_provisioner::{Delivery, Facts, Fault, Outcome};
use idspool_udm::ConvertedItem;
use serde_json::{Map, Value};
use tracing::{info, warn};

use self::choose::choose;
use self::identity::Identities;
use self::note::{Note, shown_name};
use self::schools::Schools;
use self::wanted::{Sources, Wanted};
use crate::halt::Halt;
use crate::kelvin::Kelvin;
use crate::site::Site;

pub(crate) use relatives::{delivered_name, has_other_names};

/// One user item under way.
struct Work<'a> {
    site: &'a Site,
    delivery: &'a Delivery<'a>,
    /// The login name, for messages.
    name: String,
    identities: Identities,
    /// Whether a request that changes something was made.
    has_begun: Cell<bool>,
}

/// What is to be delivered.
struct Load {
    wanted: Wanted,
    /// Password hashes, if they are to be sent.
    hashes: Option<Value>,
    note: Note,
    /// The note of the last delivery.
    former: Option<Note>,
}

impl Load {
    /// Whether the server may have other hashes than those to send.
    fn has_new_hashes(&self) -> bool {
        let are_known = |former: &Note| former.has_hashes_of(&self.note);
        self.hashes.is_some() && !self.former.as_ref().is_some_and(are_known)
    }
}

/// Brings the server to the state of one item.
pub(crate) fn deliver(site: &Site, delivery: &Delivery<'_>) -> Result<Outcome, Fault> {
    let Delivery { item, previous, .. } = *delivery;
    let work = Work {
        site,
        delivery,
        name: shown_name(item, previous),
        identities: Identities::of(item, previous, &site.settings.source_uid),
        has_begun: Cell::new(false),
    };
    work.run().map_err(|halt| {
        // What is remembered of the server may be why.
        site.target.forget();
        work.doubt();
        halt.into_fault(&format_args!("user '{}' ({})", work.name, item.dn))
    })
}

/// What the index notes of a user when only its snapshot is known.
pub(crate) fn facts_of(item: &ConvertedItem) -> Facts {
    Facts {
        scope: Some(find::SCOPE),
        remote_id: identity::number(item),
        active: true,
        digest: None,
        rights: None,
    }
}

impl<'a> Work<'a> {
    fn run(&self) -> Result<Outcome, Halt> {
        let item = self.delivery.item;
        let Some(object) = &item.object else { return self.remove() };
        match Schools::of(self.site, item)? {
            Some(schools) => self.bring(object, &schools),
            None if self.lost_its_mapping() => Ok(self.leave_alone()),
            None => {
                info!(
                    "All schools of user '{}' in this school authority ('{}') have been removed. Deleting user from \
                     school authority...",
                    self.name, self.site.authority.name
                );
                self.remove()
            }
        }
    }

    /// The user is to be there.
    fn bring(&self, object: &Map<String, Value>, schools: &Schools) -> Result<Outcome, Halt> {
        if self.identities.all.is_empty() {
            let (missing, property) = if identity::has_record(object) {
                ("source_uid", "ucsschoolSourceUID, or kelvin.source_uid in the configuration,")
            } else {
                ("record_uid", "ucsschoolRecordUID")
            };
            return Err(Fault::permanent(format!(
                "Cannot search for User: missing {missing} in object: {}",
                self.delivery.item.dn
            ))
            .with_remedy(format!("set {property} for it, or remove the queue file"))
            .into());
        }
        let load = self.load(object, schools)?;
        let mut at_server = self.identities.all.first().cloned();
        if !self.delivery.forced && load.former.as_ref() == Some(&load.note) {
            info!("Nothing to send for user '{}'.", self.name);
        } else if let Some(account) = self.find()? {
            info!("User exists on target system, modifying it.");
            at_server = Some(load.wanted.identity_after(Self::identity_of(&account)));
            self.change(&load, account)?;
        } else {
            info!("User does not exist on target system, creating it.");
            self.create(&load)?;
            at_server = None;
        }
        let digest = Some(load.note.to_string());
        let mut kept = self.delivery.item.clone();
        if let (None, Some(object), Some(identity)) =
            (&self.identities.current, &mut kept.object, at_server)
        {
            // It has none in the directory any more, and the server keeps the one that it has: without that it
            // would never be found again.
            identity::write(object, &identity);
        }
        let facts = Facts { digest, ..facts_of(&kept) };
        let mut object = kept.object.unwrap_or_default();
        // A hash, in items that an ID Connector left in the queue.
        object.remove("password");
        Ok(Outcome::Keep { object, facts })
    }

    fn load(&self, object: &Map<String, Value>, schools: &Schools) -> Result<Load, Halt> {
        let Self { site, delivery, .. } = *self;
        let authority = &site.authority;
        let chosen = choose(authority, &site.schools, object)?;
        info!("Using {} for the user mapping", chosen.key);
        let name_of = |dn: &str| delivered_name(site, delivery.objects, dn);
        let sources = Sources { site, item: delivery.item, object, schools, name_of: &name_of };
        let wanted = sources.apply(chosen.mapping)?;
        let passwords = delivery.item.user_passwords.as_ref();
        let hashes = passwords.filter(|_| authority.sync_password_hashes).map(hashes::to_send);
        let noted = delivery.facts.and_then(|facts| facts.digest.as_deref());
        let former = noted.and_then(Note::parse);
        let note = Note::new(&authority.server(), &wanted, hashes.as_ref(), former.as_ref());
        Ok(Load { wanted, hashes, note, former })
    }

    fn kelvin(&self) -> &'a dyn Kelvin {
        self.site.target.kelvin()
    }

    /// For the log: the name, by which the ID Connector's documentation finds lines, and the DN.
    fn shown(&self) -> String {
        format!("'{}' ({})", self.name, self.delivery.item.dn)
    }

    /// After a failed delivery what the server has is not known. What was noted must not make a later item that
    /// asks for the former state seem delivered, should an administrator remove this one.
    fn doubt(&self) {
        let Delivery { previous, facts, objects, .. } = *self.delivery;
        if let (true, Some(previous), Some(facts)) = (self.has_begun.get(), previous, facts)
            && facts.digest.is_some()
        {
            let facts = Facts { digest: None, ..facts.clone() };
            let noted = objects.amend(&previous.id, &facts).and_then(|()| objects.commit());
            if let Err(error) = noted {
                // The fault of the delivery is the one to report, and the item is still in the queue.
                warn!("Cannot note that a delivery broke off: {error}");
            }
        }
    }
}
