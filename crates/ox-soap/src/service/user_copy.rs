//! `OXUserCopyService`: present only where OX has the user-copy package.

use crate::client::Client;
use crate::credentials::Credentials;
use crate::error::{Error, Target};
use crate::id::{ContextId, OxUserId};
use crate::service::{Operation, operation};
use crate::user::User;

const COPY_USER: &Operation = &operation!(UserCopy, "copyUser", writes);

/// Copies users from one context to another, with the credentials of the master administrator.
#[derive(Clone, Copy, Debug)]
pub struct UserCopyService<'a> {
    client: &'a Client,
    credentials: &'a Credentials,
}

impl<'a> UserCopyService<'a> {
    pub(crate) const fn new(client: &'a Client, credentials: &'a Credentials) -> Self {
        Self { client, credentials }
    }

    /// Copies a user with its data; answers its id in the destination. The user stays in the
    /// source, and group memberships are not copied.
    ///
    /// # Errors
    /// As for every call; `UserExists` when the destination has a user of that name.
    pub fn copy_user(
        self,
        user: OxUserId,
        source: ContextId,
        destination: ContextId,
    ) -> Result<OxUserId, Error> {
        let target = Target {
            context: Some(source),
            destination: Some(destination),
            kind: "user",
            id: Some(user.value()),
            name: None,
        };
        let answer: User = self.client.call_one(COPY_USER, &target, |envelope| {
            envelope.key("user", Some(user.value()), None)?;
            envelope.context("src", source)?;
            envelope.context("dest", destination)?;
            envelope.auth(self.credentials)
        })?;
        answer.id().ok_or_else(|| self.client.unexpected(COPY_USER, &target, "a user without id"))
    }
}
