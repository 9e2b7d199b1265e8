//! Where changes enter idspool: what a directory listener module, a cron job or a script reports
//! becomes one small file per change in the listener's spool.
//!
//! Checking comes first and is strict, because nobody looks at these files before the converter
//! does: a change that cannot be right is refused here, where the one who reports it sees the
//! message. Nothing is written then. A change that is accepted is on disk when [`enqueue`] returns.
//!
//! Or the directory says itself what changes: see [`watch`].
//!
//! An item says that something changed. Whether the entry exists, and what it looks like by now, is
//! the converter's question.

pub mod arguments;
mod change;
mod hook;
mod lines;
pub mod resync;
mod stream;
pub mod watch;

pub use crate::change::{COMMANDS, Refused, change};
pub use crate::hook::{Error, enqueue, run};
pub use crate::lines::{LineError, MAX_INPUT, read_changes};
