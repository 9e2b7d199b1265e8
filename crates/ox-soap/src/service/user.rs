//! `OXUserService`.

use crate::access::ModuleAccess;
use crate::answer::FromReturn;
use crate::client::Client;
use crate::credentials::Credentials;
use crate::error::{Error, Target};
use crate::id::{ContextId, OxUserId};
use crate::service::{Operation, UserKey, operation};
use crate::user::{User, UserField, UserName};

const EXISTS: &Operation = &operation!(User, "exists", reads);
const GET_DATA: &Operation = &operation!(User, "getData", reads);
const GET_MULTIPLE_DATA: &Operation = &operation!(User, "getMultipleData", reads);
const CREATE: &Operation = &operation!(User, "create", writes);
const CHANGE: &Operation = &operation!(User, "change", writes);
const DELETE: &Operation = &operation!(User, "delete", writes);
const CHANGE_BY_MODULE_ACCESS: &Operation = &operation!(User, "changeByModuleAccess", writes);
const GET_MODULE_ACCESS: &Operation = &operation!(User, "getModuleAccess", reads);
const LIST: &Operation = &operation!(User, "list", reads);
const LIST_ALL: &Operation = &operation!(User, "listAll", reads);

/// Calls about the users of one context, with the credentials of its administrator.
#[derive(Clone, Copy, Debug)]
pub struct UserService<'a> {
    client: &'a Client,
    context: ContextId,
    credentials: &'a Credentials,
}

impl<'a> UserService<'a> {
    pub(crate) const fn new(
        client: &'a Client,
        context: ContextId,
        credentials: &'a Credentials,
    ) -> Self {
        Self { client, context, credentials }
    }

    /// Whether a user exists.
    ///
    /// # Errors
    /// As for every call.
    pub fn exists(self, user: UserKey<'_>) -> Result<bool, Error> {
        let (id, name) = user.parts();
        self.client.call_one(EXISTS, &user.target(self.context), |envelope| {
            envelope.context("ctx", self.context)?;
            envelope.key("user", id, name)?;
            envelope.auth(self.credentials)
        })
    }

    /// Reads a user.
    ///
    /// # Errors
    /// As for every call; a user that does not exist [is not found](Error::is_not_found).
    pub fn get_data(self, user: UserKey<'_>) -> Result<User, Error> {
        let (id, name) = user.parts();
        self.client.call_one(GET_DATA, &user.target(self.context), |envelope| {
            envelope.context("ctx", self.context)?;
            envelope.key("user", id, name)?;
            envelope.auth(self.credentials)
        })
    }

    /// Reads several users at once. Some 15 kB each: ask for at most a thousand at a time.
    ///
    /// # Errors
    /// As for every call; when one of them does not exist the whole call [is not
    /// found](Error::is_not_found).
    pub fn get_multiple_data(self, users: &[OxUserId]) -> Result<Vec<User>, Error> {
        self.read_multiple(users)
    }

    /// The names of several users. OX sends the same as for [`Self::get_multiple_data`], but no more
    /// of it than the names is kept.
    ///
    /// # Errors
    /// As for [`Self::get_multiple_data`].
    pub fn names(self, users: &[OxUserId]) -> Result<Vec<UserName>, Error> {
        self.read_multiple(users)
    }

