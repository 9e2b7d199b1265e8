//! The cache of internal ids in the snapshots, and the index over them (ox-provisioning 9.1–9.3).
//!
//! The cache is the property `oxDbId` of each user's snapshot. Rebuilding it, or the index, takes the lock
//! of the queue: `idspool-ox` holds new states in memory before they are on disk, and would bring back
//! what was changed beneath it. Forgetting one DN is a single change of the index, which SQLite keeps
//! apart from those of a running `idspool-ox`.
//!
//! | module | job |
//! |---|---|
//! | `held` | the snapshots, kept from `idspool-ox` for a while |
//! | `line` | what is told meanwhile, in the words of the OX Connector's commands |
//! | `walk` | all snapshots of OX users, one after the other |
//! | `ids` | removing ids, and finding them again |
//! | `names` | the users of a context by name |
//! | `index` | the index |

mod held;
mod ids;
mod index;
mod line;
mod names;
#[cfg(test)]
mod tests;
mod walk;

use std::io;
use std::path::PathBuf;

use idspool_ox_soap::ContextId;
use idspool_provisioner::Fault;

use super::adopt::AdoptError;
use crate::halt::Halt;
use crate::recipient::fault_of;
use crate::settings::SettingsError;

pub use ids::{Chunk, delete_ids, find_ids};
pub use index::{Fixed, fix_index, forget, rebuild_index};
pub use line::{Line, Watcher};
pub use walk::Summary;

/// Why the work on cache or index ended early. What was done until then is kept, whole and durable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// Somebody else works with the queue.
    #[error("{holder} works with the snapshots: stop it, run this again, then start it")]
    Busy {
        /// Who it is.
        holder: String,
    },
    /// The data directory is not there.
    #[error("there is no queue {}: check ox.data_dir", path.display())]
    NoQueue {
        /// Where it should be.
        path: PathBuf,
    },
    /// A take-over of the data directory was interrupted.
    #[error(transparent)]
    HalfDone(#[from] AdoptError),
    /// A setting.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The address of OX or the certificates.
    #[error(transparent)]
    Client(#[from] idspool_ox_soap::Error),
    /// A snapshot or the index.
    #[error(transparent)]
    Objects(#[from] idspool_provisioner::Error),
    /// The queue.
    #[error(transparent)]
    Spool(#[from] idspool_spool::Error),
    /// The folder of the snapshots.
    #[error("failed to list {}: {source}", path.display())]
    List {
        /// The folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The data directory cannot be used.
    #[error("{}{}{}", .0.message, if .0.remedy.is_some() { "; " } else { "" }, .0.remedy.as_deref().unwrap_or_default())]
    DataDirectory(Fault),
    /// OX did not answer, or said no.
    #[error("failed to look users up in context {context}: {message}{}{remedy}", if remedy.is_empty() { "" } else { "; " })]
    Ox {
        /// The context.
        context: ContextId,
        /// What went wrong.
        message: String,
        /// What to do; may be empty.
        remedy: String,
    },
    /// What happens could not be told.
    #[error("failed to write the report: {0}")]
    Report(#[from] io::Error),
    /// A stop was requested.
    #[error("stopped on request: run it again to go on where it was")]
    Stopped,
}

impl CacheError {
    fn halted(context: ContextId, halt: Halt) -> Self {
        let fault = fault_of(halt);
        Self::Ox { context, message: fault.message, remedy: fault.remedy.unwrap_or_default() }
    }
}
