//! `OXContextService`.

use crate::client::Client;
use crate::context::Context;
use crate::credentials::Credentials;
use crate::error::{Error, Target};
use crate::id::ContextId;
use crate::service::{Operation, operation};
use crate::user::User;

const GET_DATA: &Operation = &operation!(Context, "getData", reads);
const CREATE: &Operation = &operation!(Context, "create", writes);
const CHANGE: &Operation = &operation!(Context, "change", writes);
const DELETE: &Operation = &operation!(Context, "delete", writes);
const EXISTS: &Operation = &operation!(Context, "exists", reads);
const LIST: &Operation = &operation!(Context, "list", reads);
const LIST_ALL: &Operation = &operation!(Context, "listAll", reads);

/// Calls about contexts, with the credentials of the master administrator.
#[derive(Clone, Copy, Debug)]
pub struct ContextService<'a> {
    client: &'a Client,
    credentials: &'a Credentials,
}

impl<'a> ContextService<'a> {
    pub(crate) const fn new(client: &'a Client, credentials: &'a Credentials) -> Self {
        Self { client, credentials }
    }

    /// Reads a context.
    ///
    /// # Errors
    /// As for every call; a context that does not exist [is not found](Error::is_not_found).
    pub fn get_data(self, id: ContextId) -> Result<Context, Error> {
        self.client.call_one(GET_DATA, &target(id), |envelope| {
            envelope.key("ctx", Some(id.value()), None)?;
            envelope.auth(self.credentials)
        })
    }

    /// Creates a context together with its administrator. Mandatory: `id`, `maxQuota`; of the
    /// administrator `name`, `display_name`, `password`, `given_name`, `sur_name`, `primaryEmail`,
    /// `email1`.
    ///
    /// # Errors
    /// As for every call.
    pub fn create(self, context: &Context, admin: &User) -> Result<Context, Error> {
        self.client.call_one(CREATE, &target_of(context), |envelope| {
            envelope.object("ctx", context)?;
            envelope.object("admin_user", admin)?;
            envelope.auth(self.credentials)
        })
    }

    /// Writes the fields that are set.
    ///
    /// # Errors
    /// As for every call.
    pub fn change(self, context: &Context) -> Result<(), Error> {
        self.client.call_void(CHANGE, &target_of(context), |envelope| {
            envelope.object("ctx", context)?;
            envelope.auth(self.credentials)
        })
    }

    /// Deletes a context with everything in it.
    ///
    /// # Errors
    /// As for every call.
    pub fn delete(self, id: ContextId, name: Option<&str>) -> Result<(), Error> {
        self.client.call_void(DELETE, &target(id), |envelope| {
            envelope.key("ctx", Some(id.value()), name)?;
            envelope.auth(self.credentials)
        })
    }

    /// Whether a context exists.
    ///
    /// # Errors
    /// As for every call.
    pub fn exists(self, id: ContextId) -> Result<bool, Error> {
        self.client.call_one(EXISTS, &target(id), |envelope| {
            envelope.key("ctx", Some(id.value()), None)?;
            envelope.auth(self.credentials)
        })
    }

    /// Reads the contexts whose id, name or login mapping fits a pattern with `*`.
    ///
    /// # Errors
    /// As for every call.
    pub fn list(self, search_pattern: &str) -> Result<Vec<Context>, Error> {
        self.client.call_long(LIST, &Target::default(), |envelope| {
            envelope.text("search_pattern", search_pattern)?;
            envelope.auth(self.credentials)
        })
    }

    /// Reads all contexts.
    ///
    /// # Errors
    /// As for every call.
    pub fn list_all(self) -> Result<Vec<Context>, Error> {
        self.client
            .call_long(LIST_ALL, &Target::default(), |envelope| envelope.auth(self.credentials))
    }
}

fn target(id: ContextId) -> Target<'static> {
    Target { context: Some(id), ..Target::default() }
}

fn target_of(context: &Context) -> Target<'static> {
    Target { context: context.id(), ..Target::default() }
}
