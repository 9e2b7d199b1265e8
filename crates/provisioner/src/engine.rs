//! The loop: take the next item, deliver it, commit its effects; or stop at it and try again later.
//!
//! The log lines are those of the OX Connector (ox-provisioning 3.5, 3.7): scripts look for them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use chrono::Utc;
use idspool_service::shutdown::Shutdown;
use idspool_spool::{Consumer, Error as SpoolError, FaultClass, ItemName, ReadItem};
use idspool_udm::{ConvertedItem, ItemHead};
use tracing::{debug, info, warn};

use crate::backlog::Backlog;
use crate::objects::{Error as ObjectsError, Objects};
use crate::pause;
use crate::recipient::{Delivery, Facts, Fault, Outcome, Recipient};

/// How long the loop goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Until a stop is requested; faulty items are tried again.
    Daemon,
    /// Until nothing waits, or an item is faulty.
    Once,
}

/// Why the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Nothing waits any more.
    Done,
    /// A stop was requested. What was begun is finished.
    Requested,
    /// An item is faulty ([`Mode::Once`] only).
    Stopped,
}

/// What ends the loop from outside.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The spool cannot be used.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The kept states cannot be used.
    #[error(transparent)]
    Objects(#[from] ObjectsError),
}

/// Delivers the items of one spool to one recipient.
pub struct Engine<'a> {
    consumer: Consumer,
    recipient: &'a dyn Recipient,
    objects: &'a Objects,
    shutdown: Shutdown,
    backlog: Backlog,
    /// Files that somebody is still writing (S2).
    unsettled: BTreeSet<ItemName>,
    /// The item at which the queue stands.
    faulty: Option<Faulty>,
    /// Items that were delivered, but whose new states are not durable yet.
    uncommitted: Vec<Delivered>,
    /// When the first of them was delivered.
    uncommitted_since: Option<Instant>,
    delivered: u64,
}

/// An item that was delivered, as it was then.
struct Delivered {
    name: ItemName,
    path: PathBuf,
    modified: SystemTime,
}

struct Faulty {
    name: ItemName,
    retry_at: Instant,
}

/// The bytes of a file's beginning that are looked at to learn its type and object.
const HEAD: usize = 512;
/// An item larger than this is faulty: real ones with photo and certificate stay below 1 MiB.
const LARGEST: u64 = 64 << 20;
/// From this consecutive error on they are counted in the log (ox-provisioning 3.5).
const WORTH_COUNTING: u64 = 3;
/// Items that share one sync. More would save little; each holds a descriptor.
const GROUP: usize = 64;
/// How long a delivered item waits for others to share a sync with. Beside a call that takes longer
/// than this, a sync costs nothing.
const GATHERING: Duration = Duration::from_millis(50);
/// How long a file that is being written is left alone before it is looked at again.
const UNSETTLED: Duration = Duration::from_millis(500);

impl<'a> Engine<'a> {
    /// A loop over what `consumer` sees.
    pub fn new(
        consumer: Consumer,
        recipient: &'a dyn Recipient,
        objects: &'a Objects,
        shutdown: Shutdown,
    ) -> Self {
        Self {
            consumer,
            recipient,
            objects,
            shutdown,
            backlog: Backlog::default(),
            unsettled: BTreeSet::new(),
            faulty: None,
            uncommitted: Vec::new(),
            uncommitted_since: None,
            delivered: 0,
        }
    }

    /// Runs until `mode` says that it is enough.
    ///
    /// # Errors
    /// In [`Mode::Once`]: the spool or the kept states cannot be used. A daemon waits until they can.
    pub fn run(mut self, mode: Mode) -> Result<Ended, EngineError> {
        loop {
            if self.shutdown.is_requested() {
                let committed = self.commit();
                self.report();
                return committed.map(|()| Ended::Requested);
            }
            match self.step(mode) {
                Ok(None) => {}
                Ok(Some(ended)) => return Ok(ended),
                Err(error) if mode == Mode::Once => {
                    self.note(&error, Duration::ZERO);
                    return Err(error);
                }
                Err(error) => self.wait_out(&error),
            }
        }
    }

