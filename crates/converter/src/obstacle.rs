//! What keeps the converter from going on.

use std::time::Duration;

use idspool_spool::{Fault, FaultClass, ItemName, Spool};

/// Why no more items can be handled for now.
#[derive(Debug)]
pub(crate) enum Obstacle {
    /// The item at the head is still being written by somebody.
    Unsettled { name: ItemName, settles_in: Duration },
    /// The item at the head needs a person.
    Item { name: ItemName, problem: String, remedy: &'static str },
    /// The LDAP server, or the way to it.
    Directory(idspool_directory::Error),
    /// The listener's spool, or a consumer's.
    Spool { doing: &'static str, error: idspool_spool::Error },
    /// A fault of this program.
    Ours(&'static str),
}

impl Obstacle {
    /// Whether it may go away without anybody doing something.
    pub(crate) fn class(&self) -> FaultClass {
        match self {
            Self::Unsettled { .. } => FaultClass::Transient,
            Self::Item { .. } => FaultClass::Permanent,
            Self::Directory(error) if error.is_transient() => FaultClass::Transient,
            Self::Directory(_) => FaultClass::Permanent,
            Self::Spool { error, .. } => error.fault_class(),
            Self::Ours(_) => FaultClass::Ours,
        }
    }

    /// The item it is about, if it is about one.
    pub(crate) fn item(&self) -> Option<&ItemName> {
        match self {
            Self::Unsettled { name, .. } | Self::Item { name, .. } => Some(name),
            _ => None,
        }
    }

    /// One line for the log: what was being done, to what, what went wrong, what can be done.
    pub(crate) fn message(&self, listener: &Spool) -> String {
        match self {
            Self::Unsettled { name, .. } => {
                format!(
                    "Waiting for {}: it is still being written",
                    listener.path_of(name).display()
                )
            }
            // The words that the manual tells administrators to look for.
            Self::Item { name, problem, remedy } => {
                let path = listener.path_of(name);
                format!("Error while processing {}: {problem}; {remedy}", path.display())
            }
            Self::Directory(error) => format!("Cannot look objects up: failed to {error}"),
            Self::Spool { doing, error } => format!("Cannot {doing}: failed to {error}"),
            Self::Ours(what) => format!("Cannot go on: {what}; please report this"),
        }
    }

    /// What goes into the state file.
    pub(crate) fn fault(&self, listener: &Spool, next_attempt: Duration) -> Fault {
        // The remedy has a place of its own there.
        let (message, remedy) = match self {
            Self::Item { name, problem, remedy } => {
                let path = listener.path_of(name);
                (format!("{}: {problem}", path.display()), Some((*remedy).to_owned()))
            }
            other => (other.message(listener), None),
        };
        let next_attempt = chrono::TimeDelta::from_std(next_attempt)
            .ok()
            .and_then(|pause| chrono::Utc::now().checked_add_signed(pause));
        Fault { item: self.item().cloned(), class: self.class(), message, remedy, next_attempt }
    }
}
