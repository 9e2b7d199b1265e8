//! The loop that every recipient shares: take items in order, bring the recipient to their state, keep
//! the last delivered state of each object, stop at the first faulty item.
//!
//! A recipient (OX App Suite, a Kelvin server) implements [`Recipient`]: it says in which order its
//! types of object go and brings one object to the state that an item carries. Everything else is
//! here:
//!
//! | module | job |
//! |---|---|
//! | [`recipient`] | the trait, and what passes through it |
//! | `slot`, `backlog` | which item is next (S4, S9) |
//! | `objects`, `index` | the last delivered state of each object: `old/` and the index over it (S5) |
//! | `engine` | the loop: take, deliver, stop and retry; in `engine/commit` the groups that share a sync |
//! | `copies` | objects that a recipient puts into the queue again |
//! | `rehearsal`, `notices` | what the loop would do, without doing it, and what the rules would say |
//! | [`forecast`] | what a dry run tells of that |
//! | `private_folder` | where a view and a dry run keep what is theirs |
//! | `pause` | how long to wait before the next attempt |
//! | [`findings`] | what a take-over from another program finds in its directory |
//!
//! # What a crash can leave behind (S5)
//!
//! | the process died after | what is on disk | what the next start does |
//! |---|---|---|
//! | the recipient's answer | queue file, old snapshot | delivers again; the recipient's rules make that harmless |
//! | the snapshot was replaced | queue file, new snapshot, stale index | delivers again against the new snapshot: nothing differs, no call |
//! | the index was updated | queue file, new snapshot | the same |
//! | the queue file was removed | new snapshot | nothing to do |
//! | a deleted object left the index | queue file, snapshot | takes the snapshot in again and deletes again: nothing is there any more |
//!
//! Items that share a sync come again together. So a state is made durable before a later item of the
//! same object, or one that takes over a name, is handed over; and an object leaves the index before its
//! snapshot goes, because one that is known and has no snapshot counts as damage.
//!
//! Items run one after the other for now. [`Recipient::keys`] and `&self` in [`Recipient::deliver`] are
//! there for a scheduler with several workers, which may change nothing that an observer can see.

mod backlog;
mod copies;
mod engine;
pub mod findings;
pub mod forecast;
mod index;
mod notices;
mod objects;
mod pause;
mod private_folder;
pub mod recipient;
mod rehearsal;
mod slot;

pub use copies::Copies;
pub use engine::{Ended, Engine, EngineError, Mode, Style};
pub use notices::Notices;
pub use objects::{Error, Indexing, Known, Objects, Place, Rebuilt};
pub use pause::after as pause_after;
pub use private_folder::PrivateFolder;
pub use recipient::{Access, Delivery, Facts, Fault, Key, Outcome, Recipient, Waiting};
pub use rehearsal::{Rehearsal, Step};
