//! Why a school authority cannot be added, changed or removed.

use std::path::{Path, PathBuf};

use crate::conf::{AuthorityName, BadName, Problem, Violation};

/// What was wanted cannot be done; nothing was changed unless the text says so. No text holds secrets.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// The name cannot be that of a file.
    #[error(transparent)]
    Name(#[from] BadName),
    /// The authority is there.
    #[error("school authority '{name}' already exists: remove it first, or edit its file")]
    Exists {
        /// Its name.
        name: AuthorityName,
    },
    /// The authority is not there.
    #[error("there is no school authority '{name}' in {}", folder.display())]
    Unknown {
        /// What was named.
        name: AuthorityName,
        /// Where it would be.
        folder: PathBuf,
    },
    /// The document is no authority (id-connector 5.2).
    #[error("this is no school authority: {}", texts(violations))]
    Invalid {
        /// What is wrong with it.
        violations: Vec<Violation>,
    },
    /// The document is one, but nothing can be sent to it.
    #[error("school authority '{name}' could not be served: {reason}")]
    NotServable {
        /// Its name.
        name: AuthorityName,
        /// Why not.
        reason: String,
    },
    /// No place for a password.
    #[error(
        "school authority '{name}' has no configuration of a Kelvin plugin that a password could belong to: \
         write one into its file"
    )]
    NoPlugin {
        /// Its name.
        name: AuthorityName,
    },
    /// A password that is none.
    #[error("the password is empty, or the asterisks that stand for one")]
    BadPassword,
    /// A school without a name.
    #[error("the name of the school is empty or has control characters")]
    BadSchool,
    /// The files as a whole cannot be used.
    #[error(transparent)]
    Conf(#[from] Problem),
    /// A file is there but cannot be used.
    #[error("{} cannot be used: {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The queue is being worked on.
    #[error(
        "the file of school authority '{name}' is removed, but its queue {} is still used by {holder}: stop that, \
         and repeat the command",
        queue.display()
    )]
    Busy {
        /// The authority.
        name: AuthorityName,
        /// Its queue.
        queue: PathBuf,
        /// Who works on it.
        holder: String,
    },
    /// A file or folder cannot be used.
    #[error("failed to {operation} {}: {source}", path.display())]
    File {
        /// What was being done.
        operation: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A file cannot be written, or a queue not be used.
    #[error("failed to {0}")]
    Spool(#[from] idspool_spool::Error),
}

impl AdminError {
    pub(super) fn file(
        operation: &'static str,
        path: &Path,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { operation, path, source }
    }
}

fn texts(violations: &[Violation]) -> String {
    violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
