//! `OXSecondaryAccountService`. Its context parameter is called `context`.

use crate::account::{Account, AccountDataOnCreate};
use crate::client::Client;
use crate::credentials::Credentials;
use crate::envelope::{Envelope, ValueError};
use crate::error::{Error, Target};
use crate::id::{ContextId, OxUserId};
use crate::service::{Operation, operation};

const CREATE: &Operation = &operation!(SecondaryAccount, "create", writes);
const DELETE: &Operation = &operation!(SecondaryAccount, "delete", writes);
const LIST: &Operation = &operation!(SecondaryAccount, "list", reads);

/// Whose accounts are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom<'a> {
    /// Every user of the context: group 0.
    Everybody,
    /// These users. All of them have to exist.
    Users(&'a [OxUserId]),
}

impl Whom<'_> {
    /// Nobody at all. OX refuses to delete for nobody, and takes it for everybody when it lists.
    const fn is_nobody(self) -> bool {
        matches!(self, Self::Users([]))
    }

    fn write(self, envelope: &mut Envelope<'_>) -> Result<(), ValueError> {
        match self {
            Self::Everybody => envelope.key("groups", Some(0), None),
            Self::Users(users) => {
                users.iter().try_for_each(|user| envelope.key("users", Some(user.value()), None))
            }
        }
    }
}

/// Calls about the secondary mail accounts of one context, with the credentials of its administrator.
#[derive(Clone, Copy, Debug)]
pub struct SecondaryAccountService<'a> {
    client: &'a Client,
    context: ContextId,
    credentials: &'a Credentials,
}

impl<'a> SecondaryAccountService<'a> {
    pub(crate) const fn new(
        client: &'a Client,
        context: ContextId,
        credentials: &'a Credentials,
    ) -> Self {
        Self { client, context, credentials }
    }

    /// Creates one account for each of the users. Mandatory: `primaryAddress`, and `mailServer` or
    /// `mailEndpointSource`.
    ///
    /// # Errors
    /// As for every call; a user that does not exist [is not found](Error::is_not_found), and a user
    /// who has an account of that address already is a storage fault.
    pub fn create(self, account: &AccountDataOnCreate, users: &[OxUserId]) -> Result<(), Error> {
        self.client.call_void(CREATE, &self.target(account.primary_address()), |envelope| {
            envelope.object("accountDataOnCreate", account)?;
            envelope.context("context", self.context)?;
            Whom::Users(users).write(envelope)?;
            envelope.auth(self.credentials)
        })
    }

    /// Deletes the accounts of an address; answers whether there were any.
    ///
    /// # Errors
    /// As for every call; a user that does not exist [is not found](Error::is_not_found).
    pub fn delete(self, primary_address: &str, whom: Whom<'_>) -> Result<bool, Error> {
        if whom.is_nobody() {
            return Ok(false);
        }
        self.client.call_one(DELETE, &self.target(Some(primary_address)), |envelope| {
            envelope.text("primaryAddress", primary_address)?;
            envelope.context("context", self.context)?;
            whom.write(envelope)?;
            envelope.auth(self.credentials)
        })
    }

    /// Reads all accounts of the context.
    ///
    /// # Errors
    /// As for every call.
    pub fn list_all(self) -> Result<Vec<Account>, Error> {
        self.client.call_long(LIST, &self.target(None), |envelope| {
            envelope.context("context", self.context)?;
            envelope.auth(self.credentials)
        })
    }

    /// Reads the accounts of users.
    ///
    /// # Errors
    /// As for every call; a user that does not exist [is not found](Error::is_not_found).
    pub fn list(self, whom: Whom<'_>) -> Result<Vec<Account>, Error> {
        if whom.is_nobody() {
            return Ok(Vec::new());
        }
        self.client.call_long(LIST, &self.target(None), |envelope| {
            envelope.context("context", self.context)?;
            whom.write(envelope)?;
            envelope.auth(self.credentials)
        })
    }

    fn target(self, primary_address: Option<&str>) -> Target<'_> {
        Target {
            context: Some(self.context),
            kind: "secondary account",
            name: primary_address,
            ..Target::default()
        }
    }
}
