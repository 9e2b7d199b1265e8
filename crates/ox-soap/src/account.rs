//! Secondary mail accounts, which OX gives users beside their own: functional accounts.

use crate::id::OxUserId;
use crate::object::{DataObject, fields};

/// What a secondary account is created from. `mailEndpointSource` is `none`, `primary` (hosts of the
/// user's own account) or `localhost`; with `none` a `mailServer` is needed.
pub type AccountDataOnCreate = DataObject<AccountDataOnCreateField>;

/// A secondary account of one user, as it is listed. Passwords are never taken from answers.
pub type Account = DataObject<AccountField>;

impl DataObject<AccountDataOnCreateField> {
    /// `primaryAddress`: what the account is known by.
    #[must_use]
    pub fn primary_address(&self) -> Option<&str> {
        self.text(AccountDataOnCreateField::PrimaryAddress)
    }
}

impl DataObject<AccountField> {
    /// `userId`: whose account it is.
    #[must_use]
    pub fn user(&self) -> Option<OxUserId> {
        self.id_number(AccountField::UserId).map(OxUserId::new)
    }

    /// `primaryAddress`: what the account is known by.
    #[must_use]
    pub fn primary_address(&self) -> Option<&str> {
        self.text(AccountField::PrimaryAddress)
    }
}

fields! {
    /// The fields of [`AccountDataOnCreate`] in schema order.
    pub enum AccountDataOnCreateField of "AccountDataOnCreate" in "OXSecondaryAccountService" {
        Login = "login": Text,
        Password = "password": Text,
        Name = "name": Text,
        PrimaryAddress = "primaryAddress": Text,
        Personal = "personal": Text,
        ReplyTo = "replyTo": Text,
        MailEndpointSource = "mailEndpointSource": Text,
        MailServer = "mailServer": Text,
        MailPort = "mailPort": Int,
        MailProtocol = "mailProtocol": Text,
        MailSecure = "mailSecure": Bool,
        MailStartTls = "mailStartTls": Bool,
        TransportLogin = "transportLogin": Text,
        TransportPassword = "transportPassword": Text,
        TransportEndpointSource = "transportEndpointSource": Text,
        TransportServer = "transportServer": Text,
        TransportPort = "transportPort": Int,
        TransportProtocol = "transportProtocol": Text,
        TransportSecure = "transportSecure": Bool,
        TransportStartTls = "transportStartTls": Bool,
        ArchiveFullname = "archiveFullname": Text,
        DraftsFullname = "draftsFullname": Text,
        SentFullname = "sentFullname": Text,
        SpamFullname = "spamFullname": Text,
        TrashFullname = "trashFullname": Text,
        ConfirmedSpamFullname = "confirmedSpamFullname": Text,
        ConfirmedHamFullname = "confirmedHamFullname": Text,
    }
}

fields! {
    /// The fields of [`Account`] in schema order.
    pub enum AccountField of "Account" in "OXSecondaryAccountService" {
        ContextId = "contextId": Int,
        UserId = "userId": Int,
        Id = "id": Int,
        Login = "login": Text,
        Password = "password": Text,
        Name = "name": Text,
        PrimaryAddress = "primaryAddress": Text,
        Personal = "personal": Text,
        ReplyTo = "replyTo": Text,
        MailServer = "mailServer": Text,
        MailPort = "mailPort": Int,
        MailProtocol = "mailProtocol": Text,
        MailSecure = "mailSecure": Bool,
        MailStartTls = "mailStartTls": Bool,
        TransportLogin = "transportLogin": Text,
        TransportPassword = "transportPassword": Text,
        TransportServer = "transportServer": Text,
        TransportPort = "transportPort": Int,
        TransportProtocol = "transportProtocol": Text,
        TransportSecure = "transportSecure": Bool,
        TransportStartTls = "transportStartTls": Bool,
        ArchiveFullname = "archiveFullname": Text,
        DraftsFullname = "draftsFullname": Text,
        SentFullname = "sentFullname": Text,
        SpamFullname = "spamFullname": Text,
        TrashFullname = "trashFullname": Text,
        ConfirmedSpamFullname = "confirmedSpamFullname": Text,
        ConfirmedHamFullname = "confirmedHamFullname": Text,
    }
}
