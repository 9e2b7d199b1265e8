//! What the loop would do with everything that waits now, in its order, and without its effects.
//!
//! A [`Rehearsal`] hands the items to a recipient that changes nothing, and keeps the new states in a
//! view of the snapshots ([`Objects::view`]), so that later items meet them. The queue is only read: no
//! lock is taken, no file is removed, no state is noted.
//!
//! A faulty item is where the real queue would stand. The rehearsal goes on behind it, because the
//! faults behind it are worth knowing as well; which they are is for the caller to say.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::path::PathBuf;
use std::{fs, thread};

use std::time::{Duration, SystemTime};

use idspool_spool::{Error as SpoolError, ItemName, Spool};
use idspool_udm::{ConvertedItem, ItemHead};

use crate::backlog::Backlog;
use crate::engine::EngineError;
use crate::engine::commit::Settlement;
use crate::engine::handling::{self, Handling, LARGEST, Unclear, is_gone};
use crate::engine::style::Style;
use crate::objects::Objects;
use crate::recipient::{Fault, Recipient, Waiting};

/// Within one tick of the file system's clock, a second change of a folder does not show.
const TICK: Duration = Duration::from_millis(50);
/// How often a file that is being written is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// A pass over the waiting items without effects.
pub struct Rehearsal<'a> {
    queue: &'a Spool,
    /// Where the recipient puts items that follow from others.
    copies: &'a Spool,
    /// When the folder of `copies` was last found changed, and whether a later change is sure to show.
    copies_seen: Option<(SystemTime, bool)>,
    recipient: &'a dyn Recipient,
    objects: &'a Objects,
    waiting: Stage,
    /// Items of `copies`.
    copied: BTreeSet<ItemName>,
}

/// What waits, and what would go on waiting.
#[derive(Debug, Default)]
struct Stage {
    backlog: Backlog,
    /// Objects with faulty items.
    faulty: HashSet<String>,
    /// Objects with items that are not rehearsed, and the first of these.
    left_out: HashMap<String, ItemName>,
}

/// What would become of one item.
#[derive(Debug)]
pub struct Step {
    /// Its name.
    pub name: ItemName,
    /// Its file.
    pub path: PathBuf,
    /// What it is about; `None` when it cannot be understood.
    pub head: Option<ItemHead>,
    /// Whether it follows from an item before it, so that it is not in the queue yet.
    pub is_copy: bool,
    /// An item of the same object that goes before it, but was not rehearsed.
    pub overtaken: Option<ItemName>,
    /// The items that would follow from it.
    pub follows: Vec<ItemHead>,
    /// The fault at which the queue would stand.
    pub result: Result<(), Fault>,
}

impl<'a> Rehearsal<'a> {
    /// Looks at all that waits in `queue`. Only items that `is_wanted` are rehearsed; the others stay.
    ///
    /// `objects` has to be a view, and `copies` the spool of a folder of its own, which the recipient's
    /// follow-up items go to.
    ///
    /// # Errors
    /// One of the folders cannot be read.
    pub fn new(
        queue: &'a Spool,
        copies: &'a Spool,
        recipient: &'a dyn Recipient,
        objects: &'a Objects,
        is_wanted: &dyn Fn(&ItemName) -> bool,
    ) -> Result<Self, EngineError> {
        let mut rehearsal = Self {
            queue,
            copies,
            copies_seen: None,
            recipient,
            objects,
            waiting: Stage::default(),
            copied: BTreeSet::new(),
        };
        for name in queue.names()? {
            match (rehearsal.head_of(queue, &name), is_wanted(&name)) {
                (Some(head), true) => rehearsal.add(&name, &head),
                (Some(head), false) => {
                    rehearsal.waiting.left_out.entry(head.id).or_insert(name);
                }
                (None, true) => rehearsal.waiting.backlog.insert(&name, "", 0),
                (None, false) => {}
            }
        }
        Ok(rehearsal)
    }

