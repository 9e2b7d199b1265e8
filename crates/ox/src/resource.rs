//! Resources (ox-provisioning 5.7).
//!
//! OX is asked for a resource by the name it was last given. That name and its context are noted
//! beside the snapshot, together with a fingerprint of what was sent; so a skipped item, which
//! becomes the snapshot all the same, cannot hide the resource from later ones.

use idspool_ox_soap::{ContextId, Credentials, OxResourceId, Resource, ResourceField};
use idspool_provisioner::{Delivery, Facts, Fault, Outcome};
use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use crate::channel::{self, Done};
use crate::core::{Core, ObjectName};
use crate::digest;
use crate::halt::{Halt, Skip};
use crate::ox::Scope;
use crate::props::Props;
use crate::successor::Successor;

/// Grows when the meaning of a note changes, so that old ones no longer count.
const VERSION: &str = "resource-1 ";

/// Brings a resource to the state of its item.
pub(crate) fn deliver(core: &Core, delivery: &Delivery<'_>) -> Result<Outcome, Halt> {
    let work = Work { core, delivery, object: ObjectName(delivery.item), old: old(delivery)? };
    let delivered = match work.run() {
        Ok(delivered) => delivered,
        Err(Halt::Skip(skip)) => {
            warn!("{skip}");
            // Whatever OX has of it is where it was, and the next item is to be sent in any case.
            work.old.as_ref().map(|old| Delivered { payload: String::new(), ..old.clone() })
        }
        Err(other) => return Err(other),
    };
    core.finish(&delivery.item.id);
    let Some(object) = &delivery.item.object else { return Ok(Outcome::Gone) };
    let facts = Facts {
        scope: Props(object).context().ok().flatten().map(i64::from),
        active: true,
        digest: delivered.as_ref().and_then(Delivered::to_note),
        ..Facts::default()
    };
    Ok(Outcome::Keep { object: object.clone(), facts })
}

/// A resource as it stands in OX.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Delivered {
    context: i32,
    name: String,
    /// Fingerprint of what was sent; empty when that is not known.
    payload: String,
}

impl Delivered {
    fn parse(note: &str) -> Option<Self> {
        serde_json::from_str(note.strip_prefix(VERSION)?).ok()
    }

    fn to_note(&self) -> Option<String> {
        Some(format!("{VERSION}{}", serde_json::to_string(self).ok()?))
    }

    fn context(&self) -> ContextId {
        ContextId::new(self.context)
    }
}

/// Where the resource was at the last delivery; `None` when it never was in OX, as far as is known.
fn old(delivery: &Delivery<'_>) -> Result<Option<Delivered>, Halt> {
    let note = delivery.facts.and_then(|facts| facts.digest.as_deref());
    if let Some(delivered) = note.and_then(Delivered::parse) {
        return Ok(Some(delivered));
    }
    let Some(object) = delivery.previous.and_then(|previous| previous.object.as_ref()) else {
        return Ok(None);
    };
    let props = Props(object);
    let (Some(context), Some(name)) = (props.context()?, props.text("name")) else {
        return Ok(None);
    };
    let (context, name) = (context.value(), name.to_owned());
    Ok(Some(Delivered { context, name, payload: String::new() }))
}

/// One resource under way.
struct Work<'a> {
    core: &'a Core,
    delivery: &'a Delivery<'a>,
    object: ObjectName<'a>,
    /// Where it is in OX.
    old: Option<Delivered>,
}

