//! `OXResourceService`.

use crate::client::Client;
use crate::credentials::Credentials;
use crate::error::{Error, Target};
use crate::id::{ContextId, OxResourceId};
use crate::resource::Resource;
use crate::service::{Operation, ResourceKey, operation};

const GET_DATA: &Operation = &operation!(Resource, "getData", reads);
const CREATE: &Operation = &operation!(Resource, "create", writes);
const CHANGE: &Operation = &operation!(Resource, "change", writes);
const DELETE: &Operation = &operation!(Resource, "delete", writes);
const LIST: &Operation = &operation!(Resource, "list", reads);
const LIST_ALL: &Operation = &operation!(Resource, "listAll", reads);

/// Calls about the resources of one context, with the credentials of its administrator.
#[derive(Clone, Copy, Debug)]
pub struct ResourceService<'a> {
    client: &'a Client,
    context: ContextId,
    credentials: &'a Credentials,
}

impl<'a> ResourceService<'a> {
    pub(crate) const fn new(
        client: &'a Client,
        context: ContextId,
        credentials: &'a Credentials,
    ) -> Self {
        Self { client, context, credentials }
    }

    /// Reads a resource.
    ///
    /// # Errors
    /// As for every call; a resource that does not exist [is not found](Error::is_not_found).
    pub fn get_data(self, resource: ResourceKey<'_>) -> Result<Resource, Error> {
        let (id, name) = resource.parts();
        self.client.call_one(GET_DATA, &resource.target(self.context), |envelope| {
            envelope.context("ctx", self.context)?;
            envelope.key("res", id, name)?;
            envelope.auth(self.credentials)
        })
    }

    /// Creates a resource; answers its id. Mandatory: `name`, `displayname`, `email`.
    ///
    /// # Errors
    /// As for every call.
    pub fn create(self, resource: &Resource) -> Result<OxResourceId, Error> {
        let target = self.target(resource);
        let answer: Resource = self.client.call_one(CREATE, &target, |envelope| {
            envelope.context("ctx", self.context)?;
            envelope.object("res", resource)?;
            envelope.auth(self.credentials)
        })?;
        answer.id().ok_or_else(|| self.client.unexpected(CREATE, &target, "a resource without id"))
    }

    /// Writes the fields that are set. `id` says which resource.
    ///
    /// # Errors
    /// As for every call; a resource that does not exist [is not found](Error::is_not_found).
    pub fn change(self, resource: &Resource) -> Result<(), Error> {
        self.client.call_void(CHANGE, &self.target(resource), |envelope| {
            envelope.context("ctx", self.context)?;
            envelope.object("res", resource)?;
            envelope.auth(self.credentials)
        })
    }

    /// Deletes a resource.
    ///
    /// # Errors
    /// As for every call; a resource that does not exist [is not found](Error::is_not_found).
    pub fn delete(self, resource: ResourceKey<'_>) -> Result<(), Error> {
        let (id, name) = resource.parts();
        self.client.call_void(DELETE, &resource.target(self.context), |envelope| {
            envelope.context("ctx", self.context)?;
            envelope.key("res", id, name)?;
            envelope.auth(self.credentials)
        })
    }

    /// Reads the resources whose name fits a pattern with `*`.
    ///
    /// # Errors
    /// As for every call.
    pub fn list(self, pattern: &str) -> Result<Vec<Resource>, Error> {
        self.client.call_long(LIST, &self.all(), |envelope| {
            envelope.context("ctx", self.context)?;
            envelope.text("pattern", pattern)?;
            envelope.auth(self.credentials)
        })
    }

    /// Reads all resources of the context.
    ///
    /// # Errors
    /// As for every call.
    pub fn list_all(self) -> Result<Vec<Resource>, Error> {
        self.client.call_long(LIST_ALL, &self.all(), |envelope| {
            envelope.context("ctx", self.context)?;
            envelope.auth(self.credentials)
        })
    }

    fn all(self) -> Target<'static> {
        Target { context: Some(self.context), ..Target::default() }
    }

    fn target(self, resource: &Resource) -> Target<'_> {
        Target {
            context: Some(self.context),
            kind: "resource",
            id: resource.id().map(OxResourceId::value),
            name: resource.name(),
            ..Target::default()
        }
    }
}
