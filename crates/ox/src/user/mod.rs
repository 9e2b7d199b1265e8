//! Users (ox-provisioning 5.3): the decision, then one function per outcome.

mod change;
mod create;
mod decide;
mod deputy;
pub(crate) mod fill;
mod lookup;
mod relocate;
mod remove;
mod side;

use idspool_ox_soap::{ContextId, Credentials, OxUserId};
use idspool_provisioner::{Delivery, Facts, Outcome};
use idspool_udm::ConvertedItem;
use serde_json::{Map, Value};
use tracing::{info, warn};

use crate::core::{Core, ObjectName};
use crate::digest;
use crate::halt::Halt;
use crate::ox::Scope;
use crate::props::{OX_CONTEXT, OX_DB_ID, OX_DB_USERNAME, Props};
use crate::requeue;
use crate::rights::Rights;
use crate::unfinished::Unfinished;
use decide::{Plan, decide};
pub(crate) use fill::Filled;
use lookup::Lookups;
pub(crate) use side::Side;

pub(crate) use lookup::find;

/// One user item under way.
struct Work<'a> {
    core: &'a Core,
    delivery: &'a Delivery<'a>,
    object: ObjectName<'a>,
    /// The new state; `None`: deleted.
    new: Option<State<'a>>,
    /// The last delivered state.
    old: Option<State<'a>>,
    /// An earlier attempt broke off after its first change.
    was_unsettled: bool,
}

#[derive(Clone, Copy)]
struct State<'a> {
    props: Props<'a>,
    side: Side<'a>,
}

/// A user as it stands in OX after the delivery.
struct Delivered {
    context: ContextId,
    id: OxUserId,
    digest: Option<String>,
    rights: Option<String>,
}

/// Brings a user to the state of its item.
pub(crate) fn deliver(core: &Core, delivery: &Delivery<'_>) -> Result<Outcome, Halt> {
    let mut work = Work {
        core,
        delivery,
        object: ObjectName(delivery.item),
        new: None,
        old: None,
        was_unsettled: core.is_unsettled(&delivery.item.id),
    };
    match work.run() {
        Err(Halt::Skip(skip)) => {
            warn!("{skip}");
            // Whatever OX has of it is still what was last written.
            Ok(work.keep_skipped())
        }
        other => other,
    }
}

impl<'a> Work<'a> {
    fn run(&mut self) -> Result<Outcome, Halt> {
        let Delivery { item, previous, .. } = *self.delivery;
        let identifier = &self.core.settings.user_identifier;
        self.new = match &item.object {
            Some(object) => Some(State {
                props: Props(object),
                side: Side::of_new(Props(object), &item.id, identifier)?,
            }),
            None => None,
        };
        self.old = match previous.and_then(|previous| previous.object.as_ref()) {
            Some(object) => Some(State {
                props: Props(object),
                side: Side::of_old(Props(object), &item.id, identifier)?,
            }),
            None => None,
        };
        if let Some(old) = self.old.as_mut().filter(|_| is_id_in_doubt(item)) {
            old.side.cached = None;
        }
        let mut lookups = Lookups::new(self.core, self.delivery);
        if let Some(Side { context: Some(context), cached: Some(id), .. }) =
            self.old.map(|old| old.side)
            && lookups.is_handed_over(context, id)?
        {
            // What was noted is of an account that this object no longer has.
            self.old = None;
            self.was_unsettled = true;
        }
        let left_over = self.core.notes.get(&item.id)?;
        let plan = decide(
            &self.object,
            self.new.as_ref().map(|state| &state.side),
            self.old.as_ref().map(|state| &state.side),
            &mut lookups,
        )?;
        let outcome = self.execute(plan)?;
        if let Some(Unfinished::Groups { context, groups }) = left_over {
            self.finish_groups(ContextId::new(context), &groups)?;
        }
        self.core.notes.clear(&item.id)?;
        self.core.finish(&item.id);
        Ok(outcome)
    }

    fn execute(&self, plan: Plan) -> Result<Outcome, Halt> {
        Ok(match plan {
            Plan::Nothing | Plan::NoContext => self.keep(None),
            Plan::Absent { context } => self.keep_absent(context),
            Plan::Remove { context, id } => {
                self.remove(context, id)?;
                Outcome::Gone
            }
            Plan::Create { context } => self.keep(Some(self.create(context)?)),
            Plan::Change { context, found } => self.keep(Some(self.change(context, found)?)),
            Plan::Move { from, to, id } => self.keep(Some(self.relocate(from, to, id)?)),
            Plan::Merge { from, old_id, to, found } => {
                self.remove(from, old_id)?;
                self.keep(Some(self.change(to, found)?))
            }
        })
    }

    /// The item becomes the snapshot, enriched with what OX has of the user.
    fn keep(&self, delivered: Option<Delivered>) -> Outcome {
        let Some(object) = &self.delivery.item.object else { return Outcome::Gone };
        let mut object = object.clone();
        let mut facts = Facts { active: Props(&object).is_on("isOxUser"), ..Facts::default() };
        match delivered {
            Some(Delivered { context, id, digest, rights }) => {
                let name = self.new.and_then(|new| new.side.name.required().ok());
                enrich(&mut object, OX_DB_ID, id.value().into());
                if let Some(name) = name {
                    enrich(&mut object, OX_DB_USERNAME, name.into());
                }
                if self.new.is_some_and(|new| new.side.context.is_none()) {
                    enrich(&mut object, OX_CONTEXT, context.value().into());
                }
                facts.digest = digest;
                facts.rights = rights;
            }
            None => self.carry_over(&mut object),
        }
        facts.scope = Props(&object).context().ok().flatten().map(i64::from);
        facts.remote_id = Props(&object).ox_db_id().ok().flatten().map(i64::from);
        Outcome::Keep { object, facts }
    }

