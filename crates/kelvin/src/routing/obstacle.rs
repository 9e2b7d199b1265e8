//! What keeps routing from going on.

use std::time::Duration;

use idspool_spool::{Fault, FaultClass, ItemName, Spool};

use super::state::StateError;
use crate::conf::AuthorityName;

/// Why no more items can be routed for now.
#[derive(Debug)]
pub(super) enum Obstacle {
    /// The first item is still being written by somebody.
    Unsettled { name: ItemName, settles_in: Duration },
    /// The first item needs a person.
    Item { name: ItemName, problem: String },
    /// The in queue.
    InQueue { doing: &'static str, error: idspool_spool::Error },
    /// The out queue of an authority.
    OutQueue { authority: AuthorityName, error: idspool_spool::Error },
    /// What is known of the objects.
    State(StateError),
    /// The LDAP server, or the way to it.
    Directory(idspool_directory::Error),
}

impl Obstacle {
    /// Whether it may go away without anybody doing something.
    fn class(&self) -> FaultClass {
        match self {
            Self::Unsettled { .. } => FaultClass::Transient,
            Self::Item { .. } => FaultClass::Permanent,
            Self::InQueue { error, .. } | Self::OutQueue { error, .. } => error.fault_class(),
            Self::State(error) => error.fault_class(),
            Self::Directory(error) if error.is_transient() => FaultClass::Transient,
            Self::Directory(_) => FaultClass::Permanent,
        }
    }

    /// The item it is about, if it is about one.
    pub(super) fn item(&self) -> Option<&ItemName> {
        match self {
            Self::Unsettled { name, .. } | Self::Item { name, .. } => Some(name),
            _ => None,
        }
    }

    /// One line for the log: what was being done, to what, what went wrong, what can be done.
    pub(super) fn message(&self, queue: &Spool) -> String {
        let path = |name| queue.path_of(name).display().to_string();
        match self {
            Self::Unsettled { name, .. } => {
                format!("Waiting for {}: it is still being written", path(name))
            }
            Self::Item { name, problem } => {
                format!("Error while processing {}: {problem}; {REMEDY}", path(name))
            }
            Self::InQueue { doing, error } => format!("Cannot {doing}: failed to {error}"),
            Self::OutQueue { authority, error } => {
                format!("Cannot fill the out queue of '{authority}': failed to {error}")
            }
            Self::State(error) => format!("Cannot route items: failed to {error}"),
            Self::Directory(error) => {
                format!("Cannot look password hashes up: failed to {error}")
            }
        }
    }

    /// What goes into the state file of the in queue.
    pub(super) fn fault(&self, queue: &Spool, next_attempt: Duration) -> Fault {
        // The remedy has a place of its own there.
        let (message, remedy) = match self {
            Self::Item { name, problem } => {
                let path = queue.path_of(name);
                (format!("{}: {problem}", path.display()), Some(REMEDY.to_owned()))
            }
            other => (other.message(queue), None),
        };
        let next_attempt = chrono::TimeDelta::from_std(next_attempt)
            .ok()
            .and_then(|pause| chrono::Utc::now().checked_add_signed(pause));
        Fault { item: self.item().cloned(), class: self.class(), message, remedy, next_attempt }
    }
}

const REMEDY: &str = "correct the file, or remove it if the change does not matter";
