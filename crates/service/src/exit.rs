//! The exit status of every idspool command.

use std::process::ExitCode;

/// Why a process ended. The numbers are an interface: cron jobs and supervisors read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything that was to be done is done.
    Done = 0,
    /// Stopped at a faulty item, or a check found something.
    Stopped = 1,
    /// Wrong usage or configuration; nothing was done.
    Usage = 2,
    /// Another instance holds the lock of the spool.
    Locked = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}
