//! SIGTERM and SIGINT as a request to stop cleanly.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Whether this process was asked to stop. Clones share the answer.
#[derive(Debug, Clone, Default)]
pub struct Shutdown(Arc<AtomicBool>);

impl Shutdown {
    /// A flag without signals, for tests and for loops inside another process.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a signal has arrived.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Asks for a stop as a signal would.
    pub fn request(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Catches SIGTERM and SIGINT. The first one raises the flag and then calls `on_signal`, which wakes
/// whatever is waiting; the second one ends the process at once with the signal's usual status.
///
/// # Errors
/// The operating system refuses the handler or the thread.
pub fn install(on_signal: impl Fn() + Send + 'static) -> io::Result<Shutdown> {
    let shutdown = Shutdown::new();
    let flag = shutdown.clone();
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            if flag.is_requested() {
                // An impatient administrator: the spool survives this (S1, S5).
                let _unlikely = signal_hook::low_level::emulate_default_handler(signal);
            }
            flag.request();
            on_signal();
        }
    })?;
    Ok(shutdown)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    #[test]
    fn sigterm_raises_the_flag_and_wakes_the_waiting() {
        let (sender, receiver) = mpsc::channel();
        let shutdown = super::install(move || sender.send(()).unwrap()).unwrap();
        assert!(!shutdown.is_requested());
        signal_hook::low_level::raise(signal_hook::consts::SIGTERM).unwrap();
        receiver.recv_timeout(Duration::from_secs(10)).unwrap();
        assert!(shutdown.is_requested());
    }
}
