//! The request to one thread to come to its end.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use idspool_service::shutdown::Shutdown;

/// Asks a thread to stop, wherever it waits. Clones ask the same thread.
#[derive(Clone, Default)]
pub(crate) struct Stop(Arc<Inner>);

#[derive(Default)]
struct Inner {
    shutdown: Shutdown,
    calls: Mutex<Calls>,
    requested: Condvar,
}

/// What is called when the thread waits for something.
#[derive(Default)]
struct Calls {
    /// Ends its wait for its queue.
    wakes: Option<Box<dyn Fn() + Send>>,
    /// Break off requests to somebody else, for good.
    breaks: Vec<Box<dyn Fn() + Send>>,
    is_breaking: bool,
}

impl Stop {
    /// Asks for the end.
    pub(crate) fn request(&self) {
        self.0.shutdown.request();
        // The lock is held from the look at the flag to the wait, so none of both is missed.
        let calls = self.calls();
        if let Some(wake) = &calls.wakes {
            wake();
        }
        self.0.requested.notify_all();
    }

    /// Wakes the thread out of its wait for its queue, to look around.
    pub(crate) fn nudge(&self) {
        if let Some(wake) = &self.calls().wakes {
            wake();
        }
    }

    /// Waits no longer for what is under way: requests to somebody else end at once.
    pub(crate) fn break_off(&self) {
        self.request();
        let mut calls = self.calls();
        calls.is_breaking = true;
        calls.breaks.iter().for_each(|breaks| breaks());
    }

    pub(crate) fn is_requested(&self) -> bool {
        self.0.shutdown.is_requested()
    }

    /// The same request for a loop over a queue.
    pub(crate) fn shutdown(&self) -> Shutdown {
        self.0.shutdown.clone()
    }

    /// What wakes the thread out of its wait for its queue.
    pub(crate) fn wakes(&self, wake: impl Fn() + Send + 'static) {
        self.calls().wakes = Some(Box::new(wake));
    }

    /// What breaks off a request to somebody else.
    pub(crate) fn breaks(&self, call: impl Fn() + Send + 'static) {
        let mut calls = self.calls();
        if calls.is_breaking {
            call();
        }
        calls.breaks.push(Box::new(call));
    }

    /// Waits so long, or until the end is asked for. `false`: it is.
    pub(crate) fn pause(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut guard = self.calls();
        while !self.is_requested() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            let waited = self.0.requested.wait_timeout(guard, left);
            guard = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        false
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.0.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stop").field("is_requested", &self.is_requested()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_ends_with_its_time_or_with_the_request() {
        let stop = Stop::default();
        assert!(stop.pause(Duration::from_millis(1)));
        let other = stop.clone();
        let waiting = std::thread::spawn(move || other.pause(Duration::from_secs(600)));
        stop.request();
        assert!(!waiting.join().unwrap());
        assert!(!stop.pause(Duration::from_secs(600)));
    }

    #[test]
    fn what_is_under_way_is_broken_off_once_it_is_waited_for_no_longer() {
        let (stop, broken) = (Stop::default(), Arc::new(Mutex::new(Vec::new())));
        let breaks = |name: &'static str| {
            let broken = Arc::clone(&broken);
            stop.breaks(move || broken.lock().unwrap().push(name));
        };
        breaks("early");
        stop.request();
        assert!(broken.lock().unwrap().is_empty());
        stop.break_off();
        breaks("late");
        assert_eq!(*broken.lock().unwrap(), ["early", "late"]);
    }
}
