//! State, calls and counters as JSON. Written straight from the state: with many users, a tree of
//! values would take more memory than the users themselves.

use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};

use crate::ox::calls::Calls;
use crate::ox::engine::{Engine, State};
use crate::ox::world::{Account, Context, Deputy, Group, Resource, User};
use crate::view::json::{Sequence, to_vec};

/// Contexts (or one of them) with everything in them.
pub(crate) fn state(engine: &Engine, context: Option<i32>) -> Vec<u8> {
    let state = engine.state();
    to_vec(&StateView(&state, context))
}

/// The calls after number `since`.
pub(crate) fn calls(engine: &Engine, since: u64) -> Vec<u8> {
    let state = engine.state();
    to_vec(&CallsView(&state.calls, since))
}

/// Counters.
pub(crate) fn counts(engine: &Engine) -> Vec<u8> {
    let counts = engine.state().calls.counts();
    to_vec(&counts)
}

struct StateView<'a>(&'a State, Option<i32>);

impl Serialize for StateView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(state, wanted) = self;
        let mut map = serializer.serialize_struct("State", 2)?;
        map.serialize_field(
            "contexts",
            &Sequence(|| {
                state
                    .world
                    .contexts()
                    .filter(|context| wanted.is_none_or(|id| id == context.id))
                    .map(ContextView)
            }),
        )?;
        map.serialize_field("calls", &state.calls.counts())?;
        map.end()
    }
}

struct ContextView<'a>(&'a Context);

impl Serialize for ContextView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let context = self.0;
        let mut map = serializer.serialize_struct("Context", 11)?;
        map.serialize_field("id", &context.id)?;
        map.serialize_field("name", &context.name)?;
        map.serialize_field("enabled", &context.is_enabled)?;
        map.serialize_field("maxQuota", &context.max_quota)?;
        map.serialize_field("loginMappings", &context.login_mappings)?;
        map.serialize_field(
            "users",
            &Sequence(|| context.users().map(|user| UserView(context, user))),
        )?;
        map.serialize_field(
            "groups",
            &Sequence(|| context.groups().map(|group| GroupView(context, group))),
        )?;
        map.serialize_field("resources", &Sequence(|| context.resources().map(ResourceView)))?;
        map.serialize_field("accounts", &Sequence(|| context.accounts().map(AccountView)))?;
        map.serialize_field("deputies", &Sequence(|| context.deputies().map(DeputyView)))?;
        map.serialize_field("blockedGrantors", &Sequence(|| context.blocked_grantors()))?;
        map.end()
    }
}

struct UserView<'a>(&'a Context, &'a User);

impl Serialize for UserView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(context, user) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &user.id)?;
        map.serialize_entry("contextadmin", &user.is_administrator())?;
        map.serialize_entry("aliases", &Sequence(|| user.aliases()))?;
        for (name, value) in user.fields() {
            map.serialize_entry(name, value)?;
        }
        if let Some(attributes) = &user.attributes {
            map.serialize_entry("userAttributes", attributes)?;
        }
        map.serialize_entry("password_length", &user.password_length())?;
        map.serialize_entry("access", &context.rights(user))?;
        map.end()
    }
}

struct GroupView<'a>(&'a Context, &'a Group);

impl Serialize for GroupView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(context, group) = self;
        let mut map = serializer.serialize_struct("Group", 4)?;
        map.serialize_field("id", &group.id)?;
        map.serialize_field("name", &group.name)?;
        map.serialize_field("displayname", &group.display_name)?;
        map.serialize_field("members", &Sequence(|| context.members(group)))?;
        map.end()
    }
}

struct ResourceView<'a>(&'a Resource);

impl Serialize for ResourceView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let resource = self.0;
        let mut map = serializer.serialize_struct("Resource", 7)?;
        map.serialize_field("id", &resource.id)?;
        map.serialize_field("name", &resource.name)?;
        map.serialize_field("displayname", &resource.display_name)?;
        map.serialize_field("email", &resource.email)?;
        map.serialize_field("available", &resource.is_available)?;
        map.serialize_field("description", &resource.description)?;
        let permissions: Vec<_> = resource
            .permissions
            .iter()
            .map(|right| {
                serde_json::json!({
                    "entity": right.entity, "group": right.is_group, "privilege": right.privilege
                })
            })
            .collect();
        map.serialize_field("permissions", &permissions)?;
        map.end()
    }
}

struct AccountView<'a>(&'a Account);

impl Serialize for AccountView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let account = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &account.id)?;
        map.serialize_entry("userId", &account.user)?;
        map.serialize_entry("primaryAddress", &account.primary_address)?;
        for (name, value) in &account.fields {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

struct DeputyView<'a>(&'a Deputy);

impl Serialize for DeputyView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let deputy = self.0;
        let mut map = serializer.serialize_struct("DeputyPermission", 5)?;
        map.serialize_field("deputyId", &deputy.id)?;
        map.serialize_field("grantorId", &deputy.grantor)?;
        map.serialize_field("userId", &deputy.user)?;
        map.serialize_field("sendOnBehalfOf", &deputy.sends_on_behalf)?;
        let modules: Vec<_> = deputy
            .modules
            .iter()
            .map(|module| {
                let [folder, read, write, delete] = module.levels;
                serde_json::json!({
                    "moduleId": module.name, "admin": module.is_admin, "folderPermission": folder,
                    "readPermission": read, "writePermission": write, "deletePermission": delete
                })
            })
            .collect();
        map.serialize_field("modulePermissions", &modules)?;
        map.end()
    }
}

struct CallsView<'a>(&'a Calls, u64);

impl Serialize for CallsView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_struct("Calls", 2)?;
        map.serialize_field("last", &self.0.last())?;
        map.serialize_field("calls", &Sequence(|| self.0.since(self.1)))?;
        map.end()
    }
}
