//! What can be wrong with the state, and what the administrator can do.

use std::path::{Path, PathBuf};

use idspool_spool::FaultClass;
use rusqlite::ErrorCode;

/// The state of routing cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// It is damaged.
    #[error(
        "use {}, which says what each school authority was told: it is damaged ({cause}); restore it from a \
         backup, or move it away with the files beside it that begin with its name: it is made anew from what \
         the out queues hold",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        cause: rusqlite::Error,
    },
    /// It belongs to another program.
    #[error("use {}: it is a database of another program; move it away", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It has tables that this version does not know.
    #[error(
        "use {}: it has version {version}, which this idspool does not know; start the version that wrote it, or a \
         newer one",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Version of its tables.
        version: i64,
    },
    /// It cannot be read or written at the moment.
    #[error(
        "{doing} {}: {cause}; check permissions and free space there",
        path.display()
    )]
    Unusable {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        cause: rusqlite::Error,
    },
    /// It cannot be looked at.
    #[error("look at {}: {cause}; check permissions there", path.display())]
    Look {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// It cannot be made.
    #[error(transparent)]
    Make(#[from] idspool_spool::Error),
}

impl StateError {
    pub(super) fn of(path: &Path, doing: &'static str, cause: rusqlite::Error) -> Self {
        use rusqlite::Error::{FromSqlConversionFailure, InvalidColumnType};
        let is_damage = matches!(
            cause.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        ) || matches!(cause, FromSqlConversionFailure(..) | InvalidColumnType(..));
        let path = path.to_owned();
        if is_damage {
            Self::Damaged { path, cause }
        } else {
            Self::Unusable { doing, path, cause }
        }
    }

    /// Whether waiting can help.
    pub fn fault_class(&self) -> FaultClass {
        match self {
            Self::Unusable { .. } | Self::Look { .. } => FaultClass::Transient,
            Self::Make(error) => error.fault_class(),
            Self::Damaged { .. } | Self::Foreign { .. } | Self::Version { .. } => {
                FaultClass::Permanent
            }
        }
    }
}