    fn step(&mut self, mode: Mode) -> Result<Option<Ended>, EngineError> {
        let changes = self.consumer.refresh()?;
        for name in changes.disappeared {
            self.backlog.remove(&name);
            self.unsettled.remove(&name);
            self.forgive(&name);
        }
        let mut changed = changes.changed;
        changed.retain(|name| !self.is_as_delivered(name));
        for name in &changed {
            // Edited: try at once, whatever the pause.
            self.forgive(name);
        }
        self.look_at(changes.appeared.into_iter().chain(changed));
        if self.backlog.first().is_none() {
            // May bring items back that were edited while they were under way.
            self.commit()?;
        }
        let Some(next) = self.backlog.first() else {
            self.report();
            if self.unsettled.is_empty() {
                // The faulty item may have been removed, and nothing be left whose success tells it.
                self.consumer.record_success()?;
                if mode == Mode::Once {
                    return Ok(Some(Ended::Done));
                }
            }
            self.wait(None)?;
            return Ok(None);
        };
        if self.unsettled.first().is_some_and(|unsettled| *unsettled < next) {
            // It may be of the same object (S4). It is settled, or faulty, within seconds.
            self.commit()?;
            self.wait(None)?;
            return Ok(None);
        }
        if let Some(faulty) = self.faulty.as_ref().filter(|faulty| faulty.name == next) {
            let pause = faulty.retry_at.saturating_duration_since(Instant::now());
            if !pause.is_zero() {
                self.commit()?;
                self.wait(Some(pause))?;
                return Ok(None);
            }
        }
        let is_delivered = self.take(&next)?;
        if is_delivered {
            return Ok(None);
        }
        // A pass ends here, also where the loop goes on (ox-provisioning 3.5 step 5).
        self.report();
        Ok((mode == Mode::Once).then_some(Ended::Stopped))
    }

    /// Whether the report of a change came after its content was delivered.
    fn is_as_delivered(&self, name: &ItemName) -> bool {
        self.uncommitted
            .iter()
            .any(|item| item.name == *name && is_unchanged(&item.path, item.modified))
    }

    /// Sorts files into the backlog. Each is looked at once (S9).
    fn look_at(&mut self, names: impl IntoIterator<Item = ItemName>) {
        for name in names {
            self.unsettled.remove(&name);
            match self.head_of(&name) {
                Ok(Some(head)) => {
                    // A type that nobody handles is first in line, so that it is named as faulty
                    // before anything else happens (ox-provisioning 3.2, weak point 23).
                    let rank = self.recipient.rank(&head).unwrap_or(0);
                    self.backlog.insert(&name, &head.id, rank);
                }
                Ok(None) => {}
                // The same for a file that cannot be understood; `take` says what is wrong with it.
                Err(Unclear::Settled) => self.backlog.insert(&name, "", 0),
                Err(Unclear::BeingWritten) => {
                    self.unsettled.insert(name);
                }
            }
        }
    }

