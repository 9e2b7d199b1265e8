//! What the server has, and what its rules say about users.

use std::collections::{BTreeMap, BTreeSet};

use idspool_ox_soap::{
    AccountDataOnCreate, GrantedDeputy, Group, ModuleAccess, Resource, User, UserField,
};
use idspool_spool::FaultClass;

use super::refused;
use crate::ox::{OxError, Refusal};

/// What the server has.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct World {
    pub(crate) contexts: BTreeMap<i32, Tenant>,
}

/// One context.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Tenant {
    pub(crate) name: String,
    pub(crate) quota: Option<i64>,
    pub(crate) admin: String,
    pub(crate) password: String,
    pub(crate) users: BTreeMap<i32, UserEntry>,
    pub(crate) groups: BTreeMap<i32, Group>,
    pub(crate) resources: BTreeMap<i32, Resource>,
    /// Secondary accounts with the user who has each.
    pub(crate) accounts: Vec<(i32, AccountDataOnCreate)>,
    pub(crate) deputies: Vec<GrantedDeputy>,
    /// Users who cannot grant permissions on their own.
    pub(crate) blocked: BTreeSet<i32>,
    pub(super) next: i32,
}

/// One user.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct UserEntry {
    pub(crate) user: User,
    pub(crate) access: Option<ModuleAccess>,
}

impl Tenant {
    pub(super) fn id(&mut self) -> i32 {
        // The administrator of a context is user 2.
        self.next = self.next.max(2) + 1;
        self.next
    }

    pub(super) fn by_name(&self, name: &str) -> Option<i32> {
        self.users.iter().find(|(_, account)| account.user.name() == Some(name)).map(|(id, _)| *id)
    }
}

pub(super) fn no_such_user() -> OxError {
    refused(Refusal::NoSuchUser, FaultClass::Permanent, "No such user")
}

pub(super) fn invalid(message: &str) -> OxError {
    refused(Refusal::InvalidData, FaultClass::Permanent, message)
}

/// What the rules of OX say about addresses.
pub(super) fn check_addresses(user: &User) -> Result<(), OxError> {
    if user.text(UserField::PrimaryEmail).is_none_or(str::is_empty) {
        return Ok(());
    }
    let aliases = user.list(UserField::Aliases);
    let is_alias = |field| {
        let mail = user.text(field).unwrap_or_default();
        mail.is_empty() || aliases.iter().any(|alias| alias == mail)
    };
    if is_alias(UserField::PrimaryEmail) && is_alias(UserField::DefaultSenderAddress) {
        Ok(())
    } else {
        Err(invalid(
            "primaryMail, Email1 and defaultSenderAddress must be present in set of aliases.",
        ))
    }
}