impl Work<'_> {
    fn run(&self) -> Result<Option<Delivered>, Halt> {
        let item = self.delivery.item;
        let Some(object) = &item.object else {
            info!("Deleting {}", self.object);
            self.remove()?;
            return Ok(None);
        };
        let is_first = self.delivery.previous.is_none();
        info!("{} {}", if is_first { "Creating" } else { "Modifying" }, self.object);
        let props = Props(object);
        let context = props.context()?.ok_or(Skip::NoContext)?;
        let admin = self.core.admin(context)?;
        let scope = Scope { context, admin: &admin };
        let name = props.required_text("name")?;
        let resource = fill(props, name);
        let payload = digest::of_resource(&resource);
        let delivered = Delivered { context: context.value(), name: name.to_owned(), payload };
        let is_settled = !self.delivery.forced && !self.core.is_unsettled(&item.id);
        if is_settled && self.old.as_ref() == Some(&delivered) {
            return Ok(Some(delivered));
        }
        match &self.old {
            None => self.provision_new(scope, name, &resource, is_first)?,
            Some(old) if old.context() == context => {
                let found = match self.find(scope, &old.name)? {
                    None if old.name != name => self.find(scope, name)?,
                    found => found,
                };
                self.change_or_create(scope, &resource, found)?;
            }
            Some(old) => self.relocate(scope, old, name, &resource)?,
        }
        Ok(Some(delivered))
    }

    /// It never was in OX, as far as is known.
    fn provision_new(
        &self,
        scope: Scope<'_>,
        name: &str,
        resource: &Resource,
        is_first: bool,
    ) -> Result<(), Halt> {
        if !is_first {
            warn!("Old {} has no context ID. Using new context ID instead...", self.object);
        }
        let found = self.find(scope, name)?;
        match found {
            Some(id) => {
                info!("{} exists. Modifying instead...", self.object);
                if is_first {
                    warn!("Found in DB but had no old attributes. Using new ones as old...");
                }
                self.change(scope, resource, id)
            }
            None => self.create(scope, resource),
        }
    }

    /// The context changed. Ids belong to their context: what is found in the new one is changed under
    /// the id that it has there.
    fn relocate(
        &self,
        scope: Scope<'_>,
        old: &Delivered,
        name: &str,
        resource: &Resource,
    ) -> Result<(), Halt> {
        let (from, to) = (old.context(), scope.context);
        info!("Changing context: {from} -> {to}");
        let former = self.former(from, &old.name)?;
        let there = self.find(scope, name)?;
        let Some((admin, former_id)) = former else {
            return self.change_or_create(scope, resource, there);
        };
        let former_scope = Scope { context: from, admin: &admin };
        if let Some(there) = there {
            warn!(
                "{} was found in context {from} with ID {former_id} and in {to} with {there}. This should not \
                 happen. Will delete in {from} and modify in {to}",
                self.object
            );
            self.delete(former_scope, former_id, &old.name)?;
            return self.change(scope, resource, there);
        }
        self.create(scope, resource)?;
        self.delete(former_scope, former_id, &old.name)
    }

    /// The resource in its former context. A context without credentials is none of our business, which
    /// is no reason to leave the new one without the resource.
    fn former(
        &self,
        from: ContextId,
        name: &str,
    ) -> Result<Option<(Credentials, OxResourceId)>, Halt> {
        let admin = match self.core.admin(from) {
            Err(Halt::Skip(skip)) => {
                warn!("{skip}");
                return Ok(None);
            }
            other => other?,
        };
        let found = self.find(Scope { context: from, admin: &admin }, name)?;
        Ok(found.map(|id| (admin, id)))
    }

    fn remove(&self) -> Result<(), Halt> {
        let Some(old) = &self.old else {
            if self.delivery.previous.is_some() {
                return Err(Skip::NoContext.into());
            }
            info!("No attributes to work with. Doing nothing...");
            return Ok(());
        };
        let admin = self.core.admin(old.context())?;
        let scope = Scope { context: old.context(), admin: &admin };
        let successor = Successor::of(self.delivery)?;
        let is_its = |successor: &Successor| {
            successor.facts.scope == Some(scope.context.into()) && successor.has("name", &old.name)
        };
        if successor.is_some_and(|successor| is_its(&successor)) {
            info!("Resource {} is that of the entry made again: it stays", old.name);
            return Ok(());
        }
        match self.find(scope, &old.name)? {
            Some(id) => self.delete(scope, id, &old.name),
            None => {
                info!("{} does not exist. Doing nothing...", self.object);
                Ok(())
            }
        }
    }

    fn find(&self, scope: Scope<'_>, name: &str) -> Result<Option<OxResourceId>, Halt> {
        info!("Searching for {name} in context {}", scope.context);
        let Some(found) = self.core.ox.resource_named(scope, name)? else { return Ok(None) };
        match found.id() {
            Some(id) => Ok(Some(id)),
            None => Err(Fault::ours("OX sent a resource without id").into()),
        }
    }

    fn change_or_create(
        &self,
        scope: Scope<'_>,
        resource: &Resource,
        found: Option<OxResourceId>,
    ) -> Result<(), Halt> {
        match found {
            Some(id) => self.change(scope, resource, id),
            None => {
                info!("{} does not yet exist. Creating instead...", self.object);
                self.create(scope, resource)
            }
        }
    }

    fn create(&self, scope: Scope<'_>, resource: &Resource) -> Result<(), Halt> {
        let resource = complete(resource)?;
        self.core.begin(&self.delivery.item.id);
        let id = self.core.ox.create_resource(scope, &resource)?;
        wrote(Done::Created, scope, &resource, id);
        Ok(())
    }

    fn change(&self, scope: Scope<'_>, resource: &Resource, id: OxResourceId) -> Result<(), Halt> {
        self.core.begin(&self.delivery.item.id);
        let changed = resource.clone().with(ResourceField::Id, id.value());
        self.core.ox.change_resource(scope, &changed)?;
        wrote(Done::Modified, scope, resource, id);
        Ok(())
    }

    /// Deletes it. What is gone already counts as deleted.
    fn delete(&self, scope: Scope<'_>, id: OxResourceId, name: &str) -> Result<(), Halt> {
        self.core.begin(&self.delivery.item.id);
        match self.core.ox.delete_resource(scope, id, name) {
            Ok(()) => {
                channel::wrote(Done::Deleted, "resource", name, scope.context, id.value());
                Ok(())
            }
            Err(error) if error.is_not_found() => {
                info!("{} does not exist. Doing nothing...", self.object);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn wrote(done: Done, scope: Scope<'_>, resource: &Resource, id: OxResourceId) {
    let name = resource.name().unwrap_or_default();
    channel::wrote(done, "resource", name, scope.context, id.value());
}

/// What OX is to have (ox-provisioning 6.3). An empty description is sent, so that it can be cleared;
/// other fields without value are left as they are.
pub(crate) fn fill(props: Props<'_>, name: &str) -> Resource {
    let mut resource = Resource::new()
        .with(ResourceField::Available, true)
        .with(ResourceField::Description, props.text("description").unwrap_or_default());
    for (property, field) in
        [("displayname", ResourceField::Displayname), ("resourceMailAddress", ResourceField::Email)]
    {
        if let Some(text) = props.text(property) {
            resource.set(field, text);
        }
    }
    resource.with(ResourceField::Name, name)
}

/// What a new resource needs (ox-provisioning 4.3).
fn complete(resource: &Resource) -> Result<Resource, Fault> {
    if resource.text(ResourceField::Email).is_none() {
        return Err(Fault::permanent("Mandatory attributes: email.").with_remedy(
            "give the resource a mail address in the directory; OX creates none without",
        ));
    }
    let mut complete = resource.clone();
    if complete.text(ResourceField::Displayname).is_none() {
        let name = resource.name().unwrap_or_default().to_owned();
        complete.set(ResourceField::Displayname, name);
    }
    Ok(complete)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_comes_back_as_it_was() {
        let delivered =
            Delivered { context: 10, name: "Beamer \"1\"".into(), payload: "ab".into() };
        assert_eq!(Delivered::parse(&delivered.to_note().unwrap()), Some(delivered));
        for text in ["", "resource-1 {}", "resource-0 {}", "1-ab-cd"] {
            assert_eq!(Delivered::parse(text), None, "{text:?}");
        }
    }
}