    /// A skipped item. Permissions that were given are not forgotten by it, although it names none.
    fn keep_skipped(&self) -> Outcome {
        let mut outcome = self.keep(None);
        if let Outcome::Keep { facts, .. } = &mut outcome
            && self.may_have_deputies()
        {
            facts.digest = Some(digest::of_unsettled_deputies());
        }
        outcome
    }

    /// A skipped item of a user that is in OX keeps its id and name, as long as the context is the
    /// same: otherwise a rename that was skipped would lose the user.
    fn carry_over(&self, object: &mut Map<String, Value>) {
        let (Some(new), Some(old)) = (self.new, self.old) else { return };
        if new.side.is_ox && old.side.is_ox && new.side.context == old.side.context {
            for property in [OX_DB_ID, OX_DB_USERNAME] {
                if let Some(value) = old.props.value(property)
                    && object.get(property).is_none_or(Value::is_null)
                {
                    object.insert(property.to_owned(), value.clone());
                }
            }
        }
    }

    /// The item of a user that is no OX user and not in OX: noted, so that the next one need not ask.
    fn keep_absent(&self, context: ContextId) -> Outcome {
        let mut outcome = self.keep(None);
        if let (Outcome::Keep { facts, .. }, Some(new)) = (&mut outcome, self.new)
            // The next item looks for the name that this one has.
            && let (Some(new_context), Ok(name)) = (new.side.context, new.side.name.required())
            && new_context == context
            && self.old.and_then(|old| old.side.name.required().ok()) == Some(name)
        {
            facts.digest = Some(digest::of_absence(context.value(), name));
        }
        outcome
    }

    /// The new state. Only called for plans that have one.
    fn new_state(&self) -> Result<State<'a>, Halt> {
        self.new.ok_or_else(|| {
            Halt::Fault(idspool_provisioner::Fault::ours("a deleted user is to be provisioned"))
        })
    }

    /// The name that OX has. Only called for plans that have an old state.
    fn old_name(&self) -> Result<&'a str, Halt> {
        let old = self.old.ok_or_else(|| {
            idspool_provisioner::Fault::ours("a user without old state is to be moved or deleted")
        })?;
        Ok(old.side.name.required()?)
    }

    fn fill(&self, new: State<'_>) -> Result<Filled, Halt> {
        let mapping = self.core.mapping.current()?;
        Filled::new(new.props, new.side.name.required()?, &self.core.settings, &mapping)
    }

    fn rights(&self, new: State<'_>) -> Result<Rights, Halt> {
        Ok(Rights::of(new.props, &*self.core.profiles.current()?))
    }

    /// The former primary address; empty when there is none, or none that could be read.
    fn former_primary(&self) -> Result<String, Halt> {
        let Some(old) = self.old else { return Ok(String::new()) };
        let mapping = self.core.mapping.current()?;
        Ok(mapping.addresses(old.props).map(|mapped| mapped.email1).unwrap_or_default())
    }

    fn set_rights(&self, scope: Scope<'_>, id: OxUserId, rights: &Rights) -> Result<(), Halt> {
        if let Rights::Set { profile, access, .. } = rights {
            info!("Changing user {id} to profile {profile}");
            self.core.ox.change_rights(scope, id, *access)?;
        }
        Ok(())
    }

    /// What is noted as last delivered rights: an unknown profile leaves them as they were.
    fn rights_note(&self, rights: &Rights, is_same_user: bool) -> Option<String> {
        match rights.note() {
            Some(note) => Some(note.to_owned()),
            None if is_same_user => self.delivery.facts.and_then(|facts| facts.rights.clone()),
            None => None,
        }
    }

    /// Groups list their members by id: when the id of a user became known or changed, the groups that
    /// have it as member are delivered again (ox-provisioning 3.6), and so is what else refers to it.
    fn requeue_groups(&self, new: State<'_>) -> Result<(), Halt> {
        info!("Looking for groups of this user to be created in the context id");
        requeue::groups(self.core, self.delivery, new.props.texts("groups"))?;
        requeue::referring(self.core, self.delivery)
    }
}

/// Whether the id in the snapshot is not to be trusted: `check-sync --resync` says so with an id that is
/// null, because it cannot change a snapshot beneath a running provisioner.
fn is_id_in_doubt(item: &ConvertedItem) -> bool {
    item.resync && item.object.as_ref().is_some_and(|o| o.get(OX_DB_ID) == Some(&Value::Null))
}

fn scope(context: ContextId, admin: &Credentials) -> Scope<'_> {
    Scope { context, admin }
}

/// Sets a property; one that has the value already is not touched, so that its form stays.
fn enrich(object: &mut Map<String, Value>, property: &str, value: Value) {
    if object.get(property) != Some(&value) {
        object.insert(property.to_owned(), value);
    }
}
