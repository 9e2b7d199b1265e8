//! `Resource`.

use crate::id::OxResourceId;
use crate::object::{DataObject, fields};

/// A resource of a context: a room, a car, anything that can be booked.
pub type Resource = DataObject<ResourceField>;

impl DataObject<ResourceField> {
    /// `id`; `None` when it is not set or 0, which OX takes for "not set".
    #[must_use]
    pub fn id(&self) -> Option<OxResourceId> {
        self.id_number(ResourceField::Id).filter(|&id| id != 0).map(OxResourceId::new)
    }

    /// `name`.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.text(ResourceField::Name)
    }
}

fields! {
    /// The fields of [`Resource`] in schema order.
    pub enum ResourceField of "Resource" in "OXResourceService" {
        Available = "available": Bool,
        Description = "description": Text,
        Displayname = "displayname": Text,
        Email = "email": Text,
        Id = "id": Int,
        Name = "name": Text,
        Permissions = "permissions": Nested,
    }
}
