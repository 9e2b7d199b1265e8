//! Who belongs to what (udm-ldap.md 3.2 to 3.5).

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{MemberKind, dn};

use super::attribute::{Attribute, attribute};
use super::view::{View, list};

const MEMBER: Attribute = attribute("uniqueMember");
const MEMBER_OF: Attribute = attribute("memberOf");

/// What the reverse search found, or what the server says by itself.
pub(super) fn groups_of_user(view: &View<'_>) -> Option<Value> {
    Some(match view.related.groups_of_user(&view.entry.dn) {
        Some(groups) => list(groups),
        None => list(view.texts(MEMBER_OF)),
    })
}

/// The same for a group.
pub(super) fn groups_of_group(view: &View<'_>) -> Option<Value> {
    Some(match view.related.groups_of_group(&view.entry.dn) {
        Some(groups) => list(groups),
        None => list(view.texts(MEMBER_OF)),
    })
}

/// Roles that come with the groups of a user. Known only where the groups were searched for.
pub(super) fn guardian_inherited_roles(view: &View<'_>) -> Option<Value> {
    let roles: BTreeSet<&str> = view.related.guardian_roles_of(&view.entry.dn).collect();
    (!roles.is_empty()).then(|| list(roles.into_iter()))
}

pub(super) fn primary_group(view: &View<'_>) -> Option<Value> {
    let number = view.text(const { attribute("gidNumber") })?;
    view.related.primary_group(number).map(Value::from)
}

pub(super) fn users(view: &View<'_>) -> Option<Value> {
    Some(members(view, MemberKind::User))
}

pub(super) fn nested_groups(view: &View<'_>) -> Option<Value> {
    Some(members(view, MemberKind::Group))
}

pub(super) fn hosts(view: &View<'_>) -> Option<Value> {
    Some(members(view, MemberKind::Host))
}

/// Members of one kind. What cannot be resolved is a user.
fn members(view: &View<'_>, wanted: MemberKind) -> Value {
    list(view.texts(MEMBER).filter(|member| {
        let kind = if dn::is_user(member) {
            MemberKind::User
        } else {
            view.related.member(member).unwrap_or(MemberKind::User)
        };
        kind == wanted
    }))
}

pub(super) fn account_users(view: &View<'_>) -> Option<Value> {
    Some(list(view.texts(MEMBER).filter(|member| dn::is_user(member))))
}

/// Everything that is no user, without a look at the entries.
pub(super) fn account_groups(view: &View<'_>) -> Option<Value> {
    Some(list(view.texts(MEMBER).filter(|member| !dn::is_user(member))))
}
