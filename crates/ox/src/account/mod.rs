//! Functional accounts (ox-provisioning 5.6).
//!
//! An account has no context of its own: it exists in every context in which it has users, and OX
//! keeps a copy of it for each user. What is noted beside the snapshot says which copies there are,
//! so that only what differs is called for; where nothing is noted, or something that all copies have
//! in common is new, the account is deleted in that context and created again.

mod grant;
mod login;
mod members;
mod note;

use std::path::PathBuf;

use idspool_ox_soap::ContextId;
use idspool_provisioner::{Delivery, Facts, Outcome};
use serde_json::{Map, Value};
use tracing::{info, warn};

use crate::core::{Core, ObjectName};
use crate::digest;
use crate::halt::{Halt, Skip};
use crate::ox::Scope;
use crate::props::Props;
use crate::successor::Successor;
pub(crate) use login::Logins;
pub(crate) use members::{Member, Members};
pub(crate) use note::Note;

/// What OX has of an account after an attempt that broke off.
pub(crate) struct Interrupted {
    /// The item that was being delivered.
    path: PathBuf,
    note: Note,
}

impl Interrupted {
    /// The form that a later process reads; `None` when there is nothing to tell.
    pub(crate) fn to_text(&self) -> Option<String> {
        self.note.to_text()
    }
}

/// One account under way.
struct Work<'a> {
    core: &'a Core,
    delivery: &'a Delivery<'a>,
    object: ObjectName<'a>,
    /// The new state; `None`: deleted.
    new: Option<Props<'a>>,
    /// The last delivered state.
    old: Option<Props<'a>>,
}

/// What all copies of an account have in common.
#[derive(Clone, Copy)]
struct Shared<'a> {
    name: Option<&'a str>,
    address: Option<&'a str>,
    personal: Option<&'a str>,
}

/// Brings a functional account to the state of its item, in every context in which it has users.
pub(crate) fn deliver(core: &Core, delivery: &Delivery<'_>) -> Result<Outcome, Halt> {
    let previous = delivery.previous.and_then(|previous| previous.object.as_ref());
    let work = Work {
        core,
        delivery,
        object: ObjectName(delivery.item),
        new: delivery.item.object.as_ref().map(Props),
        old: previous.map(Props),
    };
    let mut note = work.noted();
    if let Err(halt) = work.run(&mut note) {
        let interrupted = Interrupted { path: delivery.path.to_owned(), note };
        crate::lock(&core.interrupted_accounts).insert(delivery.item.id.clone(), interrupted);
        return Err(halt);
    }
    core.finish(&delivery.item.id);
    Ok(delivery.item.object.as_ref().map_or(Outcome::Gone, |object| keep(object, &note)))
}

fn keep(object: &Map<String, Value>, note: &Note) -> Outcome {
    let facts = Facts { active: true, digest: note.to_text(), ..Facts::default() };
    Outcome::Keep { object: object.clone(), facts }
}

impl<'a> Work<'a> {
    /// What OX has of the account. An attempt that broke off knows it better than the last delivery.
    fn noted(&self) -> Note {
        let interrupted =
            crate::lock(&self.core.interrupted_accounts).remove(&self.delivery.item.id);
        let (mut note, is_same_item) = match interrupted {
            Some(Interrupted { path, note }) => (note, path == self.delivery.path),
            None => {
                let digest = self.delivery.facts.and_then(|facts| facts.digest.as_deref());
                // It may have broken off in an earlier process.
                let known = self.core.known_of_unsettled(&self.delivery.item.id);
                (Note::parse(known.as_deref().or(digest)), false)
            }
        };
        // What a re-provisioning brought to OX before it broke off need not be brought again.
        if self.delivery.forced && !is_same_item {
            note.distrust();
        }
        note
    }

