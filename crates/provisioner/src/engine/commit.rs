//! What becomes of delivered items: their new states are made durable as a group, then their files go
//! (S5).

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use idspool_spool::{ItemName, ReadItem};
use idspool_udm::ConvertedItem;
use tracing::debug;

use super::handling::Prepared;
use super::{Engine, EngineError};
use crate::recipient::Facts;

/// Items that share one sync. More would save little; each holds a descriptor.
pub(super) const GROUP: usize = 64;
/// How long a delivered item waits for others to share a sync with. Beside a call that takes longer
/// than this, a sync costs nothing.
const GATHERING: Duration = Duration::from_millis(50);

/// What is to become of an item that was delivered.
pub(crate) enum Settlement {
    /// The object is gone at the recipient.
    Gone { id: String },
    /// It is the last delivered state.
    Kept(Box<Kept>),
    /// There was nothing to do, and there is nothing to keep.
    Nothing { id: String },
}

/// The last delivered state of an object.
pub(crate) struct Kept {
    pub(crate) state: ConvertedItem,
    pub(crate) facts: Facts,
    /// The recipient added something to the item.
    pub(crate) is_enriched: bool,
    /// The state that is stored is the same already.
    pub(crate) is_stored: bool,
    /// What is noted of it is not: the recipient has something else of it than before.
    pub(crate) is_changed: bool,
    /// It had another DN.
    pub(crate) is_renamed: bool,
}

/// Items that were delivered, but whose new states are not durable yet. After a crash they come again,
/// all of them, which has to be harmless.
#[derive(Default)]
pub(super) struct Uncommitted {
    items: Vec<Delivered>,
    /// When the first of them was delivered.
    since: Option<Instant>,
    /// Objects of which the recipient has something else than before.
    changed: HashSet<String>,
    /// One of them had another name, which is free now.
    frees_name: bool,
}

impl Uncommitted {
    /// Whether these have to be durable before another item is handed over.
    ///
    /// An item may come again after the recipient got a later state of its own object, or after another
    /// object took its former name. Then it would find neither the state it expects, nor the
    /// right object: a group that is renamed right after its creation would be created once more.
    pub(super) fn must_be_kept_before(&self, next: &Prepared) -> bool {
        self.changed.contains(next.id()) || (self.frees_name && next.takes_name())
    }
}

/// An item that was delivered, as it was then.
struct Delivered {
    name: ItemName,
    path: PathBuf,
    modified: SystemTime,
}

impl Engine<'_> {
    /// Whether the report of a change came after its content was delivered.
    pub(super) fn is_as_delivered(&self, name: &ItemName) -> bool {
        self.uncommitted
            .items
            .iter()
            .any(|item| item.name == *name && is_unchanged(&item.path, item.modified))
    }

    /// Takes over what came of an item.
    pub(super) fn settle(
        &mut self,
        name: &ItemName,
        path: PathBuf,
        read: &ReadItem,
        settlement: Settlement,
    ) -> Result<(), EngineError> {
        match settlement {
            // Somebody may have removed the snapshot by hand; its DN must not be known any longer.
            Settlement::Nothing { id } => self.objects.forget(&id)?,
            Settlement::Gone { id } => {
                self.style.forget(&path);
                self.objects.forget(&id)?;
                self.uncommitted.changed.insert(id);
            }
            Settlement::Kept(kept) => {
                let Kept { state, facts, is_enriched, is_stored, is_changed, is_renamed } = *kept;
                self.style.keep(
                    &path,
                    &self.objects.path_of(&state.id)?,
                    is_enriched && !is_stored,
                );
                if !is_stored {
                    self.objects.store(&state, &facts)?;
                } else if is_changed {
                    self.objects.note(&state, &facts)?;
                }
                if is_changed {
                    self.uncommitted.changed.insert(state.id);
                }
                self.uncommitted.frees_name |= is_renamed;
            }
        }
        self.style.end(&path);
        self.backlog.remove(name);
        self.faulty = None;
        self.delivered += 1;
        let item = Delivered { name: name.clone(), path, modified: read.modified };
        self.uncommitted.items.push(item);
        let since = *self.uncommitted.since.get_or_insert_with(Instant::now);
        if self.uncommitted.items.len() >= GROUP || since.elapsed() >= GATHERING {
            self.commit()?;
        }
        Ok(())
    }

    /// Makes the effects of the delivered items durable, then lets the items go (S5).
    pub(super) fn commit(&mut self) -> Result<(), EngineError> {
        let delivered = std::mem::take(&mut self.uncommitted).items;
        if delivered.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.objects.commit() {
            // Their states are not on disk, so they count as not delivered; doing it again is harmless.
            self.look_at(delivered.into_iter().map(|item| item.name));
            return Err(error.into());
        }
        let (done, changed): (Vec<_>, Vec<_>) =
            delivered.into_iter().partition(|item| is_unchanged(&item.path, item.modified));
        // Edited or replaced while it was under way (S7): what stands there now is a new item.
        for item in &changed {
            debug!("{} was changed while it was delivered: taking it again", item.path.display());
        }
        self.look_at(changed.into_iter().map(|item| item.name));
        let done: Vec<ItemName> = done.into_iter().map(|item| item.name).collect();
        if let Err(error) = self.consumer.done_group(&done) {
            // They are still there, so they are still to be done.
            self.look_at(done);
            return Err(error.into());
        }
        self.consumer.record_success()?;
        Ok(())
    }
}

fn is_unchanged(path: &Path, modified: SystemTime) -> bool {
    fs::metadata(path).and_then(|metadata| metadata.modified()).is_ok_and(|now| now == modified)
}
