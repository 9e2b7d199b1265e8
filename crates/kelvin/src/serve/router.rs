//! The thread between the in queue and the out queues.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use idspool_directory::Settings;
use idspool_provisioner::{Ended, Fault, Mode, pause_after};
use idspool_spool::Error as SpoolError;
use idspool_udm::school::Containers;
use tracing::{error, warn};

use super::guard::guarded;
use super::outcome::{LONG, Outcome, goes_on_after, pause, record_unheld, say};
use super::stop::Stop;
use crate::Layout;
use crate::routing::{Current, HashSource, LdapHashes, Router, RouterError};

/// Distributes the in queue; a seam for tests.
pub(crate) trait Routing: Send + Sync {
    /// Works until it is done or asked to stop.
    fn run(&self, mode: Mode, stop: &Stop) -> Outcome;
}

/// The in queue of an installation.
pub(crate) struct InQueue {
    layout: Layout,
    containers: Containers,
    current: Current,
    directory: Settings,
    /// Made at the start, so that somebody else's lock is noticed before anything begins.
    first: Mutex<Option<Router>>,
}

impl InQueue {
    /// Takes the lock of the in queue.
    ///
    /// # Errors
    /// Somebody else has it, or the in queue cannot be used.
    pub(crate) fn open(
        layout: Layout,
        containers: Containers,
        current: Current,
        directory: Settings,
    ) -> Result<Self, RouterError> {
        let queue = Self { layout, containers, current, directory, first: Mutex::default() };
        let router = queue.router()?;
        *queue.first.lock().unwrap_or_else(PoisonError::into_inner) = Some(router);
        Ok(queue)
    }

    fn router(&self) -> Result<Router, RouterError> {
        let hashes = match LdapHashes::new(self.directory.clone()) {
            Ok(hashes) => Some(Box::new(hashes) as Box<dyn HashSource>),
            Err(problem) => {
                error!("Password hashes are not looked up: {problem}");
                None
            }
        };
        let (layout, containers) = (self.layout.clone(), self.containers.clone());
        Router::new(layout, containers, self.current.clone(), hashes)
    }

    fn work(&self, mode: Mode, stop: &Stop) -> Result<Outcome, Fault> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        let router = match first.map_or_else(|| self.router(), Ok) {
            Ok(router) => router,
            Err(RouterError::InQueue(problem @ SpoolError::Locked { .. })) => {
                warn!("{problem}");
                return Ok(Outcome::Locked);
            }
            Err(RouterError::InQueue(problem)) => {
                return Err(Fault::from(&problem));
            }
        };
        let (woken, stopped) = (router.stop(), router.stop());
        let asked = stop.clone();
        // Its request to stop also ends what it asks the directory, which loses nothing.
        stop.wakes(move || if asked.is_requested() { stopped.stop() } else { woken.wake() });
        if stop.is_requested() {
            return Ok(Outcome::Done);
        }
        Ok(match router.run(mode) {
            Ended::Done | Ended::Requested => Outcome::Done,
            Ended::Stopped => Outcome::Stopped,
        })
    }
}

impl Routing for InQueue {
    fn run(&self, mode: Mode, stop: &Stop) -> Outcome {
        let _lines = tracing::error_span!("queue", "InQueue").entered();
        let mut attempts = 0;
        loop {
            let begun = Instant::now();
            let fault = match guarded(|| self.work(mode, stop)) {
                // Taken by somebody between a break and the next attempt.
                Ok(Ok(Outcome::Locked)) if mode == Mode::Daemon => {
                    attempts += 1;
                    if stop.pause(pause_after(attempts)) {
                        continue;
                    }
                    return Outcome::Done;
                }
                Ok(Ok(outcome)) => return outcome,
                Ok(Err(fault)) | Err(fault) => fault,
            };
            attempts = if begun.elapsed() > LONG { 1 } else { attempts + 1 };
            let pause = pause(mode, attempts);
            say(&fault);
            record_unheld(&self.layout.in_queue(), &fault, pause);
            if !goes_on_after(pause, stop) {
                return if stop.is_requested() { Outcome::Done } else { Outcome::Stopped };
            }
        }
    }
}
