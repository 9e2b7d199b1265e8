//! The objects that travel through idspool, and how an LDAP entry becomes one.
//!
//! - [`ListenerItem`]: "something about this entry changed", one file per change;
//! - [`ConvertedItem`]: the whole state of one UDM object, one file per change and consumer;
//!   [`ItemHead`] is the little that ordering needs, read without parsing the rest;
//! - [`Entry`]: an LDAP entry as a search delivers it;
//! - [`mapping`]: entry to UDM object, in the two encodings that consumers expect;
//! - [`dn`]: distinguished names and the key under which one object is found whatever its spelling;
//! - [`value`]: reading property values in either encoding;
//! - [`school`]: what UCS@school hides in DNs and role strings;
//! - [`Ties`]: what of an object depends on other entries.
//!
//! Everything here is pure: no file, no network, no clock. Nothing that comes from outside makes it
//! panic; sizes are bounded by whoever reads the bytes.

pub mod dn;
mod entry;
mod error;
mod item;
pub mod mapping;
mod module;
mod reading;
pub mod school;
mod uuid;
pub mod value;

pub use entry::Entry;
pub use error::Error;
pub use item::{ConvertedItem, ItemHead, ListenerItem, OldData, UserPasswords};
pub use mapping::Encoding;
pub use module::{MemberKind, Module};
pub use reading::{READINGS, REFERRING, Reading, Ties};
pub use uuid::EntryUuid;
