//! Content synchronisation (RFC 4533): follow what a search would find.
//!
//! [`message`] decodes what the server sends, [`session`] keeps the searches going. What the
//! messages mean for somebody who remembers the content is not decided here.

mod message;
#[cfg(test)]
mod properties;
mod session;

pub use message::{EntryState, RawUuid, SyncMessage};
pub use session::{SyncMode, SyncSearch, Synchronisation};
