//! `Context`.

use crate::id::ContextId;
use crate::object::{DataObject, fields};

/// A context. `maxQuota` is in MB, -1 = unlimited; an answer leaves an unlimited quota out.
pub type Context = DataObject<ContextField>;

impl DataObject<ContextField> {
    /// `id`; `None` when it is not set.
    #[must_use]
    pub fn id(&self) -> Option<ContextId> {
        self.id_number(ContextField::Id).map(ContextId::new)
    }

    /// `name`.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.text(ContextField::Name)
    }
}

fields! {
    /// The fields of [`Context`] in schema order.
    pub enum ContextField of "Context" in "OXContextService" {
        AverageSize = "average_size": Long,
        Enabled = "enabled": Bool,
        FilestoreId = "filestoreId": Int,
        FilestoreName = "filestore_name": Text,
        Id = "id": Int,
        LoginMappings = "loginMappings": List,
        MaxQuota = "maxQuota": Long,
        Name = "name": Text,
        ReadDatabase = "readDatabase": Nested,
        UsedQuota = "usedQuota": Long,
        UserAttributes = "userAttributes": Nested,
        WriteDatabase = "writeDatabase": Nested,
        GabMode = "gabMode": Text,
    }
}
