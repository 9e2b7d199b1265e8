//! Groups (ox-provisioning 5.5): one group of the directory is a group in each context in which it has
//! members.

mod fan_out;
mod note;
mod state;

use idspool_ox_soap::{ContextId, OxGroupId};
use idspool_provisioner::{Delivery, Facts, Fault, Outcome};
use serde_json::{Map, Value};
use tracing::{info, warn};

use self::fan_out::Members;
pub(crate) use self::fan_out::{FanOut, fan_out};
use self::note::{Entry, Notes};
use self::state::Wanted;
use crate::core::{Core, ObjectName};
use crate::halt::Halt;
use crate::ox::Scope;
use crate::ox_name::OxName;
use crate::props::{OX_DB_GROUPNAME, Props};

/// The standard group of a context. It has everybody as member and cannot be deleted.
pub(crate) const STANDARD_GROUP: OxGroupId = OxGroupId::new(1);

/// The setting that decides what becomes the name.
pub(crate) const IDENTIFIER: &str = "OX_GROUP_IDENTIFIER";

/// Whether this is the name of the standard group, which is never touched.
pub(crate) fn is_reserved(name: &str) -> bool {
    name.eq_ignore_ascii_case("users")
}

/// The contexts that have something of a group, as its last delivery noted; `None`: not known.
pub(crate) fn noted_contexts(digest: &str) -> Option<Vec<ContextId>> {
    Notes::parse(digest).map(|notes| notes.0.into_keys().collect())
}

/// One group item under way.
struct Work<'a> {
    core: &'a Core,
    delivery: &'a Delivery<'a>,
    object: ObjectName<'a>,
    /// The new state; `None`: deleted.
    new: Option<&'a Map<String, Value>>,
    /// The last delivered state.
    old: Option<&'a Map<String, Value>>,
    was_ox: bool,
    will_be_ox: bool,
    /// What was noted then; `None`: not known.
    noted: Option<Notes>,
    /// Whether OX has what was noted, and need not be called where that is what is wanted.
    counts: bool,
}

/// Brings a group to the state of its item, in every context in which it has members.
pub(crate) fn deliver(core: &Core, delivery: &Delivery<'_>) -> Result<Outcome, Halt> {
    let old = delivery.previous.and_then(|previous| previous.object.as_ref());
    let new = delivery.item.object.as_ref();
    let noted = delivery.facts.and_then(|facts| Notes::parse(facts.digest.as_deref()?));
    let work = Work {
        core,
        delivery,
        object: ObjectName(delivery.item),
        new,
        old,
        was_ox: old.is_some_and(is_ox_group),
        will_be_ox: new.is_some_and(is_ox_group),
        counts: noted.is_some() && !delivery.forced && !core.is_unsettled(&delivery.item.id),
        noted,
    };
    work.run()
}

impl<'a> Work<'a> {
    fn run(&self) -> Result<Outcome, Halt> {
        if !self.was_ox && !self.will_be_ox {
            return Ok(self.untouched());
        }
        for (object, is_ox, phrase) in
            [(self.old, self.was_ox, "was"), (self.new, self.will_be_ox, "will be")]
        {
            if let Some(object) = object.filter(|_| is_ox) {
                info!("Group {} {phrase} OX Group", Props(object).text("name").unwrap_or_default());
            }
        }
        let name = if self.will_be_ox { Some(self.new_name()?) } else { None };
        if let Some(name) = name.filter(|name| is_reserved(name)) {
            info!("Ignoring group \"{name}\"");
            return Ok(self.untouched());
        }
        let contexts = self.contexts()?;
        if contexts.is_empty() {
            return Ok(self.untouched());
        }
        let mut notes = Notes::default();
        for (context, members) in &contexts {
            let wanted = name.and_then(|name| Wanted::new(name, members));
            let entry = self.bring(*context, members, wanted.as_ref())?;
            notes.0.extend(entry.map(|entry| (*context, entry)));
        }
        self.core.finish(&self.delivery.item.id);
        Ok(self.outcome(Some(&notes)))
    }