    fn head_of(&self, name: &ItemName) -> Result<Option<ItemHead>, Unclear> {
        let spool = self.consumer.spool();
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

    /// Handles one item. `false`: it is faulty.
    fn take(&mut self, name: &ItemName) -> Result<bool, EngineError> {
        let path = self.consumer.spool().path_of(name);
        let read = match self.consumer.spool().read(name, LARGEST) {
            Ok(read) => read,
            Err(error) if is_gone(&error) => {
                // Removed a moment ago (S7); the next refresh tells it as well.
                self.backlog.remove(name);
                return Ok(true);
            }
            Err(error) => {
                let fault =
                    Fault { class: error.fault_class(), message: error.to_string(), remedy: None };
                self.stop_at(name, &path, &fault)?;
                return Ok(false);
            }
        };
        let parsed = ConvertedItem::parse(&read.bytes);
        if parsed.is_err() && !read.is_settled() {
            // Its beginning was there, the rest is still being written (S2).
            self.backlog.remove(name);
            self.unsettled.insert(name.clone());
            return Ok(true);
        }
        // Python's way of writing a path; the word and the full path are looked for (3.5 step 1).
        info!("Handling PosixPath('{}')", path.display());
        let delivered = parsed
            .map_err(|error| {
                Fault::permanent(format!("{}: {error}", path.display()))
                    .with_remedy("repair the file or remove it")
            })
            .and_then(|item| self.deliver(name, &path, item));
        match delivered {
            Ok(settlement) => {
                self.settle(name, path, &read, settlement)?;
                Ok(true)
            }
            // A recipient that breaks off because of the request to stop found nothing wrong.
            Err(fault) if self.shutdown.is_requested() && fault.class == FaultClass::Transient => {
                info!("Stopping before {} is done: {}", path.display(), fault.message);
                Ok(true)
            }
            Err(fault) => {
                self.stop_at(name, &path, &fault)?;
                Ok(false)
            }
        }
    }

    fn deliver(
        &self,
        name: &ItemName,
        path: &Path,
        mut item: ConvertedItem,
    ) -> Result<Settlement, Fault> {
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
        let previous = self.objects.previous(&item.id).map_err(|error| fault_of(&error))?;
        let (previous, facts) = previous.unzip();
        let facts = facts.flatten();
        if previous.is_some() {
            let old = self.objects.path_of(&item.id).map_err(|error| fault_of(&error))?;
            info!("Loading old object from {}", old.display());
        } else if item.object.is_none() {
            // Created and removed before anybody looked, or never heard of (3.2): nothing to undo.
            // An earlier item with content would have been delivered before this one.
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
            queue: self.consumer.spool(),
            waiting: &self.backlog,
        })?;
        item.resync = false;
        Ok(match outcome {
            Outcome::Gone => Settlement::Gone { id: item.id },
            Outcome::Keep { object, facts: noted } => {
                let is_enriched = item.object.as_ref() != Some(&object);
                let state = ConvertedItem { object: Some(object), ..item };
                let is_stored = previous.as_ref() == Some(&state);
                let is_noted = is_stored && facts.as_ref() == Some(&noted);
                Settlement::Kept(Box::new(Kept {
                    state,
                    facts: noted,
                    is_enriched,
                    is_stored,
                    is_noted,
                }))
            }
        })
    }