    fn run(&self, note: &mut Note) -> Result<(), Halt> {
        match (self.new, self.old) {
            (Some(_), None) => info!("Creating {}", self.object),
            (Some(_), Some(_)) => info!("Modifying {}", self.object),
            (None, _) => info!("Deleting {}", self.object),
        }
        if self.new.is_none() && self.old.is_none() {
            info!("No attributes to work with. Doing nothing...");
            return Ok(());
        }
        let members = Members::of(self.delivery.objects, self.new, self.old)?;
        let Some(new) = self.new else { return self.remove(&members, note) };
        let shared = Shared {
            name: new.text("name"),
            address: new.text("mailPrimaryAddress"),
            personal: new.text("personal"),
        };
        if members.0.values().any(|users| !users.is_empty()) {
            for property in ["name", "mailPrimaryAddress"] {
                new.required_text(property)?;
            }
        }
        for context in note.contexts() {
            if !members.0.contains_key(&context) {
                self.leave(context, note)?;
            }
        }
        for (context, users) in &members.0 {
            info!("{} will be processed with context {context}", self.object);
            self.in_context(*context, |scope| self.grant(scope, shared, users, note))?;
        }
        Ok(())
    }

    /// The account is gone: it is deleted wherever it may be.
    fn remove(&self, members: &Members<'_>, note: &mut Note) -> Result<(), Halt> {
        let mut contexts = note.contexts();
        contexts.extend(members.0.keys());
        contexts.sort_unstable();
        contexts.dedup();
        for context in contexts {
            info!("{} will be processed with context {context}", self.object);
            self.take_from_everybody(context, note)?;
        }
        Ok(())
    }

    /// No user of the account is in this context any more.
    fn leave(&self, context: ContextId, note: &mut Note) -> Result<(), Halt> {
        let is_empty = note.get(context).is_some_and(|placed| placed.users.is_empty());
        if is_empty && !self.delivery.forced {
            note.contexts.remove(&context.value());
            return Ok(());
        }
        info!("{} will be processed with context {context}", self.object);
        self.take_from_everybody(context, note)
    }

    fn take_from_everybody(&self, context: ContextId, note: &mut Note) -> Result<(), Halt> {
        self.in_context(context, |scope| {
            note.distrust_in(context);
            let is_there = |successor: &Successor| {
                let digest = successor.facts.digest.as_deref();
                Note::parse(digest).contexts().contains(&context)
            };
            let successor = Successor::of(self.delivery)?.filter(is_there);
            for address in self.former_addresses(context, note) {
                // One that was made again had it made anew for its users.
                let is_its = |successor: &Successor| successor.has("mailPrimaryAddress", &address);
                if !successor.as_ref().is_some_and(is_its) {
                    self.delete(scope, &address)?;
                }
            }
            note.contexts.remove(&context.value());
            Ok(())
        })
    }

    /// Skips are decided per context: the others are processed all the same.
    fn in_context(
        &self,
        context: ContextId,
        work: impl FnOnce(Scope<'_>) -> Result<(), Halt>,
    ) -> Result<(), Halt> {
        match self.core.admin(context) {
            Ok(admin) => work(Scope { context, admin: &admin }),
            Err(Halt::Skip(skip @ Skip::NoCredentials(_))) => {
                warn!("{skip}");
                Ok(())
            }
            Err(other) => Err(other),
        }
    }

    /// Under which address OX has the account in this context.
    fn former_addresses(&self, context: ContextId, note: &Note) -> Vec<String> {
        let noted = note.get(context).map(|placed| placed.address.as_str());
        let former = || self.old.or(self.new).and_then(|state| state.text("mailPrimaryAddress"));
        let address = noted.filter(|address| !address.is_empty()).or_else(former);
        address.map(str::to_owned).into_iter().collect()
    }
}

impl<'a> Shared<'a> {
    /// Changes when something changes that all copies have in common; the template is part of it.
    fn fingerprint(self, template: &str) -> String {
        let text = |value: Option<&'a str>| value.unwrap_or("\u{0}none");
        let parts = [text(self.name), text(self.address), text(self.personal), template];
        digest::of_texts("account", &parts, 12)
    }
}
