//! The connection to the LDAP server: TLS, bind, time limits, reconnect, and look-ups in batches.
//!
//! [`Directory`] is a blocking handle on one persistent connection. It connects when it is first
//! needed, sends the searches of one look-up together (the server answers them side by side), and
//! turns the answers into [`idspool_udm::Entry`] values. A connection that turns out to be closed is
//! opened again once, silently; whatever fails after that is an [`Error`] that says what was being
//! done, to which server, and what the administrator can do. Waiting and trying again is the
//! caller's business, [`Backoff`] says how long.
//!
//! Guards against a broken server: every operation has a time limit; answers are limited in number
//! of entries and in size; an answer that the protocol library cannot digest (it panics on some)
//! ends in [`Error::Malformed`] and a new connection, never in the end of the process; size, depth and
//! number of parts of a message are checked before that library sees it.
//!
//! [`Directory::synchronise`] follows searches with RFC 4533. Its messages are decoded here, since the
//! protocol library's own readers panic on what they do not expect.
//!
//! What this crate does not do: it knows no UDM modules, keeps no cache, and never logs or formats
//! entries and passwords.

mod backoff;
mod ber;
mod connection;
mod decode;
mod error;
mod framing;
mod lookup;
mod naming;
mod server;
mod settings;
mod sync;
mod tls;
mod transport;
mod window;

pub use crate::backoff::Backoff;
pub use crate::connection::{Directory, Interrupt};
pub use crate::error::Error;
pub use crate::lookup::{MAX_ANSWER_BYTES, PagePlace};
pub use crate::naming::Naming;
pub use crate::settings::{Credentials, Settings};
pub use crate::sync::{EntryState, RawUuid, SyncMessage, SyncMode, SyncSearch, Synchronisation};
