//! One item, from file to outcome: what the loop does with it, and a rehearsal as well.

use std::path::Path;

use idspool_spool::{Error as SpoolError, ItemName, Spool};
use idspool_udm::{ConvertedItem, ItemHead, dn};
use tracing::info;

use super::commit::{Kept, Settlement};
use super::style::Style;
use crate::objects::Objects;
use crate::recipient::{Delivery, Facts, Fault, Outcome, Recipient, Waiting};

/// The bytes of a file's beginning that are looked at to learn its type and object.
const HEAD: usize = 512;
/// An item larger than this is faulty: real ones with photo and certificate stay below 1 MiB.
pub(crate) const LARGEST: u64 = 64 << 20;

/// Why the object of a file is not known.
pub(crate) enum Unclear {
    /// Unreadable and nobody is writing it any more.
    Settled,
    /// Unreadable and young (S2).
    BeingWritten,
}

/// What an item is about. `None`: its file is gone.
pub(crate) fn head_of(spool: &Spool, name: &ItemName) -> Result<Option<ItemHead>, Unclear> {
    let prefix = match spool.read_prefix(name, HEAD) {
        Ok(prefix) => prefix,
        Err(error) if is_gone(&error) => return Ok(None),
        Err(_) => return Err(Unclear::Settled),
    };
    if let Some(head) = ItemHead::scan(&prefix.bytes) {
        return Ok(Some(head));
    }
    match spool.read(name, LARGEST) {
        Ok(item) => match ItemHead::parse(&item.bytes) {
            Ok(head) => Ok(Some(head)),
            Err(_) if item.is_settled() => Err(Unclear::Settled),
            Err(_) => Err(Unclear::BeingWritten),
        },
        Err(error) if is_gone(&error) => Ok(None),
        Err(_) => Err(Unclear::Settled),
    }
}

/// The content of an item.
pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<ConvertedItem, Fault> {
    ConvertedItem::parse(bytes).map_err(|error| {
        Fault::permanent(format!("{}: {error}", path.display()))
            .with_remedy("repair the file or remove it")
    })
}

/// What the handling of an item depends on.
pub(crate) struct Handling<'a> {
    pub(crate) style: Style,
    pub(crate) recipient: &'a dyn Recipient,
    pub(crate) objects: &'a Objects,
    pub(crate) queue: &'a Spool,
    pub(crate) waiting: &'a dyn Waiting,
}

/// An item with the last delivered state of its object.
pub(crate) struct Prepared {
    item: ConvertedItem,
    previous: Option<ConvertedItem>,
    facts: Option<Facts>,
    /// Nobody has heard of the object that is to be removed.
    is_void: bool,
}

impl Prepared {
    pub(crate) fn id(&self) -> &str {
        &self.item.id
    }

    /// Whether the object comes to have a name that another one may have had.
    pub(crate) fn takes_name(&self) -> bool {
        self.previous
            .as_ref()
            .is_none_or(|previous| dn::key(&previous.dn) != dn::key(&self.item.dn))
    }
}

impl Handling<'_> {
    /// Hands an item to the recipient; what is to become of it.
    pub(crate) fn deliver(
        &self,
        name: &ItemName,
        path: &Path,
        item: ConvertedItem,
    ) -> Result<Settlement, Fault> {
        self.hand_over(name, path, self.prepare(path, item)?)
    }

    /// Looks up what an item is compared with.
    pub(crate) fn prepare(&self, path: &Path, mut item: ConvertedItem) -> Result<Prepared, Fault> {
        let head = ItemHead::from(&item);
        if self.recipient.rank(&head).is_none() {
            return Err(Fault::permanent(format!(
                "{}: object type '{}' of {} is not handled here",
                path.display(),
                item.udm_object_type,
                item.dn
            ))
            .with_remedy("remove the file, or correct its udm_object_type"));
        }
        let previous = self.objects.previous(&item.id).map_err(|error| error.to_fault())?;
        let (previous, facts) = previous.unzip();
        let facts = facts.flatten();
        // Created and removed before anybody looked, or never heard of (3.2): nothing to undo. An
        // earlier item with content would have been delivered before this one.
        let mut is_void =
            previous.is_none() && item.object.is_none() && !self.recipient.removes_unknown(&item);
        if self.recipient.is_copy(&item, path) {
            match &previous {
                Some(previous) => item = ConvertedItem { resync: item.resync, ..previous.clone() },
                None => {
                    info!("{}: the object was deleted since it was queued again", path.display());
                    is_void = true;
                }
            }
        }
        if previous.is_some() {
            let old = self.objects.path_of(&item.id).map_err(|error| error.to_fault())?;
            self.style.compare_with(&old);
        }
        Ok(Prepared { item, previous, facts, is_void })
    }

    /// Hands a prepared item to the recipient.
    pub(crate) fn hand_over(
        &self,
        name: &ItemName,
        path: &Path,
        prepared: Prepared,
    ) -> Result<Settlement, Fault> {
        let takes_name = prepared.takes_name();
        let Prepared { mut item, previous, facts, is_void } = prepared;
        if is_void {
            return Ok(Settlement::Nothing { id: item.id });
        }
        let forced = item.resync || !name.is_canonical();
        let outcome = self.recipient.deliver(&Delivery {
            item: &item,
            path,
            previous: previous.as_ref(),
            facts: facts.as_ref(),
            forced,
            objects: self.objects,
            queue: self.queue,
            waiting: self.waiting,
        })?;
        item.resync = false;
        Ok(match outcome {
            Outcome::Gone => Settlement::Gone { id: item.id },
            Outcome::Keep { object, facts: noted } => {
                let is_enriched = item.object.as_ref() != Some(&object);
                let state = ConvertedItem { object: Some(object), ..item };
                let is_stored = previous.as_ref() == Some(&state);
                let is_changed = facts.as_ref() != Some(&noted);
                Settlement::Kept(Box::new(Kept {
                    state,
                    facts: noted,
                    is_enriched,
                    is_stored,
                    is_changed,
                    is_renamed: takes_name && previous.is_some(),
                }))
            }
        })
    }
}

pub(crate) fn is_gone(error: &SpoolError) -> bool {
    matches!(error, SpoolError::NotFound { .. })
}
