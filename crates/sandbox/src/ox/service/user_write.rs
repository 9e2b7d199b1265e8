//! How a sent user becomes a stored one, and rights a bit set.

use std::borrow::Cow;
use std::sync::Arc;

use super::Desk;
use super::user_answer::read_attributes;
use crate::ox::value::Object;
use crate::ox::world::{Access, Attributes, Context, Record, User, UserLayout};

/// What a user has whose creator did not say otherwise. The real server's defaults depend on its
/// configuration; these are those of the examples.
pub(super) fn defaults(layout: &UserLayout) -> Vec<(usize, Cow<'static, str>)> {
    [
        ("gui_spam_filter_enabled", "false"),
        ("imapPort", "143"),
        ("language", "en_US"),
        ("load_remote_mail_content_by_default", "false"),
        ("mailenabled", "true"),
        ("passwordMech", "{SHA-256}"),
        ("smtpPort", "25"),
        ("timezone", "Europe/Berlin"),
        ("uploadFileSizeLimit", "-1"),
        ("uploadFileSizeLimitPerFile", "-1"),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((layout.position(name)?, Cow::Borrowed(value))))
    .collect()
}

/// A new user from checked data; its id is drawn here.
pub(super) fn new_user(
    layout: &Arc<UserLayout>,
    context: &mut Context,
    sent: &Object<'_>,
    access: Access,
) -> User {
    let mut fields: Vec<(usize, Cow<'_, str>)> = defaults(layout);
    let mut sent_fields = layout.stored_fields(sent);
    without_scheme(layout, &mut sent_fields);
    fields.extend(sent_fields);
    let primary = sent.text("primaryEmail").unwrap_or_default();
    let sender = sent.text("defaultSenderAddress").filter(|sender| !sender.is_empty());
    if sender.is_none()
        && let Some(position) = layout.position("defaultSenderAddress")
    {
        fields.push((position, Cow::Borrowed(primary)));
    }
    let aliases = sent.texts("aliases").chain([primary]).chain(sender);
    let mut attributes = Attributes::new();
    if let Some(sent) = sent.object("userAttributes") {
        merge_attributes(&mut attributes, sent);
    }
    User {
        id: context.draw_id(),
        layout: layout.clone(),
        fields: Record::default().with(fields),
        aliases: sorted(aliases),
        attributes: (!attributes.is_empty()).then(|| Box::new(attributes)),
        password: sent.text("password").unwrap_or_default().into(),
        access,
    }
}

/// The user after a checked change: what is absent stays.
pub(super) fn changed_user(user: &User, sent: &Object<'_>) -> User {
    let mut fields = user.layout.stored_fields(sent);
    without_scheme(&user.layout, &mut fields);
    let mut changed = User { fields: user.fields.with(fields), ..user.clone() };
    if sent.texts("aliases").next().is_some() {
        changed.aliases = sorted(sent.texts("aliases"));
    }
    if let Some(password) = sent.text("password") {
        changed.password = password.into();
    }
    if let Some(sent) = sent.object("userAttributes") {
        let attributes = changed.attributes.get_or_insert_default();
        merge_attributes(attributes, sent);
    }
    changed
}

/// The server keeps the host of a mail server; scheme and port in the same field are cut off.
fn without_scheme(layout: &UserLayout, fields: &mut [(usize, Cow<'_, str>)]) {
    for name in ["imapServer", "smtpServer"] {
        let position = layout.position(name);
        for (_, value) in fields.iter_mut().filter(|(field, _)| Some(*field) == position) {
            if let Some((_, rest)) = value.split_once("://") {
                let host = rest.split([':', '/']).next().unwrap_or_default();
                *value = Cow::Owned(host.to_owned());
            }
        }
    }
}

/// Aliases are a set.
fn sorted<'a>(aliases: impl Iterator<Item = &'a str>) -> Vec<Box<str>> {
    let mut all: Vec<Box<str>> = aliases.map(Box::from).collect();
    all.sort();
    all.dedup();
    all
}

/// Sent attributes replace those of the same name.
pub(super) fn merge_attributes(attributes: &mut Attributes, sent: &Object<'_>) {
    for (space, values) in read_attributes(sent) {
        attributes.entry(space).or_default().extend(values);
    }
}

/// The whole bit set of a sent `UserModuleAccess`: an absent flag takes its default.
pub(super) fn access(desk: &Desk<'_>, sent: &Object<'_>) -> Access {
    let layout = &desk.world.access_layout;
    let defaults = layout.defaults();
    layout.collect(|name| {
        sent.boolean(name).unwrap_or_else(|| layout.is_set(defaults, name).unwrap_or_default())
    })
}

/// Answers rights.
pub(super) fn write_access(desk: &mut Desk<'_>, access: Access) {
    let layout = desk.world.access_layout.clone();
    desk.answer.object(|_, field| {
        if let Some(is_set) = layout.is_set(access, field.name()) {
            field.boolean(is_set);
        }
    });
}
