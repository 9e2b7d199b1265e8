//! `Group`.

use crate::id::{OxGroupId, OxUserId};
use crate::object::{DataObject, fields};
use crate::value::Value;

/// A group of a context.
pub type Group = DataObject<GroupField>;

impl DataObject<GroupField> {
    /// `id`; `None` when it is not set.
    #[must_use]
    pub fn id(&self) -> Option<OxGroupId> {
        self.id_number(GroupField::Id).map(OxGroupId::new)
    }

    /// `name`.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.text(GroupField::Name)
    }

    /// `members`: the ids of its users.
    pub fn members(&self) -> impl Iterator<Item = OxUserId> + '_ {
        let ids = match self.get(GroupField::Members) {
            Some(Value::Ids(ids)) => ids.as_slice(),
            _ => &[],
        };
        ids.iter().copied().map(OxUserId::new)
    }
}

fields! {
    /// The fields of [`Group`] in schema order.
    pub enum GroupField of "Group" in "OXGroupService" {
        Displayname = "displayname": Text,
        Id = "id": Int,
        Members = "members": Ids,
        Name = "name": Text,
    }
}
