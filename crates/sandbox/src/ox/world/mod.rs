//! What the stand-in server remembers: contexts with their users, groups, resources,
//! accounts and deputies.
//!
//! Everything is in memory and indexed, so that a context with hundreds of thousands of users costs
//! no more per call than a small one. Rules (what is refused and how) are the services' business.

mod access;
mod account;
mod context;
mod deputy;
mod group;
mod record;
mod resource;
mod user;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub use access::Access;
pub use account::Account;
pub use context::Context;
pub use deputy::{Deputy, Module};
pub use group::Group;
pub use record::Record;
pub use resource::{Permission, Resource};
pub use user::User;

pub(crate) use access::AccessLayout;
pub(crate) use context::Owners;
pub(crate) use user::{Attributes, Role, UserLayout, lexical_value};

use super::schema::Interface;

/// Id of the group to which every user of a context belongs.
pub const STANDARD_GROUP: i32 = 1;
/// Id of a context's administrator.
pub const ADMINISTRATOR: i32 = 2;

/// All contexts.
#[derive(Debug)]
pub struct World {
    contexts: BTreeMap<i32, Context>,
    names: HashMap<String, i32>,
    login_mappings: HashMap<String, i32>,
    pub(crate) user_layout: Arc<UserLayout>,
    pub(crate) access_layout: Arc<AccessLayout>,
}

impl World {
    pub(crate) fn new(interfaces: &[Interface]) -> Self {
        let find = |service: &str, name: &str| {
            interfaces
                .iter()
                .find(|interface| interface.name == service)
                .and_then(|interface| interface.type_named(name))
        };
        Self {
            contexts: BTreeMap::new(),
            names: HashMap::new(),
            login_mappings: HashMap::new(),
            user_layout: Arc::new(UserLayout::new(find("OXUserService", "User"))),
            access_layout: Arc::new(AccessLayout::new(find("OXUserService", "UserModuleAccess"))),
        }
    }

    /// The context with this id.
    #[must_use]
    pub fn context(&self, id: i32) -> Option<&Context> {
        self.contexts.get(&id)
    }

    /// All contexts in the order of their ids.
    pub fn contexts(&self) -> impl Iterator<Item = &Context> {
        self.contexts.values()
    }

    pub(crate) fn context_mut(&mut self, id: i32) -> Option<&mut Context> {
        self.contexts.get_mut(&id)
    }

    pub(crate) fn contexts_mut(&mut self) -> impl Iterator<Item = &mut Context> {
        self.contexts.values_mut()
    }

    pub(crate) fn context_named(&self, name: &str) -> Option<i32> {
        self.names.get(name).copied()
    }

    /// Context to which a login mapping leads.
    pub(crate) fn login_mapping(&self, mapping: &str) -> Option<i32> {
        self.login_mappings.get(mapping).copied()
    }

    pub(crate) fn insert_context(&mut self, context: Context) {
        self.names.insert(context.name.clone(), context.id);
        for mapping in &context.login_mappings {
            self.login_mappings.insert(mapping.clone(), context.id);
        }
        self.contexts.insert(context.id, context);
    }

    pub(crate) fn remove_context(&mut self, id: i32) -> Option<Context> {
        let context = self.contexts.remove(&id)?;
        self.names.retain(|_, owner| *owner != id);
        self.login_mappings.retain(|_, owner| *owner != id);
        Some(context)
    }

    /// Takes a context out, changes it and puts it back, so that the indexes follow.
    pub(crate) fn change_context(&mut self, id: i32, change: impl FnOnce(&mut Context)) {
        if let Some(mut context) = self.remove_context(id) {
            change(&mut context);
            self.insert_context(context);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.contexts.clear();
        self.names.clear();
        self.login_mappings.clear();
    }
}
