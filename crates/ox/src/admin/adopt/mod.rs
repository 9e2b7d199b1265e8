//! Taking over the data directory of an OX Connector 2.x (ox-provisioning 1, 2, 7, 8).
//!
//! [`inspect`] reads everything and changes nothing; [`take_over`] makes the directory fit for
//! `idspool-ox`, in place or as a copy. Snapshots keep their bytes and times: they are the memory of
//! what OX has. The GDBM files are not read; the index over the snapshots takes their place.
//!
//! | module | job |
//! |---|---|
//! | `topic`, `report` | what can be found, and the findings |
//! | `snapshots`, `clash`, `name` | the check of `listener/old/` |
//! | `queue` | the check of waiting items |
//! | `files` | the check of credentials, mapping, profiles, certificates |
//! | `access` | permissions and owners |
//! | `running` | whether the connector still runs |
//! | `take`, `copy` | the take-over itself |

mod access;
mod clash;
mod copy;
mod files;
mod name;
mod queue;
mod report;
mod running;
mod snapshots;
mod take;
#[cfg(test)]
mod tests;
mod topic;

use std::path::{Path, PathBuf};

use idspool_provisioner::findings::Findings;
use idspool_service::Ox;

use crate::Settings;

pub use super::{Progress, Silent};
pub use report::{Counts, Report, TypeCount};
pub use take::{Done, Way, refuse_half_done, take_over};

/// Bytes of the largest item or snapshot that is read, as in the provisioner.
const LARGEST: u64 = 64 << 20;
/// Folder of the queue in a data directory.
const QUEUE: &str = "listener";
/// Folder of the snapshots in a data directory.
const SNAPSHOTS: &str = "listener/old";
/// The credentials in a data directory.
const CREDENTIALS: &str = "secrets/contexts.json";
/// The user attribute mapping in a data directory.
const MAPPING: &str = "AttributeMapping.json";
/// The access profiles in a data directory.
const PROFILES: &str = "ModuleAccessDefinitions.properties";
/// Extra CA certificates in a data directory.
const CERTIFICATES: &str = "conf/ca-certificates";

/// What is taken over.
#[derive(Debug, Clone)]
pub struct Source {
    /// The connector's data directory.
    pub data: PathBuf,
    /// The folder in which the host's listener leaves its files.
    pub listener: Option<PathBuf>,
}

/// Why a data directory cannot be inspected or taken over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdoptError {
    /// It is none.
    #[error(
        "{} is no data directory of an OX Connector: it has no folder '{QUEUE}'; name the folder that holds \
         {QUEUE}/ and secrets/ (on UCS /var/lib/univention-appcenter/apps/ox-connector/data)",
        path.display()
    )]
    NoDataDirectory {
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
    /// The connector is running.
    #[error(
        "the OX Connector still runs ({process}): stop it and its Listener Converter, then start again"
    )]
    Running {
        /// Name and number of the process.
        process: String,
    },
    /// A consumer of idspool is running.
    #[error("{holder} is at work: stop it, then start again")]
    Busy {
        /// Who it is.
        holder: String,
    },
    /// The target of a copy is in use.
    #[error(
        "{} has {found} already: copy into an empty data directory (ox.data_dir)",
        path.display()
    )]
    Occupied {
        /// The target.
        path: PathBuf,
        /// What is there.
        found: &'static str,
    },
    /// A copy from elsewhere was interrupted.
    #[error(
        "{} holds the half-done copy of {}: finish it with 'idspool ox adopt {} --copy', or remove it",
        path.display(), source_data.display(), source_data.display()
    )]
    HalfDone {
        /// The target.
        path: PathBuf,
        /// What was being copied.
        source_data: PathBuf,
    },
    /// The spool refused something.
    #[error(transparent)]
    Spool(#[from] idspool_spool::Error),
    /// The index refused something.
    #[error(transparent)]
    Objects(#[from] idspool_provisioner::Error),
    /// The credentials cannot be prepared.
    #[error("{0}")]
    Credentials(String),
}

impl AdoptError {
    fn file(operation: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { operation, path, source }
    }
}

/// Reads the whole data directory and says what is in it. Changes nothing.
///
/// # Errors
/// It is no data directory, or one of its folders cannot be listed. What is wrong with single files is
/// a finding.
pub fn inspect(
    source: &Source,
    config: &Ox,
    settings: &Settings,
    progress: &mut dyn Progress,
) -> Result<Report, AdoptError> {
    let data = &source.data;
    if !data.join(QUEUE).is_dir() {
        return Err(AdoptError::NoDataDirectory { path: data.clone() });
    }
    let mut found = Findings::default();
    let mut counts = Counts::default();
    running::check(data, &mut found);
    let snapshots = snapshots::check(data, settings, &mut counts, &mut found, progress)?;
    queue::check(data, &mut counts, &mut found, progress)?;
    if let Some(listener) = &source.listener {
        counts.listener_items = queue::check_listener(listener, &mut found, progress)?;
    }
    files::check(source, config, &snapshots, &mut found);
    let is_in_place = files::is_same(data, &config.data_dir);
    access::check(data, is_in_place, &mut found)?;
    Ok(Report { source: data.clone(), counts, findings: found.into_list() })
}
