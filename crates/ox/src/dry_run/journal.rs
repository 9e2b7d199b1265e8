//! The calls that would be made, and what each of them changes.

use serde_json::Value as Json;

/// A call to OX that changes something.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    /// `User.change` and so on, by the names of the manual.
    pub(crate) operation: &'static str,
    pub(crate) context: i32,
    /// Name of the object; an address for accounts.
    pub(crate) object: String,
    /// The internal id; `None` when OX has yet to give it.
    pub(crate) id: Option<i32>,
    pub(crate) changes: Vec<Change>,
}

/// What becomes of one field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    /// It gets another value. `old` is `None` where nothing is known of it, as in a new object.
    Value { field: &'static str, old: Option<Json>, new: Json },
    /// Some elements of a list come or go.
    List { field: &'static str, added: Vec<String>, removed: Vec<String> },
    /// The same by internal ids.
    Ids { field: &'static str, added: Vec<i32>, removed: Vec<i32> },
}

impl Call {
    /// A call without fields.
    pub(crate) fn new(operation: &'static str, context: i32, object: &str, id: i32) -> Self {
        let id = Some(id).filter(|id| !is_provisional(*id));
        Self { operation, context, object: object.to_owned(), id, changes: Vec::new() }
    }

    /// The same with what it changes.
    pub(crate) fn with(mut self, changes: Vec<Change>) -> Self {
        self.changes = changes;
        self
    }
}

/// Ids from here on stand for those that OX has yet to give. It counts up from 3 in each context.
pub(crate) const FIRST_PROVISIONAL: i32 = 2_000_000_000;

/// Whether an id stands for one that OX has yet to give.
pub(crate) fn is_provisional(id: i32) -> bool {
    id >= FIRST_PROVISIONAL
}
