//! Taking over the directory of a UCS@school ID Connector (id-connector 1, 2, 5).
//!
//! [`inspect`] reads everything and changes nothing; [`take_over`] makes the directory fit for `idspool-kelvin`, in
//! place or as a copy. What waits keeps its names and bytes, and what the ID Connector remembered of each user
//! becomes what routing knows, so that a user who leaves an authority is removed there.
//!
//! | module | job |
//! |---|---|
//! | `topic`, `report` | what can be found, and the findings |
//! | `look` | the check of queues and configuration |
//! | `old_data`, `pickle` | what the ID Connector remembered |
//! | `access` | permissions and owners |
//! | `running` | whether the ID Connector still runs |
//! | `take`, `copy` | the take-over itself |

mod access;
mod copy;
mod look;
mod old_data;
mod pickle;
mod report;
mod running;
mod take;
#[cfg(test)]
mod tests;
mod topic;

use std::path::{Path, PathBuf};

use idspool_service::Kelvin;

use crate::Layout;
use crate::conf::Problem;
use crate::routing::state::StateError;

pub use look::inspect;
pub use report::{Counts, Report};
pub use take::{Done, Way, take_over};

/// Is told how far the work is: what is being done, how much of it, of how much.
pub type Progress<'p> = &'p mut dyn FnMut(&'static str, u64, u64);

/// What is taken over.
#[derive(Debug, Clone)]
pub struct Source {
    /// The ID Connector's directory, which holds `conf` and `data`.
    pub directory: PathBuf,
    /// The folder in which the host's listener leaves its files.
    pub listener: Option<PathBuf>,
}

impl Source {
    /// Where everything is in it.
    fn layout(&self) -> Layout {
        Layout { data: self.directory.join("data"), conf: self.directory.join("conf") }
    }

    /// Whether it is what the configuration names.
    pub fn is_configured(&self, config: &Kelvin) -> bool {
        let same = |one: &Path, other: &Path| match (one.canonicalize(), other.canonicalize()) {
            (Ok(one), Ok(other)) => one == other,
            _ => false,
        };
        same(&self.layout().data, &config.data_dir)
    }
}

/// Why a directory cannot be inspected or taken over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdoptError {
    /// It is none.
    #[error(
        "{} is no directory of an ID Connector: it has no folder 'data/listener'; name the folder that holds conf/ \
         and data/ (on UCS /var/lib/univention-appcenter/apps/ucsschool-id-connector)",
        path.display()
    )]
    NoConnector {
        /// What was named.
        path: PathBuf,
    },
    /// A file or folder cannot be used.
    #[error("{operation} {}: {source}", path.display())]
    File {
        /// What was being done.
        operation: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A file is too large to be what its place says.
    #[error("{} is larger than {LARGEST} bytes: move it away and start again", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The ID Connector is running.
    #[error(
        "the ID Connector still runs ({process}): stop the app and its Listener Converter, then start again"
    )]
    Running {
        /// Name and number of the process.
        process: String,
    },
    /// A program of idspool is at work there.
    #[error("{holder} is at work: stop it, then start again")]
    Busy {
        /// Who it is.
        holder: String,
    },
    /// The target of a copy is in use.
    #[error(
        "{} has school authorities already: copy into an empty data directory (kelvin.data_dir)",
        path.display()
    )]
    Occupied {
        /// The folder of the authorities.
        path: PathBuf,
    },
    /// The configuration of the source or the target cannot be used.
    #[error(transparent)]
    Conf(#[from] Problem),
    /// What was remembered cannot be read.
    #[error("read {}: {source}; restore it from a backup, or move it away to go on without it", path.display())]
    Memory {
        /// The folder.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// What routing knows cannot be written.
    #[error(transparent)]
    State(#[from] StateError),
    /// The spool refused something.
    #[error(transparent)]
    Spool(#[from] idspool_spool::Error),
}

/// Bytes of the largest item that is read, as in the provisioner.
const LARGEST: u64 = 64 << 20;

impl AdoptError {
    fn file(operation: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { operation, path, source }
    }
}

/// What is in a folder; nothing if there is none.
fn entries(folder: &Path) -> Result<Vec<std::fs::DirEntry>, AdoptError> {
    match std::fs::read_dir(folder) {
        Ok(entries) => entries.collect::<Result<_, _>>().map_err(AdoptError::file("list", folder)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(AdoptError::file("list", folder)(error)),
    }
}

/// The names of the folders in `folder`, those that are hidden left out.
fn folders(folder: &Path) -> Result<Vec<String>, AdoptError> {
    let mut names: Vec<String> = entries(folder)?
        .into_iter()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort_unstable();
    Ok(names)
}
