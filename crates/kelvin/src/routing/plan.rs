//! Who gets a copy of an item, and what is known of its object afterwards (id-connector 1.5, 1.7).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use idspool_udm::{ConvertedItem, OldData};
use tracing::Level;

use super::Reason;
use super::accept::{Judgement, Present};
use super::current::Routes;
use super::queues::Queues;
use super::state::{Identity, Kind, Known, Told};
use crate::conf::AuthorityName;

/// What is to be done with one item.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// One for each authority that gets the item.
    pub(super) copies: Vec<Copy>,
    /// Whether the copies say that the object is deleted, whatever the item says.
    pub(super) is_withdrawn: bool,
    /// What is known of the object afterwards; `None`: nothing new. Where [`Copy::is_last`], the name of the
    /// copy has still to be noted.
    pub(super) next: Option<Known>,
    pub(super) counted: Vec<Reason>,
    /// For the log.
    pub(super) lines: Vec<(Level, String)>,
}

/// The copy for one authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Copy {
    pub(super) authority: AuthorityName,
    /// Takes the object away there.
    pub(super) is_last: bool,
    pub(super) old_data: Option<OldData>,
}

/// What a plan is made of.
pub(super) struct Planning<'a> {
    /// The file, for the log.
    pub(super) name: &'a str,
    pub(super) item: &'a ConvertedItem,
    pub(super) before: Option<&'a Known>,
    pub(super) routes: &'a Routes,
    pub(super) queues: &'a dyn Queues,
    pub(super) now: DateTime<Utc>,
}

