//! Where the time comes from: the system, or a test that steps it back.

use std::fmt;
use std::time::SystemTime;

/// Source of the wall clock time that item names and ages are made of.
///
/// It may step back, leap or stand still; promise S3 holds all the same.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The present wall clock time.
    fn now(&self) -> SystemTime;
}

/// The clock of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}
