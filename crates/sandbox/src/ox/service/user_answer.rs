//! How a user is written.

use std::borrow::Cow;

use crate::ox::answer::{Answer, FieldWriter};
use crate::ox::schema::Interface;
use crate::ox::value::{Object, Value};
use crate::ox::world::{Attributes, Context, Role, STANDARD_GROUP, User, lexical_value};

/// A stored user with every field; the password is not among them.
pub(super) fn write(
    answer: &mut Answer<'_>,
    interface: &Interface,
    context: &Context,
    user: &User,
) {
    let layout = &user.layout;
    answer.object(|index, field| match layout.role(index) {
        Role::Stored => {
            if let Some(value) = user.fields.get(index) {
                field.text(value);
            }
        }
        Role::Aliases => {
            for alias in user.aliases() {
                field.text(alias);
            }
        }
        Role::Attributes => {
            if let Some(attributes) = &user.attributes {
                write_attributes(field, interface, attributes);
            }
        }
        Role::ContextAdmin => field.boolean(user.is_administrator()),
        Role::ConvertDrive | Role::PasswordExpired => field.boolean(false),
        Role::DefaultGroup => {
            if let Some(group) = context.group(STANDARD_GROUP) {
                field.object(interface, |_, field| match field.name() {
                    "displayname" => field.text(&group.display_name),
                    "id" => field.integer(group.id),
                    "name" => field.text(&group.name),
                    _ => {}
                });
            }
        }
        Role::DriveMode => field.text(user.text("drive_folder_mode").unwrap_or("default")),
        Role::Id => field.integer(user.id),
        Role::ImapSchema | Role::ImapServerString | Role::SmtpSchema | Role::SmtpServerString => {
            let server = Server::of(layout.role(index), |name| user.text(name).map(Cow::Borrowed));
            server.write(layout.role(index), field);
        }
        Role::UsedQuota => field.integer(0),
        Role::Filestore | Role::Password | Role::Unused => {}
    });
}

/// The answer to `create`: the user as it was sent, not as it was stored, with its new id. Even the
/// password comes back.
pub(super) fn write_as_sent(
    answer: &mut Answer<'_>,
    interface: &Interface,
    user: &User,
    sent: &Object<'_>,
) {
    let layout = &user.layout;
    let simple = |name: &str| sent.value(name).and_then(lexical_value);
    answer.object(|index, field| match layout.role(index) {
        Role::Id => field.integer(user.id),
        Role::Aliases => {
            for alias in user.aliases() {
                field.text(alias);
            }
        }
        Role::Attributes => {
            if let Some(attributes) = &user.attributes {
                write_attributes(field, interface, attributes);
            }
        }
        Role::ContextAdmin => field.boolean(false),
        Role::ConvertDrive => {
            field.boolean(sent.boolean("convert_drive_user_folders").unwrap_or(false))
        }
        Role::DriveMode => field.text(user.text("drive_folder_mode").unwrap_or("default")),
        Role::ImapSchema | Role::ImapServerString | Role::SmtpSchema | Role::SmtpServerString => {
            Server::of(layout.role(index), simple).write(layout.role(index), field);
        }
        Role::Stored | Role::Password | Role::PasswordExpired => {
            // Request and answer have the same type, so the positions are the same.
            match sent.value_at(index).and_then(lexical_value) {
                Some(value) => field.text(&value),
                None if field.name() == "passwordMech" => field.text("{SHA-256}"),
                None => {}
            }
        }
        Role::DefaultGroup | Role::Filestore | Role::Unused | Role::UsedQuota => {}
    });
}

/// One mail server URL: the port decides the scheme.
struct Server<'a> {
    host: Option<Cow<'a, str>>,
    port: Cow<'a, str>,
    scheme: &'static str,
}

impl<'a> Server<'a> {
    fn of(role: Role, value: impl Fn(&str) -> Option<Cow<'a, str>>) -> Self {
        let is_imap = matches!(role, Role::ImapSchema | Role::ImapServerString);
        let (prefix, standard_port) = if is_imap { ("imap", "143") } else { ("smtp", "25") };
        let host = value(&format!("{prefix}Server")).filter(|host| !host.is_empty());
        let port = value(&format!("{prefix}Port")).unwrap_or(Cow::Borrowed(standard_port));
        let scheme = match (is_imap, &*port) {
            (true, "993") => "imaps://",
            (true, _) => "imap://",
            (false, "465") => "smtps://",
            (false, _) => "smtp://",
        };
        Self { host, port, scheme }
    }

    fn write(&self, role: Role, field: &mut FieldWriter<'_>) {
        let Some(host) = &self.host else {
            return;
        };
        if matches!(role, Role::ImapSchema | Role::SmtpSchema) {
            field.text(self.scheme);
        } else {
            field.text(&format!("{}{host}:{}", self.scheme, self.port));
        }
    }
}

/// A map of maps; an empty one is absent.
pub(super) fn write_attributes(
    field: &mut FieldWriter<'_>,
    interface: &Interface,
    attributes: &Attributes,
) {
    if attributes.is_empty() {
        return;
    }
    field.object(interface, |_, entries| {
        for (space, values) in attributes {
            entries.object(interface, |_, entry| match entry.name() {
                "key" => entry.text(space),
                "value" => entry.object(interface, |_, inner| {
                    for (key, value) in values {
                        inner.object(interface, |_, pair| match pair.name() {
                            "key" => pair.text(key),
                            "value" => pair.text(value),
                            _ => {}
                        });
                    }
                }),
                _ => {}
            });
        }
    });
}

/// `entries` { `key`, `value` { `entries` { `key`, `value` } } }; entries without a key are left out.
pub(super) fn read_attributes(sent: &Object<'_>) -> Attributes {
    let mut attributes = Attributes::new();
    for entry in sent.objects("entries") {
        let Some(space) = entry.text("key") else {
            continue;
        };
        let values = attributes.entry(space.to_owned()).or_default();
        for pair in entry.object("value").into_iter().flat_map(|inner| inner.objects("entries")) {
            if let (Some(key), Some(Value::Text(value))) = (pair.text("key"), pair.value("value")) {
                values.insert(key.to_owned(), value.to_string());
            }
        }
    }
    attributes
}
