//! The thread of one authority: opens its queue, waits until its server can be reached, and runs the loop.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use idspool_provisioner::{Ended, Engine, Fault, Mode, Objects, Style, pause_after};
use idspool_spool::{Consumer, Error as SpoolError, Spool};
use tracing::{debug, error, info, warn};

use super::equipment::Equip;
use super::guard::guarded;
use super::outcome::{LONG, Outcome, PROGRAM, goes_on_after, pause, record, record_unheld, say};
use super::standing::Job;
use super::stop::Stop;
use crate::conf::{Authority, AuthorityName, Problem, SchoolMapping};
use crate::recipient::KelvinRecipient;

/// What the thread of one authority needs.
pub(crate) struct Worker {
    pub(crate) name: AuthorityName,
    pub(crate) job: Job,
    pub(crate) queue: PathBuf,
    pub(crate) schools: Arc<SchoolMapping>,
    pub(crate) equip: Arc<dyn Equip>,
    pub(crate) stop: Stop,
    pub(crate) mode: Mode,
}

/// What the loop works with.
struct Ready {
    recipient: KelvinRecipient,
    objects: Objects,
}

impl Worker {
    /// Works until it is done or asked to stop. Whatever goes wrong is recorded in the queue, and tried again.
    pub(crate) fn run(&self) -> Outcome {
        let _lines = tracing::error_span!("queue", "OutQueue({})", self.name).entered();
        let mut attempts = 0;
        loop {
            let begun = Instant::now();
            let fault = match guarded(|| self.work()) {
                Ok(Ok(outcome)) => return outcome,
                Ok(Err(fault)) | Err(fault) => fault,
            };
            attempts = if begun.elapsed() > LONG { 1 } else { attempts + 1 };
            let pause = pause(self.mode, attempts);
            say(&fault);
            record_unheld(&self.queue, &fault, pause);
            if !goes_on_after(pause, &self.stop) {
                return Outcome::Stopped;
            }
        }
    }

    /// # Errors
    /// The queue cannot be opened.
    fn work(&self) -> Result<Outcome, Fault> {
        let consumer = match self.open()? {
            Some(consumer) => consumer,
            None => return Ok(Outcome::Locked),
        };
        let waker = consumer.waker();
        self.stop.wakes(move || waker.wake());
        let is_usable = matches!(self.job, Job::Serve { .. });
        if is_usable && self.mode == Mode::Once && is_empty(&consumer)? {
            // Its server need not be asked for that.
            consumer.record_success().map_err(unusable)?;
            return Ok(Outcome::Done);
        }
        let Some(Ready { recipient, objects }) = self.begin(&consumer) else {
            let is_asked = self.stop.is_requested();
            return Ok(if is_asked { Outcome::Done } else { Outcome::Stopped });
        };
        let engine = Engine::new(consumer, &recipient, &objects, self.stop.shutdown());
        let ended = engine.with_style(Style::IdConnector).run(self.mode);
        if let Err(problem) = objects.close() {
            // The index is compared with the files at the next start: slower, nothing else.
            error!("{problem}");
        }
        Ok(match ended {
            Ok(Ended::Done | Ended::Requested) => Outcome::Done,
            Ok(Ended::Stopped) => Outcome::Stopped,
            Err(problem) => {
                error!("{problem}");
                Outcome::Stopped
            }
        })
    }

    /// The right to work on the queue; `None`: somebody else has it.
    fn open(&self) -> Result<Option<Consumer>, Fault> {
        let mut attempts = 0;
        loop {
            match Spool::create(&self.queue).and_then(|spool| spool.consumer(PROGRAM)) {
                Ok(consumer) => return Ok(Some(consumer)),
                Err(problem @ SpoolError::Locked { .. }) => {
                    attempts += 1;
                    if self.mode == Mode::Once {
                        info!("{problem}");
                        return Ok(None);
                    }
                    if attempts == 1 {
                        warn!("{problem}; waiting until it is free");
                    }
                    if !self.stop.pause(pause_after(attempts)) {
                        return Ok(None);
                    }
                }
                Err(problem) => return Err(unusable(problem)),
            }
        }
    }

    /// Gets ready, however long that takes; nothing is consumed meanwhile (id-connector 2.2). `None`: it is
    /// not to be, since the end is asked for or one attempt is all there is.
    fn begin(&self, consumer: &Consumer) -> Option<Ready> {
        let authority = match &self.job {
            Job::Serve { authority, .. } => authority,
            Job::Stand(problem) => {
                self.stand(consumer, problem);
                return None;
            }
        };
        let mut attempts = 0;
        loop {
            match self.ready(authority) {
                Ok(ready) => {
                    let state = consumer.state();
                    if state.filename.is_none()
                        && let Err(problem) = consumer.record_success()
                    {
                        debug!("{problem}");
                    }
                    return Some(ready);
                }
                // Asking broke off because of the request: no fault.
                Err(_) if self.stop.is_requested() => return None,
                Err(fault) => {
                    attempts += 1;
                    let pause = pause(self.mode, attempts);
                    say(&fault);
                    record(consumer, &fault, pause);
                    if !goes_on_after(pause, &self.stop) {
                        return None;
                    }
                }
            }
        }
    }

    /// Stands at a file that cannot be used. Another one means another thread.
    fn stand(&self, consumer: &Consumer, problem: &Problem) {
        let fault = Fault::permanent(problem.to_string()).with_remedy(
            "correct the file, it is read again when it changes; what arrives waits in the queue",
        );
        record(consumer, &fault, Duration::ZERO);
        if self.mode == Mode::Daemon {
            while self.stop.pause(Duration::from_secs(3600)) {}
        }
    }

    fn ready(&self, authority: &Arc<Authority>) -> Result<Ready, Fault> {
        let site = self.equip.site(authority, &self.schools, &self.stop)?;
        site.target.read()?;
        let objects = Objects::open(&self.queue, KelvinRecipient::INDEXING)
            .map_err(|error| error.to_fault())?;
        info!("Provisioning {} to {}", self.queue.display(), authority.url);
        Ok(Ready { recipient: KelvinRecipient::new(site), objects })
    }
}

fn is_empty(consumer: &Consumer) -> Result<bool, Fault> {
    Ok(consumer.spool().names().map_err(unusable)?.is_empty())
}

fn unusable(error: SpoolError) -> Fault {
    Fault::from(&error).with_remedy("see to the disk and the permissions of the data directory")
}

/// Forgets that a queue stood at something other than an item: nobody is to work on it any more.
pub(crate) fn forgive(queue: &Path) {
    let forgiven = Spool::open(queue).and_then(|spool| {
        let state = spool.state()?;
        if state.is_healthy() || state.filename.is_some() {
            return Ok(());
        }
        spool.consumer(PROGRAM)?.record_success()
    });
    if let Err(problem) = forgiven {
        // Only what operators see is out of date.
        debug!("{problem}");
    }
}
