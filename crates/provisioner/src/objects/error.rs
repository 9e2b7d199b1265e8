//! What can go wrong with the kept states.

use std::io;
use std::path::PathBuf;

use idspool_spool::FaultClass;

use crate::Fault;

/// What can go wrong with the kept states.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An id that cannot name a file.
    #[error(
        "'{id}' is no usable object id: expected letters, digits, hyphens; correct it in the file, or remove the file"
    )]
    BadId {
        /// The id, shortened.
        id: String,
    },
    /// A file or folder.
    #[error("failed to {operation} {}: {source}", path.display())]
    File {
        /// What was being done.
        operation: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A durable write.
    #[error(transparent)]
    Write(#[from] idspool_spool::Error),
    /// A snapshot that is none.
    #[error(
        "snapshot {} is damaged: {source}; restore it from a backup, or remove it and re-provision the object",
        path.display()
    )]
    Snapshot {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<idspool_udm::Error>,
    },
    /// An object that is known by its DN, but whose snapshot is gone (ox-provisioning 2.5). The text is
    /// that of the OX Connector.
    #[error(
        "Old object file {} for {dn} does not exist!\nYou need to re-provision \"{dn}\" (see \
         https://docs.software-univention.de/ox-connector-app/latest/troubleshooting.html\
         #traceback-provisioning-groups).",
        path.display()
    )]
    SnapshotMissing {
        /// Where it should be.
        path: PathBuf,
        /// The DN that was looked up.
        dn: String,
    },
    /// The index.
    #[error("failed to use the index {}: {source}; {}", path.display(), index_remedy(source))]
    Index {
        /// Its file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

impl Error {
    /// Whether a retry can help.
    #[must_use]
    pub fn fault_class(&self) -> FaultClass {
        match self {
            Self::BadId { .. } | Self::Snapshot { .. } | Self::SnapshotMissing { .. } => {
                FaultClass::Permanent
            }
            _ => FaultClass::Transient,
        }
    }

    /// This error as what is wrong with the item that met it.
    #[must_use]
    pub fn to_fault(&self) -> Fault {
        let remedy = match self {
            Self::SnapshotMissing { dn, .. } => Some(format!(
                "report {dn} to the listener again (idspool-listener hook); if it is gone from the \
                 directory, run: idspool ox cache forget {}",
                quoted(dn)
            )),
            _ => None,
        };
        Fault { remedy, ..Fault::of(self.fault_class(), self.to_string()) }
    }
}

fn index_remedy(error: &rusqlite::Error) -> &'static str {
    use rusqlite::ErrorCode::{CannotOpen, DatabaseBusy, DiskFull, PermissionDenied, ReadOnly};
    match error.sqlite_error_code() {
        Some(DiskFull) => "free space on this file system",
        Some(CannotOpen | PermissionDenied | ReadOnly) => {
            "check the rights of the file and its folder, and run this as the user of the data directory"
        }
        Some(DatabaseBusy) => "somebody else works with it: try again",
        _ => "it can be removed, it is made anew",
    }
}

/// For a shell: as one word, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_is_only_to_be_removed_where_that_helps() {
        let text = |code| {
            let source = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
            Error::Index { path: "x".into(), source }.to_string()
        };
        assert!(text(rusqlite::ffi::SQLITE_FULL).ends_with("free space on this file system"));
        assert!(text(rusqlite::ffi::SQLITE_READONLY).contains("check the rights"));
        assert!(text(rusqlite::ffi::SQLITE_ERROR).contains("it can be removed"));
    }

    #[test]
    fn the_command_of_the_remedy_can_be_pasted() {
        let dn = "cn=o'neil; x,dc=x".to_owned();
        let remedy = Error::SnapshotMissing { path: "x".into(), dn }.to_fault().remedy.unwrap();
        assert!(remedy.ends_with(r"idspool ox cache forget 'cn=o'\''neil; x,dc=x'"), "{remedy}");
    }
}
