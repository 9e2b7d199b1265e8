//! `OXGroupService`.

use crate::client::Client;
use crate::credentials::Credentials;
use crate::error::{Error, Target};
use crate::group::Group;
use crate::id::{ContextId, OxGroupId};
use crate::service::{GroupKey, Operation, UserKey, operation};

const CREATE: &Operation = &operation!(Group, "create", writes);
const CHANGE: &Operation = &operation!(Group, "change", writes);
const LIST: &Operation = &operation!(Group, "list", reads);
const LIST_ALL: &Operation = &operation!(Group, "listAll", reads);
const GET_MULTIPLE_DATA: &Operation = &operation!(Group, "getMultipleData", reads);
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

    /// Reads several groups at once.
    ///
    /// # Errors
    /// As for every call; when one of them does not exist the whole call [is not
    /// found](Error::is_not_found).
    pub fn get_multiple_data(self, groups: &[OxGroupId]) -> Result<Vec<Group>, Error> {
        if groups.is_empty() {
            return Ok(Vec::new());
        }
        self.client.call_long(GET_MULTIPLE_DATA, &self.all(), |envelope| {
            envelope.context("ctx", self.context)?;
            for group in groups {
                envelope.key("grps", Some(group.value()), None)?;
            }
            envelope.auth(self.credentials)
        })
    }

    /// Creates a group; answers its id. Mandatory: `name`, `displayname`; every member has to exist.
    ///
    /// # Errors
    /// As for every call.
    pub fn create(self, group: &Group) -> Result<OxGroupId, Error> {
        let target = self.target(group);
        let answer: Group = self.client.call_one(CREATE, &target, |envelope| {
            envelope.context("ctx", self.context)?;
            envelope.object("grp", group)?;
            envelope.auth(self.credentials)
        })?;
        let id = answer.id().filter(|id| id.value() != 0);
        id.ok_or_else(|| self.client.unexpected(CREATE, &target, "a group without id"))
    }

    /// Writes the fields that are set. `id` says which group; `members`, when they are set, take the
    /// place of all that there were. They cannot be emptied: an empty list is not sent.
    ///
    /// # Errors
    /// As for every call; a group that does not exist [is not found](Error::is_not_found).
    pub fn change(self, group: &Group) -> Result<(), Error> {
        self.client.call_void(CHANGE, &self.target(group), |envelope| {
            envelope.context("ctx", self.context)?;
            envelope.object("grp", group)?;
            envelope.auth(self.credentials)
        })
    }

    /// Reads the groups whose name fits a pattern with `*`, with the ids of their members.
    ///
    /// # Errors
    /// As for every call.
    pub fn list(self, pattern: &str) -> Result<Vec<Group>, Error> {
        self.client.call_long(LIST, &self.all(), |envelope| {
            envelope.context("ctx", self.context)?;
            envelope.text("pattern", pattern)?;
            envelope.auth(self.credentials)
        })
    }

    /// Reads all groups of the context, with the ids of their members; group 1 is among them.
    ///
    /// # Errors
    /// As for every call.
    pub fn list_all(self) -> Result<Vec<Group>, Error> {
        self.client.call_long(LIST_ALL, &self.all(), |envelope| {
            envelope.context("ctx", self.context)?;
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
        self.client.call_long(LIST_GROUPS_FOR_USER, &user.target(self.context), |envelope| {
            envelope.context("ctx", self.context)?;
            envelope.key("usr", id, name)?;
            envelope.auth(self.credentials)
        })
    }

    fn all(self) -> Target<'static> {
        Target { context: Some(self.context), ..Target::default() }
    }

    fn target(self, group: &Group) -> Target<'_> {
        Target {
            context: Some(self.context),
            kind: "group",
            id: group.id().map(OxGroupId::value),
            name: group.name(),
            ..Target::default()
        }
    }
}
