//! The thread of one authority: opens its queue, waits until its server can be reached, and runs the loop.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use idspool_provisioner::{Ended, Engine, Fault, Mode, Objects, Style, pause_after};
use idspool_spool::{Consumer, Error as SpoolError, Spool};
use tracing::{debug, error, info, warn};

use super::equipment::Equip;
use super::guard::guarded;
use super::standing::Job;
use super::stop::Stop;
use crate::conf::{Authority, AuthorityName, Problem, SchoolMapping};
use crate::recipient::KelvinRecipient;

/// The name under which locks are held.
pub(crate) const PROGRAM: &str = "idspool-kelvin";

/// Who worked so long begins anew with the shortest pause when something breaks off.
const LONG: Duration = Duration::from_secs(600);

/// How a thread came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing waits any more, or the end was asked for.
    Done,
    /// It stands at a fault ([`Mode::Once`] only).
    Stopped,
    /// Somebody else works on the queue.
    Locked,
}

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
            let pause = self.pause(attempts);
            say(&fault);
            // The lock went with what broke off.
            if let Ok(consumer) = Spool::open(&self.queue).and_then(|spool| spool.consumer(PROGRAM))
            {
                record(&consumer, &fault, pause);
            }
            if !self.goes_on_after(pause) {
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
        self.stop.wakes(consumer.waker());
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
                    let pause = self.pause(attempts);
                    say(&fault);
                    record(consumer, &fault, pause);
                    if !self.goes_on_after(pause) {
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

    /// [`Duration::ZERO`]: there is no other attempt.
    fn pause(&self, attempts: u64) -> Duration {
        match self.mode {
            Mode::Daemon => pause_after(attempts),
            Mode::Once => Duration::ZERO,
        }
    }

    fn goes_on_after(&self, pause: Duration) -> bool {
        !pause.is_zero() && self.stop.pause(pause)
    }
}

fn is_empty(consumer: &Consumer) -> Result<bool, Fault> {
    Ok(consumer.spool().names().map_err(unusable)?.is_empty())
}

fn unusable(error: SpoolError) -> Fault {
    Fault { class: error.fault_class(), message: error.to_string(), remedy: None }
        .with_remedy("see to the disk and the permissions of the data directory")
}

fn say(fault: &Fault) {
    warn!("{}", fault.message);
    if let Some(remedy) = &fault.remedy {
        warn!("What to do: {remedy}");
    }
}

/// Tells monitoring why the queue stands although no item is faulty.
fn record(consumer: &Consumer, fault: &Fault, pause: Duration) {
    let recorded = consumer.record_fault(&idspool_spool::Fault {
        item: None,
        class: fault.class,
        message: fault.message.clone(),
        remedy: fault.remedy.clone(),
        next_attempt: (!pause.is_zero()).then(|| Utc::now() + pause),
    });
    if let Err(unwritable) = recorded {
        // A full disk, most likely: the log has to do.
        debug!("{unwritable}");
    }
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