    /// Rehearses the next item; `None` when no more waits.
    ///
    /// # Errors
    /// The view or the folder of follow-up items cannot be used.
    pub fn step(&mut self) -> Result<Option<Step>, EngineError> {
        while let Some(name) = self.waiting.backlog.first() {
            self.waiting.backlog.begin_pass();
            let is_copy = self.copied.contains(&name);
            let spool = if is_copy { self.copies } else { self.queue };
            let path = spool.path_of(&name);
            let (head, result) = match settled(spool, &name) {
                Err(error) if is_gone(&error) => {
                    self.waiting.backlog.remove(&name);
                    continue;
                }
                Err(error) => (None, Err(Fault::from(&error))),
                Ok(Err(fault)) => (None, Err(fault)),
                Ok(Ok(item)) => {
                    let head = ItemHead::from(&item);
                    let handling = Handling {
                        style: Style::default(),
                        recipient: self.recipient,
                        objects: self.objects,
                        queue: self.copies,
                        waiting: &self.waiting,
                    };
                    (Some(head), handling.deliver(&name, &path, item))
                }
            };
            if let Err(Fault { waits_for: Some(object_id), .. }) = &result
                && self.waiting.backlog.let_pass(&name, object_id)
            {
                continue;
            }
            self.waiting.backlog.remove(&name);
            if is_copy {
                self.copied.remove(&name);
                self.copies.remove(&name)?;
            }
            let result = match result {
                Ok(settlement) => {
                    self.keep(settlement)?;
                    Ok(())
                }
                Err(fault) => {
                    self.waiting.faulty.extend(head.as_ref().map(|head| head.id.clone()));
                    // As in the loop: a fault ends the pass.
                    self.waiting.backlog.end_pass();
                    Err(fault)
                }
            };
            let follows = self.take_in_copies()?;
            let first = head.as_ref().and_then(|head| self.waiting.left_out.get(&head.id));
            let overtaken = first.filter(|first| **first < name).cloned();
            return Ok(Some(Step { name, path, head, is_copy, overtaken, follows, result }));
        }
        Ok(None)
    }

    fn keep(&self, settlement: Settlement) -> Result<(), EngineError> {
        match settlement {
            Settlement::Gone { id } | Settlement::Nothing { id } => self.objects.forget(&id)?,
            Settlement::Kept(kept) => {
                if !kept.is_stored {
                    self.objects.store(&kept.state, &kept.facts)?;
                } else if kept.is_changed {
                    self.objects.note(&kept.state, &kept.facts)?;
                }
            }
        }
        Ok(())
    }

    /// What follows waits like everything else.
    fn take_in_copies(&mut self) -> Result<Vec<ItemHead>, EngineError> {
        let mut heads = Vec::new();
        if !self.may_have_copies() {
            return Ok(heads);
        }
        for name in self.copies.names()? {
            if self.copied.contains(&name) {
                continue;
            }
            if let Some(head) = self.head_of(self.copies, &name) {
                self.add(&name, &head);
                self.copied.insert(name);
                heads.push(head);
            }
        }
        Ok(heads)
    }

    /// Whether the folder of copies changed since it was listed. It may hold thousands.
    fn may_have_copies(&mut self) -> bool {
        let changed = fs::metadata(self.copies.dir()).and_then(|folder| folder.modified());
        let Ok(changed) = changed else { return true };
        if self.copies_seen == Some((changed, true)) {
            return false;
        }
        let is_distinct = changed.elapsed().is_ok_and(|age| age > TICK);
        self.copies_seen = Some((changed, is_distinct));
        true
    }

    fn add(&mut self, name: &ItemName, head: &ItemHead) {
        // As in the loop: a type that nobody handles is first in line.
        let rank = self.recipient.rank(head).unwrap_or(0);
        self.waiting.backlog.insert(name, &head.id, rank);
    }

    /// `None`: it is gone, or cannot be understood, which is told when its turn comes.
    fn head_of(&self, spool: &Spool, name: &ItemName) -> Option<ItemHead> {
        match handling::head_of(spool, name) {
            Ok(head) => head,
            Err(Unclear::Settled) => None,
            Err(Unclear::BeingWritten) => match settled(spool, name) {
                Ok(Ok(item)) => Some(ItemHead::from(&item)),
                _ => None,
            },
        }
    }
}

/// Reads an item. One that cannot be understood is waited for as long as somebody may be writing it
/// (S2).
fn settled(spool: &Spool, name: &ItemName) -> Result<Result<ConvertedItem, Fault>, SpoolError> {
    loop {
        let read = spool.read(name, LARGEST)?;
        let parsed = handling::parse(&spool.path_of(name), &read.bytes);
        if parsed.is_ok() || read.is_settled() {
            return Ok(parsed);
        }
        // The end of writing is reported by nobody: only time tells.
        thread::park_timeout(read.settles_in().min(LOOK));
    }
}

impl Waiting for Stage {
    fn has(&self, object_id: &str) -> bool {
        self.backlog.has(object_id)
            || self.faulty.contains(object_id)
            || self.left_out.contains_key(object_id)
    }
}

impl fmt::Debug for Rehearsal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rehearsal of {} ({:?})", self.queue.dir().display(), self.waiting)
    }
}

#[cfg(test)]
mod tests;
