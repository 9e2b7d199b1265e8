//! What can keep the watcher from its work.

use std::path::PathBuf;

use idspool_service::{ConfigError, Exit};
use idspool_udm::dn;
use rusqlite::ErrorCode;

use super::index::is_damage;

/// The filter is malformed (LDAP_FILTER_ERROR of client libraries).
const FILTER_ERROR: u32 = 87;

/// A fault of the watcher, or of a resync.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WatchError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A value of the configuration cannot be right.
    #[error("{key} is '{value}': {problem}")]
    Setting {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What is wrong and what to write instead.
        problem: String,
    },
    /// The directory, or the way to it.
    #[error("cannot {0}")]
    Directory(#[from] idspool_directory::Error),
    /// The server lacks changes that we know already.
    #[error(
        "cannot follow the directory at {url}: the server cannot go on from the last known state (of what was changed at the server with serverID {server} it has {}); it may be behind (a replica, or restored from a backup)",
        if *is_absent { "nothing" } else { "less than we know" }
    )]
    Behind {
        /// As configured.
        url: String,
        /// Number of the server where the changes were made (`serverID`).
        server: u32,
        /// It has no change of that server at all.
        is_absent: bool,
    },
    /// The listener's spool.
    #[error("cannot {0}")]
    Spool(#[from] idspool_spool::Error),
    /// The index.
    #[error("cannot use the index {}: {cause}; {}", path.display(), remedy(cause))]
    Index {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        cause: rusqlite::Error,
    },
    /// The entries come without what tells what they are.
    #[error(
        "the entry '{dn}' came without objectClass: the bind DN may not read it; give it read access to the whole tree, operational attributes included"
    )]
    Unreadable {
        /// One of them.
        dn: String,
    },
    /// Not even the base is there.
    #[error(
        "the server does not show '{base}': correct listener.bases, or give the bind DN read and search access to the whole tree; nothing was taken for deleted"
    )]
    NothingVisible {
        /// The base.
        base: String,
    },
    /// Nothing is there.
    #[error("no entry {0}")]
    NoEntry(String),
    /// A resync that was asked to stop.
    #[error("interrupted: {enqueued} objects were enqueued and stay; run it again to enqueue all")]
    Interrupted {
        /// How many.
        enqueued: u64,
    },
    /// A resync that failed in the middle.
    #[error("{error}; {enqueued} objects were enqueued before that and stay")]
    Partly {
        /// How many.
        enqueued: u64,
        /// What it failed with.
        error: Box<WatchError>,
    },
}

/// What helps an index. Who removes it loses the deletions of the meantime, so that comes last.
fn remedy(cause: &rusqlite::Error) -> &'static str {
    match cause.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "make room there",
        Some(ErrorCode::SystemIoFailure) => "make room there, or check the disk",
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            "let the user that runs the watcher write to the file and its folder"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "end what else has opened the file"
        }
        _ => {
            "check the disk, or remove the file: it is made anew, and everything is enqueued once more"
        }
    }
}

impl WatchError {
    /// The exit status that goes with it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Config(_) | Self::Setting { .. } => Exit::Usage,
            Self::Directory(error) if error.is_configuration() => Exit::Usage,
            Self::Directory(idspool_directory::Error::Refused { code: FILTER_ERROR, .. }) => {
                Exit::Usage
            }
            Self::Spool(idspool_spool::Error::Locked { .. }) => Exit::Locked,
            Self::Partly { error, .. } => error.exit(),
            _ => Exit::Stopped,
        }
    }

    /// Whether the server has less than what we know already.
    pub(super) fn is_behind(&self) -> bool {
        use idspool_directory::Error::CookieRefused;
        matches!(self, Self::Behind { .. } | Self::Directory(CookieRefused { .. }))
    }

    /// Whether the index has to be made anew.
    pub(super) fn is_damage(&self) -> bool {
        matches!(self, Self::Index { cause, .. } if is_damage(cause))
    }

    /// Whether waiting cannot help.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self.exit(), Exit::Usage | Exit::Locked)
    }

    pub(crate) fn no_dn(key: &'static str, value: &str) -> Result<(), Self> {
        dn::Dn::parse(value).map(drop).map_err(|error| Self::Setting {
            key,
            value: value.to_owned(),
            problem: format!("it is no distinguished name ({error})"),
        })
    }
}
