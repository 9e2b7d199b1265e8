//! Groups.

use idspool_ox_soap::{ContextId, Group, GroupField, OxGroupId, OxUserId, Value};

use super::super::difference::{Old, changes};
use super::super::journal::{Call, is_provisional};
use super::{Base, Overlay, check_values, refused, same_name};
use crate::ox::{OxError, Refusal, Scope};

/// The standard group of a context. Nobody creates it.
const STANDARD_GROUP: &str = "users";

/// Takes a user out of a group.
pub(super) fn leave(group: &mut Group, user: i32) {
    if group.members().any(|member| member.value() == user) {
        let left: Vec<OxUserId> = group.members().filter(|m| m.value() != user).collect();
        group.set(GroupField::Members, left);
    }
}

impl Overlay {
    pub(super) fn find_group(
        &self,
        scope: Scope<'_>,
        id: OxGroupId,
    ) -> Result<Option<Group>, OxError> {
        let base = self.base(scope.context)?;
        let known = self.tenant(scope.context, |tenant| tenant.groups.get(&id.value()).cloned());
        if let Some(known) = known {
            return Ok(known);
        }
        let served = match base {
            Base::Server(server) => self.heard(server.group(scope, id))?,
            Base::Noted | Base::Nothing => None,
        };
        Ok(served.map(|group| self.without_removed(scope.context, group)))
    }

    pub(super) fn find_group_named(
        &self,
        scope: Scope<'_>,
        name: &str,
    ) -> Result<Option<Group>, OxError> {
        let base = self.base(scope.context)?;
        let known = self.tenant(scope.context, |tenant| {
            let id = tenant.group_names.get(&name.to_lowercase())?;
            tenant.groups.get(id)?.clone()
        });
        if known.is_some() {
            return Ok(known);
        }
        match base {
            Base::Nothing => Ok(None),
            Base::Server(server) => {
                let served = self.heard(server.group_named(scope, name))?;
                Ok(served
                    .filter(|group| !self.is_known_group(scope.context, group))
                    .map(|group| self.without_removed(scope.context, group)))
            }
            Base::Noted => {
                let Some(group) = self.noted_group(scope.context, name) else { return Ok(None) };
                let group = group.with(GroupField::Id, self.provisional_id());
                self.put_group(scope.context, &group);
                Ok(Some(group))
            }
        }
    }

    pub(super) fn find_groups_of(
        &self,
        scope: Scope<'_>,
        user: OxUserId,
    ) -> Result<Vec<Group>, OxError> {
        let base = self.base(scope.context)?;
        if self.tenant(scope.context, |tenant| tenant.is_removed(user.value())) {
            return Err(refused(Refusal::NoSuchUser, format!("No such user {user}")));
        }
        let served = match base {
            Base::Server(server) if !is_provisional(user.value()) => {
                self.heard(server.groups_of_user(scope, user))?
            }
            Base::Noted => {
                self.remark(
                    "which groups become empty is not known without the OX server".to_owned(),
                );
                Vec::new()
            }
            _ => Vec::new(),
        };
        let mut groups: Vec<Group> = served
            .into_iter()
            .filter(|group| !self.is_known_group(scope.context, group))
            .map(|group| self.without_removed(scope.context, group))
            .collect();
        self.tenant(scope.context, |tenant| {
            let known = tenant.groups.values().flatten();
            groups.extend(known.filter(|g| g.members().any(|member| member == user)).cloned());
        });
        Ok(groups)
    }

    pub(super) fn new_group(&self, scope: Scope<'_>, group: &Group) -> Result<OxGroupId, OxError> {
        let name = group.name().unwrap_or_default();
        check_values("Group.create", name, group)?;
        if same_name(name, STANDARD_GROUP) || self.find_group_named(scope, name)?.is_some() {
            return Err(refused(
                Refusal::InvalidData,
                format!("Group {name} already exists in context {}", scope.context),
            ));
        }
        self.check_members(scope.context, group)?;
        let id = self.provisional_id();
        self.record(
            Call::new("Group.create", scope.context.value(), name, id)
                .with(changes(Old::New, group)),
        );
        self.put_group(scope.context, &group.clone().with(GroupField::Id, id));
        Ok(OxGroupId::new(id))
    }

    pub(super) fn changed_group(&self, scope: Scope<'_>, group: &Group) -> Result<(), OxError> {
        let name = group.name().unwrap_or_default();
        check_values("Group.change", name, group)?;
        let id = group.id().unwrap_or(OxGroupId::new(0));
        let Some(old) = self.find_group(scope, id)? else {
            return Err(refused(Refusal::NoSuchGroup, format!("No such group {id}")));
        };
        let is_renamed = old.name().is_none_or(|old| !same_name(old, name));
        if is_renamed && self.find_group_named(scope, name)?.is_some() {
            return Err(refused(
                Refusal::InvalidData,
                format!("Group {name} already exists in context {}", scope.context),
            ));
        }
        self.check_members(scope.context, group)?;
        let told = changes(Old::Whole(&old), group);
        self.record(Call::new("Group.change", scope.context.value(), name, id.value()).with(told));
        let mut now = old;
        for (field, value) in group.iter() {
            // A list without elements is not on the wire.
            if !matches!(value, Value::Ids(ids) if ids.is_empty()) {
                now.set(field, value.clone());
            }
        }
        self.put_group(scope.context, &now);
        Ok(())
    }

    pub(super) fn removed_group(
        &self,
        scope: Scope<'_>,
        id: OxGroupId,
        name: &str,
    ) -> Result<(), OxError> {
        let base = self.base(scope.context)?;
        let known = self.tenant(scope.context, |tenant| tenant.remove_group(id.value()));
        let is_there = match (known, base) {
            (Some(known), _) => known.is_some(),
            (None, Base::Server(server)) => self.heard(server.group(scope, id))?.is_some(),
            (None, Base::Noted) => true,
            (None, Base::Nothing) => false,
        };
        if !is_there {
            return Err(refused(Refusal::NoSuchGroup, format!("No such group {id}")));
        }
        self.record(Call::new("Group.delete", scope.context.value(), name, id.value()));
        Ok(())
    }

    fn put_group(&self, context: ContextId, group: &Group) {
        self.tenant(context, |tenant| tenant.put_group(group));
    }

    /// Whether the dry run knows better about a group of the server.
    fn is_known_group(&self, context: ContextId, group: &Group) -> bool {
        let id = group.id().map_or(0, OxGroupId::value);
        self.tenant(context, |tenant| tenant.groups.contains_key(&id))
    }

    /// OX takes users out of groups by itself when they are deleted.
    fn without_removed(&self, context: ContextId, mut group: Group) -> Group {
        self.tenant(context, |tenant| {
            let gone = |member: &OxUserId| tenant.is_removed(member.value());
            if group.members().any(|member| gone(&member)) {
                let left: Vec<OxUserId> = group.members().filter(|m| !gone(m)).collect();
                group.set(GroupField::Members, left);
            }
        });
        group
    }

    fn check_members(&self, context: ContextId, group: &Group) -> Result<(), OxError> {
        let gone = self.tenant(context, |tenant| {
            group.members().find(|member| tenant.is_removed(member.value()))
        });
        match gone {
            None => Ok(()),
            Some(id) => Err(refused(
                Refusal::NoSuchUser,
                format!(
                    "group '{}': No such user {id} in context {context}",
                    group.name().unwrap_or_default()
                ),
            )),
        }
    }
}
