//! The loop: take the next item, deliver it, commit its effects; or stop at it and try again later.
//!
//! Scripts look for its log lines, so their words are those of the program that it replaces ([`Style`]).

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use chrono::Utc;
use idspool_service::shutdown::Shutdown;
use idspool_spool::{Consumer, Error as SpoolError, FaultClass, ItemName};
use tracing::{debug, info, warn};

use self::commit::Uncommitted;
use self::handling::{Handling, LARGEST, Unclear, is_gone};
pub use self::style::Style;
use crate::backlog::Backlog;
use crate::objects::{Error as ObjectsError, Objects};
use crate::pause;
use crate::recipient::{Fault, Recipient};

pub(crate) mod commit;
pub(crate) mod handling;
pub(crate) mod style;

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
    style: Style,
    backlog: Backlog,
    /// Files that somebody is still writing (S2).
    unsettled: BTreeSet<ItemName>,
    /// The item at which the queue stands.
    faulty: Option<Faulty>,
    uncommitted: Uncommitted,
    delivered: u64,
    /// The directory was listed since the last delivery ([`Mode::Once`] only).
    is_listed: bool,
}

struct Faulty {
    /// The item, after those that wait for it.
    names: Vec<ItemName>,
    retry_at: Instant,
}

/// From this consecutive error on they are counted in the log (ox-provisioning 3.5).
const WORTH_COUNTING: u64 = 3;
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
            style: Style::default(),
            backlog: Backlog::default(),
            unsettled: BTreeSet::new(),
            faulty: None,
            uncommitted: Uncommitted::default(),
            delivered: 0,
            is_listed: false,
        }
    }

    /// Whose words the log lines have; those of the OX Connector unless told.
    #[must_use]
    pub fn with_style(mut self, style: Style) -> Self {
        self.style = style;
        self
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
                Err(error) => {
                    self.backlog.end_pass();
                    self.wait_out(&error);
                }
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
                    if self.is_listed {
                        return Ok(Some(Ended::Done));
                    }
                    // Reports of items that were enqueued during this run may be on their way
                    // (ox-provisioning 3.1).
                    self.is_listed = true;
                    self.consumer.list_at_next_refresh();
                    return Ok(None);
                }
            }
            self.wait(None)?;
            return Ok(None);
        };
        if !self.backlog.is_in_pass() {
            self.report();
        }
        if self.unsettled.first().is_some_and(|unsettled| *unsettled < next) {
            // It may be of the same object (S4). It is settled, or faulty, within seconds.
            self.commit()?;
            self.wait(None)?;
            return Ok(None);
        }
        if let Some(faulty) = self.faulty.as_ref().filter(|faulty| faulty.names.contains(&next)) {
            let pause = faulty.retry_at.saturating_duration_since(Instant::now());
            if !pause.is_zero() {
                self.commit()?;
                // What arrives meanwhile may go before it.
                self.backlog.end_pass();
                self.wait(Some(pause))?;
                return Ok(None);
            }
        }
        self.is_listed = false;
        self.backlog.begin_pass();
        let is_delivered = self.take(&next)?;
        if is_delivered {
            return Ok(None);
        }
        self.backlog.end_pass();
        // A pass ends here, also where the loop goes on (ox-provisioning 3.5 step 5).
        self.report();
        Ok((mode == Mode::Once).then_some(Ended::Stopped))
    }

    /// Sorts files into the backlog. Each is looked at once (S9).
    fn look_at(&mut self, names: impl IntoIterator<Item = ItemName>) {
        for name in names {
            self.unsettled.remove(&name);
            match handling::head_of(self.consumer.spool(), &name) {
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
                self.stop_at(name, &path, &Fault::from(&error))?;
                return Ok(false);
            }
        };
        let parsed = handling::parse(&path, &read.bytes);
        if parsed.is_err() && !read.is_settled() {
            // Its beginning was there, the rest is still being written (S2).
            self.backlog.remove(name);
            self.unsettled.insert(name.clone());
            return Ok(true);
        }
        self.style.begin(&path);
        let prepared = parsed.and_then(|item| self.handling().prepare(&path, item));
        if prepared.as_ref().is_ok_and(|next| self.uncommitted.must_be_kept_before(next)) {
            self.commit()?;
        }
        let delivered =
            prepared.and_then(|prepared| self.handling().hand_over(name, &path, prepared));
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
            Err(fault) if self.lets_pass(name, &path, &fault) => Ok(true),
            Err(fault) => {
                self.stop_at(name, &path, &fault)?;
                Ok(false)
            }
        }
    }

    /// Whether an item of another object goes first now, because this one needs what that one has.
    fn lets_pass(&mut self, name: &ItemName, path: &Path, fault: &Fault) -> bool {
        let object_id = fault.waits_for.as_deref();
        let is_passed = object_id.is_some_and(|id| self.backlog.let_pass(name, id));
        if is_passed {
            info!("{} waits for an item behind it: {}", path.display(), fault.message);
        }
        is_passed
    }

    fn handling(&self) -> Handling<'_> {
        Handling {
            style: self.style,
            recipient: self.recipient,
            objects: self.objects,
            queue: self.consumer.spool(),
            waiting: &self.backlog,
        }
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
        let mut names: Vec<ItemName> = self.backlog.detour().collect();
        if names.last() != Some(name) {
            names.push(name.clone());
        }
        self.faulty = Some(Faulty { names, retry_at: Instant::now() + pause });
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
        if self.faulty.as_ref().is_some_and(|faulty| faulty.names.contains(name)) {
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

#[cfg(test)]
mod tests;
