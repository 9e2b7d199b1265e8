//! The spool: a directory of small files that carries changes from a producer to a consumer, and
//! that an administrator can `ls`, `cat` and `rm`.
//!
//! # States of a file, and every legal move between them
//!
//! | state | in the directory as | becomes | by | promise |
//! |---|---|---|---|---|
//! | draft | nothing (a file without a name), or `.in-PID-N` where the file system has none | draft, synced | `fsync`, or `syncfs` for a group | S1 |
//! | draft | | gone | a fault, kill -9, power loss; a consumer removes a named one after 10 minutes | S8 |
//! | draft, synced | as before | waiting | `linkat`, or `rename` without replacing, under the lock of `.last` | S2, S3 |
//! | waiting | `*.json` | acknowledged | `fsync` of the directory, one for all items of a group | S1 |
//! | waiting | | gone | a fault before the acknowledgement: taken back, the last item first | S8 |
//! | acknowledged | `*.json` | gone | [`Consumer::done`] after its effects are durable | S5 |
//! | any `*.json` | | gone, edited, moved | an administrator with shell tools, at any time | S7 |
//! | any `*.json` | | in another directory, never over an existing file | [`relocate`] | S1, S3 |
//! | nothing | | waiting | an administrator with shell tools; may be half-written for a moment, see [`ReadItem::is_settled`] | S2, S7 |
//!
//! A consumer sees waiting and acknowledged items alike; only the producer knows the difference.
//!
//! # Files that are not items
//!
//! | name | what it is |
//! |---|---|
//! | `.last` | the greatest name given so far; its lock makes producers take turns |
//! | `.lock` | locked by the consumer, and says who that is |
//! | `.state.json` | where the consumer stands, see [`SpoolState`] |
//! | `.in-*`, `.tmp-*` | being written |
//! | anything else that is no `*.json` file | left alone |
//!
//! What root makes here belongs to the owner of the directory, so that a command of an administrator
//! leaves nothing that the services cannot read.
//!
//! # What the spool does not do
//!
//! It knows nothing of what is in an item. It never removes one by itself, and moves one aside only
//! when an operator says so ([`relocate`]). It makes the removal of an item durable no sooner than the
//! file system does: after a power loss an item may be there again, and doing it again is harmless
//! (S5).

mod clock;
mod consumer;
#[cfg(test)]
mod consumer_tests;
#[cfg(test)]
mod crash_tests;
pub mod durable;
mod enqueue;
mod error;
mod file_system;
mod health;
mod inspect;
mod lock;
mod mark;
mod name;
mod owner;
mod read;
mod replacements;
#[cfg(test)]
mod simulation;
mod spool;
mod state;
mod watch;

pub use clock::{Clock, SystemClock};
pub use consumer::{Changes, Consumer, Wake};
pub use error::{Error, Holder};
pub use inspect::relocate;
pub use lock::FileLock;
pub use mark::boot_id;
pub use name::ItemName;
pub use owner::open_or_create;
pub use read::ReadItem;
pub use replacements::{Replacements, remove_drafts};
pub use spool::Spool;
pub use state::{Fault, FaultClass, SpoolState};
pub use watch::Waker;