    fn read_multiple<T: FromReturn>(self, users: &[OxUserId]) -> Result<Vec<T>, Error> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        self.client.call_long(GET_MULTIPLE_DATA, &self.all(), |envelope| {
            envelope.context("ctx", self.context)?;
            for user in users {
                envelope.key("users", Some(user.value()), None)?;
            }
            envelope.auth(self.credentials)
        })
    }

    /// Creates a user; answers its id. Mandatory: `name`, `display_name`, `password`, `given_name`,
    /// `sur_name`, `primaryEmail`, `email1`.
    ///
    /// # Errors
    /// As for every call.
    pub fn create(self, user: &User) -> Result<OxUserId, Error> {
        let target = self.target(user);
        let answer: User = self.client.call_one(CREATE, &target, |envelope| {
            envelope.context("ctx", self.context)?;
            envelope.object("usrdata", user)?;
            envelope.auth(self.credentials)
        })?;
        answer.id().ok_or_else(|| self.client.unexpected(CREATE, &target, "a user without id"))
    }

    /// Writes the fields that are set. `id` says which user; `name` has to be its name, unless OX
    /// allows renaming.
    ///
    /// # Errors
    /// As for every call.
    pub fn change(self, user: &User) -> Result<(), Error> {
        self.client.call_void(CHANGE, &self.target(user), |envelope| {
            envelope.context("ctx", self.context)?;
            envelope.object("usrdata", user)?;
            envelope.auth(self.credentials)
        })
    }

    /// Deletes a user.
    ///
    /// # Errors
    /// As for every call; a user that does not exist [is not found](Error::is_not_found).
    pub fn delete(self, user: UserKey<'_>) -> Result<(), Error> {
        let (id, name) = user.parts();
        self.client.call_void(DELETE, &user.target(self.context), |envelope| {
            envelope.context("ctx", self.context)?;
            envelope.key("user", id, name)?;
            envelope.auth(self.credentials)
        })
    }

    /// Sets the rights of a user. Send every flag: OX sets those that are absent to its defaults.
    ///
    /// # Errors
    /// As for every call.
    pub fn change_by_module_access(
        self,
        user: UserKey<'_>,
        access: ModuleAccess,
    ) -> Result<(), Error> {
        let (id, name) = user.parts();
        self.client.call_void(CHANGE_BY_MODULE_ACCESS, &user.target(self.context), |envelope| {
            envelope.context("ctx", self.context)?;
            envelope.key("user", id, name)?;
            envelope.access("moduleAccess", access);
            envelope.auth(self.credentials)
        })
    }

    /// Reads the rights of a user.
    ///
    /// # Errors
    /// As for every call.
    pub fn get_module_access(self, user: UserKey<'_>) -> Result<ModuleAccess, Error> {
        let (id, name) = user.parts();
        self.client.call_one(GET_MODULE_ACCESS, &user.target(self.context), |envelope| {
            envelope.context("ctx", self.context)?;
            envelope.key("user", id, name)?;
            envelope.auth(self.credentials)
        })
    }

    /// The ids of all users of the context, guests included. The answer is read as a stream: OX
    /// sends some 10 kB for each.
    ///
    /// # Errors
    /// As for every call.
    pub fn list_all(self) -> Result<Vec<OxUserId>, Error> {
        self.list_ids(true)
    }

    /// The ids of all users of the context that are no guests.
    ///
    /// # Errors
    /// As for every call.
    pub fn list_all_without_guests(self) -> Result<Vec<OxUserId>, Error> {
        self.list_ids(false)
    }

    fn list_ids(self, with_guests: bool) -> Result<Vec<OxUserId>, Error> {
        self.client.call_ids(LIST_ALL, &self.all(), |envelope| {
            envelope.context("ctx", self.context)?;
            envelope.auth(self.credentials)?;
            envelope.flag("include_guests", with_guests);
            envelope.flag("exclude_users", false);
            Ok(())
        })
    }

    /// The ids of the users whose name fits a pattern with `*`, guests included.
    ///
    /// # Errors
    /// As for every call.
    pub fn list(self, search_pattern: &str) -> Result<Vec<OxUserId>, Error> {
        self.client.call_ids(LIST, &self.all(), |envelope| {
            envelope.context("ctx", self.context)?;
            envelope.text("search_pattern", search_pattern)?;
            envelope.auth(self.credentials)?;
            envelope.flag("include_guests", true);
            envelope.flag("exclude_users", false);
            Ok(())
        })
    }

    fn all(self) -> Target<'static> {
        Target { context: Some(self.context), ..Target::default() }
    }

    fn target(self, user: &User) -> Target<'_> {
        Target {
            context: Some(self.context),
            kind: "user",
            id: user.id().map(OxUserId::value),
            name: user.text(UserField::Name),
            ..Target::default()
        }
    }
}