impl Planning<'_> {
    /// Decides.
    pub(super) fn plan(&self, judgement: Judgement) -> Plan {
        match judgement {
            Judgement::Present(present) => self.present(present),
            Judgement::Deleted { kind, school } => self.deleted(kind, school.as_deref()),
            Judgement::NotOurs { kind, reason, why } => self.not_ours(kind, reason, why),
            Judgement::Ignored { reason, why } => {
                let mut plan = Plan::default();
                plan.ignore(reason, self.discarded(&why));
                plan
            }
        }
    }

    fn present(&self, present: Present) -> Plan {
        let mut plan = Plan::default();
        let Present { kind, schools, identity } = present;
        let stay = self.authorities_of(schools.iter(), "School", &mut plan);
        if schools.iter().any(|school| self.routes.mapping.authority_of(school).is_none()) {
            plan.counted.push(Reason::UnknownSchool);
        }
        let leave = self.leaving(&stay, &mut plan);
        let next = Known { dn: self.item.dn.clone(), schools, identity, ..Known::new("", kind) };
        self.tell(&mut plan, &stay, leave, next);
        if plan.copies.is_empty() {
            plan.ignore(Reason::NotMapped, self.nobody());
        }
        plan
    }

    fn deleted(&self, kind: Kind, school: Option<&str>) -> Plan {
        let mut plan = Plan::default();
        let mut leave = self.leaving(&BTreeSet::new(), &mut plan);
        // A class is found by its DN, also when nothing is known of it.
        if !self.was_deleted() {
            let named = self.authorities_of(school.iter(), "School", &mut plan);
            leave.extend(named.into_iter().filter(|name| self.told(name).is_none()));
        }
        if leave.is_empty() {
            let (reason, lines) = match self.before {
                None if kind == Kind::User => (
                    Reason::UnknownDeletion,
                    vec![
                        "*** CANNOT DELETE OBJECT FROM TARGET SYSTEM(S)! ***".to_owned(),
                        format!(
                            "No previous data stored for DN '{}' (entryUUID '{}').",
                            self.item.dn, self.item.id
                        ),
                    ],
                ),
                None if school.is_none() => (Reason::NoClass, Vec::new()),
                None => (Reason::NotMapped, Vec::new()),
                Some(_) => (Reason::NothingToDelete, Vec::new()),
            };
            plan.lines.extend(lines.into_iter().map(|line| (Level::ERROR, line)));
            plan.ignore(reason, self.nobody());
            if self.before.is_none() {
                return plan;
            }
        }
        self.withdraw(&mut plan, leave, kind);
        plan
    }

    /// Nobody gets it, unless somebody has it.
    fn not_ours(&self, kind: Kind, reason: Reason, why: String) -> Plan {
        let mut plan = Plan::default();
        let leave = self.leaving(&BTreeSet::new(), &mut plan);
        if leave.is_empty() {
            let why = if kind == Kind::User { self.discarded(&why) } else { why };
            plan.ignore(reason, why);
            if kind == Kind::Class {
                plan.lines.push((Level::INFO, self.nobody()));
            }
            if self.before.is_none() {
                return plan;
            }
        } else {
            plan.is_withdrawn = true;
            let names: Vec<&str> = leave.iter().map(AuthorityName::as_str).collect();
            let (dn, names) = (&self.item.dn, names.join("', '"));
            let what = if kind == Kind::User { "school user" } else { "school class" };
            let line = format!("'{dn}' is no {what} any more: removing it at '{names}'.");
            plan.lines.push((Level::INFO, line));
        }
        self.withdraw(&mut plan, leave, kind);
        plan
    }

    /// As if the object was deleted.
    fn withdraw(&self, plan: &mut Plan, leave: BTreeSet<AuthorityName>, kind: Kind) {
        let before = self.before.cloned().unwrap_or_else(|| Known::new("", kind));
        let next = Known {
            dn: self.item.dn.clone(),
            deleted: before.deleted.or(Some(self.now)),
            ..before
        };
        self.tell(plan, &BTreeSet::new(), leave, next);
    }

    /// The authorities that have the object, or may have it, and shall not have it any longer.
    fn leaving(&self, stay: &BTreeSet<AuthorityName>, plan: &mut Plan) -> BTreeSet<AuthorityName> {
        let id = &self.item.id;
        let mut leave = BTreeSet::new();
        for (name, told) in self.before.iter().flat_map(|before| &before.told) {
            let is_there = || match &told.last {
                None => true,
                // An item that says "deleted" does its work whenever it is delivered. One that says "belongs
                // elsewhere" is judged by the mapping of that time.
                Some(last) if self.queues.waits(name, last) => !self.was_deleted(),
                // It did its work, unless somebody removed it.
                Some(_) => self.queues.has_snapshot(name, id),
            };
            if !stay.contains(name) && self.routes.is_configured(name) && is_there() {
                leave.insert(name.clone());
            }
        }
        let from_item = self.item.old_data.iter().flat_map(|old| &old.schools);
        // Of what was deleted, everybody has been told.
        let existing = self.before.filter(|before| before.deleted.is_none());
        let schools = existing.iter().flat_map(|before| &before.schools).chain(from_item);
        let former = self.authorities_of(schools, "School from 'old_data'", plan);
        let is_untold = |name: &AuthorityName| !stay.contains(name) && self.told(name).is_none();
        leave.extend(former.into_iter().filter(is_untold));
        if self.before.is_none() {
            // What was known may be lost: the authorities themselves still tell what they have.
            let others = self.routes.authorities.keys().filter(|name| !stay.contains(*name));
            leave.extend(others.filter(|name| self.queues.has_snapshot(name, id)).cloned());
        }
        leave
    }

    /// The authorities of schools. Of those that have no configuration the log tells.
    fn authorities_of(
        &self,
        schools: impl Iterator<Item = impl AsRef<str>>,
        what: &str,
        plan: &mut Plan,
    ) -> BTreeSet<AuthorityName> {
        let mut names = BTreeSet::new();
        for school in schools {
            match self.routes.mapping.authority_of(school.as_ref()) {
                Some(name) => drop(names.insert(name.clone())),
                None => {
                    let school = school.as_ref();
                    let line =
                        format!("{what} missing in school authority mapping, ignoring: '{school}'");
                    plan.note(Level::INFO, line);
                }
            }
        }
        names.retain(|name| {
            let is_configured = self.routes.is_configured(name);
            if !is_configured {
                let line = format!(
                    "Ignoring unknown school authority '{name}' for DN '{}' ('{}').",
                    self.item.dn, self.item.id
                );
                if plan.note(Level::WARN, line) {
                    plan.counted.push(Reason::UnknownAuthority);
                }
            }
            is_configured
        });
        names
    }

    fn was_deleted(&self) -> bool {
        self.before.is_some_and(|before| before.deleted.is_some())
    }

    fn told(&self, authority: &AuthorityName) -> Option<&Told> {
        self.before?.told.get(authority)
    }

    /// Under which identity an authority knows the user.
    fn identity_at(&self, authority: &AuthorityName) -> Option<&Identity> {
        let told = self.told(authority).and_then(|told| told.identity.as_ref());
        told.or(self.before.map(|before| &before.identity))
    }

    /// Writes down the copies, and who has been told what when they are written.
    fn tell(
        &self,
        plan: &mut Plan,
        stay: &BTreeSet<AuthorityName>,
        leave: BTreeSet<AuthorityName>,
        mut next: Known,
    ) {
        next.id.clone_from(&self.item.id);
        let former_identity = |name: &AuthorityName| {
            self.identity_at(name).filter(|identity| **identity != next.identity).cloned()
        };
        let mut told: BTreeMap<AuthorityName, Told> = BTreeMap::new();
        for (name, before) in self.before.iter().flat_map(|before| &before.told) {
            let is_configured = self.routes.is_configured(name);
            let is_settled = is_configured
                && before.last.as_ref().is_some_and(|last| !self.queues.waits(name, last));
            if !is_settled {
                // The queue of an authority that was removed went with it, and what waited there.
                let last = before.last.clone().filter(|_| is_configured);
                told.insert(name.clone(), Told { last, identity: former_identity(name) });
            }
        }
        for name in &leave {
            told.insert(name.clone(), Told { last: None, identity: former_identity(name) });
        }
        told.extend(stay.iter().map(|name| (name.clone(), Told::default())));
        let copy = |name: AuthorityName, is_last| {
            let old_data = match next.kind {
                Kind::User => self.old_data(&name),
                // Nothing but that it was there before, which matters when it is deleted.
                Kind::Class => next.deleted.map(|_| OldData::default()),
            };
            Copy { authority: name, is_last, old_data }
        };
        plan.copies.extend(stay.iter().map(|name| copy(name.clone(), false)));
        plan.copies.extend(leave.into_iter().map(|name| copy(name, true)));
        next.told = told;
        plan.next = Some(next);
    }

    /// What is told of the former state: the schools of before, and the identity under which this authority
    /// knows the user (id-connector 9.4).
    fn old_data(&self, authority: &AuthorityName) -> Option<OldData> {
        let from_item = self.item.old_data.as_ref();
        if self.before.is_none() && from_item.is_none() {
            return None;
        }
        let of_item = from_item
            .map(|old| Identity {
                record_uid: old.record_uid.clone(),
                source_uid: old.source_uid.clone(),
            })
            .filter(|identity| *identity != Identity::default());
        let identity = of_item.or_else(|| self.identity_at(authority).cloned()).unwrap_or_default();
        let mut schools = self.before.map(|before| before.schools.clone()).unwrap_or_default();
        for school in from_item.iter().flat_map(|old| &old.schools) {
            if !schools.contains(school) {
                schools.push(school.clone());
            }
        }
        let Identity { record_uid, source_uid } = identity;
        Some(OldData { record_uid, source_uid, schools, users: Vec::new() })
    }

    fn nobody(&self) -> String {
        format!(
            "Ignoring object without current or previous school authority entries (DN: '{}' entryUUID: '{}').",
            self.item.dn, self.item.id
        )
    }

    fn discarded(&self, why: &str) -> String {
        let (name, dn, id) = (self.name, &self.item.dn, &self.item.id);
        format!("Discarding invalid file '{name}': {why} (DN: '{dn}' entryUUID: '{id}').")
    }
}

impl Plan {
    fn ignore(&mut self, reason: Reason, line: String) {
        self.counted.push(reason);
        self.lines.push((Level::INFO, line));
    }

    /// `false`: that was said already.
    fn note(&mut self, level: Level, line: String) -> bool {
        let is_new = !self.lines.iter().any(|(_, said)| *said == line);
        if is_new {
            self.lines.push((level, line));
        }
        is_new
    }
}

#[cfg(test)]
mod tests;
