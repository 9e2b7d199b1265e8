//! What a recipient of changes has to offer, and what it is given.

use std::path::Path;

use idspool_spool::{FaultClass, Spool};
use idspool_udm::{ConvertedItem, ItemHead};
use serde_json::{Map, Value};

use crate::Objects;

/// A system that is brought to the state of the directory, item by item.
pub trait Recipient: Send + Sync {
    /// The bucket of an item: items of a lower one go first, whatever their names
    /// (ox-provisioning 3.4). `None`: a type that this recipient does not handle; such an item is faulty.
    fn rank(&self, head: &ItemHead) -> Option<u8>;

    /// What the item touches, for running items at the same time. Two items conflict when they share a
    /// key that at least one of them writes; an empty list conflicts with everything.
    fn keys(&self, item: &ConvertedItem, previous: Option<&ConvertedItem>) -> Vec<Key>;

    /// Whether an item is a copy of its object's snapshot, which the recipient put into the queue. Such an
    /// item stands for the snapshot as it is when its turn comes, which may be newer than the copy.
    fn is_copy(&self, _item: &ConvertedItem, _path: &Path) -> bool {
        false
    }

    /// Whether it is told of a deletion although the object was never delivered. By default nothing came of
    /// such an object here, so there is nothing to undo; but a recipient that finds its objects by what the
    /// item says may have some that another program delivered.
    fn removes_unknown(&self, _deletion: &ConvertedItem) -> bool {
        false
    }

    /// Brings the recipient to the state of one item.
    ///
    /// Doing it again must be harmless: after a crash the same item comes again.
    ///
    /// # Errors
    /// A [`Fault`]; the item stays and nothing behind it is started.
    fn deliver(&self, delivery: &Delivery<'_>) -> Result<Outcome, Fault>;
}

/// One item on its way to the recipient.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// The new state.
    pub item: &'a ConvertedItem,
    /// The queue file, for messages.
    pub path: &'a Path,
    /// The last delivered state of the same object.
    pub previous: Option<&'a ConvertedItem>,
    /// What was noted at the last delivery; `None` when nothing was, or when the snapshot was edited
    /// since.
    pub facts: Option<&'a Facts>,
    /// Whether the recipient is to be called even if nothing differs: a re-provisioning.
    pub forced: bool,
    /// The last delivered states of all objects.
    pub objects: &'a Objects,
    /// The queue itself, for items that follow from this one.
    pub queue: &'a Spool,
    /// Which objects have items in the queue.
    pub waiting: &'a dyn Waiting,
}

/// Which objects have items in the queue, as far as the loop has seen them. Costs no look at the disk.
pub trait Waiting: std::fmt::Debug {
    /// Whether an item of the object with this id waits, the one being delivered included.
    fn has(&self, object_id: &str) -> bool;
}

/// What becomes of an item that was delivered, or needed no delivery.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It becomes the snapshot of its object.
    Keep {
        /// The item's properties and what the recipient added to them.
        object: Map<String, Value>,
        /// What to note beside the snapshot.
        facts: Facts,
    },
    /// The object is gone at the recipient: its snapshot goes away with the item.
    Gone,
}

/// What is noted beside a snapshot, so that it can be had without reading the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Where the object lives at the recipient: the context of OX.
    pub scope: Option<i64>,
    /// The recipient's own id of the object: `oxDbId`.
    pub remote_id: Option<i64>,
    /// Whether the object exists for the recipient: `isOxUser`, `isOxGroup`.
    pub active: bool,
    /// Fingerprint of what was last delivered; equal means there is nothing to send.
    pub digest: Option<String>,
    /// The access rights that were last delivered.
    pub rights: Option<String>,
}

/// Something that an item reads or writes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// Its name, such as a DN or `context 10`.
    pub name: String,
    /// What the item does with it.
    pub access: Access,
}

/// What an item does with a [`Key`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Depends on it.
    Read,
    /// Changes it.
    Write,
}

/// Why an item could not be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Whether a retry can help.
    pub class: FaultClass,
    /// What went wrong, with the object.
    pub message: String,
    /// What the administrator can do.
    pub remedy: Option<String>,
    /// Id of the object that has what this item needs. If items of it wait, they go first, and then
    /// this one is tried again: the two were reported in the other order.
    pub waits_for: Option<String>,
}

impl Fault {
    /// A fault that may go away by itself.
    pub fn transient(message: impl Into<String>) -> Self {
        Self::of(FaultClass::Transient, message)
    }

    /// A fault that needs a person.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self::of(FaultClass::Permanent, message)
    }

    /// A fault of idspool itself.
    pub fn ours(message: impl Into<String>) -> Self {
        Self::of(FaultClass::Ours, message)
            .with_remedy("this is a fault of idspool: please report it with this message")
    }

    /// A fault of this class, without remedy.
    pub fn of(class: FaultClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), remedy: None, waits_for: None }
    }

    /// Adds what the administrator can do.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Lets the waiting items of another object go first.
    #[must_use]
    pub fn waiting_for(mut self, object_id: impl Into<String>) -> Self {
        self.waits_for = Some(object_id.into());
        self
    }
}

impl From<&idspool_spool::Error> for Fault {
    fn from(error: &idspool_spool::Error) -> Self {
        Self::of(error.fault_class(), error.to_string())
    }
}
