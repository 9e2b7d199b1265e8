//! The rules that turn changes of UDM objects into calls to OX App Suite.
//!
//! [`OxRecipient`] is a recipient of the provisioner's loop; [`run`] is the whole process.
//!
//! | module | job |
//! |---|---|
//! | `settings`, `mail_server`, `template` | the settings, checked once at start |
//! | `core` | what the rules share |
//! | `credentials`, `password` | `contexts.json` and new administrators |
//! | `profile`, `rights` | `ModuleAccessDefinitions.properties` and the rights of a user |
//! | `mapping`, `date`, `image` | `AttributeMapping.json`, and values on their way to OX |
//! | `props` | properties of one object, in all forms that files have |
//! | `ox_name` | names of objects by the configured identifiers |
//! | `ox`, `client` | the calls to OX as a trait, and over SOAP |
//! | `context`, `access_profile`, `user`, `group`, `account`, `resource` | the rules per type of object |
//! | [`admin`] | what an administrator does beside provisioning |
//! | `edit_lock`, `stamp` | files that administrators edit as well |
//! | `deputy` | deputy permissions |
//! | `requeue` | what follows from a user's new id |
//! | `digest` | whether there is anything to send |
//! | `successor` | entries that were removed and made again |
//! | `unfinished` | deletions that a crash could leave half done |
//! | `halt`, `channel` | skips, faults and log lines |
//! | `dry_run` | what a run would do, without doing it |
//! | `recipient`, `run` | the way in |

mod access_profile;
mod account;
pub mod admin;
mod channel;
mod client;
mod context;
mod core;
mod credentials;
mod date;
mod deputy;
mod digest;
mod dry_run;
mod edit_lock;
#[cfg(test)]
mod fake;
mod group;
mod halt;
mod image;
mod mail_server;
mod mapping;
mod names;
mod ox;
mod ox_name;
mod password;
mod profile;
mod props;
mod recipient;
mod requeue;
mod resource;
mod rights;
mod run;
mod settings;
mod small_file;
mod stamp;
mod successor;
mod template;
#[cfg(test)]
mod tests;
mod unfinished;
mod unsettled;
mod user;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use dry_run::DryRun;
pub use mail_server::{BadServer, MailServer};
pub use recipient::OxRecipient;
pub use run::{Options, client, run};
pub use settings::{Identifier, Settings, SettingsError};
pub use template::{AccountLogin, BadTemplate, ImapLogin, NoValue};

/// Locks a cache or a set. They are valid at every moment, so a panic elsewhere does no harm.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