    /// Takes over what came of an item.
    fn settle(
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
                info!("Object was deleted. Deleting {}", path.display());
                self.objects.forget(&id)?;
            }
            Settlement::Kept(kept) => {
                let Kept { state, facts, is_enriched, is_stored, is_noted } = *kept;
                info!("mv {} -> {}", path.display(), self.objects.path_of(&state.id)?.display());
                if is_enriched && !is_stored {
                    info!("... not done yet; enriching object by rewriting JSON file...");
                }
                if !is_stored {
                    self.objects.store(&state, &facts)?;
                } else if !is_noted {
                    self.objects.note(&state, &facts)?;
                }
            }
        }
        self.backlog.remove(name);
        self.faulty = None;
        self.delivered += 1;
        self.uncommitted.push(Delivered { name: name.clone(), path, modified: read.modified });
        let since = *self.uncommitted_since.get_or_insert_with(Instant::now);
        if self.uncommitted.len() >= GROUP || since.elapsed() >= GATHERING {
            self.commit()?;
        }
        Ok(())
    }

    /// Makes the effects of the delivered items durable, then lets the items go (S5).
    fn commit(&mut self) -> Result<(), EngineError> {
        self.uncommitted_since = None;
        let delivered = std::mem::take(&mut self.uncommitted);
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

    fn stop_at(&mut self, name: &ItemName, path: &Path, fault: &Fault) -> Result<(), EngineError> {
        // What went well before it is let go first; and a success clears the count of errors.
        self.commit()?;
        warn!("Error while processing {}", path.display());
        for line in fault.message.lines() {
            warn!("{line}");
        }
        if let Some(remedy) = &fault.remedy {
            warn!("What to do: {remedy}");
        }
        let before = self.consumer.state();
        let is_same = before.filename.as_deref() == Some(path);
        let attempts = if is_same { before.attempts } else { 0 }.saturating_add(1);
        let errors = before.errors.saturating_add(1);
        let pause = pause::after(attempts);
        if errors >= WORTH_COUNTING {
            info!("This is consecutive error #{errors}");
            info!("Sleeping for {} sec", pause.as_secs());
        }
        self.faulty = Some(Faulty { name: name.clone(), retry_at: Instant::now() + pause });
        self.consumer.record_fault(&idspool_spool::Fault {
            item: Some(name.clone()),
            class: fault.class,
            message: fault.message.clone(),
            remedy: fault.remedy.clone(),
            next_attempt: Some(Utc::now() + pause),
        })?;
        Ok(())
    }

    /// Lifts the pause of a faulty item that was removed or edited.
    fn forgive(&mut self, name: &ItemName) {
        if self.faulty.as_ref().is_some_and(|faulty| faulty.name == *name) {
            self.faulty = None;
        }
    }

    fn report(&mut self) {
        if self.delivered > 0 {
            info!("Successfully processed {} files during this run", self.delivered);
            self.delivered = 0;
        }
    }

    fn wait(&mut self, pause: Option<Duration>) -> Result<(), EngineError> {
        let pause = if self.unsettled.is_empty() {
            pause
        } else {
            Some(pause.unwrap_or(UNSETTLED).min(UNSETTLED))
        };
        if !self.shutdown.is_requested() {
            self.consumer.wait(pause)?;
        }
        let names: Vec<ItemName> = self.unsettled.iter().cloned().collect();
        self.look_at(names);
        Ok(())
    }

    /// Tells monitoring why the queue stands although no item is faulty.
    fn note(&self, error: &EngineError, pause: Duration) {
        let noted = self.consumer.record_fault(&idspool_spool::Fault {
            item: None,
            class: FaultClass::Transient,
            message: error.to_string(),
            remedy: Some("see to the disk and the permissions of the data directory".to_owned()),
            next_attempt: (!pause.is_zero()).then(|| Utc::now() + pause),
        });
        if let Err(unwritable) = noted {
            // A full disk, most likely: the log has to do.
            debug!("{unwritable}");
        }
    }

    /// The spool or the snapshots cannot be used: full disk, read-only file system, missing folder.
    /// Nothing is lost by waiting (S8).
    fn wait_out(&mut self, error: &EngineError) {
        warn!("{error}");
        let pause = pause::after(4);
        self.note(error, pause);
        info!("Sleeping for {} sec", pause.as_secs());
        let until = Instant::now() + pause;
        while !self.shutdown.is_requested() && Instant::now() < until {
            // `wait` itself may be what fails, so there is nothing better to wait on.
            std::thread::park_timeout(Duration::from_millis(200));
        }
    }
}

/// Why the object of a file is not known.
enum Unclear {
    /// Unreadable and nobody is writing it any more.
    Settled,
    /// Unreadable and young (S2).
    BeingWritten,
}

/// What is to become of an item that was delivered.
enum Settlement {
    /// The object is gone at the recipient.
    Gone { id: String },
    /// It is the last delivered state.
    Kept(Box<Kept>),
    /// There was nothing to do, and there is nothing to keep.
    Nothing { id: String },
}

/// The last delivered state of an object.
struct Kept {
    state: ConvertedItem,
    facts: Facts,
    /// The recipient added something to the item.
    is_enriched: bool,
    /// The state that is stored is the same already.
    is_stored: bool,
    /// What is noted of it as well.
    is_noted: bool,
}

fn fault_of(error: &ObjectsError) -> Fault {
    let class = match error {
        ObjectsError::BadId { .. } | ObjectsError::Snapshot { .. } => FaultClass::Permanent,
        _ => FaultClass::Transient,
    };
    Fault { class, message: error.to_string(), remedy: None }
}

fn is_gone(error: &SpoolError) -> bool {
    matches!(error, SpoolError::NotFound { .. })
}

fn is_unchanged(path: &Path, modified: SystemTime) -> bool {
    fs::metadata(path).and_then(|metadata| metadata.modified()).is_ok_and(|now| now == modified)
}

#[cfg(test)]
mod tests;
