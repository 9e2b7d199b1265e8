//! What is to become of a class: to be brought to a state, to be removed, or nothing.

use std::collections::BTreeSet;

use idspool_provisioner::{Delivery, Facts, Fault, Outcome};
use idspool_udm::school::Class;
use idspool_udm::{ConvertedItem, dn};
use serde_json::{Map, Value, json};
use tracing::{info, warn};

use super::address::{Address, Note};
use super::members::{self, Member};
use super::requeue::{self, UNKNOWN_MEMBERS};
use super::send;
use super::title::{Place, Title, some_of};
use super::wanted::Wanted;
use crate::conf::Plugin;
use crate::digest;
use crate::halt::Halt;
use crate::kelvin::Kelvin;
use crate::site::Site;

/// Brings the server to the state of one item.
pub(crate) fn deliver(site: &Site, delivery: &Delivery<'_>) -> Result<Outcome, Fault> {
    let noted = delivery.facts.and_then(|facts| Note::parse(facts.digest.as_deref()?));
    let work = Work { site, delivery, noted };
    work.run().map_err(|halt| {
        work.unsettle();
        halt.into_fault(&Title(delivery.item))
    })
}

/// One item under way.
pub(super) struct Work<'a> {
    pub(super) site: &'a Site,
    pub(super) delivery: &'a Delivery<'a>,
    noted: Option<Note>,
}

/// A class as it is to be.
pub(super) struct Goal<'a> {
    pub(super) wanted: Wanted,
    /// Its members, but for those who are known to be unknown to the server.
    pub(super) members: Vec<Member<'a>>,
    /// DNs of the others.
    unknown: Vec<&'a str>,
}

impl Goal<'_> {
    /// The same with something else wanted.
    pub(super) fn with(&self, wanted: Wanted) -> Self {
        Self { wanted, members: self.members.clone(), unknown: self.unknown.clone() }
    }
}

