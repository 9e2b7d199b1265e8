//! Resources.

use idspool_ox_soap::{ContextId, OxResourceId, Resource, ResourceField};

use super::super::difference::{Old, changes};
use super::super::journal::Call;
use super::{Base, Overlay, check_values, refused, same_name};
use crate::ox::{OxError, Refusal, Scope};

impl Overlay {
    pub(super) fn find_resource(
        &self,
        scope: Scope<'_>,
        name: &str,
    ) -> Result<Option<Resource>, OxError> {
        let base = self.base(scope.context)?;
        let known = self.tenant(scope.context, |tenant| {
            let mut resources = tenant.resources.values().flatten();
            resources.find(|known| known.name().is_some_and(|n| same_name(n, name))).cloned()
        });
        if known.is_some() {
            return Ok(known);
        }
        match base {
            Base::Nothing => Ok(None),
            Base::Server(server) => {
                let served = self.heard(server.resource_named(scope, name))?;
                Ok(self.tenant(scope.context, |tenant| {
                    let served = served.filter(|served| {
                        let id = served.id().map_or(0, OxResourceId::value);
                        !tenant.resources.contains_key(&id)
                    });
                    tenant.seen.clone_from(&served);
                    served
                }))
            }
            Base::Noted => {
                let Some(noted) = self.noted_resource(scope.context, name) else { return Ok(None) };
                let noted = noted.with(ResourceField::Id, self.provisional_id());
                self.put_resource(scope.context, &noted);
                Ok(Some(noted))
            }
        }
    }

    pub(super) fn new_resource(
        &self,
        scope: Scope<'_>,
        resource: &Resource,
    ) -> Result<OxResourceId, OxError> {
        let name = resource.name().unwrap_or_default();
        check_values("Resource.create", name, resource)?;
        if self.find_resource(scope, name)?.is_some() {
            return Err(taken(scope.context, name));
        }
        let id = self.provisional_id();
        let told = changes(Old::New, resource);
        self.record(Call::new("Resource.create", scope.context.value(), name, id).with(told));
        self.put_resource(scope.context, &resource.clone().with(ResourceField::Id, id));
        Ok(OxResourceId::new(id))
    }

    pub(super) fn changed_resource(
        &self,
        scope: Scope<'_>,
        resource: &Resource,
    ) -> Result<(), OxError> {
        let name = resource.name().unwrap_or_default();
        check_values("Resource.change", name, resource)?;
        let id = resource.id().unwrap_or(OxResourceId::new(0));
        let known = self.tenant(scope.context, |tenant| {
            match tenant.resources.get(&id.value()) {
                Some(known) => known.clone(),
                // A change comes after a look-up: there is no other way to know the id.
                None => tenant.seen.clone().filter(|seen| seen.id() == Some(id)),
            }
        });
        let Some(old) = known else {
            return Err(refused(Refusal::NoSuchResource, format!("No such resource {id}")));
        };
        let is_renamed = old.name().is_some_and(|old| !same_name(old, name));
        if is_renamed && self.find_resource(scope, name)?.is_some() {
            return Err(taken(scope.context, name));
        }
        let told = changes(Old::Whole(&old), resource);
        self.record(
            Call::new("Resource.change", scope.context.value(), name, id.value()).with(told),
        );
        let mut now = old;
        for (field, value) in resource.iter() {
            now.set(field, value.clone());
        }
        self.put_resource(scope.context, &now);
        Ok(())
    }

    pub(super) fn removed_resource(
        &self,
        scope: Scope<'_>,
        id: OxResourceId,
        name: &str,
    ) -> Result<(), OxError> {
        self.base(scope.context)?;
        let known = self.tenant(scope.context, |tenant| tenant.resources.insert(id.value(), None));
        if known.is_some_and(|known| known.is_none()) {
            return Err(refused(Refusal::NoSuchResource, format!("No such resource {id}")));
        }
        self.record(Call::new("Resource.delete", scope.context.value(), name, id.value()));
        Ok(())
    }

    fn put_resource(&self, context: ContextId, resource: &Resource) {
        let Some(id) = resource.id() else { return };
        self.tenant(context, |tenant| tenant.resources.insert(id.value(), Some(resource.clone())));
    }
}

fn taken(context: ContextId, name: &str) -> OxError {
    refused(Refusal::InvalidData, format!("Resource {name} already exists in context {context}"))
}
