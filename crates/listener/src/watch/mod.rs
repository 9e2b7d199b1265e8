//! `idspool-listener watch`: the directory itself says what changes (RFC 4533).
//!
//! The server is asked for every entry below the bases, and then tells what happens to them. What it
//! tells is compared with the [`index`], so that only what is new leads to items, and so that what
//! the server does not tell can be found out: see the table in [`content`].
//!
//! An item is noted in the index together with the change that it follows from, and leaves it when
//! it is durable in the spool; the cookie, which tells the server where to go on, moves after that.
//! So a crash at any point repeats items, and loses none.

mod behind;
mod census;
mod compare;
mod consequence;
mod content;
mod cookie;
mod delivery;
mod error;
mod index;
mod kind;
mod name;
mod outbox;
mod readings;
mod reference;
mod refresh;
#[cfg(test)]
mod rules;
mod settings;
mod standing;
mod tree;
mod watcher;
mod work;

pub use error::WatchError;
pub use settings::WatchSettings;
pub use standing::WatchStanding;
pub use watcher::{WatchMode, WatchStop, Watcher};

pub(crate) use census::known;
pub(crate) use kind::ORDER;
