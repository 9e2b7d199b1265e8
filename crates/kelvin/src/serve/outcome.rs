//! How a thread goes on after something went wrong, and how it ends.

use std::path::Path;
use std::time::Duration;

use chrono::Utc;
use idspool_provisioner::{Fault, Mode, pause_after};
use idspool_spool::{Consumer, Spool};
use tracing::{debug, warn};

use super::stop::Stop;

/// The name under which locks are held.
pub(super) const PROGRAM: &str = "idspool-kelvin";

/// Who worked so long begins anew with the shortest pause when something breaks off.
pub(super) const LONG: Duration = Duration::from_secs(600);

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

/// How long to wait after so many attempts; [`Duration::ZERO`]: there is no other.
pub(super) fn pause(mode: Mode, attempts: u64) -> Duration {
    match mode {
        Mode::Daemon => pause_after(attempts),
        Mode::Once => Duration::ZERO,
    }
}

/// Waits. `false`: there is no other attempt.
pub(super) fn goes_on_after(pause: Duration, stop: &Stop) -> bool {
    !pause.is_zero() && stop.pause(pause)
}

pub(super) fn say(fault: &Fault) {
    warn!("{}", fault.message);
    if let Some(remedy) = &fault.remedy {
        warn!("What to do: {remedy}");
    }
}

/// Tells monitoring why the queue stands although no item is faulty.
pub(super) fn record(consumer: &Consumer, fault: &Fault, pause: Duration) {
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

/// The same where the lock went with what broke off.
pub(super) fn record_unheld(queue: &Path, fault: &Fault, pause: Duration) {
    match Spool::open(queue).and_then(|spool| spool.consumer(PROGRAM)) {
        Ok(consumer) => record(&consumer, fault, pause),
        Err(problem) => debug!("{problem}"),
    }
}
