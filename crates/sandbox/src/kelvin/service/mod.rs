//! What the server does for each request that may be done.

mod group;
mod group_write;
mod properties;
mod relation;
mod school;
mod user;

use serde::Serialize;
use serde_json::{Map, Value};

use super::answer::Shown;
use super::memory::Memory;
use super::options::{Options, PropertyOwner, UdmProperty};
use super::refusal::Refusal;
use super::route::{Resource, Target, Version};
use super::world::{GroupKind, Role, World};
use crate::view::Query;

pub(super) use school::new_school;

/// An answer that is no error.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl Answer {
    fn json(status: u16, value: &impl Serialize) -> Self {
        // Keys are strings and writing to memory does not fail.
        Self { status, body: serde_json::to_vec(value).unwrap_or_default() }
    }

    fn list<T: Serialize>(items: impl Iterator<Item = T>) -> Self {
        let mut body = vec![b'['];
        for item in items {
            if body.len() > 1 {
                body.push(b',');
            }
            let _ = serde_json::to_writer(&mut body, &item);
        }
        body.push(b']');
        Self { status: 200, body }
    }

    fn empty(status: u16) -> Self {
        Self { status, body: Vec::new() }
    }
}

/// What a write works with.
pub(super) struct Desk<'a> {
    pub(super) world: &'a mut World,
    pub(super) memory: &'a mut Memory,
    pub(super) options: &'a Options,
    pub(super) version: Version,
    pub(super) origin: &'a str,
}

impl Desk<'_> {
    fn shown(&self) -> Shown<'_> {
        Shown {
            world: self.world,
            origin: self.origin,
            version: self.version,
            properties: &self.options.properties,
        }
    }

    /// Whether users have the contact property that follows their address.
    fn has_contact(&self) -> bool {
        let is_contact =
            |one: &UdmProperty| one.owner == PropertyOwner::User && one.name == "e-mail";
        self.options.properties.iter().any(is_contact)
    }

    /// The right spelling of a school's name, if the server believes that it exists.
    fn school(&mut self, name: &str) -> Option<String> {
        self.memory.school(name, self.world)
    }
}

/// Answers a request that changes nothing.
pub(super) fn read(
    shown: Shown<'_>,
    method: &str,
    target: &Target,
    query: &Query,
) -> Result<Answer, Refusal> {
    match target {
        Target::Token => Err(Refusal::detail(405, "Method Not Allowed")),
        Target::Collection(_, resource) => match resource {
            Resource::Roles => Ok(Answer::list(Role::ALL.into_iter().map(|role| shown.role(role)))),
            Resource::Schools => Ok(school::list(shown, query)),
            Resource::Users => user::search(shown, query),
            Resource::Classes => group::list(shown, GroupKind::Class, query),
            Resource::Workgroups => group::list(shown, GroupKind::Workgroup, query),
        },
        Target::Object(_, resource, first, second) => match resource {
            Resource::Roles => match Role::named(first) {
                Some(role) => Ok(Answer::json(200, &shown.role(role))),
                None => Err(Refusal::no_object(first)),
            },
            Resource::Schools => school::get(shown, first, method == "HEAD"),
            Resource::Users => {
                let user =
                    shown.world.user_named(first).ok_or_else(|| Refusal::no_object(first))?;
                Ok(Answer::json(200, &shown.user(user)))
            }
            Resource::Classes => group::get(shown, GroupKind::Class, first, second),
            Resource::Workgroups => group::get(shown, GroupKind::Workgroup, first, second),
        },
    }
}

/// Does what a request with a body asks, or a deletion, which has none.
pub(super) fn write(
    desk: &mut Desk<'_>,
    method: &str,
    target: &Target,
    body: &Map<String, Value>,
) -> Result<Answer, Refusal> {
    match (method, target) {
        ("POST", Target::Collection(_, resource)) => match resource {
            Resource::Schools => school::create(desk, body),
            Resource::Users => user::create(desk, body),
            Resource::Classes => group_write::create(desk, GroupKind::Class, body),
            Resource::Workgroups => group_write::create(desk, GroupKind::Workgroup, body),
            Resource::Roles => Err(Refusal::detail(405, "Method Not Allowed")),
        },
        (_, Target::Object(_, resource, first, second)) => match resource {
            Resource::Users if method == "DELETE" => user::delete(desk, first),
            Resource::Users => user::change(desk, method, first, body),
            Resource::Classes => {
                group_write::change(desk, GroupKind::Class, method, (first, second), body)
            }
            Resource::Workgroups => {
                group_write::change(desk, GroupKind::Workgroup, method, (first, second), body)
            }
            Resource::Roles | Resource::Schools => Err(Refusal::detail(405, "Method Not Allowed")),
        },
        _ => Err(Refusal::detail(405, "Method Not Allowed")),
    }
}
