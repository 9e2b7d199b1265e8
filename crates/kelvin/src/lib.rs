//! The rules that turn changes of UDM objects into requests to the Kelvin servers of school authorities.
//!
//! One in queue, one out queue per authority ([`Layout`]): [`routing`] copies each change to the authorities that
//! it concerns, and per authority a [`KelvinRecipient`] is a recipient of the provisioner's loop.
//!
//! | module | job |
//! |---|---|
//! | [`conf`] | the files of the administrator: authorities, and which school belongs to which |
//! | `layout` | where everything is below the data directory |
//! | [`routing`] | in queue to out queues, with the last known state of each object |
//! | `kelvin`, `client` | the requests to a server as a trait, and over HTTP |
//! | `site` | one authority: its configuration, its server, the directory behind it |
//! | `target` | what the server has: schools and roles, remembered for a while |
//! | `source` | the school users of our own directory |
//! | `user`, `class` | the rules per type of object |
//! | `keys` | what an item touches, for running items at the same time |
//! | `digest` | the fingerprint of what was last delivered |
//! | `halt` | why an item is not delivered |
//! | [`admin`] | what an administrator does beside provisioning |
//! | `serve` | the process: threads that follow the configuration |
//! | `dry_run` | what would be done with each waiting item |
//! | `recipient`, `run` | the way in |

pub mod admin;
mod class;
mod client;
pub mod conf;
mod digest;
mod dry_run;
#[cfg(test)]
mod fake;
mod halt;
mod kelvin;
mod keys;
mod layout;
mod recipient;
pub mod routing;
mod run;
mod serve;
mod site;
mod source;
mod target;
mod user;

pub use client::{client, fault};
pub use dry_run::DryRun;
pub use kelvin::Kelvin;
pub use layout::Layout;
pub use recipient::KelvinRecipient;
pub use run::{Options, run};
pub use site::{Settings, Site};
pub use source::{LdapSchoolUsers, SchoolUsers, SourceError};
pub use target::Target;