    /// All contexts that have or had members. Those noted at the last delivery are among them: whoever
    /// was a member there may be known no longer.
    fn contexts(&self) -> Result<FanOut, Halt> {
        let (new, old) = (self.new.map(Props), self.old.map(Props));
        let mut contexts = fan_out(self.delivery.objects, new, old)?;
        for context in self.noted.iter().flat_map(|noted| noted.0.keys()) {
            contexts.entry(*context).or_default();
        }
        Ok(contexts)
    }

    /// Brings one context to what is wanted there. Returns what to note of it.
    fn bring(
        &self,
        context: ContextId,
        members: &Members,
        wanted: Option<&Wanted<'_>>,
    ) -> Result<Option<Entry>, Halt> {
        let noted = self.noted.as_ref().and_then(|noted| noted.0.get(&context));
        let is_there = match (wanted, noted) {
            (Some(wanted), Some(Entry::Sent(sent))) => wanted.fingerprint == *sent,
            (None, None) => true,
            _ => false,
        };
        if self.counts && is_there {
            return Ok(noted.cloned());
        }
        info!("{} will be processed with context {context}", self.object);
        match self.core.admin(context) {
            Ok(admin) => self.apply(Scope { context, admin: &admin }, members, wanted, noted),
            Err(Halt::Skip(skip)) => {
                warn!("{skip}");
                self.unreached(noted)
            }
            Err(halt) => Err(halt),
        }
    }

    /// What to note of a context that cannot be worked in: whatever it has stays there.
    fn unreached(&self, noted: Option<&Entry>) -> Result<Option<Entry>, Halt> {
        Ok(match noted {
            Some(Entry::Unreached(_)) => noted.cloned(),
            None if self.noted.is_some() => None,
            _ => self.old_name()?.map(|name| Entry::Unreached(name.to_owned())),
        })
    }

    /// The name that the group is to have.
    fn new_name(&self) -> Result<&'a str, Halt> {
        let Some(new) = self.new else {
            return Err(Fault::ours("a deleted group is named").into());
        };
        let identifier = &self.core.settings.group_identifier;
        let name = OxName::of_new(Props(new), &self.delivery.item.id, identifier);
        Ok(name.required_by(IDENTIFIER)?)
    }

    /// The name that OX has; `None` when nothing was delivered yet.
    fn old_name(&self) -> Result<Option<&'a str>, Halt> {
        let Some(old) = self.old else { return Ok(None) };
        let (id, identifier) = (&self.delivery.item.id, &self.core.settings.group_identifier);
        let name = OxName::of_old(Props(old), id, identifier, OX_DB_GROUPNAME, "name");
        Ok(Some(name.required_by(IDENTIFIER)?))
    }

    /// The item becomes the snapshot, and OX has what it had before.
    fn untouched(&self) -> Outcome {
        self.outcome(self.noted.as_ref())
    }

    /// The item becomes the snapshot, with the name that OX has (5.5.1 step 5): where the group was only
    /// removed, it has none.
    fn outcome(&self, notes: Option<&Notes>) -> Outcome {
        let Some(new) = self.new else { return Outcome::Gone };
        let mut object = new.clone();
        let is_sent = self.will_be_ox && notes.is_some_and(Notes::any_sent);
        let name = match self.new_name() {
            Ok(name) if is_sent && !is_reserved(name) => Some(name.into()),
            // It could not be changed everywhere, or was not to be.
            _ if notes.is_none_or(|notes| !notes.0.is_empty()) => {
                self.old.and_then(|old| old.get(OX_DB_GROUPNAME)).cloned()
            }
            _ => None,
        };
        if let Some(name) = name {
            object.insert(OX_DB_GROUPNAME.to_owned(), name);
        }
        let facts = Facts {
            active: self.will_be_ox,
            digest: notes.map(Notes::to_text),
            ..Facts::default()
        };
        Outcome::Keep { object, facts }
    }
}

fn is_ox_group(object: &Map<String, Value>) -> bool {
    Props(object).is_on("isOxGroup")
}
