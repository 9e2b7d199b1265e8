//! A user of a context, kept small: users are what there are many of.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use super::access::Access;
use super::record::Record;
use crate::ox::schema::{ComplexType, Kind};
use crate::ox::value::{Object, Value};

/// `userAttributes`: name space, name, value.
pub(crate) type Attributes = BTreeMap<String, BTreeMap<String, String>>;

/// What the server does with a field of the schema's `User`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Aliases,
    Attributes,
    ContextAdmin,
    ConvertDrive,
    DefaultGroup,
    /// Two names for one attribute.
    DriveMode,
    Filestore,
    Id,
    ImapSchema,
    ImapServerString,
    Password,
    PasswordExpired,
    SmtpSchema,
    SmtpServerString,
    Stored,
    /// Not read from requests and always nil.
    Unused,
    UsedQuota,
}

/// Fields of the schema's `User` and where a user keeps them.
#[derive(Debug)]
pub(crate) struct UserLayout {
    names: Vec<String>,
    roles: Vec<Role>,
    positions: HashMap<String, usize>,
}

impl UserLayout {
    pub(crate) fn new(content: Option<&ComplexType>) -> Self {
        let fields = content.map_or(&[][..], |content| &content.fields);
        let roles = fields
            .iter()
            .map(|field| match &*field.name {
                "aliases" => Role::Aliases,
                "contextadmin" => Role::ContextAdmin,
                "convert_drive_user_folders" => Role::ConvertDrive,
                "default_group" => Role::DefaultGroup,
                "drive_folder_mode" | "drive_user_folder_mode" => Role::DriveMode,
                "filestoreId" | "filestore_name" => Role::Filestore,
                "id" => Role::Id,
                "imapSchema" => Role::ImapSchema,
                "imapServerString" => Role::ImapServerString,
                "password" => Role::Password,
                "password_expired" => Role::PasswordExpired,
                "smtpSchema" => Role::SmtpSchema,
                "smtpServerString" => Role::SmtpServerString,
                "usedQuota" => Role::UsedQuota,
                "userAttributes" => Role::Attributes,
                _ if matches!(field.kind, Kind::Complex(_)) => Role::Unused,
                _ => Role::Stored,
            })
            .collect();
        Self {
            names: fields.iter().map(|field| field.name.to_string()).collect(),
            roles,
            positions: fields
                .iter()
                .enumerate()
                .map(|(index, field)| (field.name.to_string(), index))
                .collect(),
        }
    }

    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.positions.get(name).copied()
    }

    pub(crate) fn role(&self, index: usize) -> Role {
        self.roles.get(index).copied().unwrap_or(Role::Unused)
    }

    pub(crate) fn name(&self, index: usize) -> &str {
        self.names.get(index).map_or("", String::as_str)
    }

    /// The stored fields that a sent user carries, whichever service's `User` type it has.
    pub(crate) fn stored_fields<'a>(&self, sent: &'a Object<'_>) -> Vec<(usize, Cow<'a, str>)> {
        let mut fields = Vec::with_capacity(sent.fields.len() + 8);
        for (index, value) in &sent.fields {
            let Some(field) = sent.content.field(*index) else {
                continue;
            };
            let Some(position) = self.position(&field.name) else {
                continue;
            };
            let position = match self.role(position) {
                Role::Stored => position,
                Role::DriveMode => self.position("drive_folder_mode").unwrap_or(position),
                _ => continue,
            };
            if let Some(text) = lexical_value(value) {
                fields.push((position, text));
            }
        }
        fields
    }
}

/// A simple value as it is written; nil and complex values have none.
pub(crate) fn lexical_value<'a>(value: &'a Value<'_>) -> Option<Cow<'a, str>> {
    match value {
        Value::Boolean(true) => Some(Cow::Borrowed("true")),
        Value::Boolean(false) => Some(Cow::Borrowed("false")),
        Value::Integer(number) => Some(Cow::Owned(number.to_string())),
        Value::Text(text) => Some(Cow::Borrowed(text)),
        Value::Nil | Value::Object(_) => None,
    }
}

/// A user.
#[derive(Clone)]
pub struct User {
    /// Id in the context.
    pub id: i32,
    pub(crate) layout: Arc<UserLayout>,
    pub(crate) fields: Record,
    pub(crate) aliases: Vec<Box<str>>,
    pub(crate) attributes: Option<Box<Attributes>>,
    pub(crate) password: Box<str>,
    pub(crate) access: Access,
}

// The password stays out of logs.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields: BTreeMap<&str, &str> = self.fields().collect();
        f.debug_struct("User")
            .field("id", &self.id)
            .field("aliases", &self.aliases)
            .field("fields", &fields)
            .finish_non_exhaustive()
    }
}

impl User {
    /// A stored text field by its name in the schema; `None` when it was never set.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(self.layout.position(name)?)
    }

    /// Login.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text("name").unwrap_or_default()
    }

    /// Primary mail address.
    #[must_use]
    pub fn primary_email(&self) -> &str {
        self.text("primaryEmail").unwrap_or_default()
    }

    /// Mail addresses, sorted.
    pub fn aliases(&self) -> impl Iterator<Item = &str> {
        self.aliases.iter().map(|alias| &**alias)
    }

    /// Every stored text field with its name, in schema order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(index, value)| (self.layout.name(index), value))
    }

    /// Whether this is the administrator of the context.
    #[must_use]
    pub fn is_administrator(&self) -> bool {
        self.id == super::ADMINISTRATOR
    }

    /// Whether the password is this one.
    #[must_use]
    pub fn has_password(&self, password: &str) -> bool {
        &*self.password == password
    }

    /// Length of the password in characters.
    #[must_use]
    pub fn password_length(&self) -> usize {
        self.password.chars().count()
    }
}
