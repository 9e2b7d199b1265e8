//! A class that has another name now (id-connector 4.2).
//!
//! It is renamed at the server, so that its share stays. Two things can stand in the way there:
//! - a class that the server made by itself, because the members' own items came first and named the new class. It
//!   makes room;
//! - the class of another object of ours, whose item is still on its way: what is in the directory is read later
//!   than what is waiting was noted, so a chain of renamings can arrive out of order. It gets a name that nobody
//!   uses until then.

use std::collections::BTreeSet;

use idspool_kelvin_client::{Attributes, Class, RefusalKind};
use idspool_provisioner::{Facts, Fault, Known};
use idspool_udm::school;
use serde_json::json;
use tracing::{info, warn};

use super::address::{Address, Note, same};
use super::deliver::{Goal, Work};
use super::wanted::{Wanted, has_description, members_of};
use crate::halt::Halt;

impl Work<'_> {
    /// Renames the class and brings it to its state. Returns the names of members that the server does not know,
    /// in lower case.
    pub(super) fn rename(
        &self,
        former: &Address,
        goal: &Goal<'_>,
    ) -> Result<BTreeSet<String>, Halt> {
        let address = &goal.wanted.address;
        let Some(found) = self.kelvin().class(&former.school, &former.name)? else {
            info!("School class {former} is not on the target system: nothing to rename");
            return self.put(goal);
        };
        let refused = match self.change(goal, &found, &[]) {
            Err(halt) if is_taken(&halt) => halt,
            done => return done,
        };
        match self.kelvin().class(&address.school, &address.name)? {
            None => Err(refused),
            Some(in_the_way) if self.is_made_for_members(&in_the_way, &found, goal)? => {
                self.replace(&in_the_way, &found, goal)
            }
            Some(_) => Err(taken(former, address).into()),
        }
    }

    /// Another object of ours that the server has under this address. In the directory it has left it.
    fn owner(&self, address: &Address) -> Result<Option<Known>, Halt> {
        let item = self.delivery.item;
        let owner = self.delivery.objects.by_dn(&item.dn)?.filter(|owner| owner.id != item.id);
        Ok(owner.filter(|owner| self.address_of(owner).is_some_and(|its| its.is(address))))
    }

    /// Where the server has another object, as far as it is a class.
    pub(super) fn address_of(&self, known: &Known) -> Option<Address> {
        if let Some(note) = known.facts.digest.as_deref().and_then(Note::parse) {
            return Some(note.address);
        }
        let class = school::Class::of_group(&known.dn, &self.site.settings.containers)?;
        Some(Address::new(class.school, class.name))
    }

    /// If the server has another object of ours under this address: gives that one a name that nobody uses, and
    /// notes it.
    pub(super) fn make_room(&self, address: &Address) -> Result<(), Halt> {
        let Some(owner) = self.owner(address)? else { return Ok(()) };
        let start: String = owner.id.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
        let Address { school, name } = address;
        let aside = Address::new(school.as_str(), format!("{name}-{start}"));
        match self.kelvin().class(school, name)? {
            Some(found) => {
                self.kelvin().change_class(&found.school, &found.name, &named(&aside.name))?;
                warn!(
                    "School class {address} has another name in the directory or is gone there, but its item has \
                     not come yet: until then it is called '{}' on the target",
                    aside.name
                );
            }
            // An earlier attempt may have broken off after the request.
            None if self.kelvin().class(school, &aside.name)?.is_none() => return Ok(()),
            None => {}
        }
        let note = Note { fingerprint: None, address: aside };
        let facts = Facts { digest: Some(note.to_text()), ..owner.facts };
        let objects = self.delivery.objects;
        Ok(objects.amend(&owner.id, &facts).and_then(|()| objects.commit())?)
    }

    /// Whether a class looks like one that the server made because users were said to be in it: nothing is known of
    /// it, and its members are ours.
    fn is_made_for_members(
        &self,
        in_the_way: &Class,
        found: &Class,
        goal: &Goal<'_>,
    ) -> Result<bool, Halt> {
        if has_description(in_the_way) {
            return Ok(false);
        }
        let is_member = |name: &str| {
            goal.members.iter().any(|member| same(&member.name, name))
                || members_of(found).any(|member| same(member, name))
        };
        // Who joined after this item was written is known to the directory at least.
        let others: Vec<&str> = members_of(in_the_way).filter(|name| !is_member(name)).collect();
        Ok(others.is_empty() || self.roles(&others)?.len() == others.len())
    }

    /// Lets a class that the server made go, and gives its name to ours. A crash in between loses no member.
    fn replace(
        &self,
        in_the_way: &Class,
        found: &Class,
        goal: &Goal<'_>,
    ) -> Result<BTreeSet<String>, Halt> {
        let address = &goal.wanted.address;
        info!(
            "School class {address} was made for its members by the target system and makes room"
        );
        let joined: Vec<String> = members_of(in_the_way).map(str::to_owned).collect();
        let former = Address::new(found.school.as_str(), found.name.as_str());
        let wanted = Wanted { address: former, ..goal.wanted.clone() };
        let unknown = self.change(&goal.with(wanted), found, &joined)?;
        self.kelvin().delete_class(&in_the_way.school, &in_the_way.name)?;
        self.kelvin().change_class(&found.school, &found.name, &named(&address.name))?;
        info!("School class modified: {}", self.place(address));
        Ok(unknown)
    }
}

fn named(name: &str) -> Attributes {
    Attributes::from_iter([("name".to_owned(), json!(name))])
}

/// The directory service of the server does not say that a name is taken, only that it does not like it.
fn is_taken(halt: &Halt) -> bool {
    matches!(halt.refusal(), Some(RefusalKind::Taken | RefusalKind::Invalid))
}

fn taken(former: &Address, address: &Address) -> Fault {
    Fault::permanent(format!(
        "rename school class {former} to '{}': the server has another class of that name, which did not come from here",
        address.name
    ))
    .with_remedy(format!(
        "rename or remove school class {address} at the server, or rename ours in the directory; the queue goes on by \
         itself"
    ))
}
