//! From "something about this entry changed" to the whole state of the object, for each consumer
//! that wants objects of its kind.
//!
//! The converter takes listener files in order, in rounds: it reads them, looks the entries up in
//! LDAP with few searches, maps them to UDM objects, and writes one file per change and consumer.
//! A listener file goes away only after what it led to is safe on disk, so a crash at any point
//! costs nothing but a repetition. One round is looked up while the one before is being written.
//!
//! | the entry | the file's `object_type` | consumers of the entry's kind get | consumers of the file's kind get |
//! |---|---|---|---|
//! | exists, kind K | K, or none that is known | its present state | |
//! | exists, kind K | another kind T | its present state | `"object": null` as T, before it |
//! | exists, of no kind we know | T | | `"object": null` as T |
//! | is gone | T | | `"object": null` as T |
//! | is gone | none that is known | nothing: the file is faulty | |
//! | is gone, its DN is not below `directory.base_dn` | any | nothing: the file is faulty | |
//!
//! The command in the file does not count: the directory wins. Where nobody wants either kind, the
//! file is done.
//!
//! What stands in the way is either the item at the head (unreadable content, or the last rows
//! above: the converter stops there until an administrator removes or corrects it) or the world
//! around (LDAP, a full disk: tried again with growing pauses). Either way nothing is skipped, and
//! the state file of the listener's spool says what it is.

pub mod arguments;
mod convert;
mod converter;
mod lookup;
mod obstacle;
mod reader;
mod readings;
mod round;
mod stage;
mod target;
mod work;

pub use crate::converter::{Converter, Mode, Outcome, StartError, Statistics, Stop};
pub use crate::reader::Reader;