impl<'a> Work<'a> {
    pub(super) fn kelvin(&self) -> &'a dyn Kelvin {
        self.site.target.kelvin()
    }

    pub(super) fn place<'b>(&'b self, address: &'b Address) -> Place<'b> {
        Place(address, self.delivery.item)
    }

    fn run(&self) -> Result<Outcome, Halt> {
        let item = self.delivery.item;
        let class = Class::of_group(&item.dn, &self.site.settings.containers);
        let Some(object) = &item.object else {
            return self.remove(class.as_ref());
        };
        let Some(class) = class else {
            info!("Ignoring non-school_class group: '{}'", item.dn);
            return self.leave();
        };
        if let Some(previous) = self.delivery.previous
            && self.lost_its_mapping(&class, previous)
        {
            warn!(
                "The school of class '{}' belongs to no school authority by now: it stays on the target system as it \
                 is. Map the school, then schedule the class again.",
                item.dn
            );
            let facts = self.delivery.facts.cloned().unwrap_or_default();
            return Ok(Outcome::Keep {
                object: previous.object.clone().unwrap_or_default(),
                facts,
            });
        }
        if !self.is_ours(&class) {
            info!(
                "Not creating/modifying school class '{}', its school belongs to another school authority.",
                item.dn
            );
            return self.leave();
        }
        let Some(school) = self.site.target.school(&class.school)? else {
            info!(
                "Not creating/modifying school class '{}', its school doesn't exist on the target.",
                item.dn
            );
            return self.leave();
        };
        if self.is_outdated()? {
            info!(
                "School class '{}': another object has this DN now; its own item will come.",
                item.dn
            );
            let facts = self.delivery.facts.cloned().unwrap_or_default();
            return Ok(Outcome::Keep { object: object.clone(), facts });
        }
        let goal = self.goal(&class, &school, object)?;
        if !self.delivery.forced && self.noted.as_ref() == Some(&self.note(&goal)) {
            info!("School class unchanged: {}", self.place(&goal.wanted.address));
            return Ok(self.keep(&goal));
        }
        let goal = self.bring(goal)?;
        Ok(self.keep(&goal))
    }

    /// Whether this is a copy of the last state, and another object took over its DN since.
    fn is_outdated(&self) -> Result<bool, Halt> {
        let item = self.delivery.item;
        if self.delivery.previous != Some(item) {
            return Ok(false);
        }
        let owner = self.delivery.objects.by_dn(&item.dn)?;
        Ok(owner.is_some_and(|owner| owner.id != item.id))
    }

    /// Whether the school of a class belongs to this authority.
    fn is_ours(&self, class: &Class) -> bool {
        self.site.schools.authority_of(&class.school) == Some(&self.site.authority.name)
    }

    /// Whether a class that was delivered is where it was, and the mapping no longer says whose school that is.
    fn lost_its_mapping(&self, class: &Class, previous: &ConvertedItem) -> bool {
        let former = Class::of_group(&previous.dn, &self.site.settings.containers);
        self.site.schools.authority_of(&class.school).is_none()
            && former.is_some_and(|one| one.school.to_lowercase() == class.school.to_lowercase())
    }

    fn goal(
        &self,
        class: &Class,
        school: &str,
        object: &Map<String, Value>,
    ) -> Result<Goal<'a>, Fault> {
        let wanted = Wanted::new(&self.site.authority, class, school, object)?;
        let Delivery { item, objects, forced, .. } = *self.delivery;
        let listed = members::of(self.site, objects, item)?;
        let (mut members, mut unknown) = (listed.named, Vec::new());
        if wanted.has_members {
            unknown = listed.nameless;
            // A re-provisioning asks for all of them again.
            let left_out =
                if forced { BTreeSet::new() } else { members::still_unknown(self.delivery) };
            members.retain(|member| {
                let is_known = !left_out.contains(&*dn::key(member.dn));
                if !is_known {
                    unknown.push(member.dn);
                }
                is_known
            });
        }
        Ok(Goal { wanted, members, unknown })
    }

    /// Brings the server to a state. Members that it turns out not to know are no longer members of the goal.
    fn bring(&self, mut goal: Goal<'a>) -> Result<Goal<'a>, Halt> {
        let former = self.former()?.filter(|former| !former.is(&goal.wanted.address));
        if former.is_some() {
            self.make_room(&goal.wanted.address)?;
        }
        let (renamed, left): (Option<_>, Option<_>) = match former {
            Some(former) if former.is_beside(&goal.wanted.address) => (Some(former), None),
            former => (None, former),
        };
        let unknown = match renamed {
            Some(former) => self.rename(&former, &goal),
            None => self.put(&goal),
        };
        let unknown = unknown.map_err(|halt| send::explain(halt, &goal.wanted))?;
        if let Some(former) = left {
            self.delete(&former)?;
        }
        let is_unknown = |member: &Member<'_>| unknown.contains(&member.name.to_lowercase());
        goal.unknown.extend(goal.members.iter().filter(|m| is_unknown(m)).map(|m| m.dn));
        goal.members.retain(|member| !is_unknown(member));
        self.tell_unknown(&goal);
        Ok(goal)
    }

    /// Names the members that the server does not know, each time that is found out.
    fn tell_unknown(&self, goal: &Goal<'_>) {
        let noted = self.delivery.previous.filter(|_| !self.delivery.forced);
        let noted: BTreeSet<&str> = noted.into_iter().flat_map(requeue::unknown_members).collect();
        let new: Vec<String> = goal
            .unknown
            .iter()
            .filter(|dn| !noted.contains(**dn))
            .map(|dn| dn::first_value(dn).unwrap_or_default())
            .collect();
        if !new.is_empty() {
            warn!(
                "School class {}: {} of {} members are unknown on the target and were left out: {}",
                self.place(&goal.wanted.address),
                new.len(),
                goal.members.len() + goal.unknown.len(),
                some_of(new.iter().map(String::as_str)),
            );
        }
    }

    /// Where the server has the class from us.
    ///
    /// `None`: nowhere, or another object has taken its place since, which has to be left alone.
    fn former(&self) -> Result<Option<Address>, Halt> {
        let Some(previous) = self.delivery.previous else { return Ok(None) };
        let address = match &self.noted {
            Some(noted) => Some(noted.address.clone()),
            None => Class::of_group(&previous.dn, &self.site.settings.containers)
                .map(|class| Address::new(class.school, class.name)),
        };
        let owner = self.delivery.objects.by_dn(&previous.dn)?;
        let owner = owner.filter(|owner| owner.id != self.delivery.item.id);
        let taken = owner.and_then(|owner| self.address_of(&owner));
        Ok(address.filter(|address| taken.is_none_or(|taken| !taken.is(address))))
    }

    /// The class does not belong to this authority (any more).
    fn leave(&self) -> Result<Outcome, Halt> {
        if let Some(former) = self.former()? {
            self.delete(&former)?;
        }
        Ok(Outcome::Gone)
    }

    /// The class was deleted in the directory.
    fn remove(&self, class: Option<&Class>) -> Result<Outcome, Halt> {
        let item = self.delivery.item;
        if self.delivery.previous.is_some() {
            return self.leave();
        }
        let Some(class) = class else {
            info!("Ignoring non-school_class group: '{}'", item.dn);
            return Ok(Outcome::Gone);
        };
        // Never delivered by us, maybe by another program.
        if !self.is_ours(class) {
            info!(
                "Not deleting school class '{}', its school belongs to another school authority.",
                item.dn
            );
            return Ok(Outcome::Gone);
        }
        if self.delivery.objects.by_dn(&item.dn)?.is_some() {
            info!("Not deleting school class '{}': another object has this DN now.", item.dn);
            return Ok(Outcome::Gone);
        }
        match self.site.target.school(&class.school)? {
            Some(school) => self.delete(&Address::new(school, class.name.as_str()))?,
            None => info!(
                "Not deleting school class '{}', its school doesn't exist on the target.",
                item.dn
            ),
        }
        Ok(Outcome::Gone)
    }

    pub(super) fn delete(&self, address: &Address) -> Result<(), Halt> {
        let place = self.place(address);
        if self.kelvin().delete_class(&address.school, &address.name)? {
            info!("School class deleted: {place}");
        } else {
            info!("Skipping deletion of Group not found on the target system: {place}");
        }
        Ok(())
    }

    fn note(&self, goal: &Goal<'_>) -> Note {
        let authority = &self.site.authority;
        let mut members: Vec<String> =
            goal.members.iter().map(|member| member.name.to_lowercase()).collect();
        members.sort_unstable();
        let members = goal.wanted.has_members.then_some(members);
        let others = (authority.plugin == Plugin::PartialGroupSync).then(|| {
            json!([authority.ignored_roles, self.site.schools.schools_of(&authority.name)])
        });
        let sent = json!([authority.server(), goal.wanted.attributes, members, others]);
        Note {
            fingerprint: Some(digest::of_json("class 1", &sent, 16)),
            address: goal.wanted.address.clone(),
        }
    }

    fn keep(&self, goal: &Goal<'_>) -> Outcome {
        let mut object = self.delivery.item.object.clone().unwrap_or_default();
        object.remove(UNKNOWN_MEMBERS);
        if !goal.unknown.is_empty() {
            object.insert(UNKNOWN_MEMBERS.to_owned(), json!(goal.unknown));
        }
        let digest = Some(self.note(goal).to_text());
        Outcome::Keep { object, facts: Facts { active: true, digest, ..Facts::default() } }
    }

    /// A delivery broke off: the server may have something else than what was noted, also when this item is
    /// removed and the next one wants the former state.
    fn unsettle(&self) {
        let (Some(previous), Some(facts), Some(noted)) =
            (self.delivery.previous, self.delivery.facts, &self.noted)
        else {
            return;
        };
        if noted.fingerprint.is_none() {
            return;
        }
        let digest = Some(Note { fingerprint: None, ..noted.clone() }.to_text());
        let facts = Facts { digest, ..facts.clone() };
        let objects = self.delivery.objects;
        let done = objects.amend(&previous.id, &facts).and_then(|()| objects.commit());
        if let Err(error) = done {
            warn!("{error}");
        }
    }
}
