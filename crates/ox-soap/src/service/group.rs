//! `OXGroupService`.

use crate::client::Client;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::group::Group;
use crate::id::ContextId;
use crate::service::{GroupKey, Operation, UserKey, operation};

const DELETE: &Operation = &operation!(Group, "delete", writes);
const GET_DATA: &Operation = &operation!(Group, "getData", reads);
const LIST_GROUPS_FOR_USER: &Operation = &operation!(Group, "listGroupsForUser", reads);

/// Calls about the groups of one context, with the credentials of its administrator.
#[derive(Clone, Copy, Debug)]
pub struct GroupService<'a> {
    client: &'a Client,
    context: ContextId,
    credentials: &'a Credentials,
}

impl<'a> GroupService<'a> {
    pub(crate) const fn new(
        client: &'a Client,
        context: ContextId,
        credentials: &'a Credentials,
    ) -> Self {
        Self { client, context, credentials }
    }

    /// Reads a group with the ids of its members.
    ///
    /// # Errors
    /// As for every call; a group that does not exist [is not found](Error::is_not_found).
    pub fn get_data(self, group: GroupKey<'_>) -> Result<Group, Error> {
        let (id, name) = group.parts();
        self.client.call_one(GET_DATA, &group.target(self.context), |envelope| {
            envelope.context("ctx", self.context)?;
            envelope.key("grp", id, name)?;
            envelope.auth(self.credentials)
        })
    }

    /// Deletes a group. Group 1 cannot be deleted.
    ///
    /// # Errors
    /// As for every call; a group that does not exist [is not found](Error::is_not_found).
    pub fn delete(self, group: GroupKey<'_>) -> Result<(), Error> {
        let (id, name) = group.parts();
        self.client.call_void(DELETE, &group.target(self.context), |envelope| {
            envelope.context("ctx", self.context)?;
            envelope.key("grp", id, name)?;
            envelope.auth(self.credentials)
        })
    }

    /// Reads the groups of a user, with the ids of all their members; group 1 is among them, so the
    /// answer grows with the context.
    ///
    /// # Errors
    /// As for every call.
    pub fn list_groups_for_user(self, user: UserKey<'_>) -> Result<Vec<Group>, Error> {
        let (id, name) = user.parts();
        self.client.call_all(LIST_GROUPS_FOR_USER, &user.target(self.context), |envelope| {
            envelope.context("ctx", self.context)?;
            envelope.key("usr", id, name)?;
            envelope.auth(self.credentials)
        })
    }
}
